/** Values given on a command line, and which task each goes to. Pure; does not know how they were written. */
import type { NamedTask } from "./catalog.ts";
import { variableUnknown } from "./errors.ts";
import { bindParams, optionName, variableName, type ParamTexts } from "./params.ts";
import type { BoundParam } from "./task.ts";

/** `TAG=v1`, `--tag v1`, `build.TAG=v1`. */
export interface Assignment {
  /** Variable or option name, as written. */
  readonly name: string;
  readonly value: string;
  /** Only this task gets it. Absent: every task of the run that declares it. */
  readonly task?: string;
}

export interface Assigner {
  readonly bind: (named: NamedTask, fixed: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, BoundParam>>>;
  /** @throws BtError VARIABLE_UNKNOWN for a value that no task of the run has taken */
  readonly checkAllTaken: () => void;
}

export function createAssigner(assignments: readonly Assignment[], texts: Omit<ParamTexts, "given">): Assigner {
  const taken = new Set<Assignment>();
  const known = new Set<string>();
  return {
    bind({ name: task, task: { params = {} } }, fixed) {
      for (const [name, param] of Object.entries(params)) known.add(variableName(name, param));
      const given = (name: string, variable: string): string | undefined => {
        const fitting = assignments.filter((one) => (one.task === undefined || one.task === task) && (one.name === variable || one.name === optionName(name)));
        for (const one of fitting) taken.add(one);
        return (fitting.findLast((one) => one.task !== undefined) ?? fitting.at(-1))?.value;
      };
      return bindParams(task, params, fixed, { ...texts, given });
    },
    checkAllTaken() {
      const left = assignments.find((one) => !taken.has(one));
      if (left !== undefined) throw variableUnknown(left.task === undefined ? left.name : `${left.task}.${left.name}`, [...known].sort());
    },
  };
}
