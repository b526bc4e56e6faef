/** Every message about kernels.json, images.json and what the builderfile adds to them. Knows only BtError. */
import { BtError, closest, type Place } from "../../core/index.ts";

interface Site {
  readonly stack?: string;
}

export function dataMissing(file: string, cause: unknown): BtError {
  return new BtError("KERNEL_ROOTFS_DATA_MISSING", `The file "${file}" cannot be read`, {
    cause,
    fix: "Create it, or correct the name in `fromLvhJson(…)`.",
  });
}

export function dataSyntax(file: string, text: string, cause: unknown): BtError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [, found] = /position (\d+)/.exec(message) ?? [];
  const before = text.slice(0, found === undefined ? text.trimEnd().length : Number(found));
  const line = before.split("\n").length;
  const source = text.split("\n")[line - 1];
  const reason = message.replace(/,? ?(in JSON )?at position.*$/s, "").replace(/, ".*$/s, "");
  return new BtError("KERNEL_ROOTFS_DATA_SYNTAX", `"${file}" is no JSON: ${reason}`, {
    at: {
      where: file,
      line,
      column: before.length - before.lastIndexOf("\n"),
      ...(source === undefined ? {} : { source }),
    },
    cause,
    fix: "Correct the text there; JSON takes no comments, and no comma after the last entry.",
  });
}

export function keyUnknown(at: Place, key: string, known: readonly string[]): BtError {
  const near = closest(key, known);
  return new BtError("KERNEL_ROOTFS_KEY_UNKNOWN", `There is no key "${key}" here; known are ${known.join(", ")}`, {
    at,
    fix: near === undefined ? "Remove it, or use one of these." : `Use "${near}".`,
  });
}

export function keyMissing(at: Place, key: string, owner: string): BtError {
  return new BtError("KERNEL_ROOTFS_KEY_MISSING", `${owner} has no "${key}"`, { at, fix: `Add "${key}" to it.` });
}

export function valueWrong(at: Place, key: string, expected: string): BtError {
  return new BtError("KERNEL_ROOTFS_VALUE_WRONG", `"${key}" is not ${expected}`, {
    at,
    fix: `Write ${expected}.`,
  });
}

export function actionUnknown(at: Place, type: string, known: readonly string[]): BtError {
  const near = closest(type, known);
  return new BtError("KERNEL_ROOTFS_ACTION_UNKNOWN", `There is no action "${type}"`, {
    at,
    detail: [`known: ${known.join(", ")}`],
    fix: near === undefined ? "Use one of the types above." : `Use "${near}".`,
  });
}

export function nameTwice(at: Place, thing: "image" | "kernel", name: string, first: Place): BtError {
  const place = first.line === undefined ? first.where : `${first.where}:${first.line}`;
  return new BtError("KERNEL_ROOTFS_NAME_TWICE", `There are two ${thing}s "${name}"; the first is at ${place}`, {
    at,
    fix: "Rename one of them.",
  });
}

export function nameWrong(at: Place, thing: "image" | "kernel", name: string): BtError {
  const why =
    thing === "kernel" && /^(git|out)$/.test(name) ? "is the name of a folder of bt's own" : "is no file name";
  return new BtError("KERNEL_ROOTFS_NAME_WRONG", `The name "${name}" of this ${thing} ${why}`, {
    at,
    fix: "Use letters, digits, dots, dashes and underscores, with a letter or digit first.",
  });
}

export function parentCircle(at: Place, chain: readonly string[]): BtError {
  return new BtError(
    "KERNEL_ROOTFS_PARENT_CIRCLE",
    `Images are made from each other in a circle: ${chain.join(" → ")}`,
    {
      at,
      fix: `Remove or change the "parent" of one of them.`,
    },
  );
}

