/** What an ImageSource file says: a reference, or the release's image. Pure; does not know the release. */
import type { Arch, Place } from "../../core/index.ts";
import { findArch } from "./arch.ts";
import { sourceFileLines, sourceValueUnknown } from "./errors.ts";

/** Where an image is taken from. */
export type ImageSource =
  | { readonly kind: "reference"; readonly reference: string; readonly at: Place }
  | {
      readonly kind: "release";
      /** As written: `$OCP_IMAGE_AMD64`. */
      readonly value: string;
      /** Whose release. Absent: that of the cell's own architecture. */
      readonly arch?: Arch;
      readonly at: Place;
    };

/** @throws BtError SIDE_IMAGES_SOURCE_LINES, SIDE_IMAGES_SOURCE_VALUE */
export function parseImageSource(text: string, where: string): ImageSource {
  const lines = text.split("\n").map((line, at) => ({ line: line.trim(), at: at + 1 }));
  const [first, ...others] = lines.filter(({ line }) => line !== "");
  if (first === undefined) throw sourceFileLines({ where }, 0);
  if (others.length > 0) throw sourceFileLines({ where, line: others[0]!.at }, others.length + 1);
  const at = { where, line: first.at };
  if (!first.line.includes("$")) return { kind: "reference", reference: first.line, at };
  const name = /\$\{?(\w*)\}?/.exec(first.line)?.[1] ?? "";
  const [, , suffix] = /^(RELEASE|OCP|OKD)_IMAGE(?:_(\w+))?$/.exec(name) ?? [];
  const isWhole = /^\$(\{\w+\}|\w+)$/.test(first.line) && /^(RELEASE|OCP|OKD)_IMAGE(_\w+)?$/.test(name);
  if (!isWhole) throw sourceValueUnknown(name, at);
  if (suffix === undefined) return { kind: "release", value: first.line, at };
  const arch = findArch(suffix);
  if (arch === undefined) throw sourceValueUnknown(name, at);
  return { kind: "release", value: first.line, arch, at };
}
