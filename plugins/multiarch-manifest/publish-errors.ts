/** Every message about publishing: destinations, tags, what was rolled back. Knows only BtError. */
import { BtError } from "../../core/index.ts";

export function destinationTwice(to: string, first: string, second: string): BtError {
  return new BtError("MANIFEST_DESTINATION_TWICE", `"${first}" and "${second}" both publish to "${to}"`, {
    fix: "Give one of them another destination, or run only one of them.",
  });
}

export function digestUnwanted(to: string): BtError {
  return new BtError(
    "MANIFEST_DESTINATION",
    `The destination "${to}" has a digest, which only the published bytes decide`,
    {
      fix: "Remove the part from @ on.",
    },
  );
}

export function imagesBroken(findings: readonly string[]): BtError {
  return new BtError(
    "MANIFEST_IMAGES_BROKEN",
    `${findings.length} things keep the images from being published; no tag was moved`,
    {
      exitCode: 1,
      detail: findings,
      fix: "Mend what is listed, then publish again.",
    },
  );
}

export function registryWanted(text: string): BtError {
  return new BtError("MANIFEST_REGISTRY_WANTED", `"${text}" is no image of a registry`, {
    fix: "Write HOST/REPO:TAG or HOST/REPO@DIGEST.",
  });
}

export function retagElsewhere(from: string, to: string): BtError {
  return new BtError("MANIFEST_RETAG", `"${to}" is no tag beside ${from}: only names of one repository can be moved`, {
    fix: "Write HOST/REPO:TAG of the same repository, or publish the image there.",
  });
}

export function rolledBack(cause: unknown, touched: readonly string[], stuck: readonly string[]): BtError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const outcome = stuck.length === 0 ? "every tag is as it was before" : "some tags could not be put back";
  return new BtError(
    "MANIFEST_ROLLED_BACK",
    `${touched.at(0) ?? "The first tag"} and what belongs to it could not be published: ${outcome}`,
    {
      exitCode: 1,
      cause,
      detail: [why, ...stuck],
      fix:
        stuck.length === 0
          ? "Publish again when the cause is gone."
          : "Put the listed tags right by hand, or publish again.",
    },
  );
}

export function storageUnwanted(to: string): BtError {
  return new BtError("MANIFEST_DESTINATION", `The destination "${to}" is the storage of container engines`, {
    fix: "Publish to docker://HOST/REPO:TAG or oci:DIR:REF.",
  });
}

export function tagExists(
  reference: string,
  facts: { readonly found: string; readonly own: string; readonly rule: string },
): BtError {
  return new BtError(
    "MANIFEST_TAG_EXISTS",
    `${reference} exists already and stands for ${facts.found}; onExisting is "${facts.rule}"`,
    {
      exitCode: 1,
      detail: [`this image is ${facts.own}`],
      fix: 'Choose a new tag, or set onExisting: "overwrite".',
    },
  );
}

export function tagMalformed(name: string, tag: string): BtError {
  return new BtError("MANIFEST_TAG_MALFORMED", `The tag "${tag}" of image "${name}" is not what tags can be`, {
    fix: "Use up to 128 letters, digits, dots, underscores and hyphens; no dot or hyphen first.",
  });
}

export function tagMoved(reference: string, before: string | undefined, now: string | undefined): BtError {
  return new BtError(
    "MANIFEST_TAG_MOVED",
    `${reference} was published by somebody else meanwhile: it stood for ${before ?? "nothing"} and is ${now ?? "gone"} now`,
    {
      exitCode: 1,
      fix: "Publish again if yours is the newer one.",
    },
  );
}

export function tagNotRead(
  wrong: readonly { readonly reference: string; readonly expected: string; readonly found: string | undefined }[],
): BtError {
  return new BtError(
    "MANIFEST_TAG_NOT_READ",
    `${wrong.map(({ reference }) => reference).join(", ")} does not stand for what was published`,
    {
      exitCode: 1,
      detail: wrong.map(
        ({ reference, expected, found }) => `${reference}: ${expected} was published, ${found ?? "nothing"} is there`,
      ),
      fix: "Somebody else publishes the same tag: agree with them, then publish again.",
    },
  );
}

export function tagTwice(reference: string, first: string, second: string): BtError {
  return new BtError("MANIFEST_TAG_TWICE", `The images "${first}" and "${second}" are both published as ${reference}`, {
    fix: "Give one of them another tag or repository.",
  });
}

export function tagsEmpty(name: string, to: string): BtError {
  return new BtError(
    "MANIFEST_TAGS_EMPTY",
    `The image "${name}" has no tags, so publishing it to "${to}" would show nothing`,
    {
      fix: `Write "${to}:latest", or give it tags.`,
    },
  );
}
