/** Every message about what tasks of this plugin are given: images, groups, sources, files. Knows only BtError. */
import { BtError, closest } from "../../core/index.ts";

export function digestsMissing(file: string): BtError {
  return new BtError("MANIFEST_DIGESTS_MISSING", `There is no "${file}": nothing has been published from here yet`, {
    fix: "Publish with `bt manifest:push` first.",
  });
}

export function groupTwice(name: string): BtError {
  return new BtError("MANIFEST_GROUP_TWICE", `The image "${name}" is in publishGroup twice`, {
    fix: `Leave "${name}" in one group.`,
  });
}

export function groupUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError("MANIFEST_GROUP_UNKNOWN", `publishGroup names "${name}", which is none of the images`, {
    fix: near === undefined ? `Use one of ${known.join(", ")}.` : `Use "${near}".`,
  });
}

export function imagesUnbuilt(task: string, found: string): BtError {
  return new BtError(
    "MANIFEST_IMAGES_UNBUILT",
    `What "${task}" is to publish has built no image: its result is ${found}`,
    {
      exitCode: 1,
      fix: "Give publish({ images }) a task whose result is an image for each platform, such as `image({ … })`.",
    },
  );
}

export function imageUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  const list = known.length === 0 ? "the builderfile declares none" : `there are ${known.join(", ")}`;
  return new BtError("MANIFEST_IMAGE_UNKNOWN", `"${name}" is none of the images: ${list}`, {
    fix:
      near === undefined
        ? 'Name one of the builderfile, or say what it is made of: SOURCES="REF REF".'
        : `Write IMAGE=${near}.`,
    at: { where: "IMAGE" },
  });
}

export function imageUnsaid(task: string): BtError {
  const sources = /create|push|archive/.test(task) ? ' and SOURCES="REF REF"' : "";
  return new BtError(
    "MANIFEST_IMAGE_UNSAID",
    `The builderfile declares no images, so \`${task}\` does not know which`,
    {
      fix: `Say IMAGE=HOST/REPO:TAG${sources}, or give multiarchManifest() images.`,
    },
  );
}

export function nameMalformed(name: string): BtError {
  return new BtError("MANIFEST_NAME_MALFORMED", `"${name}" cannot be the name of an image in the builderfile`, {
    fix: "Use letters, digits, dots, underscores and hyphens.",
  });
}

export function nameTagged(name: string, reference: string): BtError {
  const plain = reference.replace(/@.*$/, "").replace(/:[^/:]*$/, "");
  return new BtError("MANIFEST_NAME_TAGGED", `The name of image "${name}" has a tag or a digest: "${reference}"`, {
    fix: `Write name: "${plain}", and the tag into tags.`,
  });
}

export function platformUnoffered(name: string, platform: string, offered: readonly string[]): BtError {
  return new BtError("MANIFEST_PLATFORM_UNOFFERED", `The image "${name}" has no entry for ${platform}`, {
    fix: `Use some of ${offered.join(", ")}, or add an entry for ${platform}.`,
    at: { where: "PLATFORMS" },
  });
}

export function sourceNotImage(name: string, platform: string): BtError {
  return new BtError(
    "MANIFEST_SOURCE_NOT_IMAGE",
    `The task that is the source of ${platform} in image "${name}" has built no image for it`,
    {
      fix: "Name a task whose result is an image of this platform, such as `image({ … })`, or one of its cells.",
    },
  );
}

export function sourcesLone(): BtError {
  return new BtError("MANIFEST_SOURCES_LONE", "SOURCES says what an index is made of, but nothing says its name", {
    fix: "Add IMAGE=HOST/REPO:TAG.",
    at: { where: "SOURCES" },
  });
}

export function verifyFailed(reference: string, findings: readonly string[]): BtError {
  const count = findings.length === 1 ? "One thing is" : `${findings.length} things are`;
  return new BtError("MANIFEST_NOT_PROVEN", `${count} wrong with ${reference}`, {
    exitCode: 1,
    detail: findings,
    fix: "Publish it again.",
  });
}
