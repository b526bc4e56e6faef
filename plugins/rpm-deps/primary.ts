/** `primary.xml`: the packages of a repository, read as a stream. Does not know where it comes from. */
import { StringDecoder } from "node:string_decoder";
import { createXmlReader } from "./xml.ts";

/** One rpm as its repository describes it. */
export interface Package {
  readonly name: string;
  readonly arch: string;
  readonly epoch: string;
  readonly version: string;
  readonly release: string;
  readonly checksumType: string;
  readonly checksum: string;
  /** Relative to `base`, or to the repository's address. */
  readonly href: string;
  /** `xml:base`. Absent: the repository's address. */
  readonly base?: string;
  /** Position of the repository in the snapshot's list. */
  readonly repository: number;
}

/** What one package offers or needs; the version is that of the entry. */
export interface Relation {
  readonly name: string;
  /** EQ, LT, GT, LE or GE. Absent: any version. */
  readonly flags?: string;
  readonly epoch?: string;
  readonly version?: string;
  readonly release?: string;
}

/** What a package offers and needs. */
export interface Relations {
  readonly provides: readonly Relation[];
  readonly requires: readonly Relation[];
  readonly files: readonly string[];
}

/** What is wanted of the packages as they come. */
export type OnPackage = (found: Package, relations: Relations) => void;

/**
 * Reads all packages. `relations` says whether provides, requires and files are collected; without, they come empty.
 * @throws Error when it is not XML
 */
export async function readPrimary(
  source: AsyncIterable<Buffer>,
  repository: number,
  options: { readonly relations: boolean; readonly onPackage: OnPackage },
): Promise<void> {
  const { relations, onPackage } = options;
  let now = blank();
  let side: "provides" | "requires" | undefined;
  let isInFormat = false;
  const reader = createXmlReader({
    open(name, attributes) {
      if (isInFormat) {
        if (!relations) return;
        if (name === "provides" || name === "requires") side = name;
        else if (name === "entry" && side !== undefined) now[side].push(toRelation(attributes));
        return;
      }
      if (name === "version")
        Object.assign(now, {
          epoch: attributes["epoch"] ?? "0",
          version: attributes["ver"] ?? "",
          release: attributes["rel"] ?? "",
        });
      else if (name === "checksum") now.checksumType = attributes["type"] ?? "";
      else if (name === "location")
        Object.assign(now, { href: attributes["href"] ?? "", base: attributes["xml:base"] });
      else if (name === "format") isInFormat = true;
    },
    close(name, content) {
      if (isInFormat) {
        if (name === "format") isInFormat = false;
        else if (name === side) side = undefined;
        else if (name === "file" && relations) now.files.push(content);
      } else if (name === "name") now.name = content;
      else if (name === "arch") now.arch = content;
      else if (name === "checksum") now.checksum = content.trim();
      else if (name === "package") {
        const { provides, requires, files, base, epoch, ...rest } = now;
        onPackage(
          { ...rest, epoch: epoch === "" ? "0" : epoch, repository, ...(base === undefined ? {} : { base }) },
          { provides, requires, files },
        );
        now = blank();
      }
    },
  });
  const decoder = new StringDecoder("utf8");
  for await (const chunk of source) reader.write(decoder.write(chunk));
  reader.write(decoder.end());
  reader.end();
}

interface Draft {
  name: string;
  arch: string;
  epoch: string;
  version: string;
  release: string;
  checksumType: string;
  checksum: string;
  href: string;
  base?: string | undefined;
  provides: Relation[];
  requires: Relation[];
  files: string[];
}

function blank(): Draft {
  const text = { name: "", arch: "", epoch: "0", version: "", release: "", checksumType: "", checksum: "", href: "" };
  return { ...text, provides: [], requires: [], files: [] };
}

function toRelation(attributes: Readonly<Record<string, string>>): Relation {
  const { name = "", flags, epoch, ver, rel } = attributes;
  return {
    name,
    ...(flags === undefined ? {} : { flags }),
    ...(epoch === undefined ? {} : { epoch }),
    ...(ver === undefined ? {} : { version: ver }),
    ...(rel === undefined ? {} : { release: rel }),
  };
}
