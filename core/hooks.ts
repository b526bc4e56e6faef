/** Where plugins plug in: the table of hook points. Importer of `tapable`; does not know any plugin. */
import { AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook, SyncWaterfallHook } from "tapable";
import type { CacheStore } from "./cache-store.ts";
import type { NamedTask } from "./catalog.ts";
import { isBtError } from "./errors.ts";
import { pluginFailed } from "./errors/builderfile.ts";
import type { Event } from "./event.ts";
import type { Command } from "./exec.ts";
import type { Leaf } from "./fingerprint.ts";
import type { FoundNeed, Graph, Node } from "./graph.ts";
import type { Step } from "./plan.ts";
import type { FileFact } from "./files.ts";
import type { Packages } from "./packages.ts";
import type { Settings } from "./settings.ts";

/** Settings of a builderfile that a plugin may change before the tasks are collected. */
export interface BuilderSettings {
  /** Pool name to capacity. */
  readonly pools: Readonly<Record<string, number>>;
  /** Variable name to the value that beats a param's default. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Environment variable with the text that secrets in keys are digested with. */
  readonly secretsKey?: string;
}

/** Something a plugin needs on this machine. */
export interface Requirement {
  /** What is needed: `buildah`. */
  readonly name: string;
  readonly plugin: string;
  /** Path of what is there, or what else tells it. Absent: it is missing. */
  readonly found?: string;
  /** Absent: `bt --doctor` asks the program at `found` for it. */
  readonly version?: string;
  /** False: only some tasks need it. */
  readonly isRequired: boolean;
  /** How to get it: packages by package manager, or a sentence. */
  readonly install: string | Packages;
}

