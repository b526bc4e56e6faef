/** Calls of make in recipes as needs of tasks that come from the other Makefile. Pure; does not know how Makefiles are read. */
import * as path from "node:path";
import { sortByNeeds, type Draft } from "./draft.ts";

/** `make -C dir -f file target … NAME=${NAME}`. */
export interface SubMake {
  /** Relative to the folder that is imported. Empty: that one. */
  readonly dir: string;
  /** Absent: what make finds. */
  readonly file?: string;
  /** Empty: the default goal. */
  readonly targets: readonly string[];
  /** Handed on as they are. */
  readonly variables: readonly string[];
}

/** A call of make that is all of its line, with words that mean only themselves. Undefined: something else. */
export function parseSubMake(text: string, dir: string): SubMake | undefined {
  const [, folder, rest] = /^(?:cd\s+([\w./-]+)\s*&&\s*)?make((?:\s+\S+)*)\s*$/.exec(text) ?? [];
  if (rest === undefined) return undefined;
  const words = rest.split(/\s+/).filter(Boolean);
  let into = folder ?? ".";
  let file: string | undefined;
  const targets: string[] = [];
  const variables: string[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const [, letter, value] = /^-([Cf])(.*)$/.exec(word) ?? [];
    const [, name, other] = /^(\w+)=\$\{(\w+)-?\}$/.exec(word) ?? [];
    if (letter !== undefined) {
      const given = value === "" ? words.shift() : value;
      if (given === undefined || !/^[\w./-]+$/.test(given)) return undefined;
      if (letter === "C") into = path.posix.join(into, given);
      else file = given;
    } else if (name !== undefined && name === other) variables.push(name);
    else if (/^[\w.][\w./-]*$/.test(word)) targets.push(word);
    else if (word !== "--no-print-directory") return undefined;
  }
  if (path.isAbsolute(into) || (file !== undefined && path.isAbsolute(file))) return undefined;
  const whole = path.posix.join(dir, into).replace(/\/$/, "");
  if (whole.startsWith("..")) return undefined;
  return { dir: whole === "." ? "" : whole, ...(file === undefined ? {} : { file }), targets, variables };
}

/** Calls of make that a draft's recipe begins with. */
function findSubMake({ body, dir }: Draft): SubMake | undefined {
  if (body.kind !== "commands" || body.makes !== undefined) return undefined;
  const [first] = body.commands;
  if (first === undefined || first.isIgnored) return undefined;
  return parseSubMake(first.text, dir);
}

/** The other Makefile's drafts for a draft's call, or undefined when it has none for one of the targets, or would not get the same values. */
export type FindDrafts = (call: SubMake, draft: Draft) => readonly Draft[] | undefined;

/** Calls that a recipe begins with become needs; others stay calls. */
export function moveSubMakes(drafts: readonly Draft[], find: FindDrafts): readonly Draft[] {
  let moved = drafts;
  for (const { name } of drafts) {
    const draft = moved.find((one) => one.name === name);
    const call = draft === undefined ? undefined : findSubMake(draft);
    const below = draft === undefined || call === undefined ? undefined : find(call, draft);
    if (draft?.body.kind !== "commands" || below === undefined) continue;
    const needs = below.map((one) => one.name);
    const inside = closureOf(needs, moved);
    const before = [...draft.needs, ...draft.orderOnly];
    // Needs of one task have no order among them: what the target needs has to come before all that the call makes.
    if (inside.has(name) || (before.length > 0 && !isOwn(inside, draft, moved))) continue;
    const [first, ...commands] = draft.body.commands;
    const isGroup = commands.length === 0;
    const next: Draft = {
      ...draft,
      body: isGroup ? { kind: "group" } : { ...draft.body, commands },
      needs: [...draft.needs, ...needs],
      moved: { text: first?.text ?? "", needs, params: draft.params },
      ...(isGroup ? { env: [], params: [] } : {}),
    };
    moved = moved.map((one) => {
      if (one === draft) return next;
      const isFirst = inside.has(one.name) && one.needs.length + one.orderOnly.length === 0;
      return isFirst && before.length > 0 ? { ...one, orderOnly: before, later: before } : one;
    });
  }
  return sortByNeeds(moved);
}

/** Whether nobody but this draft needs any of these tasks, and what it needs itself needs none of them. */
function isOwn(inside: ReadonlySet<string>, draft: Draft, drafts: readonly Draft[]): boolean {
  const before = closureOf([...draft.needs, ...draft.orderOnly], drafts);
  if ([...before].some((name) => inside.has(name))) return false;
  return drafts.every(
    ({ name, needs, orderOnly }) => inside.has(name) || ![...needs, ...orderOnly].some((need) => inside.has(need)),
  );
}

function closureOf(from: readonly string[], drafts: readonly Draft[]): ReadonlySet<string> {
  const reached = new Set(from);
  for (const one of reached) {
    const draft = drafts.find((other) => other.name === one);
    for (const need of [...(draft?.needs ?? []), ...(draft?.orderOnly ?? [])]) reached.add(need);
  }
  return reached;
}
