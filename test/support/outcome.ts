/** What bt says of a run, as data: the tasks that ran, the reasons why. */
import { expect } from "vitest";
import type { Event } from "../../core/event.ts";
import type { Project } from "./project.ts";

/** The tasks that ran, in the order in which they ended. */
export async function ran(p: Project, ...argv: string[]): Promise<string[]> {
  const { stdout, stderr } = await p.bt("--output=json", ...argv);
  expect(stderr).toBe("");
  return outcomesOf(stdout).flatMap(([task, outcome]) => (outcome === "ran" ? [task] : []));
}

/** Tasks of a run with `--json` and their outcomes, in the order in which they ended. */
export function outcomesOf(stdout: string): readonly (readonly [task: string, outcome: string])[] {
  const done = parseEvents(stdout).filter((event) => event.kind === "task-state" && event.state === "done");
  return done.map(({ task, outcome }) => [task, outcome]);
}

/** What a run with `--json` has said. */
export function parseEvents(stdout: string): readonly Event[] {
  const lines = stdout.trimEnd().split("\n");
  return lines.map((line): Event => JSON.parse(line));
}

/** Every reason of the tasks that were asked for. */
export async function why(p: Project, ...argv: string[]): Promise<string[]> {
  const { stdout } = await p.bt("--why", "--json", ...argv);
  return JSON.parse(stdout).tasks.flatMap((task: { reasons: string[] }) => task.reasons);
}
