/** `repomd.xml`: what a repository consists of. Does not know the files it names. */
import { parseXml } from "./xml.ts";

/** One file of a repository. */
export interface RepoFile {
  /** Relative to the repository's address. */
  readonly href: string;
  readonly checksum: Checksum;
  /** Of what is inside the compression. */
  readonly openChecksum?: Checksum;
  /** Bytes. */
  readonly size?: number;
}

/** As `createHash` names it. */
export interface Checksum {
  readonly algorithm: "sha256" | "sha512" | "sha1";
  readonly hex: string;
}

/** What is needed of the index of a repository. */
export interface Repomd {
  readonly revision: string;
  readonly primary: RepoFile;
}

/** The index, or what is wrong with it. */
export function parseRepomd(text: string): Repomd | { readonly problem: string } {
  const file: { href?: string; checksum?: Checksum; openChecksum?: Checksum; size?: number } = {};
  let [revision, data, unknown] = ["", "", ""];
  let checksumType = "";
  let isIndex = false;
  const problem = parseXml(text, {
    open(name, attributes) {
      if (name === "repomd") isIndex = true;
      if (name === "data") data = attributes["type"] ?? "";
      if (name === "checksum" || name === "open-checksum") checksumType = attributes["type"] ?? "";
      if (name === "location" && data === "primary") file.href = attributes["href"] ?? "";
    },
    close(name, content) {
      if (name === "revision") revision = content.trim();
      if (data !== "primary") return;
      if (name === "size") file.size = Number(content);
      if (name === "data") data = "";
      if (name !== "checksum" && name !== "open-checksum") return;
      const algorithm = findAlgorithm(checksumType);
      if (algorithm === undefined) unknown = checksumType;
      else file[name === "checksum" ? "checksum" : "openChecksum"] = { algorithm, hex: content.trim().toLowerCase() };
    },
  });
  if (problem !== undefined) return { problem: `it is not XML: ${problem}` };
  if (!isIndex) return { problem: "it has no element <repomd>" };
  if (unknown !== "") return { problem: `it uses the checksum "${unknown}", and bt knows sha256, sha512 and sha1` };
  const { href, checksum } = file;
  if (href === undefined || checksum === undefined) return { problem: "it names no file of the type primary" };
  return { revision, primary: { ...file, href, checksum } };
}

/** The digest that a `type` means. Undefined: another one. */
function findAlgorithm(type: string): Checksum["algorithm"] | undefined {
  if (type === "sha") return "sha1";
  return type === "sha256" || type === "sha512" || type === "sha1" ? type : undefined;
}
