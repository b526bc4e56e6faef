/** Values given on a command line, and which task each goes to. Pure; does not know how they were written. */
import type { NamedTask } from "./catalog.ts";
import { throwAll } from "./errors.ts";
import { variableUnexpanded, variableUnknown } from "./errors/request.ts";
import { bindParams, optionName, variableName, type BoundParam, type ParamTexts } from "./params.ts";

/** `TAG=v1`, `--tag v1`, `build.TAG=v1`. */
export interface Assignment {
  /** Variable or option name, as written. */
  readonly name: string;
  readonly value: string;
  /** Only this task gets it. Absent: every task of the run that declares it. */
  readonly task?: string;
  /** Where make says it came from: `file`, `command line`. Absent: bt's own command line. */
  readonly from?: string;
  /** Make has not told what it holds. */
  readonly isUnexpanded?: true;
}

type Bind = (
  named: NamedTask,
  fixed: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<string, BoundParam>>>;

export interface Assigner {
  readonly bind: Bind;
  /** The same, without asking anybody: for tasks that may not be part of the run. */
  readonly guess: Bind;
  /** @throws BtError VARIABLE_UNKNOWN for a value that no task of the run has taken */
  readonly checkAllTaken: () => void;
}

export function createAssigner(
  assignments: readonly Assignment[],
  { ask, ...texts }: Omit<ParamTexts, "given">,
): Assigner {
  const taken = new Set<Assignment>();
  const known = new Map<string, ReadonlySet<string>>();
  const bindWith =
    (more: Pick<ParamTexts, "ask">): Bind =>
    ({ name: task, task: { params = {} } }, fixed) => {
      known.set(task, new Set(Object.entries(params).map(([name, param]) => variableName(name, param))));
      const given: ParamTexts["given"] = (name, variable) => {
        const fitting = assignments.filter(
          (one) =>
            (one.task === undefined || one.task === task) &&
            (one.name === variable || (one.from === undefined && one.name === optionName(name))),
        );
        for (const one of fitting) taken.add(one);
        const full = fitting.filter(({ value }) => value !== "");
        const best = full.findLast((one) => one.task !== undefined) ?? full.at(-1);
        if (best?.isUnexpanded === true) throw variableUnexpanded(best.name);
        return best;
      };
      return bindParams(task, params, fixed, { ...texts, ...more, given });
    };
  return {
    bind: bindWith(ask === undefined ? {} : { ask }),
    guess: bindWith({}),
    checkAllTaken() {
      const all = new Set([...known.values()].flatMap((names) => [...names]));
      const left = assignments.filter((one) => one.from === undefined && !taken.has(one));
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
