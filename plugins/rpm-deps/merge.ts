/** The solved trees in one copy of the two files: every other byte stays. Pure; does not know who solved them. */
import type { RpmRule } from "./bazel-files.ts";
import { sumsDiffer } from "./solve-errors.ts";
import { applyEdits, listOf, quote, textOf, type BazelFile, type Edit, type Rule, type Value } from "./starlark.ts";
import type { TreeAttributes } from "./options.ts";

/** What the solver found for one tree. */
export interface SolvedTree {
  readonly name: string;
  readonly attributes: TreeAttributes;
  /** Sorted by name. */
  readonly rpms: readonly RpmRule[];
}

/**
 * The workspace with the rpms of all trees. One that is there keeps its addresses while its checksum is the same.
 * @throws BtError RPM_DEPS_SUMS_DIFFER
 */
export function mergeWorkspace(workspace: BazelFile, trees: readonly SolvedTree[]): string {
  const wanted = new Map<string, { readonly rpm: RpmRule; readonly tree: string }>();
  for (const { name: tree, rpms } of trees)
    for (const rpm of rpms) {
      const before = wanted.get(rpm.name);
      if (before !== undefined && before.rpm.sha256 !== rpm.sha256)
        throw sumsDiffer(rpm.name, [
          [before.tree, before.rpm.sha256],
          [tree, rpm.sha256],
        ]);
      wanted.set(rpm.name, { rpm, tree });
    }
  const rules = workspace.rules.filter(({ kind }) => kind === "rpm");
  const existing = new Map(rules.map((rule) => [rule.name, rule]));
  const edits: Edit[] = [];
  const added: [name: string, text: string][] = [];
  for (const { rpm } of wanted.values()) {
    const rule = existing.get(rpm.name);
    if (rule === undefined) added.push([rpm.name, renderRpm(rpm)]);
    else if (textOf(rule, "sha256") !== rpm.sha256)
      edits.push({ start: rule.start, end: rule.end, text: renderRpm(rpm) });
  }
  return applyEdits(workspace.text, [...edits, ...insertSorted(workspace, rules, added)]);
}

/** The build file with the lists of all trees; attributes that nobody declared stay. */
export function mergeBuild(build: BazelFile, trees: readonly SolvedTree[]): string {
  const rules = build.rules.filter(({ kind }) => kind === "rpmtree");
  const existing = new Map(rules.map((rule) => [rule.name, rule]));
  const edits: Edit[] = [];
  const added: [name: string, text: string][] = [];
  for (const tree of trees) {
    const rule = existing.get(tree.name);
    if (rule === undefined) added.push([tree.name, renderTree(tree)]);
    else edits.push(...editTree(build, rule, tree));
  }
  return applyEdits(build.text, [...edits, ...insertSorted(build, rules, added)]);
}

/** New rules among those of their kind, bytewise by name; the first ones go to the end of the file. */
function insertSorted(
  { text }: BazelFile,
  rules: readonly Rule[],
  added: readonly (readonly [name: string, text: string])[],
): readonly Edit[] {
  const end = text.length;
  return [...added]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, rendered]) => {
      const next = rules.find((rule) => rule.name > name);
      if (next !== undefined) return { start: next.start, end: next.start, text: `${rendered}\n\n` };
      const last = rules.at(-1);
      if (last !== undefined) return { start: last.end, end: last.end, text: `\n\n${rendered}` };
      return { start: end, end, text: `${text === "" || text.endsWith("\n") ? "" : "\n"}\n${rendered}\n` };
    });
}

function editTree({ text }: BazelFile, rule: Rule, tree: SolvedTree): readonly Edit[] {
  const labels = tree.rpms.map(toLabel);
  const values: Record<string, string> = {
    ...Object.fromEntries(renderAttributes(tree.attributes, rule)),
    ...(listOf(rule, "rpms").join("\n") === labels.join("\n") ? {} : { rpms: renderList(labels) }),
  };
  const name = rule.attributes.find((attribute) => attribute.name === "name");
  return Object.entries(values).map(([key, value]) => {
    const found = rule.attributes.find((attribute) => attribute.name === key);
    if (found !== undefined) return { start: found.start, end: found.end, text: value };
    const comma = name === undefined ? -1 : text.indexOf(",", name.end);
    if (comma === -1 || comma > rule.close) return { start: rule.close, end: rule.close, text: `, ${key} = ${value}` };
    return { start: comma + 1, end: comma + 1, text: `\n    ${key} = ${value},` };
  });
}

function renderRpm({ name, sha256, urls }: RpmRule): string {
  return `rpm(\n    name = ${quote(name)},\n    sha256 = ${quote(sha256)},\n    urls = ${renderList(urls)},\n)`;
}

function renderTree({ name, rpms, attributes }: SolvedTree): string {
  const lines = renderAttributes(attributes).map(([key, value]) => `    ${key} = ${value},\n`);
  const labels = renderList(rpms.map(toLabel));
  return `rpmtree(\n    name = ${quote(name)},\n${lines.join("")}    rpms = ${labels},\n    visibility = ["//visibility:public"],\n)`;
}

/** What is declared and the rule does not have yet, in this order. */
function renderAttributes(attributes: TreeAttributes, rule?: Rule): readonly (readonly [key: string, value: string])[] {
  const { symlinks, capabilities, selinux_labels } = attributes;
  const dicts = { symlinks, capabilities, selinux_labels };
  return Object.entries(dicts).flatMap(([key, dict]) => {
    if (dict === undefined) return [];
    const now = rule?.attributes.find((attribute) => attribute.name === key)?.value;
    return now !== undefined && isDict(now, dict) ? [] : [[key, renderDict(dict)] as const];
  });
}

type Dict = Readonly<Record<string, string | readonly string[]>>;

/** Whatever the order of the keys. */
function isDict(value: Value, dict: Dict): boolean {
  if (value.kind !== "dict" || value.entries.length !== Object.keys(dict).length) return false;
  return value.entries.every(({ key, value: now }) => {
    const wanted = key.kind === "text" ? dict[key.text] : undefined;
    if (now.kind === "text") return now.text === wanted;
    const texts = now.kind === "list" ? now.items.map((item) => (item.kind === "text" ? item.text : "")) : [];
    return Array.isArray(wanted) && texts.join("\n") === wanted.join("\n");
  });
}

function renderDict(dict: Dict): string {
  const lines = Object.entries(dict).map(([key, value]) => {
    return `        ${quote(key)}: ${typeof value === "string" ? quote(value) : renderShort(value)},\n`;
  });
  return `{\n${lines.join("")}    }`;
}

function renderShort(texts: readonly string[]): string {
  return texts.length === 1
    ? `[${quote(texts[0]!)}]`
    : `[\n${texts.map((text) => `            ${quote(text)},\n`).join("")}        ]`;
}

function renderList(texts: readonly string[]): string {
  return `[\n${texts.map((text) => `        ${quote(text)},\n`).join("")}    ]`;
}

function toLabel({ name }: RpmRule): string {
  return `@${name}//rpm`;
}
