/** Every message about layouts, manifests and indexes. Knows only BtError; the registry's messages are in registry-errors.ts. */
import { BtError } from "../../core/index.ts";

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

export function blobSize(where: string, digest: string, sizes: { readonly expected: number; readonly found: number }): BtError {
  return new BtError("MANIFEST_BLOB_SIZE", `Blob ${digest} in ${where} has ${sizes.found} bytes, its descriptor says ${sizes.expected}`, {
    exitCode: 1,
    fix: "Make the image again with the tool that wrote it; the descriptor is wrong or the blob was cut.",
  });
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
