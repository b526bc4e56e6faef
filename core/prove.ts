/** After a successful run: what proves, as long as it is the same, that its targets are up to date. Does not check it. */
import * as fs from "node:fs";
import * as path from "node:path";
import picomatch from "picomatch";
import { askedIds, isGroupNode, type NodeResult } from "./decide.ts";
import { declaredVariables } from "./environment.ts";
import { findStat, findTool, isFolder, isMisread, replaceFile } from "./files.ts";
import type { Node } from "./graph.ts";
import type { Evidence, Question } from "./evidence.ts";
import { stableJson } from "./fingerprint.ts";
import { variableName } from "./params.ts";
import { isGlob } from "./paths.ts";
import type { Prepared } from "./prepare.ts";
import { seeEvidence, writeProof, type Saying, type Sight } from "./proof.ts";
import type { State } from "./state.ts";
import { manifestFile, stampEnv, stampFile } from "./warm.ts";

/** Writes the proof, when every wanted task depends on nothing but files, variables, its own text, and what it has given evidence of. Failing to write costs speed only. */
export async function proveFresh(
  prepared: Prepared,
  options: { readonly request: string; readonly results: ReadonlyMap<string, NodeResult> },
): Promise<void> {
  const { project, assembly, graph, forecast, state, decide, secrets } = prepared;
  const { hooks } = assembly;
  const { root, manifest } = project;
  if (!manifest.isTracked || hooks.fingerprint.isUsed() || hooks.plan.isUsed()) return;
  const nodes = [...graph.nodes.values()].filter((node) => !isGroupNode(node));
  const isWhole = nodes.every(
    (node) => isProvable(node) && (state.find(node.id) !== undefined || !forecast.wanted.has(node.id)),
  );
  if (!isWhole || secrets.hide(options.request) !== options.request) return;
  const facts: Facts = { files: new Set(), variables: new Set(), sights: [], questions: new Map() };
  for (const node of nodes) addNode(node, { root, env: decide.env, facts, record: knownFiles(state, node.id) });
  addSpared(prepared, facts);
  for (const node of nodes) {
    const evidence = await gatherEvidence(node, prepared).catch(() => undefined); // It will be asked the long way.
    if (evidence === undefined) return;
    for (const one of evidence) addEvidence(one, facts, decide.env);
  }
  const asked = askedIds(graph)
    .flatMap((id) => graph.nodes.get(id) ?? [])
    .filter((node) => !isGroupNode(node)); // Below a task that is up to date nobody is asked.
  const sayings = asked.flatMap((node) => findSaying(node, state));
  const told = JSON.stringify([...facts.questions.keys(), ...facts.files, sayings]);
  if (secrets.hide(told) !== told) return;
  try {
    const proof = {
      request: options.request,
      manifestMs: manifest.writtenMs,
      startedMs: project.startedMs,
      state: stampFile(path.join(root, ".bt", "state.log")),
      env: [...facts.variables].sort().map((name) => stampEnv(name, decide.env, root)),
      tasks: asked.length,
      files: [...facts.files].sort(),
      sights: facts.sights,
      questions: [...facts.questions.values()],
      sayings,
    };
    replaceFile(path.join(root, ".bt", manifestFile), JSON.stringify(manifest));
    writeProof(root, proof, replaceFile);
  } catch {
    return;
  }
}

function isProvable({ task, inputs, hasFoundPaths }: Node): boolean {
  const isPlain = !hasFoundPaths && task.status === undefined && task.versions === undefined;
  return (
    (inputs !== undefined || task.evidence !== undefined) &&
    task.always !== true &&
    task.when === undefined &&
    !Object.values(task.params ?? {}).some(({ inKey }) => inKey === true) && // No digest of it may be on the disk but the one in its key.
    (isPlain || task.evidence !== undefined)
  );
}

/** What needs that were left out are made of, and the results that stand for them. What is not there has no stamp: it must stay away. */
function addSpared({ project, forecast }: Pick<Prepared, "project" | "forecast">, { files, sights }: Facts): void {
  if (forecast.spared.size === 0) return;
  for (const { needs, entries } of forecast.spared.values()) {
    for (const id of needs)
      for (const input of forecast.decisions.get(id)?.document.inputs ?? []) files.add(input.path);
    for (const entry of entries) files.add(entry);
  }
  for (const file of files) {
    if (findStat(path.resolve(project.root, file)) !== undefined) continue;
    files.delete(file);
    sights.push(seeEvidence({ kind: "absent", path: file }));
  }
}