/** What a tap of `doctor` looks at. */
export interface DoctorPlace {
  /** Project root, absolute. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly settings: Settings;
}

/** A task that is about to run, for whoever runs it. */
export interface Job {
  readonly node: Node;
  readonly key: string;
  readonly signal: AbortSignal;
}

/** What a run of one task left. */
export interface Finished {
  readonly outputs: readonly FileFact[];
  readonly value: unknown;
}

/** What a tap of `cache` works with. */
export interface CacheTools {
  /** The environment of this run. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Says something about a cache without failing; the same text only once. */
  readonly warn: (text: string) => void;
}

/** What a tap of `graph` works with. */
export interface GraphTools {
  /** All tasks there are, whether the run needs them or not. */
  readonly tasks: ReadonlyMap<string, NamedTask>;
  /** Project root, absolute. */
  readonly root: string;
  /** Whether a failure leaves what does not need the failed task running (`-k`). */
  readonly keepGoing: boolean;
  /** The graph with more needs and all that they need; needs that exist are not doubled. */
  readonly connect: (graph: Graph, found: readonly FoundNeed[]) => Promise<Graph>;
}

/** How a run ended. */
export interface RunEnd {
  readonly exitCode: number;
  readonly targets: readonly string[];
}

export interface Hooks {
  /** Before anything is collected. Gets the builderfile's settings, returns those to use. Throwing ends bt. */
  readonly config: SyncWaterfallHook<[settings: BuilderSettings]>;
  /** Gets every task of builderfile and plugins, returns the tasks to build with. Throwing ends bt. */
  readonly tasks: SyncWaterfallHook<[tasks: readonly NamedTask[]]>;
  /** The graph of this run with its declared edges; returns one with more of them. Rejecting ends the run before it starts. */
  readonly graph: AsyncSeriesWaterfallHook<[graph: Graph, tools: GraphTools]>;
  /** The leaves of one task's key; returns them with its own added. Rejecting fails the task. */
  readonly fingerprint: AsyncSeriesWaterfallHook<[leaves: readonly Leaf[], node: Node]>;
  /** The decision about one task; returns the same or another one. Throwing fails the task. */
  readonly plan: SyncWaterfallHook<[step: Step, node: Node]>;
  /**
   * Once, before the first task. `due`: ids of the tasks that are going to run whatever their needs leave; only a cache that
   * keeps their result may still have it. Rejecting ends the run.
   */
  readonly beforeRun: AsyncSeriesHook<[graph: Graph, due: ReadonlySet<string>]>;
  /** Right before a task runs. Rejecting fails the task. */
  readonly beforeTask: AsyncSeriesHook<[job: Job]>;
  /** Every process before it starts; returns the command to start instead (a container, ssh, a wrapper). Throwing fails the task. */
  readonly command: SyncWaterfallHook<[command: Command, node: Node]>;
  /** Who runs this task: the first tap that returns something has run it. Nobody: bt itself. Rejecting fails the task. */
  readonly execute: AsyncSeriesBailHook<[job: Job], { readonly value: unknown } | undefined>;
  /** After a task has succeeded, before its success is remembered. Rejecting fails the task. */
  readonly afterTask: AsyncSeriesHook<[job: Job, finished: Finished]>;
  /** Once, before caches are asked. Gets them in the order they are asked, the local one first; returns them with its own. Throwing ends bt. */
  readonly cache: SyncWaterfallHook<[stores: readonly CacheStore[], tools: CacheTools]>;
  /** Right before tags move, with what is about to become visible. Rejecting prevents it. */
  readonly publish: AsyncSeriesHook<[group: readonly string[], node: Node]>;
  /** Everything that happens. A failing tap is dropped with a warning. */
  readonly event: SyncHook<[event: Event]>;
  /** What is needed on this machine; returns the list with its own added. Rejecting ends `bt --doctor`. */
  readonly doctor: AsyncSeriesWaterfallHook<[requirements: readonly Requirement[], place: DoctorPlace]>;
  /** Once, after the last task. Rejecting makes the run fail. */
  readonly afterRun: AsyncSeriesHook<[end: RunEnd]>;
  /** Not a hook: failed taps of `event` that nobody has been told of yet. */
  readonly listenerFailures: ListenerFailure[];
}

/** Plugins whose tap of `event` has failed; such a tap is not called again. */
export interface ListenerFailure {
  readonly plugin: string;
  readonly error: unknown;
}

export function createHooks(): Hooks {
  return {
    config: new SyncWaterfallHook(["settings"]),
    tasks: new SyncWaterfallHook(["tasks"]),
    graph: new AsyncSeriesWaterfallHook(["graph", "tools"]),
    fingerprint: new AsyncSeriesWaterfallHook(["leaves", "node"]),
    plan: new SyncWaterfallHook(["step", "node"]),
    beforeRun: new AsyncSeriesHook(["graph", "due"]),
    beforeTask: new AsyncSeriesHook(["job"]),
    command: new SyncWaterfallHook(["command", "node"]),
    execute: new AsyncSeriesBailHook(["job"]),
    afterTask: new AsyncSeriesHook(["job", "finished"]),
    cache: new SyncWaterfallHook(["stores", "tools"]),
    publish: new AsyncSeriesHook(["group", "node"]),
    event: new SyncHook(["event"]),
    doctor: new AsyncSeriesWaterfallHook(["requirements", "place"]),
    afterRun: new AsyncSeriesHook(["end"]),
    listenerFailures: [],
  };
}

/** What a tap is called with and may return, for each hook. */
export interface Taps {
  readonly config: (settings: BuilderSettings) => BuilderSettings;
  readonly tasks: (tasks: readonly NamedTask[]) => readonly NamedTask[];
  readonly graph: (graph: Graph, tools: GraphTools) => Graph | Promise<Graph>;
  readonly fingerprint: (leaves: readonly Leaf[], node: Node) => readonly Leaf[] | Promise<readonly Leaf[]>;
  readonly plan: (step: Step, node: Node) => Step;
  readonly beforeRun: (graph: Graph, due: ReadonlySet<string>) => void | Promise<void>;
  readonly beforeTask: (job: Job) => void | Promise<void>;
  readonly command: (command: Command, node: Node) => Command;
  readonly execute: (
    job: Job,
  ) => { readonly value: unknown } | undefined | Promise<{ readonly value: unknown } | undefined>;
  readonly afterTask: (job: Job, finished: Finished) => void | Promise<void>;
  readonly cache: (stores: readonly CacheStore[], tools: CacheTools) => readonly CacheStore[];
  readonly publish: (group: readonly string[], node: Node) => void | Promise<void>;
  readonly event: (event: Event) => void;
  readonly doctor: (
    requirements: readonly Requirement[],
    place: DoctorPlace,
  ) => readonly Requirement[] | Promise<readonly Requirement[]>;
  readonly afterRun: (end: RunEnd) => void | Promise<void>;
}

/** The hooks as a plugin sees them: `hooks.beforeTask.tap(fn)`, bound to its name. */
export type BoundHooks = { readonly [K in keyof Taps]: { readonly tap: (fn: Taps[K]) => void } };

const names: { readonly [K in keyof Taps]: "sync" | "async" | "listener" } = {
  config: "sync",
  tasks: "sync",
  graph: "async",
  fingerprint: "async",
  plan: "sync",
  beforeRun: "async",
  beforeTask: "async",
  command: "sync",
  execute: "async",
  afterTask: "async",
  cache: "sync",
  publish: "async",
  event: "listener",
  doctor: "async",
  afterRun: "async",
};

type Untyped = (...values: unknown[]) => unknown;
interface Tappable {
  tap(name: string, fn: Untyped): void;
  tapPromise(name: string, fn: (...values: unknown[]) => Promise<unknown>): void;
}

/** What a tap means to say to the user: one message, or several together. Anything else is a failure of the plugin. */
function isMistake(error: unknown): boolean {
  return error instanceof AggregateError ? error.errors.length > 0 && error.errors.every(isMistake) : isBtError(error);
}

/** The same hooks, whose failing taps name the plugin. */
export function bindHooks(hooks: Hooks, plugin: string): BoundHooks {
  const bound = Object.entries(names).map(([name, kind]) => {
    const hook = hooks[name as keyof Hooks] as unknown as Tappable; // tapable's overloads differ per hook; Taps says what each gets.
    const blame = (error: unknown): never => {
      throw isMistake(error) ? error : pluginFailed(plugin, `in its tap of hook "${name}"`, error);
    };
    const tap = (fn: Untyped): void => {
      if (kind === "listener")
        hook.tap(
          plugin,
          listen(fn, (error) => hooks.listenerFailures.push({ plugin, error })),
        );
      else if (kind === "async")
        hook.tapPromise(
          plugin,
          async (...values) =>
            await Promise.resolve()
              .then(() => fn(...values))
              .catch(blame),
        );
      else hook.tap(plugin, (...values) => attempt(() => fn(...values), blame));
    };
    return [name, { tap }] as const;
  });
  return Object.fromEntries(bound) as unknown as BoundHooks; // Made from all names of Taps.
}

/** Called until it fails once. */
function listen(fn: Untyped, onFailure: (error: unknown) => void): Untyped {
  let isBroken = false;
  return (...values) => {
    if (isBroken) return;
    try {
      fn(...values);
    } catch (error) {
      isBroken = true;
      onFailure(error);
    }
  };
}

function attempt(act: () => unknown, blame: (error: unknown) => never): unknown {
  try {
    return act();
  } catch (error) {
    return blame(error);
  }
}
