/** Writes a builder's version into scripts: one assignment each, nothing else of the file. Does not know shells beyond that. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { commitChanges, recoverChanges, type Change, type Context } from "../../core/index.ts";
import { variantOf } from "./names.ts";
import { assignmentCount, checkFailed, filesForeign } from "./errors.ts";
import { withRegistry } from "./login.ts";
import type { Shop, Variant, WriteBack } from "./options.ts";
import { builderIdle, warnIdle } from "./params.ts";
import { proveBuilder } from "./proof.ts";
import { expectBuilder } from "./verify.ts";

/** One assignment in a script. */
export interface Target {
  /** Relative to the root. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly value: string;
  /** Of the value in the text. */
  readonly start: number;
}

/**
 * All files change, or none. Resolves to those that did.
 * @throws BtError BAZEL_BUILDER_ASSIGNMENT, BAZEL_BUILDER_FILES_FOREIGN, BAZEL_BUILDER_VERSION, BAZEL_BUILDER_NOT_VERIFIED
 */
export async function bumpBuilder(context: Context, shop: Shop): Promise<readonly string[]> {
  const { params, root, log, isDryRun } = context;
  warnIdle(context, builderIdle);
  const variant = variantOf(shop, params);
  const expected = await expectBuilder(context, shop, variant);
  const { reference } = expected;
  if (!isDryRun) recover(context, shop);
  await findTargets(root, shop, variant);
  if (params["offline"] === true) log.warn(`${reference} is written without a look at the registry`);
  else if (!isDryRun)
    await withRegistry(context, shop.options, async (client) => {
      const { findings } = await proveBuilder(client, expected);
      if (findings.length > 0) throw checkFailed(reference, findings);
    });
  // Once more: others may have written meanwhile, and a registry takes its time.
  const targets = await findTargets(root, shop, variant);
  const changed = new Set<string>();
  for (const { file, line, value } of targets) {
    const next = renderValue(value, reference);
    if (next === value) {
      log.info(`${file}:${line} has ${value} already`);
      continue;
    }
    log.info(`${file}:${line}: ${value} → ${next}`);
    changed.add(file);
  }
  if (!isDryRun)
    commit(
      root,
      [...changed].map((file) => rewrite(root, file, { targets, reference })),
    );
  return [...changed];
}

/** On disk while several files are renamed. */
const journalFile = join(".bt", "builder-bump.json");

/** @throws BtError BAZEL_BUILDER_FILES_FOREIGN */
function commit(root: string, changes: readonly Change[]): void {
  const done = commitChanges(root, join(root, journalFile), changes);
  if ("strange" in done) throw filesForeign(done.strange, journalFile);
}

/** Brings to its end what a run that was killed had begun. @throws BtError BAZEL_BUILDER_FILES_FOREIGN */
function recover({ root, log }: Pick<Context, "root" | "log">, { writeBack }: Shop): void {
  const done = recoverChanges(
    root,
    join(root, journalFile),
    writeBack.map(({ file }) => file),
  );
  if ("strange" in done) throw filesForeign(done.strange, journalFile);
  if (done.written.length > 0) log.warn(`An interrupted run has been brought to its end: ${done.written.join(", ")}`);
}

/** Where the version of a variant stands. @throws BtError BAZEL_BUILDER_ASSIGNMENT */
export async function findTargets(root: string, { writeBack }: Shop, variant: Variant): Promise<readonly Target[]> {
  const own = writeBack.filter((one) => one.variant === variant.name);
  return Promise.all(
    own.map(async (one) => {
      const text = await readFile(resolve(root, one.file), "latin1").catch(() => undefined);
      return { ...locate(text ?? "", one), file: one.file };
    }),
  );
}

/** Every byte keeps its place: latin1 is one character a byte. */
function rewrite(
  root: string,
  file: string,
  { targets, reference }: { readonly targets: readonly Target[]; readonly reference: string },
): Change {
  const before = readFileSync(resolve(root, file));
  let text = before.toString("latin1");
  const own = targets.filter((one) => one.file === file);
  if (own.some(({ start, value }) => !text.startsWith(value, start))) throw filesForeign([file], journalFile);
  for (const { start, value } of [...own].sort((a, b) => b.start - a.start))
    text = text.slice(0, start) + renderValue(value, reference) + text.slice(start + value.length);
  return { file, before, after: Buffer.from(text, "latin1") };
}

/** The one assignment. */
function locate(text: string, { file, variable, pattern }: WriteBack): Omit<Target, "file"> {
  const what = pattern === undefined ? `"${variable ?? ""}"` : String(pattern);
  const found = [...text.matchAll(pattern === undefined ? assignmentOf(variable ?? "") : everywhere(pattern))].map(
    (match) => {
      const value = match.groups?.["value"] ?? match.groups?.["plain"] ?? match[1] ?? "";
      const start = match.index + match[0].lastIndexOf(value);
      return { value, start, line: text.slice(0, start).split("\n").length };
    },
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const lines = text.split(/\r?\n/);
  throw assignmentCount(
    { where: file },
    { what, lines: found.map(({ line }) => `${file}:${line}: ${lines[line - 1]?.trim()}`) },
  );
}

/** `name="value"`, `name=value`, `export name='value'`, `name=${name:-"value"}`, `name ?= value` of make. */
function assignmentOf(variable: string): RegExp {
  const name = variable.replaceAll(/\W/g, "");
  const value = `(?<value>[A-Za-z0-9._/:@-]+)`;
  return new RegExp(
    `^[ \\t]*(?:export[ \\t]+|readonly[ \\t]+)?${name}[ \\t]*(?:[:?]?=)[ \\t]*(?:"?\\$\\{${name}:-["']?${value}["']?\\}"?|["']?(?<plain>[A-Za-z0-9._/:@-]+)["']?)[ \\t]*(?:#.*)?\\r?$`,
    "gm",
  );
}

function everywhere(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, [...new Set(`${pattern.flags}gm`)].join(""));
}

/** A value that is a whole reference stays one, with its own image; a version alone stays alone. */
function renderValue(old: string, reference: string): string {
  return old.includes("/") ? reference : reference.slice(reference.lastIndexOf(":") + 1);
}