/** Only a task that would otherwise run has something to say. */
function findSaying({ id, inputs, task }: Node, state: State): readonly Saying[] {
  const text = inputs === undefined ? task.says?.(state.find(id)?.value as never) : undefined; // The type is the task's own.
  return text === undefined ? [] : [[id, text]];
}

/**
 * What a task's functions have looked at. Undefined: it cannot be told, or their answers are no longer those that the task ran with: what
 * was looked at since is then no evidence of them.
 */
async function gatherEvidence(
  node: Node,
  { state, survey }: Pick<Prepared, "state" | "survey">,
): Promise<readonly Evidence[] | undefined> {
  const { task } = node;
  const record = state.find(node.id);
  if (task.evidence === undefined) return [];
  if (record === undefined) return undefined;
  const bound = survey(node);
  const evidence = await task.evidence({ ...bound, previous: record.value } as never); // The types are the task's own.
  const ask = async (paths: typeof task.inputs): Promise<readonly string[]> =>
    typeof paths === "function" ? await paths(bound as never) : (paths ?? []);
  const [inputs, outputs, versions] = [
    await ask(task.inputs),
    await ask(task.outputs),
    await task.versions?.(bound as never),
  ];
  const known = new Map(record.document.leaves.map(({ name, value }) => [name, value]));
  const isSame =
    stableJson([inputs, outputs]) === stableJson([node.inputs ?? [], node.outputs]) &&
    Object.entries(versions ?? {}).every(
      ([name, value]) => value === undefined || known.get(`version/${name}`) === value,
    );
  return isSame ? evidence : undefined;
}

function addEvidence(evidence: Evidence, facts: Facts, env: NodeFacts["env"]): void {
  switch (evidence.kind) {
    case "file":
      facts.files.add(evidence.path);
      break;
    case "absent":
    case "size":
    case "text":
      facts.sights.push(seeEvidence(evidence));
      break;
    case "tool":
      addTool(evidence.name, facts, env);
      break;
    case "question":
      addQuestion(facts, { script: evidence.script, about: evidence.about });
      break;
  }
}

/** Several tasks may want to know the same. */
function addQuestion({ questions }: Facts, question: Question): void {
  questions.set(JSON.stringify(question), question);
}

function knownFiles(state: State, id: string): NodeFacts["record"] {
  const record = state.find(id);
  return {
    inputs: record?.document.inputs.map((fact) => fact.path) ?? [],
    outputs: record?.outputs.map((fact) => fact.path) ?? [],
  };
}

/** What the proof is made of. */
interface Facts {
  readonly files: Set<string>;
  readonly variables: Set<string>;
  readonly sights: Sight[];
  /** By their text. */
  readonly questions: Map<string, Question>;
}

interface NodeFacts {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly facts: Facts;
  readonly record: { readonly inputs: readonly string[]; readonly outputs: readonly string[] };
}

function addNode(node: Node, { root, env, facts, record }: NodeFacts): void {
  const { files, variables } = facts;
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
  for (const tool of node.task.tools ?? []) addTool(tool, facts, env);
}

/** The program, and the folders that are looked into before it is found: all of them when it is not. */
function addTool(tool: string, { files, variables }: Facts, env: NodeFacts["env"]): void {
  variables.add("PATH");
  const found = findTool(tool, env["PATH"] ?? "");
  if (found !== undefined) files.add(found);
  const folders = (env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "" && isFolder(folder));
  const last = folders.findIndex((name) => found === path.join(name, tool));
  for (const folder of folders.slice(0, last === -1 ? folders.length : last + 1)) files.add(folder);
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
      const below = folder === "." ? entry.name : `${folder}/${entry.name}`;
      const isOpen = entry.isDirectory() && ![".bt", ".git", "node_modules"].includes(entry.name);
      if (isOpen && !isMisread(path.resolve(root, below))) open.push(below);
    }
  }
}
