/** Targets of a Makefile as tasks, for what has not been moved yet. Describes only; does not know what make does. */
import * as path from "node:path";
import { paramText } from "./environment.ts";
import { isBtError } from "./errors.ts";
import { makeFailed } from "./errors/run.ts";
import { findStat } from "./files.ts";
import { decodeVariable, findMakeFacts } from "./makeflags.ts";
import type { CellName, Matrix } from "./matrix.ts";
import { variableName } from "./params.ts";
import { task, type Bound, type Context, type Needs, type ParamSet, type Task, type TaskSpec } from "./task.ts";

type Variables = Readonly<Record<string, string>>;

/** How make is called. */
export interface MakeCall<P extends ParamSet = ParamSet, M extends Matrix = Matrix> {
  /** Folder of the Makefile, relative to the project root. Default: the root. */
  readonly dir?: string;
  /** Relative to `dir`. Default: whatever make finds. */
  readonly file?: string;
  /** Variables for make's command line. */
  readonly vars?: Variables | ((bound: Bound<P, M>) => Variables);
  /** Make expands `$` in them. Default: false, a `$` is a `$`. */
  readonly raw?: boolean;
  /** Also the variables that a make above bt was given; they are in no key. Default: false. */
  readonly inheritVars?: boolean;
}

/** A task without `run`: params become variables of make, secret ones only of its environment. */
export type MakeOptions<P extends ParamSet, N extends Needs, M extends Matrix> = MakeCall<P, M> &
  Omit<TaskSpec<void, P, N, M>, "run" | "dryRun">;

interface Make {
  /** A task that makes these targets in one call; without any, the default goal. */
  <const P extends ParamSet = {}, const N extends Needs = [], const M extends Matrix = {}>(
    options: MakeOptions<P, N, M> & { readonly targets?: readonly string[] },
  ): Task<void, P, CellName<M>>;
  /** A task that makes one target. */
  target<const P extends ParamSet = {}, const N extends Needs = [], const M extends Matrix = {}>(
    name: string,
    options?: MakeOptions<P, N, M>,
  ): Task<void, P, CellName<M>>;
}

/** Runs make, without `-j` and `-O`: it shares bt's job slots, and bt keeps output together. Runs nothing now. */
export const make: Make = Object.assign(createMakeTask, {
  target: <const P extends ParamSet = {}, const N extends Needs = [], const M extends Matrix = {}>(
    name: string,
    options: MakeOptions<P, N, M> = {},
  ): Task<void, P, CellName<M>> => createMakeTask({ ...options, targets: [name] }),
});

function createMakeTask<const P extends ParamSet = {}, const N extends Needs = [], const M extends Matrix = {}>(
  options: MakeOptions<P, N, M> & { readonly targets?: readonly string[] },
): Task<void, P, CellName<M>> {
  const { dir = ".", file, vars = {}, raw = false, inheritVars = false, targets = [], ...facts } = options;
  return task<void, P, N, M>({
    clean: "keep", // Make is incremental: it wants to see what it has made.
    ...facts,
    dryRun: "record",
    run: async (context) => {
      const own = typeof vars === "function" ? vars(context) : vars;
      const above = inheritVars ? variablesAbove(process.env) : {};
      const given = { ...above, ...variablesOf(facts.params ?? {}, context.params), ...own };
      const words = Object.entries(given).map(
        ([name, value]) => `${name}=${raw ? value : value.replaceAll("$", "$$$$")}`,
      );
      const where = file === undefined ? [] : ["-f", file];
      const folder = dir === "." ? [] : ["-C", dir];
      await runMake(context, [...folder, "--no-print-directory", ...where, ...targets, ...words], dir);
    },
  });
}

async function runMake(
  { exec, name, root }: Pick<Context, "exec" | "name" | "root">,
  args: readonly string[],
  dir: string,
): Promise<void> {
  try {
    await exec("make", args);
  } catch (error) {
    throw (isBtError(error) && findFailedRecipe(error.detail, { task: name, root, dir })) || error;
  }
}

/** `make: *** [Makefile:7: image] Error 2`: the last one is the outermost, the first one where it began. */
function findFailedRecipe(
  lines: readonly string[],
  { task: id, root, dir }: { readonly task: string; readonly root: string; readonly dir: string },
): Error | undefined {
  for (const line of lines) {
    const [, file, at, target, why] =
      /^g?make(?:\[\d+\])?: \*\*\* \[([^\]:]+):(\d+): ([^\]]+)\] (.+)$/.exec(line) ?? [];
    if (file === undefined || target === undefined || why === undefined) continue;
    const beside = path.join(dir, file);
    const where = findStat(path.resolve(root, beside)) === undefined ? file : beside;
    return makeFailed({ task: id, target, why, lines, at: { where, line: Number(at) } });
  }
  return undefined;
}

/** A flag that is off is empty, which `ifdef` and `$(if …)` take for no. */
function variablesOf(params: ParamSet, values: Readonly<Record<string, unknown>>): Variables {
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, param]) => {
      const value = values[name];
      if (value === undefined || param.kind === "secret") return [];
      return [[variableName(name, param), value === false ? "" : paramText(value)]];
    }),
  );
}

function variablesAbove(env: Readonly<Record<string, string | undefined>>): Variables {
  const { variables = [] } = findMakeFacts(env, false) ?? {};
  return Object.fromEntries(
    variables.flatMap(({ name, text }) => {
      const value = env[name] ?? decodeVariable(text);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
