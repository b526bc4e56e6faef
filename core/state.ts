/** What bt remembers between runs: one append-only log of records. Does not know what the values mean to a decision. */
import * as fs from "node:fs";
import * as path from "node:path";
import { crc32 } from "node:zlib";
import { stateUnwritable } from "./errors/disk.ts";
import type { FileFact } from "./files.ts";
import { findText, makeFolder, replaceFile, writeAll } from "./files.ts";
import type { KeyDocument } from "./fingerprint.ts";
import type { Reason } from "./reason.ts";

/** One finished success. */
export interface TaskRecord {
  readonly id: string;
  readonly key: string;
  readonly document: KeyDocument;
  readonly outputs: readonly FileFact[];
  /** What the action returned. */
  readonly value?: unknown;
  readonly durationMs: number;
  /** Counted as done without a run. */
  readonly touched?: true;
}

/** Instead of a record: why there is none. `running` that is never replaced means that bt was killed. */
export interface Tombstone {
  readonly id: string;
  readonly gone: "running" | "failed" | "changed" | "cleaned";
  /** Run that started the task, when it is `running`. */
  readonly run?: string;
  readonly durationMs?: number;
}
type Line = TaskRecord | Tombstone;

export interface State {
  readonly find: (id: string) => TaskRecord | undefined;
  /** Why a task has no record. */
  readonly whyGone: (id: string) => Reason;
  /** The run that started the task and has not said how it ended. */
  readonly unendedRun: (id: string) => string | undefined;
  /** How long the task took last time, also if it failed. */
  readonly durationMs: (id: string) => number | undefined;
  /** Content digests of all files that records mention. */
  readonly memo: ReadonlyMap<string, FileFact>;
  /** @throws BtError STATE_UNWRITABLE; what was remembered before stays. */
  readonly append: (line: Line) => void;
  /** The same, written with whatever is appended next: for records that nothing depends on. */
  readonly appendLater: (line: Line) => void;
  /** Reads what another bt has added since. */
  readonly refresh: () => void;
  /** Makes sure that everything is on the disk. */
  readonly sync: () => void;
  readonly close: () => void;
  /** What was wrong with the log. */
  readonly warning?: string;
}

const whyGone: Readonly<Record<Tombstone["gone"], Reason>> = {
  running: { kind: "interrupted-before" },
  failed: { kind: "failed-before" },
  changed: { kind: "changed-while-running" },
  cleaned: { kind: "cleaned" },
};

const header = "bt-state 1";

/** The log of a project, read once. */
export function openState(folder: string, options: { readonly readOnly: boolean }): State {
  const file = path.join(folder, "state.log");
  const lines = new Map<string, Line>();
  const memo = new Map<string, FileFact>();
  let seenBytes = sizeOf(file);
  const read = readLog(file);
  let isLost = read.kind === "damaged";
  let offset = 0;
  let dead = 0;
  const take = (line: Line): void => {
    if (lines.has(line.id)) dead++;
    lines.set(line.id, line);
    if (!("gone" in line)) for (const fact of [...line.document.inputs, ...line.outputs]) memo.set(fact.path, fact);
  };
  if (read.kind === "read") {
    offset = read.offset;
    for (const line of read.lines) take(line);
    if (read.bad > 0) isLost = true;
  }
  const log = options.readOnly ? undefined : openLog(file, read, () => [...lines.values()]);
  let later = "";
  const flush = (): void => {
    if (later === "") return;
    log?.append(later);
    seenBytes += Buffer.byteLength(later);
    later = "";
  };
  const append = (line: Line): void => {
    later += encode(line);
    flush();
    take(line);
  };
  if (log !== undefined && dead > lines.size + 1000) log.compact([...lines.values()]);
  return {
    find: (id) => {
      const line = lines.get(id);
      return line === undefined || "gone" in line ? undefined : line;
    },
    whyGone: (id) => {
      const line = lines.get(id);
      if (line === undefined || !("gone" in line)) return { kind: isLost ? "state-lost" : "first-run" };
      return whyGone[line.gone];
    },
    unendedRun: (id) => {
      const line = lines.get(id);
      return line !== undefined && "gone" in line ? line.run : undefined;
    },
    durationMs: (id) => lines.get(id)?.durationMs,
    memo,
    append,
    appendLater(line) {
      later += encode(line);
      take(line);
    },
    refresh() {
      if (sizeOf(file) === seenBytes) return; // What waits for the next append is in neither.
      flush();
      const size = sizeOf(file);
      const tail = readLog(file, size < seenBytes ? 0 : offset); // Smaller: another bt has compacted it.
      seenBytes = size;
      if (tail.kind !== "read") return;
      offset = tail.offset;
      for (const line of tail.lines) take(line);
    },
    sync() {
      flush();
      log?.sync();
    },
    close: () => log?.close(),
    ...(read.kind === "damaged"
      ? { warning: read.why }
      : read.kind === "read" && read.bad > 0
        ? { warning: read.bad === 1 ? "1 record of it is damaged" : `${read.bad} records of it are damaged` }
        : {}),
  };
}

