/** What a task has made, as a list that can be kept: every file, link and folder with its mode. Does not know where it is kept. */
import { isUtf8 } from "node:buffer";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Blob, CachedOutput, CachedResult } from "../cache-store.ts";
import { findStat, hashFile, isMisread, type FileFact } from "../files.ts";
import { keyText, type KeyDocument } from "../fingerprint.ts";
import type { Node } from "../graph.ts";
import { isGlob, outputPath } from "../paths.ts";
import { blobOf } from "./blob.ts";
import type { KeepLimits } from "./keep.ts";

/** What can be kept, and where its bytes are now. */
export interface Packed {
  readonly outputs: readonly CachedOutput[];
  /** Absolute path by digest. */
  readonly files: ReadonlyMap<string, string>;
  readonly sizeBytes: number;
}

/** Why outputs cannot be kept, or are not worth it. */
export interface Unfit {
  readonly unfit: string;
}

/** Lists the declared outputs. `facts` are what they held right after the run; what has changed since is noticed when it is copied. */
export function packOutputs(root: string, node: Node, facts: readonly FileFact[], limits: KeepLimits): Packed | Unfit {
  const known = new Map(facts.map((fact) => [fact.path, fact]));
  const owners = { uid: process.getuid?.(), gids: [process.getegid?.(), findStat(root)?.gid] };
  const outputs: CachedOutput[] = [];
  const files = new Map<string, string>();
  let sizeBytes = 0;
  const blobOf = (relative: string, stat: fs.Stats): Blob => {
    const fact = known.get(relative);
    const digest = fact !== undefined && fact.digest !== "" ? fact.digest : hashFile(path.join(root, relative));
    files.set(digest, path.join(root, relative));
    return { digest, size: stat.size };
  };
  for (const relative of listOutputs(root, node, facts)) {
    const stat = findStat(path.join(root, relative));
    if (stat === undefined)
      return {
        unfit: `"${relative}" ${relative.includes("\uFFFD") ? "has a name that is not UTF-8" : "has gone meanwhile"}`,
      };
    if (stat.uid !== owners.uid || !owners.gids.includes(stat.gid))
      return { unfit: `"${relative}" belongs to another user or group` };
    const mode = stat.mode & 0o7777;
    if (stat.isDirectory()) outputs.push({ path: relative, kind: "folder", mode });
    else if (stat.isSymbolicLink()) {
      const target = fs.readlinkSync(path.join(root, relative), "buffer");
      if (!isUtf8(target)) return { unfit: `"${relative}" leads to a name that is not UTF-8` };
      outputs.push({ path: relative, kind: "link", mode, target: target.toString() });
    } else if (stat.isFile()) {
      sizeBytes += Math.min(stat.size, stat.blocks * 512);
      if (sizeBytes > limits.sizeBytes) return { unfit: "it is too large" };
      outputs.push({ path: relative, kind: "file", mode, blob: blobOf(relative, stat) });
    } else return { unfit: `"${relative}" is neither file, link nor folder` };
    if (outputs.length > limits.files) return { unfit: "it has too many files" };
  }
  return { outputs, files, sizeBytes };
}

/** Everything that the declared outputs cover, sorted; of folders all, whatever a glob would leave out. */
function* listOutputs(root: string, node: Node, facts: readonly FileFact[]): Generator<string> {
  const found = new Set<string>();
  const hasPatterns = node.outputs.some((declared) => isGlob(declared) && !declared.endsWith("/**"));
  if (hasPatterns) for (const { path: file, kind } of facts) if (kind !== "missing") found.add(file);
  for (const declared of node.outputs) {
    if (isGlob(declared) && !declared.endsWith("/**")) continue;
    const file = outputPath(declared).path.replace(/^\.\//, "");
    found.add(file);
    if (findStat(path.join(root, file))?.isDirectory() === true) addBelow(root, file, found);
  }
  yield* [...found].sort();
}

/** Links to folders are not followed. */
function addBelow(root: string, folder: string, found: Set<string>): void {
  for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const file = `${folder}/${entry.name}`;
    found.add(file);
    if (entry.isDirectory() && !isMisread(path.join(root, file))) addBelow(root, file, found);
  }
}

/** What a result says besides its outputs. Nothing else of a task gets into a cache: its params may be secrets. */
export interface ResultFacts {
  readonly key: string;
  readonly document: KeyDocument;
  readonly packed: Packed;
  /** Of its small files. */
  readonly bundle: Blob | undefined;
  readonly value: unknown;
  readonly log: Blob | undefined;
  readonly durationMs: number;
  readonly madeMs: number;
  readonly by: string;
}

/** A result as caches keep it. */
export function createResult(
  node: Node,
  { key, document, packed, bundle, value, log, durationMs, madeMs, by }: ResultFacts,
): CachedResult {
  return {
    v: 1,
    key,
    task: node.id,
    outputs: packed.outputs,
    ...(bundle === undefined ? {} : { bundle }),
    ...(value === undefined ? {} : { value }),
    ...(log === undefined ? {} : { log }),
    document: blobOf(Buffer.from(keyText(document))),
    durationMs,
    madeMs,
    by,
  };
}
