/** After a successful run: the list of files whose unchanged stamps prove that its targets are up to date. Does not check it. */
import * as fs from "node:fs";
import * as path from "node:path";
import picomatch from "picomatch";
import { isGroupNode, type NodeResult } from "./decide.ts";
import { declaredVariables } from "./environment.ts";
import { findStat, findTool, isFolder, writeAtomic } from "./files.ts";
import type { Node } from "./graph.ts";
import { manifestFile, stampEnv, stampFile, writeProof } from "./warm.ts";
import { variableName } from "./params.ts";
import { isGlob } from "./paths.ts";
import type { Prepared } from "./prepare.ts";
import type { State } from "./state.ts";

/** Writes the proof, when every wanted task depends on nothing but files, variables and its own text. Failing to write costs speed only. */
export function proveFresh(
  prepared: Prepared,
  options: { readonly request: string; readonly results: ReadonlyMap<string, NodeResult> },
): void {
  const { project, assembly, graph, forecast, state, decide, secrets } = prepared;
  const { hooks } = assembly;
  const { root, manifest } = project;
  if (!manifest.isTracked || hooks.fingerprint.isUsed() || hooks.plan.isUsed()) return;
  const nodes = [...graph.nodes.values()].filter((node) => !isGroupNode(node));
  const isWhole = nodes.every(
    (node) => isProvable(node) && (state.find(node.id) !== undefined || !forecast.wanted.has(node.id)),
  );
  if (!isWhole || secrets.hide(options.request) !== options.request) return;
  const files = new Set<string>();
  const variables = new Set<string>();
  for (const node of nodes)
    addNode(node, { root, env: decide.env, files, variables, record: knownFiles(state, node.id) });
  try {
    const proof = {
      request: options.request,
      manifestMs: manifest.writtenMs,
      startedMs: project.startedMs,
      state: stampFile(path.join(root, ".bt", "state.log")),
      env: [...variables].sort().map((name) => stampEnv(name, decide.env, root)),
      tasks: nodes.length,
      files: [...files].sort(),
    };
    writeAtomic(path.join(root, ".bt", manifestFile), JSON.stringify(manifest));
    writeProof(root, proof, writeAtomic);
  } catch {
    return;
  }
}

function isProvable({ task, inputs, hasFoundPaths }: Node): boolean {
  return (
    inputs !== undefined &&
    !hasFoundPaths &&
    task.always !== true &&
    task.status === undefined &&
    task.versions === undefined &&
    task.when === undefined
  );
}

function knownFiles(state: State, id: string): Proof["record"] {
  const record = state.find(id);
  return {
    inputs: record?.document.inputs.map((fact) => fact.path) ?? [],
    outputs: record?.outputs.map((fact) => fact.path) ?? [],
  };
}

interface Proof {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Set<string>;
  readonly variables: Set<string>;
  readonly record: { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
}

function addNode(node: Node, { root, env, files, variables, record }: Proof): void {
  for (const file of record.inputs) files.add(file);
  for (const file of record.outputs) files.add(file);
  for (const input of node.inputs ?? []) {
    const isFolder = !isGlob(input) && findStat(path.resolve(root, input))?.isDirectory() === true;
    if (!input.startsWith("!") && (isGlob(input) || isFolder))
      addFolders(root, isFolder ? input : picomatch.scan(input).base, files);
  }
  for (const [name] of declaredVariables(node, env)) variables.add(name);
  for (const [name, param] of Object.entries(node.task.params ?? {}))
    if (param.kind !== "secret") variables.add(variableName(name, param));
  for (const tool of node.task.tools ?? []) {
    variables.add("PATH");
    const found = findTool(tool, env["PATH"] ?? "");
    if (found !== undefined) files.add(found);
    const folders = (env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "" && isFolder(folder));
    for (const folder of folders.slice(0, folders.findIndex((name) => found === path.join(name, tool)) + 1))
      files.add(folder);
  }
}

/** A folder's own stamp changes when something is added to it or taken away. */
function addFolders(root: string, base: string, files: Set<string>): void {
  let start = base === "" ? "." : base.replace(/\/+$/, "");
  while (!isFolder(path.resolve(root, start))) start = path.dirname(start);
  const open = [start];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    if (files.has(folder)) continue;
    files.add(folder);
    for (const entry of fs.readdirSync(path.resolve(root, folder), { withFileTypes: true })) {
      if (entry.isDirectory() && ![".bt", ".git", "node_modules"].includes(entry.name))
        open.push(folder === "." ? entry.name : `${folder}/${entry.name}`);
    }
  }
}
