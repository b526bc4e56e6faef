/** Runs a command of the user's for what it prints. Does not know what that means. */
import { findTool, type ExecResult } from "../../core/index.ts";
import type { SideContext } from "./role.ts";
import { userEnvironment } from "./user-env.ts";
import { programMissing } from "./value-errors.ts";

/** What to say when the program is not there. */
export interface Purpose {
  /** `it prints the release tag`. */
  readonly what: string;
  /** Package of Debian. */
  readonly install: string;
}

/** Shows nothing; the exit code is judged by the caller. @throws BtError SIDE_IMAGES_PROGRAM_MISSING */
export async function runUserCommand(
  { exec, env }: Pick<SideContext, "exec" | "env">,
  [program = "", ...words]: readonly string[],
  { what, install }: Purpose,
): Promise<ExecResult> {
  if (!program.includes("/") && findTool(program, env["PATH"] ?? "") === undefined)
    throw programMissing(program, what, install);
  return exec(program, words, { show: false, env: userEnvironment(), allowedCodes: "any" });
}

/** What a command has said last. */
export function lastLines(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-5);
}
