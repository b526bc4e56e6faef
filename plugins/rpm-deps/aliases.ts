/** One name for the trees of all streams: `centos_stream_alias`, which Bazel resolves by a flag. Pure. */
import { applyEdits, parseBazelFile, quote, textOf, type BazelFile, type Edit, type Rule } from "./starlark.ts";

const kind = "centos_stream_alias";
const heading = "# CentOS Stream version-selecting aliases";

/**
 * The build file with an alias for every tree that all streams have, and without those whose trees are all gone.
 * `suffixes` are those of the streams by name; `names` are trees without a suffix.
 */
export function mergeAliases(
  build: BazelFile,
  names: readonly string[],
  suffixes: Readonly<Record<string, string>>,
): string {
  const rules = new Set(build.rules.map(({ name }) => name));
  const aliases = build.rules.filter((rule) => rule.kind === kind);
  const isWhole = (name: string): boolean => Object.values(suffixes).every((suffix) => rules.has(`${name}${suffix}`));
  const gone = aliases.filter(
    (rule) => isPlain(rule) && targetsOf(rule, suffixes).every((target) => !rules.has(target)),
  );
  const known = new Set(aliases.map(({ name }) => name));
  const missing = names.filter((name) => isWhole(name) && !known.has(name));
  const added = [...new Set(missing)].map((name) => renderAlias(name, suffixes));
  const removed: Edit[] = gone.map((rule) => ({ ...wholeLines(build.text, rule), text: "" }));
  if (added.length === 0) return applyEdits(build.text, removed);
  // Those by path stand under headings of their own further down.
  const last = aliases.filter((rule) => isPlain(rule) && !gone.includes(rule)).at(-1);
  const { text } = build;
  const end = text.length;
  const insertion: Edit =
    last === undefined
      ? { start: end, end, text: `${text.endsWith("\n") ? "" : "\n"}\n${heading}\n\n${added.join("\n\n")}\n` }
      : { start: last.end, end: last.end, text: `\n\n${added.join("\n\n")}` };
  return applyEdits(text, [...removed, insertion]);
}

/** Names of aliases that lead nowhere, and of trees that should have one. */
export function findAliasGaps(
  text: string,
  file: string,
  suffixes: Readonly<Record<string, string>>,
): readonly string[] {
  const build = parseBazelFile(text, file);
  const rules = new Set(build.rules.map(({ name }) => name));
  return build.rules.flatMap((rule) => {
    if (rule.kind !== kind || !isPlain(rule)) return [];
    const missing = targetsOf(rule, suffixes).filter((target) => !rules.has(target));
    return missing.length === 0 ? [] : [`alias ${rule.name} leads to ${missing.join(" and ")}, which is not there`];
  });
}

/** Aliases by path, such as `libs/usr/lib64`, belong to other rules. */
function isPlain({ name }: Rule): boolean {
  return !name.includes("/");
}

function targetsOf(rule: Rule, suffixes: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(suffixes).flatMap((stream) => textOf(rule, `${stream}_target`)?.replace(/^:/, "") ?? []);
}

function renderAlias(name: string, suffixes: Readonly<Record<string, string>>): string {
  const lines = Object.entries(suffixes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([stream, suffix]) => `    ${stream}_target = ${quote(`:${name}${suffix}`)},\n`);
  return `${kind}(\n    name = ${quote(name)},\n${lines.join("")}    visibility = ["//visibility:public"],\n)`;
}

/** With the line end and the empty line behind it. */
function wholeLines(text: string, rule: Rule): { readonly start: number; readonly end: number } {
  const [blank = ""] = /^[ \t]*\n?\n?/.exec(text.slice(rule.end, rule.end + 100)) ?? [];
  return { start: rule.start, end: rule.end + blank.length };
}
