/** The vocabulary: what a task is, what it is given when it runs. Does not know how it is run. */
import type { Outcome } from "./event.ts";
import type { Evidence, Versions } from "./evidence.ts";
import type { Cell, CellName, Matrix } from "./matrix.ts";
import type { Readiness } from "./readiness.ts";
import type { Retries } from "./retries.ts";
import type { StandardSchema } from "./schema.ts";
import type { ExecOptions, ExecResult, Log, Shell } from "./program.ts";
import type { Settings } from "./settings.ts";
import { checkShape } from "./shape.ts";
import type { Size } from "./size.ts";

/** One parameter of a task, made by `param.*`. */
export interface Param<T = unknown> {
  readonly kind: "string" | "flag" | "integer" | "number" | "enum" | "list" | "path" | "arch" | "secret" | "schema";
  readonly description?: string;
  /** Variable and environment name. Default: the param's name in upper case, `_` for `-`. */
  readonly env?: string;
  /** Absent: the param is optional (`undefined`) or required. */
  readonly default?: T;
  /** Without a value the run ends before anything starts. */
  readonly required: boolean;
  /** The allowed words. Absent: any. */
  readonly values?: readonly string[];
  readonly schema?: StandardSchema<T>;
  /** Of a secret: another value is another key. What is in the key is an HMAC with the builder's `secretsKey`. Default: false. */
  readonly inKey?: boolean;
  /** Only for the compiler: the type of the value. */
  readonly type?: T;
}

export type ParamSet = Readonly<Record<string, Param>>;
/** The values that a task's action sees. */
export type ParamValues<P extends ParamSet> = { readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never };

type RequiredName<P extends ParamSet> = {
  [K in keyof P]: P[K] extends { readonly required: true } ? K : never;
}[keyof P];
/** What `with()` takes: any params, and all that are required. */
export type WithParams<P extends ParamSet> = Partial<ParamValues<P>> & Pick<ParamValues<P>, RequiredName<P>>;

/** How a need is meant. `result`: its result is an input. `order`: only before. `validation`: runs, but only the end of the run waits for it. */
export type EdgeKind = "result" | "order" | "validation";

/** A need spelled out; made by `build.with(…)`, `build.cell(…)`, `after(…)` or `validation(…)`. */
export interface Need<R = unknown> {
  readonly need: string | TaskBase;
  readonly kind: EdgeKind;
  /** Param values fixed on this edge. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Empty: the cell called as the needing task's own. Absent: the whole task. */
  readonly cellName?: string;
  /** False: the edge, and the task if nobody else needs it, is left out. */
  readonly when?: () => boolean;
  readonly result?: R;
}
export type NeedInput = string | TaskBase | Need;
export type Needs = readonly NeedInput[] | Readonly<Record<string, NeedInput>>;

type ResultOf<N> =
  N extends Task<infer R, ParamSet, infer C>
    ? [C] extends [never]
      ? R
      : Readonly<Record<C, R>>
    : N extends Need<infer R>
      ? R
      : unknown;
/** The results of the needs under the names they were declared with. */
export type NeedResults<N extends Needs> = N extends readonly NeedInput[]
  ? Readonly<Record<string, unknown>>
  : { readonly [K in keyof N]: ResultOf<N[K]> };

/** What path lists and conditions may depend on. */
export interface Bound<P extends ParamSet = ParamSet, M extends Matrix = Matrix> {
  /** Project root, absolute. */
  readonly root: string;
  readonly params: ParamValues<P>;
  readonly cell: Cell<M>;
}
/** Globs relative to the project root; `!` excludes. A function that waits for something is asked anew in every run. */
export type Paths<P extends ParamSet = ParamSet, M extends Matrix = Matrix> =
  | readonly string[]
  | ((bound: Bound<P, M>) => readonly string[] | Promise<readonly string[]>);

/** What `versions` and `evidence` may depend on. */
export interface Surveyed<P extends ParamSet = ParamSet, M extends Matrix = Matrix> extends Bound<P, M> {
  readonly settings: Settings;
  /** Environment that the task's processes will get. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the results that the task will be given, also of needs that a plugin has found. */
  readonly needs: readonly string[];
  /** What the task returned when it last succeeded. Only `evidence` is told. */
  readonly previous?: unknown;
}

