/** Collects from disk and environment what a task's key is made of. Does not know what is decided from it. */
import { createHmac } from "node:crypto";
import { declaredVariables, paramText } from "./environment.ts";
import { pathEncoding } from "./errors/graph.ts";
import { describeFile, findTool, followLinks, hashText, type FileFact, type FileMemo } from "./files.ts";
import { createDocument, stableJson, type KeyDocument, type Leaf } from "./fingerprint.ts";
import type { Node } from "./graph.ts";
import type { Hooks } from "./hooks.ts";
import { isGlob, outputPath } from "./paths.ts";
import { viewDisk, type View } from "./view.ts";

export interface CollectOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly memo: FileMemo;
  /** Where inputs are looked at. Absent: on the disk. */
  readonly view?: View | undefined;
  readonly hooks: Hooks;
  /** Digest of the code of a function. Undefined: cannot be told. */
  readonly codeOf: (site: { readonly stack?: string }) => string | undefined;
  /** Digests of what the needs produced, by id. */
  readonly needs: Readonly<Record<string, string>>;
  /** What the result depends on besides files and needs, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** Replaces secrets in a text. */
  readonly hide: (text: string) => string;
  /** What secrets in keys are digested with. */
  readonly secretsKey?: string;
  /** Arguments after `--`, for the one task that was asked for. */
  readonly rest?: readonly string[];
}

/** The key document of one node, as things are now. */
export async function collectDocument(node: Node, options: CollectOptions): Promise<KeyDocument> {
  const leaves = [
    ...ownLeaves(node, options),
    ...Object.entries(options.needs).map(([id, digest]): Leaf => ({ name: `need/${id}`, value: digest })),
    ...Object.entries(options.versions).map(([name, value]): Leaf => ({ name: `version/${name}`, value })),
  ];
  const { hooks } = options;
  const all = hooks.fingerprint.isUsed() ? await hooks.fingerprint.promise(leaves, node) : leaves;
  const shown = all.map(({ name, value }) => ({ name, value: options.hide(value) }));
  return createDocument(shown, collectInputs(node, options.view ?? viewDisk(options.root, options.memo)));
}

/** The files that the inputs mean now; the task's own outputs are never among them. */
export function collectInputs(node: Node, view: View): FileFact[] {
  if (node.inputs === undefined || node.inputs.length === 0) return [];
  const facts = describePaths(node.inputs, view);
  const misread = facts.find(({ path, kind }) => kind === "missing" && path.includes("\uFFFD"));
  if (misread !== undefined) throw pathEncoding(node.id, misread.path);
  const own = node.outputs.map(outputPath);
  const isOwn = (file: string): boolean =>
    own.some(
      ({ path: output, isFolder }) =>
        file === output || (isFolder && output !== "" && output !== "." && file.startsWith(`${output}/`)),
    );
  return facts.filter((fact) => !isOwn(fact.path));
}

/** What the paths mean now; folders and globs are walked, a plain list of files costs one stat each. */
function describePaths(paths: readonly string[], { describe, expand }: View): FileFact[] {
  if (!paths.some((path) => isGlob(path) || path.startsWith("!"))) {
    const facts = [...new Set(paths.map((path) => path.replace(/^\.\//, "")))].map(describe);
    if (!facts.some(({ kind }) => kind === "folder")) return facts.sort((a, b) => (a.path < b.path ? -1 : 1));
  }
  return expand(paths).map(describe);
}

function ownLeaves(node: Node, { root, env, memo, codeOf, rest, secretsKey, hide }: CollectOptions): Leaf[] {
  const { task } = node;
  const { run } = task;
  const leaves: Leaf[] = [{ name: "config", value: stableJson([node.outputs, task.clean, task.cwd, node.cell]) }];
  if (typeof run === "function") leaves.push({ name: "code", value: codeOf(task.site) ?? "unknown" });
  else if (run !== undefined) leaves.push({ name: "command", value: typeof run === "string" ? run : stableJson(run) });
  for (const [name, { value }] of Object.entries(node.params)) {
    const { kind, inKey } = task.params?.[name] ?? {};
    if (value === undefined) continue;
    if (kind !== "secret") leaves.push({ name: `param/${name}`, value: paramText(value) });
    else if (inKey === true && secretsKey !== undefined)
      leaves.push({
        name: `secret/${name}`,
        value: createHmac("sha256", secretsKey).update(paramText(value)).digest("hex"),
      });
  }
  // By digest: key documents go to caches that others read. A secret in them could be guessed from it, and is left out.
  for (const [name, value] of declaredVariables(node, env))
    leaves.push({ name: `env/${name}`, value: value === undefined ? "unset" : hashText(hide(value)) });
  for (const tool of task.tools ?? [])
    leaves.push({ name: `tool/${tool}`, value: describeTool(tool, root, env["PATH"] ?? "", memo) });
  if (task.portable !== true) leaves.push({ name: "platform", value: `${process.platform}/${process.arch}` });
  if (task.salt !== undefined) leaves.push({ name: "salt", value: task.salt });
  if (rest !== undefined && rest.length > 0) leaves.push({ name: "rest", value: stableJson(rest) });
  return leaves;
}

const toolDigests = new Map<string, string>();

/** Digest of the program that PATH leads to, through links. */
function describeTool(tool: string, root: string, searchPath: string, memo: FileMemo): string {
  const file = findTool(tool, searchPath);
  if (file === undefined) return "missing";
  const known = toolDigests.get(file) ?? describeFile(root, followLinks(file), memo).digest;
  toolDigests.set(file, known);
  return known;
}
