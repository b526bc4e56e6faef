/** Every message about the files and images of a build. Knows only BtError; messages about a Dockerfile's text are in dockerfile-errors.ts. */
import { BtError, closest, type Place } from "../../core/index.ts";

export function archiveDamaged(at: Place, path: string, cause: unknown): BtError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BtError("IMAGES_ARCHIVE_DAMAGED", `The archive "${path}" cannot be unpacked: ${reason}`, {
    at,
    cause,
    fix: "Make the archive again, or use COPY to keep it as a file.",
  });
}

export function archiveUnsupported(at: Place, path: string, compression: string): BtError {
  return new BtError(
    "IMAGES_ARCHIVE_UNSUPPORTED",
    `The embedded engine cannot unpack "${path}": it is compressed with ${compression}`,
    {
      at,
      fix: "Compress the archive with gzip, or use COPY to keep it as a file.",
    },
  );
}

export function basePlatform(
  at: Place,
  facts: { readonly reference: string; readonly expected: string; readonly found: string },
): BtError {
  return new BtError(
    "IMAGES_BASE_PLATFORM",
    `The image "${facts.reference}" is for ${facts.found}, this stage is for ${facts.expected}`,
    {
      at,
      exitCode: 1,
      fix: `Name an image that has ${facts.expected}, or build for ${facts.found}.`,
    },
  );
}

export function parentNoImage(at: Place, reference: string, isImage: boolean): BtError {
  const why = isImage ? "whose image has no name that a FROM line could use" : "which builds no image";
  return new BtError("IMAGES_PARENT_NO_IMAGE", `"${reference}" is no known image, but a task, ${why}`, {
    at,
    fix: isImage
      ? `Give that image() the option name: "${reference}".`
      : "Name an image of a registry, or the name of an image() of the project.",
  });
}

export function parentPlatform(
  at: Place,
  facts: {
    readonly reference: string;
    readonly task: string;
    readonly platform: string;
    readonly platforms: readonly string[];
  },
): BtError {
  const { reference, task, platform, platforms } = facts;
  return new BtError(
    "IMAGES_PARENT_PLATFORM",
    `"FROM ${reference}" asks for the image of task "${task}" for ${platform}; that task builds ${platforms.join(", ")}`,
    { at, fix: `Add ${platform} to the platforms of "${task}", or take it from those of this image.` },
  );
}

export function baseUnreadable(at: Place, reference: string, problem: string): BtError {
  return new BtError("IMAGES_BASE_UNREADABLE", `The image "${reference}" cannot be read: ${problem}`, {
    at,
    exitCode: 1,
    fix: "Make or fetch the image again, or name another one.",
  });
}

export function chmodMalformed(at: Place, text: string): BtError {
  return new BtError("IMAGES_CHMOD_MALFORMED", `--chmod=${text} is no octal number from 0 to 7777`, {
    at,
    fix: "Write the permissions as digits, for example --chmod=755.",
  });
}

export function contextMissing(dir: string): BtError {
  return new BtError("IMAGES_CONTEXT_MISSING", `There is no folder "${dir}" to build from`, {
    fix: "Create it, or name the folder that holds the files to copy.",
  });
}

export function linkDangling(
  at: Place,
  facts: { readonly source: string; readonly label: string; readonly target: string },
): BtError {
  return new BtError(
    "IMAGES_LINK_DANGLING",
    `"${facts.source}" in ${facts.label} is a link to "${facts.target}", which is not there`,
    {
      at,
      fix: "Create what the link names, or copy the folder that holds the link: then it stays a link.",
    },
  );
}

export function linkLoop(at: Place, link: string, label: string): BtError {
  return new BtError("IMAGES_LINK_LOOP", `The link "${link}" in ${label} leads in a circle`, {
    at,
    fix: "Point one of its links at a file or folder.",
  });
}

export function ownerUnknown(
  at: Place,
  facts: { readonly kind: "user" | "group"; readonly name: string; readonly known: readonly string[] },
): BtError {
  const file = facts.kind === "user" ? "/etc/passwd" : "/etc/group";
  const near = closest(facts.name, facts.known);
  return new BtError("IMAGES_OWNER_UNKNOWN", `The image has no ${facts.kind} "${facts.name}" in ${file}`, {
    at,
    fix:
      near === undefined
        ? "Write the number instead, for example --chown=1000:1000."
        : `Use "${near}", or write the number instead.`,
  });
}

export function sourceChanged(at: Place, instruction: string): BtError {
  return new BtError("IMAGES_SOURCE_CHANGED", `A file of \`${instruction}\` changed while it was read`, {
    at,
    exitCode: 1,
    fix: "Let the task that writes it end before the image is built: name it in `needs`.",
  });
}

export function sourceIgnored(at: Place, source: string, file: string): BtError {
  return new BtError("IMAGES_SOURCE_IGNORED", `"${source}" is there, but "${file}" leaves it out`, {
    at,
    fix: `Add the line "!${source}" at the end of "${file}", or copy another file.`,
  });
}

export function sourceMissing(
  at: Place,
  facts: { readonly source: string; readonly label: string; readonly siblings: readonly string[] },
): BtError {
  const near = closest(facts.source.slice(facts.source.lastIndexOf("/") + 1), facts.siblings);
  const folder = facts.source.slice(0, facts.source.lastIndexOf("/") + 1);
  return new BtError("IMAGES_SOURCE_MISSING", `There is no "${facts.source}" in ${facts.label}`, {
    at,
    fix: near === undefined ? "Create it, or name a file that is there." : `Use "${folder}${near}", or create it.`,
  });
}

export function sourceOutside(
  at: Place,
  source: string,
  link?: { readonly link: string; readonly target: string },
): BtError {
  const problem =
    link === undefined || link.link === ""
      ? `"${source}" leaves the context`
      : `"${source}" leaves the context: "${link.link}" is a link to "${link.target}"`;
  return new BtError("IMAGES_SOURCE_OUTSIDE", problem, {
    at,
    fix: "Copy the file into the context, or build with a folder above as the context.",
  });
}

export function sourceSpecial(at: Place, path: string, type: string): BtError {
  return new BtError("IMAGES_SOURCE_SPECIAL", `"${path}" is a ${type}, which no image can get from a context`, {
    at,
    fix: "Remove it, or name it in the ignore file.",
  });
}

export function sourceUnreadable(at: Place, path: string, cause: unknown): BtError {
  return new BtError("IMAGES_SOURCE_UNREADABLE", `"${path}" cannot be read: this user may not`, {
    at,
    cause,
    fix: "Give the user who runs bt the right to read it, or name it in the ignore file.",
  });
}

export function targetFile(at: Place, path: string): BtError {
  return new BtError("IMAGES_TARGET_FILE", `"/${path}" is a file in the image, and a folder is needed there`, {
    at,
    fix: "Name another destination.",
  });
}

export function targetFolder(at: Place, path: string): BtError {
  return new BtError("IMAGES_TARGET_FOLDER", `"/${path}" is a folder in the image, and a file would replace it`, {
    at,
    fix: "Rename the file, or name another destination.",
  });
}

export function targetLoop(at: Place, path: string): BtError {
  return new BtError("IMAGES_TARGET_LOOP", `The link "/${path}" in the image leads in a circle`, {
    at,
    fix: "Name another destination, or a base image without this link.",
  });
}

export function targetSlash(at: Place, target: string, count: number): BtError {
  return new BtError("IMAGES_TARGET_SLASH", `${count} sources cannot become one file "${target}"`, {
    at,
    fix: `End the destination with a slash: "${target}/".`,
  });
}
