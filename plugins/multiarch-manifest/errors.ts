/** Every message about layouts, manifests and indexes. Knows only BtError; those about registries and publishing are in registry-errors.ts and publish-errors.ts. */
import { BtError, closest, platformTable, type Place } from "../../core/index.ts";

export function blobCorrupt(where: string, expected: string, found: string): BtError {
  return new BtError("MANIFEST_BLOB_CORRUPT", `The bytes of blob ${expected} in ${where} hash to ${found}`, {
    exitCode: 1,
    fix: "Remove the blob and make or fetch the image again.",
  });
}

export function blobMissing(where: string, digest: string): BtError {
  return new BtError("MANIFEST_BLOB_MISSING", `There is no blob ${digest} in ${where}`, {
    exitCode: 1,
    fix: "Make or fetch the image again; the copy was interrupted or files were removed.",
  });
}

export function blobSize(
  where: string,
  digest: string,
  sizes: { readonly expected: number; readonly found: number },
): BtError {
  return new BtError(
    "MANIFEST_BLOB_SIZE",
    `Blob ${digest} in ${where} has ${sizes.found} bytes, its descriptor says ${sizes.expected}`,
    {
      exitCode: 1,
      fix: "Make the image again with the tool that wrote it; the descriptor is wrong or the blob was cut.",
    },
  );
}

export function childAmbiguous(where: string, arch: string, digests: readonly [string, string]): BtError {
  return new BtError(
    "MANIFEST_CHILD_AMBIGUOUS",
    `${where} has two images for ${arch}: ${digests[0]} and ${digests[1]}`,
    {
      exitCode: 1,
      fix: "Name the one you mean by its digest.",
    },
  );
}

export function childMissing(where: string, arch: string, existing: readonly string[]): BtError {
  const list = [...new Set(existing)].sort().join(", ");
  const odd = arch === "arm/v7" ? existing.find((name) => /^linux\/arm[a-z]/.test(name)) : undefined; // `armhfp` of Fedora.
  const other =
    odd === undefined ? `leave ${arch} out` : `set armFallback: ["${odd.slice(6)}"] if that one is for ${arch}`;
  return new BtError(
    "MANIFEST_CHILD_MISSING",
    `${where} has no image for ${arch}; it has ${list === "" ? "none at all" : list}`,
    { exitCode: 1, fix: `Name an image that has ${arch}, or ${other}.` },
  );
}

export function configMismatch(
  where: string,
  platform: { readonly expected: string; readonly found: string },
): BtError {
  return new BtError(
    "MANIFEST_CONFIG_MISMATCH",
    `${where} is listed as ${platform.expected}, its config says ${platform.found}`,
    {
      exitCode: 1,
      fix: "Name the right image, or set rewriteConfig: true on that entry.",
    },
  );
}

export function conversionImpossible(where: string, mediaType: string): BtError {
  return new BtError(
    "MANIFEST_CONVERSION",
    `${where} has a layer of type "${mediaType}", which Docker v2s2 does not know`,
    {
      fix: 'Use format: "oci".',
    },
  );
}

export function diffIdMismatch(
  where: string,
  digest: string,
  hash: { readonly expected: string; readonly found: string },
): BtError {
  return new BtError(
    "MANIFEST_DIFF_ID",
    `Layer ${digest} in ${where} unpacks to ${hash.found}, its config says ${hash.expected}`,
    {
      exitCode: 1,
      fix: "Make the image again; its config belongs to other layers.",
    },
  );
}

export function digestMalformed(where: string, text: string): BtError {
  return new BtError("MANIFEST_DIGEST_MALFORMED", `"${text}" in ${where} is not a digest that bt can check`, {
    fix: 'Write "sha256:" and 64 lower-case hexadecimal digits.',
  });
}

export function documentMalformed(where: string, problem: string, cause?: unknown): BtError {
  return new BtError("MANIFEST_DOCUMENT_MALFORMED", `${where} ${problem}`, {
    exitCode: 1,
    cause,
    fix: "Make the image again, or name another image.",
  });
}

export function engineMissing(name: string): BtError {
  return new BtError(
    "MANIFEST_ENGINE_MISSING",
    `The image "${name}" is in the storage of container engines, but neither \`skopeo\` nor \`buildah\` is installed`,
    {
      fix: "Install the package skopeo, or name the image in a registry or a layout.",
    },
  );
}

export function entriesEmpty(name: string, given: "task" | "list"): BtError {
  const problem = given === "task" ? "is made of a task without a cell for each platform" : "has no entries";
  return new BtError("MANIFEST_ENTRIES_EMPTY", `The index "${name}" ${problem}`, {
    fix:
      given === "task"
        ? "Give it a task such as `image({ platforms: platforms(…) })`, or say which task makes which platform."
        : "Give it at least one platform.",
  });
}

export function entryAmbiguous(dir: string, name: string | undefined, names: readonly string[]): BtError {
  const what = name === undefined ? "several entries" : `several entries called "${name}"`;
  return new BtError("MANIFEST_ENTRY_AMBIGUOUS", `The layout "${dir}" has ${what}`, {
    detail: names,
    fix: `Say which one: oci:${dir}:REF or oci:${dir}@DIGEST.`,
  });
}

export function entryMissing(dir: string, name: string | undefined, names: readonly string[]): BtError {
  const problem =
    name === undefined
      ? "has no entries"
      : `has no entry "${name}"; it has ${names.length === 0 ? "none" : names.join(", ")}`;
  const near = name === undefined ? undefined : closest(name, names);
  return new BtError("MANIFEST_ENTRY_MISSING", `The layout "${dir}" ${problem}`, {
    fix: near === undefined ? "Name an entry that is there, or write the image first." : `Write oci:${dir}:${near}.`,
  });
}

