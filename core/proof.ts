/**
 * The proof that a set of targets is up to date: stamps of every file that mattered last time, checked in one loop, and what else was evidence.
 * Loads nothing but `node:fs`; does not know tasks. Questions to others are only handed out.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Evidence, Question } from "./evidence.ts";
import {
  areEnvSame,
  findStat,
  parseJson,
  quickHash,
  readText,
  stampFile,
  youngMs,
  type EnvStamp,
  type Manifest,
  type Stamp,
} from "./warm.ts";

/** All files whose unchanged stamps prove that a set of targets is up to date. */
export interface FreshProof {
  /** Command line in a canonical form. */
  readonly request: string;
  readonly manifestMs: number;
  /** Before anything was looked at: what has changed since may have changed unseen. */
  readonly startedMs: number;
  /** The log of records: whoever runs anything appends to it. */
  readonly state: Stamp;
  readonly env: readonly EnvStamp[];
  /** Tasks that are up to date. */
  readonly tasks: number;
  /** Relative to the root, or absolute: inputs, outputs, and folders that globs look into. */
  readonly files: readonly string[];
  readonly sights: readonly Sight[];
  readonly questions: readonly Question[];
  readonly sayings: readonly Saying[];
}

/** What a task says of itself while nothing has changed. */
export type Saying = readonly [task: string, text: string];

/** A file that may be young, because it is told by what is in it. Size −1: nothing is there. No digest: the name stands for the content. */
export type Sight = readonly [path: string, sizeBytes: number, digest: number | null];

/** What a task's evidence says of one path, in the form in which it is compared. */
export function seeEvidence(evidence: Extract<Evidence, { readonly kind: "absent" | "size" | "text" }>): Sight {
  switch (evidence.kind) {
    case "absent":
      return [evidence.path, -1, null];
    case "size":
      return [evidence.path, evidence.sizeBytes, null];
    case "text":
      return [evidence.path, Buffer.byteLength(evidence.text), quickHash(evidence.text)];
  }
}

/** A proof that holds, as far as this machine can tell. */
export interface Proven {
  /** How many tasks are up to date. */
  readonly tasks: number;
  readonly questions: readonly Question[];
  readonly sayings: readonly Saying[];
}

function proofFile(root: string, request: string): string {
  return path.join(root, ".bt", "fresh", quickHash(request).toString(36));
}

/** Stamps the files and writes the proof: a header of JSON, four columns of float64, the paths. */
export function writeProof(root: string, proof: FreshProof, write: (file: string, content: Uint8Array) => void): void {
  const { files, ...rest } = proof;
  const header = Buffer.from(JSON.stringify({ ...rest, count: files.length }));
  const columns = new Float64Array(files.length * 4);
  for (const [at, file] of files.entries())
    columns.set(stampFile(path.resolve(root, file)).slice(1) as number[], at * 4);
  const padded = Buffer.alloc(8 + Math.ceil(header.length / 8) * 8);
  padded.writeUInt32LE(header.length, 0);
  header.copy(padded, 8);
  write(
    proofFile(root, proof.request),
    Buffer.concat([padded, Buffer.from(columns.buffer), Buffer.from(files.join("\n"))]),
  );
}

/** Undefined: not proven, look properly. */
export function checkProof(
  manifest: Manifest,
  request: string,
  env: Readonly<Record<string, string | undefined>>,
): Proven | undefined {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(proofFile(manifest.root, request));
  } catch {
    return undefined;
  }
  if (bytes.length < 8) return undefined; // Whoever wrote it did not get far.
  const headerLength = bytes.readUInt32LE(0);
  const header = parseJson<Omit<FreshProof, "files"> & { count: number }>(bytes.toString("utf8", 8, 8 + headerLength));
  if (header === undefined || header.request !== request || header.manifestMs !== manifest.writtenMs) return undefined;
  const [, size, , ctimeMs, inode] = stampFile(header.state[0]);
  if (size !== header.state[1] || ctimeMs !== header.state[3] || inode !== header.state[4]) return undefined;
  if (!areEnvSame(header.env, env, manifest.root)) return undefined;
  if (!header.sights.every((sight) => isSeen(manifest.root, sight))) return undefined;
  const start = 8 + Math.ceil(headerLength / 8) * 8;
  if (bytes.length < start + header.count * 32) return undefined;
  const columns = new Float64Array(
    bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + start + header.count * 32),
  );
  return areFilesSame(
    manifest.root,
    bytes.toString("utf8", start + header.count * 32),
    columns,
    header.startedMs - youngMs,
  )
    ? { tasks: header.tasks, questions: header.questions, sayings: header.sayings }
    : undefined;
}

function isSeen(root: string, [name, sizeBytes, digest]: Sight): boolean {
  const file = path.resolve(root, name);
  if (sizeBytes === -1) return isAbsent(file);
  const stat = findStat(file);
  return (
    stat !== undefined && stat.size === sizeBytes && (digest === null || digest === quickHash(readText(file) ?? ""))
  );
}

/** A link that leads nowhere is something, such as a lock. */
function isAbsent(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) === undefined;
  } catch {
    return true; // A file where a folder would have to be.
  }
}

/** The hot loop: one stat a file, no objects besides Node's own. */
function areFilesSame(root: string, paths: string, columns: Float64Array, trustedMs: number): boolean {
  if (paths === "") return columns.length === 0;
  let at = 0;
  for (let start = 0; start <= paths.length; at += 4) {
    let end = paths.indexOf("\n", start);
    if (end === -1) end = paths.length;
    const file = paths.slice(start, end);
    const stat = findStat(file.charCodeAt(0) === 47 ? file : `${root}/${file}`);
    if (stat === undefined) return false;
    if (
      stat.size !== columns[at] ||
      stat.mtimeMs !== columns[at + 1] ||
      stat.ctimeMs !== columns[at + 2] ||
      stat.ino !== columns[at + 3]
    )
      return false;
    if (stat.mtimeMs >= trustedMs || stat.ctimeMs >= trustedMs) return false;
    start = end + 1;
  }
  return at === columns.length;
}