export function parentMissing(at: Place, parent: string, folder: string, images: readonly string[]): BtError {
  const near = closest(parent, images);
  return new BtError(
    "KERNEL_ROOTFS_PARENT_MISSING",
    `There is no image "${parent}", and no file of that name in "${folder}"`,
    {
      at,
      fix: near === undefined ? `Add the image, or put the file into "${folder}".` : `Use "${near}".`,
    },
  );
}

export function sizeWrong(at: Place, size: string): BtError {
  return new BtError("KERNEL_ROOTFS_SIZE_WRONG", `"${size}" is no size`, {
    at,
    fix: "Write a number and one of k K M G T P E, for example 8G.",
  });
}

export function sizeSmaller(
  at: Place,
  size: string,
  parent: { readonly name: string; readonly size: string },
): BtError {
  return new BtError(
    "KERNEL_ROOTFS_SIZE_SMALLER",
    `The size ${size} is less than the ${parent.size} of the parent "${parent.name}"`,
    { at, fix: `Write at least ${parent.size}, or leave "image_size" out.` },
  );
}

export function kernelDirWrong(at: Place, dir: string, found: readonly string[] | undefined): BtError {
  const problem =
    found === undefined
      ? `There is no folder "${dir}" to install a kernel from`
      : `"${dir}/boot" has ${found.length === 0 ? "no vmlinuz-*" : `${found.length} of them: ${found.join(", ")}`}`;
  return new BtError("KERNEL_ROOTFS_KERNEL_DIR", problem, {
    at,
    isRefusal: true,
    fix: "Leave exactly one regular file `boot/vmlinuz-*` in it; `bt kernel:build:NAME` makes such a folder.",
  });
}

export function pathMissing(at: Place, path: string): BtError {
  return new BtError("KERNEL_ROOTFS_PATH_MISSING", `There is no "${path}" to copy into the image`, {
    at,
    fix: "Create it; paths are relative to the data folder.",
  });
}

export function urlWrong(at: Place, url: string, why: string): BtError {
  return new BtError("KERNEL_ROOTFS_URL_WRONG", `The url "${url}" cannot be used: ${why}`, {
    at,
    fix: "Write git://HOST/PATH, https://HOST/PATH or file:///PATH, then ?depth=N and #BRANCH as you like.",
  });
}

export function urlMissing(kernel: string, at: Place): BtError {
  return new BtError("KERNEL_ROOTFS_URL_MISSING", `Nobody says where the source of kernel "${kernel}" comes from`, {
    at,
    fix: `Add "url" to its entry, or \`source\` to its override.`,
  });
}

export function optionWrong(at: Place, why: string): BtError {
  return new BtError("KERNEL_ROOTFS_OPTION_WRONG", `This is no option of scripts/config: ${why}`, {
    at,
    fix: `Write ["--enable", "CONFIG_NAME"], or --disable or --module.`,
  });
}

export function overrideUnknown(
  site: Site,
  facts: { readonly field: string; readonly name: string; readonly known: readonly string[] },
): BtError {
  const near = closest(facts.name, facts.known);
  const all = facts.known.length === 0 ? "Remove it, or describe it." : `Use one of ${facts.known.join(", ")}.`;
  return new BtError("KERNEL_ROOTFS_OVERRIDE_UNKNOWN", `\`${facts.field}\` names "${facts.name}", which is not there`, {
    site,
    fix: near === undefined ? all : `Use "${near}".`,
  });
}

export function platformWrong(site: Site, owner: string, platform: string): BtError {
  return new BtError("KERNEL_ROOTFS_PLATFORM_WRONG", `"${owner}" has the platform "${platform}"`, {
    site,
    fix: "Use linux/amd64 or linux/arm64.",
  });
}

export function bootableUnsupported(at: Place, image: string): BtError {
  return new BtError(
    "KERNEL_ROOTFS_BOOTABLE",
    `"${image}" wants a boot loader, which the backend mke2fs does not make`,
    {
      at,
      fix: "Use ROOTFS_BACKEND=libguestfs, or leave `bootable` out: kernel and initrd are then put beside the image.",
    },
  );
}