export function familyMixed(where: string, digest: string, format: string): BtError {
  return new BtError("MANIFEST_FAMILY_MIXED", `${where}@${digest} is not all of the media types of "${format}"`, {
    exitCode: 1,
    fix: `Assemble it again with format: "${format}", which converts every child.`,
  });
}

export function layoutMalformed(dir: string, problem: string, cause?: unknown): BtError {
  return new BtError("MANIFEST_LAYOUT_MALFORMED", `The layout "${dir}" cannot be read: ${problem}`, {
    cause,
    fix: `Write the layout again, for example with \`skopeo copy --all docker://IMAGE oci:${dir}:TAG\`.`,
  });
}

export function layoutMissing(dir: string): BtError {
  return new BtError("MANIFEST_LAYOUT_MISSING", `"${dir}" is no OCI layout: it has no file "oci-layout"`, {
    fix: `Name a folder that a builder has written, or write one with \`skopeo copy --all docker://IMAGE oci:${dir}:TAG\`.`,
  });
}

export function layoutVersion(dir: string, found: string): BtError {
  return new BtError("MANIFEST_LAYOUT_VERSION", `The layout "${dir}" has version "${found}", bt reads 1.x`, {
    fix: "Write the layout again with a tool that writes imageLayoutVersion 1.0.0.",
  });
}

export function platformForeign(where: string, digest: string, found: string): BtError {
  return new BtError(
    "MANIFEST_PLATFORM_FOREIGN",
    `${where}@${digest} is for ${found}, which is none of the platforms bt knows`,
    {
      exitCode: 1,
      fix: `Use one of ${platformTable.map(({ arch }) => arch).join(", ")}.`,
    },
  );
}

export function platformShared(name: string, digest: string, arches: readonly [string, string]): BtError {
  return new BtError(
    "MANIFEST_PLATFORM_SHARED",
    `The index "${name}" has ${digest} for ${arches[0]} and for ${arches[1]}`,
    {
      exitCode: 1,
      fix: "Name the right image for one of them, or set allowSharedDigest: true.",
    },
  );
}

export function platformTwice(name: string, arch: string): BtError {
  return new BtError("MANIFEST_PLATFORM_TWICE", `The index "${name}" has two entries for ${arch}`, {
    fix: "Remove one of them.",
  });
}

export function platformsDiffer(name: string, missing: readonly string[], extra: readonly string[]): BtError {
  const parts = [
    ...(missing.length > 0 ? [`misses ${missing.join(", ")}`] : []),
    ...(extra.length > 0 ? [`has ${extra.join(", ")}, which nobody asked for`] : []),
  ];
  const fixes = [
    ...(missing.length > 0 ? [`Build ${missing.join(", ")}, or name them in allowMissing.`] : []),
    ...(extra.length > 0 ? [`Remove the entries for ${extra.join(", ")}, or add them to requirePlatforms.`] : []),
  ];
  return new BtError("MANIFEST_PLATFORMS_DIFFER", `The index "${name}" ${parts.join(" and ")}`, {
    exitCode: 1,
    fix: fixes.join(" "),
  });
}

export function referenceMalformed(
  text: string,
  mistake: { readonly problem: string; readonly column: number; readonly part: string; readonly fixed: string },
  at: Place | undefined,
): BtError {
  const part = mistake.part === "" ? "" : `: "${mistake.part}"`;
  return new BtError(
    "MANIFEST_REFERENCE_MALFORMED",
    `The reference "${text}" ${mistake.problem}, at character ${mistake.column}${part}`,
    {
      fix: `Write "${mistake.fixed}".`,
      ...(at && { at }),
    },
  );
}

export function shortNameUnresolved(text: string, candidates: readonly string[], at: Place | undefined): BtError {
  const list = candidates.length === 0 ? "" : `; it could be ${candidates.join(" or ")}`;
  return new BtError("MANIFEST_SHORT_NAME", `The reference "${text}" names no registry${list}`, {
    fix: `Write "${candidates[0] ?? `docker.io/library/${text.replace(/^docker:\/\//, "")}`}", or add an alias to registries.conf.d.`,
    ...(at && { at }),
  });
}

export function storageMissing(name: string, program: string, output: string): BtError {
  return new BtError(
    "MANIFEST_STORAGE_MISSING",
    `\`${program}\` finds no image "${name}" in the local storage; no registry was asked`,
    {
      exitCode: 1,
      detail: output.split("\n"),
      fix: "Build the image first, or name it with its transport, for example docker://HOST/REPO:TAG.",
    },
  );
}

export function storageRefused(name: string, output: string): BtError {
  return new BtError("MANIFEST_STORAGE_REFUSED", `\`skopeo\` cannot write "${name}" into the local storage`, {
    exitCode: 1,
    detail: output.split("\n"),
    fix: "Run `skopeo` by hand to see whether the storage can be used; CONTAINERS_STORAGE_CONF picks another one.",
  });
}

export function transportUnknown(
  text: string,
  transport: string,
  facts: { readonly known: readonly string[]; readonly at: Place | undefined },
): BtError {
  const rest = text.slice(transport.length).replace(/^\/\//, "");
  const near =
    transport === "docker:"
      ? `Write "docker://${rest}".`
      : `Copy it into a layout first: \`skopeo copy --all ${text} oci:DIR:REF\`.`;
  return new BtError(
    "MANIFEST_TRANSPORT_UNKNOWN",
    `"${transport}" in "${text}" is none of the transports that can be used here: ${facts.known.join(" ")}`,
    {
      fix: facts.known.includes("oci:") ? near : "Write the reference of an image in a registry.",
      ...(facts.at && { at: facts.at }),
    },
  );
}