/** All that an action is given; nothing else needs to be reached for. */
export interface Context<P extends ParamSet = ParamSet, N extends Needs = Needs, M extends Matrix = Matrix> {
  /** `build:s390x`. */
  readonly name: string;
  readonly params: ParamValues<P>;
  readonly needs: NeedResults<N>;
  readonly cell: Cell<M>;
  /** Files that matched, relative to the root, sorted. */
  readonly inputs: readonly string[];
  /** The declared outputs, relative to the root. */
  readonly outputs: readonly string[];
  /** Words after `--` on the command line. */
  readonly rest: readonly string[];
  readonly $: Shell;
  /** Runs one program without a shell. @throws BtError COMMAND_FAILED */
  readonly exec: (file: string, args?: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  readonly log: Log;
  /** Environment of the task's processes. */
  readonly env: Readonly<Record<string, string>>;
  /** What the person who runs bt has set for all projects: an engine, mirrors of registries. Enters no key. */
  readonly settings: Settings;
  /** Project root, absolute. */
  readonly root: string;
  /** Absolute. */
  readonly cwd: string;
  /** Aborted when the task is cancelled or out of time. */
  readonly signal: AbortSignal;
  /** Hex SHA-256 of all the task's result depends on; also `BT_TASK_KEY` in `env`. */
  readonly key: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Only what would be done may be said: true for `dryRun: "record"` under `-n`. */
  readonly isDryRun: boolean;
  /** How the tasks ended that this one runs `finally` for, by id; empty for any other task. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** What the action returned when it last succeeded, as JSON gives it back. Absent: never, or nothing. */
  readonly previous?: unknown;
  /** Makes a private folder that is removed when the task ends. */
  readonly tempDir: () => Promise<string>;
  /** Runs when the task ends, last in first out, with true after a success. */
  readonly defer: (cleanup: (succeeded: boolean) => unknown) => void;
  /** Called by publishing tasks right before tags move, with the references: waits for the run's validations, and any plugin may refuse. */
  readonly publishing: (references: readonly string[]) => Promise<void>;
  /** Names a text that must never be shown from now on. */
  readonly hide: (secret: string) => void;
}

/** A plugin as far as a task knows it. */
export interface Brought {
  readonly name: string;
  readonly tasks: Readonly<Record<string, TaskBase>>;
  readonly apply?: (hooks: never) => void;
}

/** What every task may say, whatever its types. */
interface TaskFacts {
  /** Full name, instead of the plugin's prefix and the key it is listed under. */
  readonly name?: string;
  /** One line for the list. */
  readonly description?: string;
  readonly aliases?: readonly string[];
  readonly tags?: readonly string[];
  /** Not listed, and not to be asked for by name. */
  readonly private?: boolean;
  /** Takes the words after `--`: `rest` in its context, added to a command given as data. */
  readonly rest?: boolean;
  /** `true` removes the declared outputs before a run; `keep` is for incremental tools. Default: true. */
  readonly clean?: true | "keep";
  /** Outputs may lie outside the project. Default: false. */
  readonly external?: boolean;
  /** Whether caches keep its result. Default: if it has inputs and outputs, is not `clean: "keep"`, has no `status` and no terminal. */
  readonly cache?: boolean;
  /** Environment variables that reach the task and enter its key. `NAME=value` sets one. */
  readonly env?: readonly string[];
  /** Programs on `PATH` whose content enters the key. */
  readonly tools?: readonly string[];
  /** Relative to the project root. Default: the root. */
  readonly cwd?: string;
  /** Runs even if up to date. */
  readonly always?: boolean;
  /** Runs beside the tasks that need it, from the first of them that really runs until the last has ended. Asked for by name, it runs like other tasks. */
  readonly service?: boolean;
  /** Default: a service can be used as soon as it runs. */
  readonly readyWhen?: Readiness;
  /** Run after this one has ended, however it ended. */
  readonly finally?: readonly NeedInput[];
  /** Asked before the first task of the run starts; `{name}` is the param's value. */
  readonly confirm?: string;
  readonly retries?: number | Retries;
  /** Milliseconds for one try. Default: none. */
  readonly timeoutMs?: number;
  /** Capacities taken while it runs, all at once. `console` gets the terminal. */
  readonly pool?: string | readonly string[];
  /** What its programs may need at most. Tasks that say so run beside each other only as far as it is there for all; one that wants more than there is has it all. */
  readonly memory?: Size;
  /** The same for the file system of the project: what it may write at most. What was free when the run began is there for all. */
  readonly disk?: Size;
  /** How its programs share the job slots. Default: as each of them understands. */
  readonly jobserver?: "auto" | "fifo" | "pipe" | "off";
  /** Higher starts first. Default: 0. */
  readonly priority?: number;
  /** A failure is reported, but fails nothing else. */
  readonly allowFailure?: boolean;
  /** Changing it runs the task again. */
  readonly salt?: string;
  /** The result does not depend on the operating system and architecture it ran on. */
  readonly portable?: boolean;
  /** The plugin whose taps the task relies on; applied once, whether the builderfile lists it or not. */
  readonly brings?: Brought;
  /** `record`: in a dry run the function is called with a `$` and `exec` that only print. */
  readonly dryRun?: "record";
}

/** What users write in `task({…})`. */
export interface TaskSpec<R, P extends ParamSet, N extends Needs, M extends Matrix> extends TaskFacts {
  readonly params?: P;
  /** Names or handles; a record gives the results those names. */
  readonly needs?: N;
  readonly matrix?: M;
  /** Absent: the task always runs. Empty: it depends on nothing but its own text. */
  readonly inputs?: Paths<P, M>;
  /** Files and folders that the task makes; a trailing `/` or `/**` means a folder with all in it. */
  readonly outputs?: Paths<P, M>;
  /** What else the result depends on, such as a tag's digest now. Asked once a run, not in `-n`, `-q`, `--why`; unknown counts as last time. */
  readonly versions?: (bound: Surveyed<P, M>) => Versions | Promise<Versions>;
  /** What the answers of this task's functions came from, or what it returned if it has no `inputs`: while it is the same they are not called. Undefined: they always are. */
  readonly evidence?: (bound: Surveyed<P, M>) => Promise<readonly Evidence[] | undefined>;
  /** For a task without `inputs`: what is printed while its evidence is the same. Default: nothing. */
  readonly says?: (value: NoInfer<R>) => string;
  /** A function, one command line (`bash -euo pipefail` when it needs a shell), or an argument list. Absent: a group. */
  readonly run?: string | readonly string[] | ((context: Context<P, N, M>) => R | Promise<R>);
  /** False: the task is skipped. */
  readonly when?: (bound: Bound<P, M>) => boolean | Promise<boolean>;
  /** False: the task runs although its key is unchanged. Not asked in a dry run. */
  readonly status?: (context: Context<P, N, M>) => boolean | Promise<boolean>;
}

/** Paths of a task of any kind. */
export type AnyPaths = readonly string[] | ((bound: never) => readonly string[] | Promise<readonly string[]>);

/** A task of any kind, as the engine handles it. */
export interface TaskBase extends TaskFacts {
  /** The same object in every spread copy: how a handle finds its name. */
  readonly handle: object;
  /** Where it was defined: `.stack` of a captured error. */
  readonly site: { readonly stack?: string };
  readonly params?: ParamSet;
  readonly needs?: Needs;
  readonly matrix?: Matrix;
  readonly run?: string | readonly string[] | ((context: never) => unknown);
  readonly when?: (bound: never) => boolean | Promise<boolean>;
  readonly status?: (context: never) => boolean | Promise<boolean>;
  readonly versions?: (bound: never) => Versions | Promise<Versions>;
  readonly evidence?: (bound: never) => Promise<readonly Evidence[] | undefined>;
  readonly says?: (value: never) => string;
  readonly inputs?: AnyPaths;
  readonly outputs?: AnyPaths;
}

/** A typed handle: a frozen description with the types of its result, params and cells. */
export interface Task<R = unknown, P extends ParamSet = ParamSet, C extends string = never> extends TaskBase {
  /** Only for the compiler. */
  readonly types?: { readonly result: R; readonly params: P; readonly cells: C };
  /** A need of this task with some params fixed. */
  with(params: WithParams<P>): Need<[C] extends [never] ? R : Readonly<Record<C, R>>>;
  /** A need of one cell only; without a name, of the cell called as the needing task's own. */
  cell(name?: C): Need<R>;
}

const methods = {
  with(this: TaskBase, params: Readonly<Record<string, unknown>>): Need {
    return { need: this, kind: "result", params };
  },
  cell(this: TaskBase, cellName = ""): Need {
    return { need: this, kind: "result", cellName };
  },
};

/** Describes a task. Runs nothing. @throws BtError TASK_SHAPE */
export function task<R = void, const P extends ParamSet = {}, const N extends Needs = [], const M extends Matrix = {}>(
  spec: TaskSpec<R, P, N, M>,
): Task<R, P, CellName<M>> {
  checkShape(spec);
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, task);
  return Object.freeze(Object.assign(Object.create(methods), spec, { handle: {}, site })) as Task<R, P, CellName<M>>; // The methods stand on the prototype, which Object.create does not tell the compiler.
}

/** A need that only has to be done before; its result is not an input. */
export function after(need: string | TaskBase): Need<undefined> {
  return { need, kind: "order" };
}

/** A need that runs beside; only the end of the run and publishing wait for it. */
export function validation(need: string | TaskBase): Need<undefined> {
  return { need, kind: "validation" };
}

/** Whether a value was made by `task()`, possibly by another copy of bt. */
export function isTask(value: unknown): value is TaskBase {
  return typeof value === "object" && value !== null && "handle" in value && "site" in value;
}
