/** The first lines of `bt`: answers from the shortcut what it can, and loads the rest only then. Knows only `warm`. */
import * as fs from "node:fs";
import { isBelowMake } from "../makeflags.ts";
import type { Question } from "../evidence.ts";
import { checkProof, type Saying } from "../proof.ts";
import { findList, findManifest } from "../warm.ts";
import { print } from "./print.ts";
import { freshRequest, isListRequest } from "./shortcut.ts";

declare const BT_BUILD: string;

/** Nothing has changed here; others are still to be asked. */
export interface OpenAnswer {
  readonly root: string;
  readonly questions: readonly Question[];
  /** Says so, when their answers are the same. */
  readonly say: () => void;
}

/** Answers a list or an up-to-date build. False: nothing was printed, go the long way. */
export function tryShortcut(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): boolean | OpenAnswer {
  const isList = isListRequest(argv);
  if (env["GITHUB_ACTIONS"] === "true" || env["BT_SHORTCUT"] === "off") return false;
  const request = isList ? undefined : freshRequest(argv, env);
  // Make may say that a pipe of its own counts as a terminal: then colours are decided the long way.
  if (isList ? env["MAKE_TERMOUT"] !== undefined : request === undefined) return false;
  const manifest = findManifest(cwd, BT_BUILD, env);
  if (manifest === undefined) return false;
  if (isList) {
    const list = findList(manifest, hasColour(env) ? "colour" : "plain", argv.length === 0);
    if (list !== undefined) print(list);
    return list !== undefined;
  }
  const proven = checkProof(manifest, request ?? "", env);
  if (proven === undefined) return false;
  const { tasks, questions, sayings } = proven;
  if (sayings.length > 0 && argv.some((word) => /^--output=(prefixed|none)$/.test(word))) return false;
  // Below make nothing is said of what is up to date, as make does.
  const isSilent = argv.some((word) => /^(-[ky]*s[ksy]*|--quiet|--silent)$/.test(word));
  const say = (): void => {
    const said = isSilent ? "" : renderSayings(sayings);
    const closing = isSilent || isBelowMake(env) ? "" : renderClosing(tasks, sayings.length);
    if (said !== "" || closing !== "") print(`${said}${closing}`);
  };
  if (questions.length > 0) return { root: manifest.root, questions, say };
  say();
  return true;
}

/** As a run shows what its tasks print: an only one as it is, of several each below its name. */
function renderSayings(sayings: readonly Saying[]): string {
  return sayings.map(([task, text]) => `${sayings.length === 1 ? "" : `✔ ${task} as last time\n`}${text}\n`).join("");
}

function renderClosing(tasks: number, saying: number): string {
  if (saying === tasks) return "bt: Nothing has changed since the last time\n";
  return `bt: Nothing to do: ${tasks === 1 ? "1 task is" : `${tasks} tasks are`} up to date\n`;
}

/** As paint.ts decides, for the one level that the stored list has. */
function hasColour({
  NO_COLOR: no = "",
  FORCE_COLOR: force,
  TERM: term = "",
}: Readonly<Record<string, string | undefined>>): boolean {
  if (no !== "") return false;
  if (force !== undefined) return force !== "0" && force !== "false";
  return term !== "dumb" && isTerminal();
}

/** A character device that is not /dev/null; `node:tty` would cost more. */
function isTerminal(): boolean {
  const stat = fs.fstatSync(1);
  return stat.isCharacterDevice() && stat.rdev >> 8 !== 1;
}
