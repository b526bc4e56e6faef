/** The references of a release, typed and checked: image, repository and commit of each component. Pure but for reading files; starts no program. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isBtError, replaceFile, type Arch } from "../../core/index.ts";
import { findArch } from "./arch.ts";
import type { SideImagesOptions } from "./options.ts";
import { referencesMalformed } from "./value-errors.ts";

/** What a release says of one component. Absent: it does not say. */
export interface ReleaseEntry {
  readonly image?: string;
  readonly repo?: string;
  readonly commit?: string;
}

/** By component. */
export type References = Readonly<Record<string, ReleaseEntry>>;

/** One release image and for which architecture its images are. */
export interface ReleaseImage {
  readonly arch: Arch;
  readonly reference: string;
  /** Program and words. */
  readonly command: readonly string[];
  /** Relative to the project root. */
  readonly cacheFile: string;
}

/** Where references come from in this run. */
export type ReferenceSource =
  | { readonly kind: "none" }
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "releases"; readonly releases: readonly ReleaseImage[]; readonly oldFile: string };

const folder = ".bt/side-images/references";

/** Pure. */
export function findReferenceSource(options: SideImagesOptions, tag: string): ReferenceSource {
  const { imageReferences = { release: "registry.ci.openshift.org/ocp/release" }, dir } = options;
  if (imageReferences === false) return { kind: "none" };
  if ("file" in imageReferences) return { kind: "file", file: imageReferences.file };
  const { release, command = ["oc", "adm", "release", "extract"] } = imageReferences;
  const given = typeof release === "string" ? { amd64: release } : release;
  const releases = Object.entries(given).map(([name, text]): ReleaseImage => {
    const reference = /(:[^/]+|@[^/]+)$/.test(text) ? text : `${text}:${tag}`;
    const key = createHash("sha256")
      .update(JSON.stringify([command, reference]))
      .digest("hex")
      .slice(0, 32);
    return {
      arch: findArch(name) ?? "amd64",
      reference,
      command: [...command, reference, "--file=image-references"],
      cacheFile: join(folder, `${key}.json`),
    };
  });
  return { kind: "releases", releases, oldFile: join(dir, `.image-references.${tag}`) };
}

/**
 * The entries of `spec.tags`; what is missing, empty or `null` is not there.
 * @throws BtError SIDE_IMAGES_REFERENCES_MALFORMED
 */
export function parseReferences(text: string, where: string): References {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw referencesMalformed(where, text.trim() === "" ? "are empty" : "are not JSON");
  }
  const tags = field(field(document, "spec"), "tags");
  if (!Array.isArray(tags)) throw referencesMalformed(where, "have no spec.tags");
  const entries = tags.flatMap((tag: unknown): [string, ReleaseEntry][] => {
    const name = textOf(field(tag, "name"));
    if (name === undefined) return [];
    const annotations = field(tag, "annotations");
    const image = textOf(field(field(tag, "from"), "name"));
    const repo = textOf(field(annotations, "io.openshift.build.source-location"));
    const commit = textOf(field(annotations, "io.openshift.build.commit.id"));
    return [[name, { ...(image && { image }), ...(repo && { repo }), ...(commit && { commit }) }]];
  });
  return Object.fromEntries(entries);
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" && value !== "null" ? value.trim() : undefined;
}

/** References on disk. Undefined: there is no such file. @throws BtError SIDE_IMAGES_REFERENCES_MALFORMED */
export async function findReferences(root: string, file: string): Promise<References | undefined> {
  const text = await readFile(resolve(root, file), "utf8").catch(() => undefined);
  return text === undefined ? undefined : parseReferences(text, `in ${file}`);
}

/** The same; a file that is not valid counts as absent. */
export async function findValidReferences(
  root: string,
  file: string,
  onInvalid: (error: Error) => void = () => {},
): Promise<References | undefined> {
  return findReferences(root, file).catch((error: unknown) => {
    if (!isBtError(error)) throw error;
    onInvalid(error);
    return undefined;
  });
}

/** Whole or absent. */
export function writeReferences(root: string, file: string, text: string): void {
  replaceFile(join(root, file), text);
}
