/** What the tasks of one plugin share: its options, and what one run of bt has seen so far. */
import type { Event } from "../../core/index.ts";
import type { Seen } from "./evidence.ts";
import type { KiwiDiceOptions } from "./recipe.ts";

/** How one recipe of `dice-schedule` ended. */
export interface Scheduled {
  readonly before: string;
  readonly result: "built" | "up to date" | "failed";
  /** Milliseconds. */
  readonly durationMs: number;
  /** Relative to the project root. */
  readonly log: string;
}

export interface Setup {
  readonly options: KiwiDiceOptions;
  /** Logs that are being written: id of the task to file descriptor. */
  readonly logs: Map<string, number>;
  /** Who hears what tasks print that run KIWI, by id. */
  readonly steps: Map<string, (text: string) => void>;
  /** Hears what those tasks print. Absent: none runs. */
  write?: (event: Event) => void;
  /** Digests of repositories, each asked once a run. */
  readonly answers: Map<string, Promise<{ readonly digest: string } | { readonly problem: string }>>;
  /** What tasks have seen, by id. */
  readonly seen: Map<string, Seen>;
  /** Project root, absolute; known once a graph was made. */
  root?: string;
  /** By folder as it was asked for. */
  readonly scheduled: Map<string, Scheduled>;
}

/** Cell of recipes that are not declared. */
export const anyRecipe = "RECIPE";
