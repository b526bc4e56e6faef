/** Values given on a command line, and which task each goes to. Pure; does not know how they were written. */
import type { NamedTask } from "./catalog.ts";
import { throwAll } from "./errors.ts";
import { variableUnknown } from "./errors/request.ts";
import { bindParams, optionName, variableName, type BoundParam, type ParamTexts } from "./params.ts";

/** `TAG=v1`, `--tag v1`, `build.TAG=v1`. */
export interface Assignment {
  /** Variable or option name, as written. */
  readonly name: string;
  readonly value: string;
  /** Only this task gets it. Absent: every task of the run that declares it. */
  readonly task?: string;
}

export interface Assigner {
  readonly bind: (
    named: NamedTask,
    fixed: Readonly<Record<string, unknown>>,
  ) => Promise<Readonly<Record<string, BoundParam>>>;
  /** @throws BtError VARIABLE_UNKNOWN for a value that no task of the run has taken */
  readonly checkAllTaken: () => void;
}

export function createAssigner(assignments: readonly Assignment[], texts: Omit<ParamTexts, "given">): Assigner {
  const taken = new Set<Assignment>();
  const known = new Map<string, ReadonlySet<string>>();
  return {
    bind({ name: task, task: { params = {} } }, fixed) {
      known.set(task, new Set(Object.entries(params).map(([name, param]) => variableName(name, param))));
      const given = (name: string, variable: string): string | undefined => {
        const fitting = assignments.filter(
          (one) =>
            (one.task === undefined || one.task === task) && (one.name === variable || one.name === optionName(name)),
        );
        for (const one of fitting) taken.add(one);
        return (fitting.findLast((one) => one.task !== undefined) ?? fitting.at(-1))?.value;
      };
      return bindParams(task, params, fixed, { ...texts, given });
    },
    checkAllTaken() {
      const all = new Set([...known.values()].flatMap((names) => [...names]));
      const left = assignments.filter((one) => !taken.has(one));
      throwAll(
        left.map(({ name, task }) =>
          variableUnknown({
            name,
            known: [...((task === undefined ? undefined : known.get(task)) ?? all)].sort(),
            tasks: [...known.keys()],
            ...(task === undefined ? {} : { task }),
          }),
        ),
      );
    },
  };
}
