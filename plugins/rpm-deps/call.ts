/** Calls the solver, and turns its failures into messages. Does not know what it is asked. */
import type { Task } from "./desk.ts";
import { backendFailed } from "./solve-errors.ts";

/** Lines of the solver's output in a message. */
const shownLines = 8;

/** One call. */
export interface Call {
  readonly command: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly about: string;
}

/**
 * Runs the solver. `explain` adds lines when there is no solution.
 * @throws BtError RPM_DEPS_SOLVER_…, RPM_DEPS_NO_SOLUTION
 */
export async function callSolver(
  { exec }: Pick<Task, "exec">,
  { command, cwd, env = {}, about }: Call,
  explain?: () => Promise<readonly string[]>,
): Promise<void> {
  const [file = "", ...args] = command;
  // Whatever it ends with: the message is ours.
  const { exitCode, stdout, stderr } = await exec(file, args, { cwd, env, allowedCodes: "any", show: false });
  if (exitCode === 0) return;
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  const call = { command, exitCode, about, lines: tail(lines) };
  const isUnsolvable = /no solution found|does not exist/i.test(call.lines.join("\n"));
  throw backendFailed(call, isUnsolvable && explain !== undefined ? await explain() : []);
}

/** The solver prints its help after an error: what counts are the lines about errors, and the last ones. */
function tail(lines: readonly string[]): readonly string[] {
  const errors = lines.filter((line) => /error|fatal|no solution|does not exist/i.test(line));
  const last = lines.slice(-shownLines).filter((line) => !errors.includes(line));
  return [...new Set([...errors.slice(0, shownLines), ...(errors.length > 0 ? [] : last)])].map((line) =>
    line.slice(0, 500),
  );
}
