/** The work of `rpm-deps:import`: reads a script, repository lists and Bazel rules, writes options and pins. Runs nothing of it. */
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { replaceFile } from "../../core/index.ts";
import type { Task } from "./desk.ts";
import { importExists, importMissing } from "./errors.ts";
import { importCalls, type Imported, type RuleFacts, type StreamCalls } from "./import.ts";
import type { TreeAttributes } from "./options.ts";
import { loadRepositoryList } from "./repofile.ts";
import { readScript } from "./shell-script.ts";
import { listOf, parseBazelFile, textOf, type Rule, type Value } from "./starlark.ts";

/** @throws BtError RPM_DEPS_IMPORT, RPM_DEPS_IMPORT_MISSING, RPM_DEPS_IMPORT_EXISTS, those of repository lists */
export async function importScript(
  task: Task,
): Promise<{ readonly written: readonly string[]; readonly trees: number }> {
  const { root, log } = task;
  const { script, buildfile, out, force } = task.params as Readonly<Record<string, string | boolean>>; // Declared with these types.
  const [file, target] = [String(script), String(out)];
  const text = read(root, file);
  const numbers = findStreams(text);
  const pins: Record<string, Readonly<Record<string, string | { readonly evr: string; readonly hold: string }>>> = {};
  const notes = new Set<string>();
  const streams = (numbers.length === 0 ? [""] : numbers).map((number): StreamCalls => {
    const stream = `cs${number}`;
    const run = readScript(text, file, {
      KUBEVIRT_CENTOS_STREAM_VERSION: number,
      ARCHITECTURE: "x86_64",
      KUBEVIRT_DIR: ".",
    });
    pins[stream] = Object.fromEntries(Object.entries(run.pins).map(([name, evr]) => [name, withHold(text, name, evr)]));
    for (const note of run.skipped) notes.add(note);
    return { stream, suffix: number === "" ? "" : `_cs${number}`, calls: run.calls };
  });
  const imported = importCalls(streams, readRules(root, String(buildfile)), file);
  for (const { repofiles } of Object.values(imported.options.streams))
    for (const list of repofiles)
      for (const warning of (await loadRepositoryList(root, list)).warnings) notes.add(warning);
  for (const note of [...notes, ...imported.differences]) log.warn(note);
  const outputs = [
    [target, renderModule(imported)],
    [imported.options.pinsFile, `${JSON.stringify(pins, undefined, 2)}\n`],
  ] as const;
  const taken = force === true ? undefined : outputs.find(([name]) => existsSync(path.join(root, name)));
  if (taken !== undefined) throw importExists(taken[0]);
  for (const [name, content] of outputs) replaceFile(path.join(root, name), content);
  const groups = Object.keys(imported.options.groups).length;
  const trees = new Set(streams.flatMap(({ calls }) => calls)).size;
  log.info(
    `Wrote ${outputs.map(([name]) => name).join(" and ")}: ${groups} groups, ${Object.keys(pins).join(" and ")}`,
  );
  if (imported.differences.length === 0)
    log.info("Planned again, every tree has the same packages in the same order as in the script");
  for (const [stream, own] of Object.entries(pins))
    for (const [name, pin] of Object.entries(own))
      if (typeof pin !== "string") log.info(`${stream} ${name} stays at ${pin.evr}: ${pin.hold}`);
  log.info(
    `Next: \`import { rpms } from "./${target}"\` and \`plugins: [rpmDeps(rpms)]\` in the builderfile, then \`bt rpm-deps:check\``,
  );
  return { written: outputs.map(([name]) => name), trees };
}

/** The version, and why it stays, where the comment above it begins with a word such as "Pinned". */
function withHold(script: string, name: string, evr: string): string | { readonly evr: string; readonly hold: string } {
  const lines = script.split("\n");
  const at = lines.findIndex((line) => line.includes(`${name}_VERSION:-${evr}}`));
  const code = lines.slice(0, Math.max(at, 0)).findLastIndex((line) => !/^\s*#/.test(line));
  const comment = lines.slice(code + 1, Math.max(at, 0)).map((line) => line.replace(/^\s*#\s*/, "").trimEnd());
  const hold = comment.join(" ");
  return /^(pin(ned)?|hold|held|keep|stay)\b/i.test(hold) ? { evr, hold } : evr;
}

/** The numbers that the script compares with, the default first. */
function findStreams(text: string): readonly string[] {
  const [, first] = /KUBEVIRT_CENTOS_STREAM_VERSION:-(\d+)/.exec(text) ?? [];
  const compared = [...text.matchAll(/KUBEVIRT_CENTOS_STREAM_VERSION\}?"?\s*==?\s*"?(\d+)/g)].map(
    ([, number]) => number!,
  );
  return [...new Set([...(first === undefined ? [] : [first]), ...compared])];
}

function readRules(root: string, file: string): RuleFacts {
  let text: string;
  try {
    text = readFileSync(path.resolve(root, file), "utf8");
  } catch {
    return { attributes: () => undefined, ldd: () => undefined };
  }
  const { rules } = parseBazelFile(text, file);
  const trees = new Map(rules.flatMap((rule) => (rule.kind === "rpmtree" ? [[rule.name, rule] as const] : [])));
  const libraries = new Map<string, Rule>(
    rules.flatMap((rule) =>
      textOf(rule, "command") === "ldd" ? [[`//${path.dirname(file)}:${rule.name}`, rule] as const] : [],
    ),
  );
  return {
    attributes: (name) => readAttributes(trees.get(name)),
    ldd: (target) => {
      const rule = libraries.get(target);
      if (rule === undefined) return undefined;
      const tree = (textOf(rule, "rpmtree") ?? "").replace(/^:/, "");
      return { tree, rule: textOf(rule, "rulename") ?? "", libs: listOf(rule, "libs") };
    },
  };
}

function readAttributes(rule: Rule | undefined): TreeAttributes | undefined {
  const found = ["symlinks", "capabilities", "selinux_labels"].flatMap((name) => {
    const value = rule?.attributes.find((attribute) => attribute.name === name)?.value;
    return value?.kind === "dict"
      ? [[name, Object.fromEntries(value.entries.map(({ key, value: one }) => [toText(key), toPlain(one)]))]]
      : [];
  });
  return found.length === 0 ? undefined : (Object.fromEntries(found) as TreeAttributes); // Dicts of texts and lists of texts.
}

function toText(value: Value): string {
  return value.kind === "text" ? value.text : "";
}

function toPlain(value: Value): string | readonly string[] {
  return value.kind === "list" ? value.items.map(toText) : toText(value);
}

/** Data, so that `rpmDeps(rpms)` stands in the builderfile. */
function renderModule({ options }: Imported): string {
  const body = JSON.stringify(options, undefined, 2).replaceAll(/^(\s*)"([A-Za-z_]\w*)":/gm, "$1$2:");
  return `import type { RpmDepsOptions } from "builderfile/plugins/rpm-deps";

/** The rpms of the container images. In the builderfile: \`plugins: [rpmDeps(rpms)]\`. */
export const rpms: RpmDepsOptions = ${body};
`;
}

function read(root: string, file: string): string {
  try {
    return readFileSync(path.resolve(root, file), "utf8");
  } catch (error) {
    throw importMissing(file, error);
  }
}
