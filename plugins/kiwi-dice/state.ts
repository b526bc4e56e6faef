/** What is remembered in a recipe's `.dice`: the last good build, the history, and what runs. Does not know what any of it means. */
import { appendFileSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../core/index.ts";
import type { Leaves } from "./reasons.ts";
import type { DiceResult, DiceStatus } from "./recipe.ts";
import type { Stamps } from "./tree.ts";

/** The last build that succeeded. */
export interface State {
  readonly version: 1;
  readonly leaves: Leaves;
  /** Of the recipe's files, as they were fingerprinted. */
  readonly stamps?: Stamps;
  /** Type and profiles that were asked for. */
  readonly asked: { readonly type?: string; readonly profiles: readonly string[] };
  readonly lastBuild: NonNullable<DiceStatus["lastBuild"]>;
  readonly result: NonNullable<DiceStatus["result"]>;
  /** Size and times of the result when its digest was taken. */
  readonly stamp: string;
  readonly value: DiceResult;
}

/** What a build that runs may leave behind. */
export interface Running {
  /** Folder of the job, absolute. */
  readonly job: string;
  /** Container of the job. */
  readonly container?: { readonly engine: string; readonly name: string };
}

/** One line of the history. */
export interface Past {
  /** ISO 8601, of the start. */
  readonly time: string;
  readonly outcome: "built" | "failed" | "interrupted";
  readonly reasons: readonly string[];
  /** Seconds. */
  readonly duration: number;
  readonly host: string;
  readonly sha256?: string;
}

/** Files of a recipe's `.dice`. */
export const files = {
  state: "state.json",
  running: "running.json",
  history: "history.ndjson",
  log: "build.log",
  result: "build_results.tar",
  lock: "lock",
} as const;

export function dicePath(recipe: string, name = ""): string {
  return join(recipe, ".dice", name);
}

/** Undefined: never built, or by another version of bt. */
export function loadState(recipe: string): State | undefined {
  const found = readJson(dicePath(recipe, files.state)) as State | undefined; // Written by saveState; the version says so.
  return found?.version === 1 ? found : undefined;
}

export function saveState(recipe: string, state: State): void {
  writeFile(recipe, files.state, `${JSON.stringify(state, undefined, 2)}\n`);
}

export function loadRunning(recipe: string): Running | undefined {
  return readJson(dicePath(recipe, files.running)) as Running | undefined; // Written by saveRunning only.
}

/** Without `running`: nothing is left any more. */
export function saveRunning(recipe: string, running?: Running): void {
  if (running === undefined) rmSync(dicePath(recipe, files.running), { force: true });
  else writeFile(recipe, files.running, `${JSON.stringify(running)}\n`);
}

export function loadHistory(recipe: string): readonly Past[] {
  const text = readText(dicePath(recipe, files.history)) ?? "";
  return text.split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Past];
    } catch {
      return []; // The machine stopped while it was written.
    }
  });
}

export function addHistory(recipe: string, past: Past): void {
  makeDice(recipe);
  appendFileSync(dicePath(recipe, files.history), `${JSON.stringify(past)}\n`, { mode: 0o644 });
  giveToUser(recipe, files.history);
}

/** The folder `.dice`, made if need be. */
export function makeDice(recipe: string): string {
  const folder = dicePath(recipe);
  if (mkdirSync(folder, { recursive: true }) !== undefined) giveToUser(recipe);
  return folder;
}

/** Who called: the user behind sudo, else the owner of the recipe. */
export function findUser(recipe: string): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = [process.env["SUDO_UID"], process.env["SUDO_GID"]].map(Number);
  if (Number.isInteger(uid) && Number.isInteger(gid)) return { uid: uid!, gid: gid! };
  return lstatSync(recipe);
}

/** Root's files in `.dice` become the user's. */
export function giveToUser(recipe: string, name = ""): void {
  const user = findUser(recipe);
  if (user !== undefined) chownSync(dicePath(recipe, name), user.uid, user.gid);
}

/** As a whole or not at all. */
function writeFile(recipe: string, name: string, text: string): void {
  makeDice(recipe);
  replaceFile(dicePath(recipe, name), text);
  giveToUser(recipe, name);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
