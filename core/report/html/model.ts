/** What the page of a run is made of: plain data that passes through JSON. Only the words. */
import type { Counts, Failure, Outcome, TaskState } from "../../event.ts";

/** One try of a task. Milliseconds since the start of the run. */
export interface Span {
  readonly startMs: number;
  /** Absent: it still runs, or nobody knows how it ended. */
  endMs?: number;
  readonly slot: number;
}

/** A name and what stands for its content. */
export interface Leaf {
  readonly name: string;
  readonly value: string;
}

/** An image that a task returned. */
export interface Image {
  readonly digest: string;
  readonly reference?: string;
  /** `linux/arm64`. */
  readonly platform?: string;
  readonly imageId?: string;
}

/** One task, and what is known of it so far. */
export interface PageTask {
  readonly task: string;
  readonly description?: string;
  readonly group?: string;
  readonly needs: readonly string[];
  readonly expectedMs?: number;
  state: TaskState;
  outcome?: Outcome;
  reasons: readonly string[];
  readonly spans: Span[];
  durationMs?: number;
  failure?: Failure;
  flaky?: true;
  allowed?: true;
  blockedBy?: string;
  /** What it started, the first ones. */
  commands: string[];
  key?: string;
  /** What the key is made of. */
  leaves?: readonly Leaf[];
  /** What it wrote: path and digest. */
  outputs?: readonly Leaf[];
  images?: readonly Image[];
  /** What it returned, as JSON. */
  value?: string;
  /** File of the log, relative to the root. */
  logFile?: string;
  /** What it printed, with the codes of a terminal. */
  log?: string;
  /** Characters left out of the middle or the beginning of `log`. */
  logCut?: number;
}

export interface Warning {
  readonly text: string;
  readonly fix?: string;
  readonly task?: string;
}

/** The run as a whole. */
export interface RunFacts {
  id: string;
  targets: readonly string[];
  /** Milliseconds since 1970. */
  startedMs: number;
  jobs?: number;
  dryRun?: true;
  /** Nothing has run: only the tasks and their needs are known. */
  readonly isPlan?: true;
  durationMs?: number;
  exitCode?: number;
  signal?: string;
  counts?: Counts;
  /** What was typed. */
  command?: string;
  /** Name and value: commit, versions. */
  facts?: readonly (readonly [name: string, value: string])[];
}

/** What is compared with: an earlier run of the same targets. */
export interface Previous {
  readonly id: string;
  readonly startedMs: number;
  readonly durationMs?: number;
  readonly exitCode?: number;
  readonly tasks: Readonly<Record<string, { readonly outcome?: Outcome; readonly durationMs?: number }>>;
}

/** Where a task is drawn: its middle. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly places: Readonly<Record<string, Place>>;
  /** By task: a path of SVG from each of its needs to it, without those that follow from others. */
  readonly edges: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** All that the page shows. */
export interface Page {
  readonly run: RunFacts;
  tasks: PageTask[];
  readonly warnings: Warning[];
  previous?: Previous;
  layout?: Layout;
}
