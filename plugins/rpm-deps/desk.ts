/** What every task needs of a builderfile, its params and the files they name. Does not know what is done with it. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { loadBazelFiles } from "./bazel-files.ts";
import { streamUnknown } from "./errors.ts";
import type { RpmDepsOptions, Scope } from "./options.ts";
import { checkPinned, loadPins, overridePins, type Pin, type Pins } from "./pins.ts";
import { loadRepositoryList, type RepositoryList } from "./repofile.ts";
import type { SnapshotOptions } from "./snapshot.ts";
import { pinParam } from "./spec.ts";
import { pinNames, planTrees, type Tree } from "./tree.ts";

/** The params that tasks share; one that a task does not have is absent. */
export interface Params {
  /** OCI names. */
  readonly singleArch: readonly string[];
  readonly stream?: string | undefined;
  readonly basesystem?: string | undefined;
  readonly customRepo?: string | undefined;
  readonly bazeldnf?: string | undefined;
  readonly only?: readonly string[];
  readonly jobs?: number | undefined;
  /** Pin to the version that a variable gives it. Empty texts: none. */
  readonly pins: Readonly<Record<string, string>>;
}

/** In the plugin's folder while files are renamed. */
export const journalName = "commit.json";
/** In the plugin's folder while the solver changes the project's own files. */
export const originalsName = "originals.json";

/** In the plugin's folder: what stood in files that got their old text back, which could be somebody's work. */
export const replacedName = "replaced";

/** What of a task's context the work needs. */
export type Task = Pick<Context, "root" | "log" | "signal" | "exec" | "env" | "tempDir" | "defer" | "params">;

/** All that is known of the builderfile and the files that it names. */
export interface Inputs {
  readonly options: RpmDepsOptions;
  readonly trees: readonly Tree[];
  /** Every tree that the builderfile has, chosen or not. */
  readonly allTrees: readonly Tree[];
  readonly pinsFile: Pins;
  readonly pins: readonly Pin[];
  readonly streams: readonly string[];
  readonly lists: readonly { readonly stream: string; readonly list: RepositoryList }[];
  readonly workspace: string;
  readonly buildfile: string;
  readonly jobs: number;
  readonly params: Params;
}

/** What the work of a task starts with. */
export interface Desk extends Inputs {
  readonly task: Task;
  /** How metadata is fetched. */
  readonly snapshot: SnapshotOptions;
  /** Absolute; everything that the plugin keeps. */
  readonly folder: string;
}

/** @throws BtError those of readInputs */
export async function createDesk(task: Task, options: RpmDepsOptions, params: Params, scope: Scope): Promise<Desk> {
  const inputs = await readInputs(task.root, options, params, scope);
  const folder = path.resolve(task.root, options.cacheDir ?? ".bt/rpm-deps");
  return {
    ...inputs,
    task,
    folder,
    snapshot: {
      signal: task.signal,
      retries: options.retries ?? 2,
      cacheDir: folder,
      offline: options.offline ?? false,
      arches: [...new Set(inputs.trees.map(({ arch }) => arch))],
    },
  };
}

/**
 * Reads and checks everything that is on this machine.
 * @throws BtError RPM_DEPS_… with exit code 2
 */
export async function readInputs(root: string, options: RpmDepsOptions, params: Params, scope: Scope): Promise<Inputs> {
  const known = Object.keys(options.streams);
  const streams = chooseStreams(known, params.stream, scope);
  const choice = {
    arches: params.singleArch,
    only: params.only ?? [],
    ...(params.basesystem === undefined ? {} : { basesystem: params.basesystem }),
  };
  const trees = planTrees(options, { ...choice, streams });
  const allTrees = planTrees(options, { streams: known, arches: options.arches, only: [] });
  const pinsFile = await loadPins(root, options.pinsFile);
  const pins = overridePins(pinsFile, params.pins);
  checkPinned(trees, pins, options.pinsFile);
  return {
    options,
    trees,
    allTrees,
    pinsFile,
    pins,
    streams,
    lists: await loadLists(root, options, { streams, customRepo: params.customRepo }),
    workspace: options.outputs?.workspace ?? "WORKSPACE",
    buildfile: options.outputs?.buildfile ?? "rpm/BUILD.bazel",
    jobs: params.jobs ?? options.jobs ?? availableParallelism(),
    params,
  };
}

/** The files that a run changes can be read; half-written ones of an interrupted run are put right before they are. */
export async function readOutputs(root: string, inputs: Inputs): Promise<void> {
  const folder = path.resolve(root, inputs.options.cacheDir ?? ".bt/rpm-deps");
  if ([journalName, originalsName].some((name) => existsSync(path.join(folder, name)))) return;
  await loadBazelFiles(root, inputs);
}

/** The params as a task gets them: those of pins are called `qemu_version`. */
export function toParams(values: Readonly<Record<string, unknown>>, options: RpmDepsOptions): Params {
  const pins = pinNames(options).map((pin) => {
    const value = values[pinParam(pin)];
    return [pin, typeof value === "string" ? value : ""] as const;
  });
  return { singleArch: options.arches, ...values, pins: Object.fromEntries(pins) };
}

/** `9`, `cs9`, or what the task stands for. */
function chooseStreams(known: readonly string[], text: string | undefined, scope: Scope): readonly string[] {
  if (typeof scope === "object") return [scope.stream];
  if (text !== undefined) {
    const found = known.find((key) => key === text || key.replace(/^\D+/, "") === text);
    if (found === undefined) throw streamUnknown(text, known);
    return [found];
  }
  return scope === "all" ? known : known.slice(0, 1);
}

async function loadLists(
  root: string,
  options: RpmDepsOptions,
  { streams, customRepo }: { readonly streams: readonly string[]; readonly customRepo: string | undefined },
): Promise<Desk["lists"]> {
  const loaded = new Map<string, Promise<RepositoryList>>();
  const load = (file: string): Promise<RepositoryList> => {
    const list = loaded.get(file) ?? loadRepositoryList(root, file);
    loaded.set(file, list);
    return list;
  };
  const lists = [];
  for (const stream of streams)
    for (const file of [
      ...(customRepo === undefined ? [] : [customRepo]),
      ...(options.streams[stream]?.repofiles ?? []),
    ])
      lists.push({ stream, list: await load(file) });
  return lists;
}
