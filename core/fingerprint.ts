/** One key for all a task's result depends on, as a list of named leaves. Pure; does not know whether anything is up to date. */
import { hashText, type FileFact, type FileKind } from "./files.ts";
import type { Reason } from "./reason.ts";

/** One thing a result depends on: `param/tag` and its value, `need/build` and a digest. */
export interface Leaf {
  /** `kind/name`; unique within a key. */
  readonly name: string;
  /** A short text as it is, anything long as its digest; never a secret. */
  readonly value: string;
}

/** All leaves of one task. */
export interface KeyDocument {
  readonly leaves: readonly Leaf[];
  readonly inputs: readonly FileFact[];
}

/** Raised when the meaning of a leaf changes; then every task runs once more. */
const format: Leaf = { name: "format", value: "1" };

/** The document with its leaves in order, and nothing twice. */
export function createDocument(leaves: readonly Leaf[], inputs: readonly FileFact[]): KeyDocument {
  return {
    leaves: withOwnNames([format, ...leaves].sort(byName)),
    inputs: [...new Map(inputs.map((fact) => [fact.path, fact])).values()],
  };
}

function byName(a: Leaf, b: Leaf): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** Drops what was said twice; of two values under one name, as two plugins may say them, the second is called `name (2)`. */
function withOwnNames(sorted: readonly Leaf[]): Leaf[] {
  const result: Leaf[] = [];
  let count = 1;
  for (const [at, leaf] of sorted.entries()) {
    const before = sorted[at - 1];
    if (before?.name === leaf.name && before.value === leaf.value) continue;
    count = before?.name === leaf.name ? count + 1 : 1;
    result.push(count === 1 ? leaf : { ...leaf, name: `${leaf.name} (${count})` });
  }
  return result;
}

/** Hex SHA-256 of a document. Equal documents have equal keys, whatever the order they were collected in. */
export function keyOf(document: KeyDocument): string {
  return hashText(keyText(document));
}

/** The text whose digest is the key: a line for each leaf, then one for each input. */
export function keyText(document: KeyDocument): string {
  const leaves = document.leaves.map(({ name, value }) => `${JSON.stringify(name)} ${JSON.stringify(value)}`);
  const inputs = document.inputs.map((fact) => `${JSON.stringify(fact.path)} ${fact.kind} ${fact.digest}`).sort();
  return [...leaves, ...inputs].join("\n");
}

/** The document that a key's text is of. Undefined: it is no such text. */
export function parseKeyText(text: string): KeyDocument | undefined {
  const leaves: Leaf[] = [];
  const inputs: FileFact[] = [];
  for (const line of text.split("\n")) {
    const [, name = "", value, kind, digest = ""] = keyLine.exec(line) ?? [];
    if (name === "") return undefined;
    if (value !== undefined) leaves.push({ name: parseQuoted(name), value: parseQuoted(value) });
    else if (isKind(kind)) inputs.push({ path: parseQuoted(name), kind, digest });
    else return undefined;
  }
  return { leaves, inputs };
}

const keyLine = /^("(?:[^"\\]|\\.)*") (?:("(?:[^"\\]|\\.)*")|([a-z]+) ([0-9a-f]*))$/;

function parseQuoted(text: string): string {
  return JSON.parse(text) as string; // The pattern says that it is one.
}

function isKind(text: string | undefined): text is FileKind {
  return text !== undefined && ["file", "exec", "link", "folder", "missing"].includes(text);
}

/** One leaf, or one input as `input/PATH`, that two documents do not share. */
export interface Difference {
  readonly name: string;
  /** Absent: only the later document has it. */
  readonly before?: string;
  /** Absent: only the earlier document has it. */
  readonly now?: string;
}

/** Every difference between two documents with both values, by name. Empty exactly when the keys are equal. */
export function compareDocuments(before: KeyDocument, now: KeyDocument): Difference[] {
  const [old, fresh] = [flatten(before), flatten(now)];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .sort()
    .filter((name) => old.get(name) !== fresh.get(name))
    .map((name) => {
      const [a, b] = [old.get(name), fresh.get(name)];
      return { name, ...(a === undefined ? {} : { before: a }), ...(b === undefined ? {} : { now: b }) };
    });
}

function flatten({ leaves, inputs }: KeyDocument): ReadonlyMap<string, string> {
  return new Map([
    ...leaves.map(({ name, value }) => [name, value] as const),
    ...inputs.map(({ path, kind, digest }) => [`input/${path}`, `${kind} ${digest}`.trim()] as const),
  ]);
}

/** Every difference between two documents as reasons, in a fixed order. Not empty whenever the keys differ. */
export function diffDocuments(before: KeyDocument, now: KeyDocument): Reason[] {
  return [...diffLeaves(before.leaves, now.leaves), ...diffInputs(before.inputs, now.inputs)];
}

function diffLeaves(before: readonly Leaf[], now: readonly Leaf[]): Reason[] {
  const old = new Map(before.map(({ name, value }) => [name, value]));
  const fresh = new Map(now.map(({ name, value }) => [name, value]));
  const names = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return names
    .filter((name) => old.get(name) !== fresh.get(name))
    .map((name) => leafReason(name, old.get(name), fresh.get(name)));
}

function leafReason(leaf: string, before: string | undefined, now: string | undefined): Reason {
  const at = leaf.indexOf("/");
  const [kind, name] = at === -1 ? [leaf, ""] : [leaf.slice(0, at), leaf.slice(at + 1)];
  switch (kind) {
    case "format":
      return { kind: "format" };
    case "code":
      return { kind: "code-changed" };
    case "command":
      return { kind: "code-changed", ...(before === undefined || now === undefined ? {} : { before, now }) };
    case "param":
      return { kind: "param-changed", name, before: before ?? "(not given)", now: now ?? "(not given)" };
    case "secret":
      return { kind: "secret-changed", name };
    case "env":
      return { kind: before === "unset" ? "env-set" : now === "unset" ? "env-unset" : "env-changed", name };
    case "tool":
      return { kind: "tool-changed", name };
    case "need":
      return { kind: before === undefined ? "need-new" : now === undefined ? "need-gone" : "need-changed", need: name };
    case "version":
      return { kind: "version-changed", name, before, now };
    default:
      return { kind: "leaf-changed", name: leaf, before, now };
  }
}

function diffInputs(before: readonly FileFact[], now: readonly FileFact[]): Reason[] {
  const old = new Map(before.map((fact) => [fact.path, fact]));
  const fresh = new Map(now.map((fact) => [fact.path, fact]));
  const paths = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return paths.flatMap((path): Reason[] => {
    const [a, b] = [old.get(path), fresh.get(path)];
    if (a === undefined) return [{ kind: "input-new", path }];
    if (b === undefined) return [{ kind: "input-gone", path }];
    if (a.kind === b.kind && a.digest === b.digest) return [];
    if (b.kind === "missing") return [{ kind: "input-gone", path }];
    return [{ kind: a.kind === "missing" ? "input-new" : "input-changed", path }];
  });
}

/** The part of an outcome that dependents' keys contain: outputs and value, or, where there are none, the key. */
export function resultDigest(key: string, outputs: readonly FileFact[], value: unknown): string {
  if (outputs.length === 0 && value === undefined) return key;
  const files = outputs.map((fact) => `${JSON.stringify(fact.path)} ${fact.kind} ${fact.digest}`).sort();
  return hashText([...files, stableJson(value)].join("\n"));
}

/** JSON with the members of objects in order. */
export function stableJson(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
    ) ?? ""
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