/** `CRC LENGTH JSON` on one line: a torn or damaged one is noticed. */
function encode(line: Line): string {
  const json = JSON.stringify(line);
  return `${crc32(json).toString(16)} ${json.length} ${json}\n`;
}

type ReadLog =
  | { kind: "read"; lines: Line[]; offset: number; bad: number }
  | { kind: "absent" }
  | { kind: "damaged"; why: string };

function sizeOf(file: string): number {
  try {
    return fs.statSync(file).size;
  } catch {
    return 0; // Not there yet; whatever else is wrong shows when it is written.
  }
}

/** Reads from `offset`; a torn last line is left out. */
function readLog(file: string, offset = 0): ReadLog {
  let text: string | undefined;
  try {
    text = findText(file);
  } catch {
    return { kind: "damaged", why: "it cannot be read" };
  }
  if (text === undefined) return { kind: "absent" };
  const [first] = text.split("\n", 1);
  if (first !== header) {
    const version = /^bt-state (\d+)$/.exec(first ?? "")?.[1];
    return {
      kind: "damaged",
      why: version === undefined ? "it is damaged" : `it is of version ${version}, and this bt reads version 1`,
    };
  }
  const lines: Line[] = [];
  let bad = 0;
  const whole = text.lastIndexOf("\n") + 1;
  for (let at = Math.max(offset, header.length + 1); at < whole;) {
    const end = text.indexOf("\n", at);
    const line = decode(text.slice(at, end));
    if (line === undefined) bad++;
    else lines.push(line);
    at = end + 1;
  }
  return { kind: "read", lines, offset: whole, bad };
}

function decode(text: string): Line | undefined {
  const [crc, length] = text.split(" ", 2);
  const json = text.slice((crc?.length ?? 0) + (length?.length ?? 0) + 2);
  if (json.length !== Number(length) || crc32(json).toString(16) !== crc) return undefined;
  return JSON.parse(json) as Line; // The checksum says that we wrote it.
}

interface Log {
  readonly append: (text: string) => void;
  readonly compact: (lines: readonly Line[]) => void;
  readonly sync: () => void;
  readonly close: () => void;
}

function openLog(file: string, read: ReadLog, all: () => readonly Line[]): Log {
  const write = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw stateUnwritable(path.relative(process.cwd(), file) || file, error);
    }
  };
  const replace = (lines: readonly Line[]): void => replaceFile(file, `${header}\n${lines.map(encode).join("")}`);
  const open = (): number => fs.openSync(file, "a+");
  let descriptor = write(() => {
    makeFolder(path.dirname(file));
    if (read.kind === "damaged" && fs.existsSync(file)) fs.renameSync(file, `${file}.bad`);
    if (read.kind !== "read") replace([]);
    const opened = open();
    if (read.kind === "read") trimTornLine(opened, file);
    return opened;
  });
  const append = (text: string): void => {
    const { size } = fs.fstatSync(descriptor);
    try {
      writeAll(descriptor, text);
    } catch (error) {
      fs.ftruncateSync(descriptor, size);
      throw error;
    }
    if (fs.statSync(file, { throwIfNoEntry: false })?.ino !== fs.fstatSync(descriptor).ino) reopen(text);
  };
  /** Another bt has compacted the log meanwhile, or somebody removed it. */
  const reopen = (text: string): void => {
    fs.closeSync(descriptor);
    if (!fs.existsSync(file)) replace(all());
    descriptor = open();
    append(text);
  };
  return {
    append: (text) => write(() => append(text)),
    compact: (lines) =>
      write(() => {
        replace(lines);
        fs.closeSync(descriptor);
        descriptor = open();
      }),
    sync: () => write(() => fs.fdatasyncSync(descriptor)),
    close: () => fs.closeSync(descriptor),
  };
}

/** What a killed bt has left of its last write goes, so that the next record starts on a line of its own. */
function trimTornLine(descriptor: number, file: string): void {
  const text = findText(file) ?? "";
  const whole = text.lastIndexOf("\n") + 1;
  if (text.length > whole) fs.ftruncateSync(descriptor, Buffer.byteLength(text.slice(0, whole)));
}
