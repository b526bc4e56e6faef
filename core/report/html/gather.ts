/** Reads what is on the disk about a run: its record, the logs, what tasks returned, the run before it. Does not know how it is shown. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Event } from "../../event.ts";
import { findText, type FileFact } from "../../files.ts";
import { journalOf } from "../../past.ts";
import { findRun, type RunRecord } from "../../record.ts";
import { listRuns } from "../../runs.ts";
import { openState, type State, type TaskRecord } from "../../state.ts";
import { createFollower, createPage, keptLog } from "./follow.ts";
import { findImages } from "./images.ts";
import type { Leaf, Page, PageTask, Previous } from "./model.ts";

/** Characters of all logs together: a page of more could hardly be opened. */
const keptLogs = 32 * 1024 * 1024;
/** Leaves of a key and characters of a value that are shown. */
const keptLeaves = 500;
const keptValue = 20_000;

/** The page of a past run, from its record. Undefined: there is none. */
export function loadPage(root: string, id: string): Page | undefined {
  const record = findRun(root, id);
  if (record === undefined) return undefined;
  const { page, event } = createFollower(createPage());
  for (const past of readEvents(path.join(root, ".bt", "runs", id, "events.ndjson"))) event(past);
  const { targets, startedMs, durationMs, exitCode, signal } = record;
  Object.assign(page.run, { id, targets, startedMs: page.run.startedMs || startedMs });
  if (durationMs !== undefined) page.run.durationMs ??= durationMs;
  if (exitCode !== undefined) page.run.exitCode ??= exitCode;
  if (signal !== undefined) page.run.signal ??= signal;
  completePage(page, root);
  return page;
}

/** A run that was killed leaves half a line. */
function readEvents(file: string): readonly Event[] {
  return (findText(file) ?? "").split("\n").flatMap((line): Event[] => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Event]; // Written by the recorder.
    } catch {
      return [];
    }
  });
}

/** Adds to a run that was followed what only the disk knows. */
export function completePage(page: Page, root: string): void {
  const { id } = page.run;
  const record = findRun(root, id);
  const journal = journalOf(root, id);
  const state = findState(root);
  if (record !== undefined) addRunFacts(page, record);
  let left = keptLogs;
  for (const task of page.tasks) {
    if (task.commands.length === 0) task.commands = [...(record?.tasks[task.task]?.commands ?? [])];
    addTaskFacts(task, journal.get(task.task), state?.find(task.task));
    if (task.logFile === undefined || task.log !== undefined) continue;
    left -= addLog(task, path.join(root, task.logFile), Math.min(keptLog, left));
  }
  if (page.previous === undefined) addPrevious(page, root);
}

/** Adds what the run is compared with. */
export function addPrevious(page: Page, root: string): void {
  const previous = findPrevious(root, page);
  if (previous !== undefined) page.previous = previous;
}

function findState(root: string): State | undefined {
  try {
    return openState(path.join(root, ".bt"), { readOnly: true });
  } catch {
    return undefined; // The page is shown without.
  }
}

function addRunFacts({ run }: Page, { command, commit, versions }: RunRecord): void {
  if (command !== undefined && command !== "") run.command = `bt ${command}`;
  run.facts = [
    ...(commit === undefined
      ? []
      : [["commit", `${commit.id.slice(0, 12)}${commit.isDirty ? " with changes" : ""}`] as const]),
    ...Object.entries(versions ?? {}),
  ];
}

type Remembered = Pick<TaskRecord, "key" | "document" | "outputs" | "value">;

/** What the run wrote down of the task, or what is remembered, if it is of the same key. */
function addTaskFacts(task: PageTask, noted: Remembered | undefined, remembered: Remembered | undefined): void {
  const found = noted ?? (remembered?.key === task.key ? remembered : undefined);
  if (found === undefined) return;
  const { key, document, outputs, value } = found;
  task.key = key;
  task.leaves = [...document.leaves, ...document.inputs.map(fileLeaf)].slice(0, keptLeaves);
  task.outputs = outputs.map(fileLeaf).slice(0, keptLeaves);
  if (value === undefined) return;
  const images = findImages(value);
  if (images.length > 0) task.images = images;
  const text = JSON.stringify(value, undefined, 2);
  task.value = text.length <= keptValue ? text : `${text.slice(0, keptValue)}\n…`;
}

function fileLeaf({ path: file, kind, digest }: FileFact): Leaf {
  return { name: file, value: digest === "" ? kind : digest };
}

/** The beginning and the end of a long log: what is between is in the file. Returns the characters that were added. */
function addLog(task: PageTask, file: string, room: number): number {
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch {
    return 0; // The record was removed meanwhile.
  }
  const cut = text.length - room;
  if (cut <= 0) {
    task.log = text;
    return text.length;
  }
  const head = text.slice(0, Math.floor(room / 4));
  const tail = text.slice(text.length - Math.floor((room * 3) / 4));
  const from = head.lastIndexOf("\n") + 1;
  const to = tail.indexOf("\n") + 1;
  task.log = `${head.slice(0, from)}\n… ${cut} characters are left out here; all is in ${task.logFile ?? file}\n\n${tail.slice(to)}`;
  task.logCut = cut;
  return room;
}

/** The last run of the same targets before this one. */
function findPrevious(root: string, { run }: Page): Previous | undefined {
  const wanted = [...run.targets].sort().join("\n");
  for (const id of listRuns(root)) {
    if (id >= run.id) continue;
    const record = findRun(root, id);
    if (record === undefined || [...record.targets].sort().join("\n") !== wanted) continue;
    const tasks = Object.entries(record.tasks).map(([task, { outcome, durationMs }]) => [
      task,
      { ...(outcome === undefined ? {} : { outcome }), ...(durationMs === undefined ? {} : { durationMs }) },
    ]);
    return {
      id,
      startedMs: record.startedMs,
      ...(record.durationMs === undefined ? {} : { durationMs: record.durationMs }),
      ...(record.exitCode === undefined ? {} : { exitCode: record.exitCode }),
      tasks: Object.fromEntries(tasks),
    };
  }
  return undefined;
}
