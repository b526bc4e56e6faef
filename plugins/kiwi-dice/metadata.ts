/** The digest of a package repository: of what tells its packages, not of dates and signatures. Knows the formats; reads through a function. */
import { createHash } from "node:crypto";
import { findPlatform } from "../../core/index.ts";
import type { Source } from "./address.ts";

/** Reads a file of the repository. Undefined: it has none; rejects when that cannot be told. */
export type ReadFile = (path: string) => Promise<string | undefined>;

/** A digest of the packages that a build for `arch` can get. @throws Error with the reason when there are no metadata */
export async function digestMetadata(source: Source, arch: string, read: ReadFile): Promise<string> {
  if (source.type === "apt-deb") return await digestApt(source, arch, read);
  if (source.type === "yast2") return await digestYast(read);
  return await digestRpm(read);
}

async function digestApt({ distribution, components }: Source, arch: string, read: ReadFile): Promise<string> {
  const folders = distribution === undefined ? [""] : [`dists/${distribution}/`, `${distribution}/`];
  for (const folder of folders) {
    for (const name of ["InRelease", "Release"]) {
      const text = await read(`${folder}${name}`);
      if (text !== undefined) return hash(aptLines(text, components, arch).join("\n") || text);
    }
  }
  throw new Error(`there is no InRelease or Release in ${folders.map((folder) => `"${folder}"`).join(" or ")}`);
}

/** SHA256 lines of the lists of packages that count, sorted. */
function aptLines(text: string, components: readonly string[], arch: string): string[] {
  const dpkg = findPlatform(arch)?.dpkg ?? arch;
  const [, section = ""] = /^SHA256:[ \t]*\n((?:[ \t]+.*\n?)*)/m.exec(text) ?? [];
  const wanted = new Set(components.flatMap((one) => [`${one}/binary-${dpkg}/`, `${one}/binary-all/`]));
  return section
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , path = ""]) => /(^|\/)Packages(\.\w+)?$/.test(path))
    .filter(([, , path = ""]) => wanted.has(path.slice(0, path.lastIndexOf("/") + 1)))
    .map(([sum, , path]) => `${path} ${sum}`)
    .sort();
}

async function digestRpm(read: ReadFile): Promise<string> {
  const text = await read("repodata/repomd.xml");
  if (text === undefined) throw new Error(`there is no "repodata/repomd.xml"`);
  const parts = [...text.matchAll(/<data\s[^>]*?\btype="([^"]+)"[^>]*>([\s\S]*?)<\/data>/g)].map(
    ([, type, body = ""]) => `${type} ${/<checksum[^>]*>\s*([^<\s]+)/.exec(body)?.[1] ?? ""}`,
  );
  return hash(parts.sort().join("\n") || text);
}

async function digestYast(read: ReadFile): Promise<string> {
  const nested = await read("suse/repodata/repomd.xml");
  if (nested !== undefined)
    return await digestRpm(async (path) => (path === "repodata/repomd.xml" ? nested : undefined));
  const content = await read("content");
  if (content === undefined) throw new Error(`there is no "suse/repodata/repomd.xml" and no "content"`);
  return hash(content);
}

/** Of a text. */
export function hash(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
