/** What bt says of a run, as data: the tasks that ran, the reasons why. */
import { expect } from "vitest";
import type { Project } from "./project.ts";

/** The tasks that ran, in the order in which they ended. */
export async function ran(p: Project, ...argv: string[]): Promise<string[]> {
  const { stdout, stderr } = await p.bt("--output=json", ...argv);
  expect(stderr).toBe("");
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return events.filter((event) => event.state === "done" && event.outcome === "ran").map((event) => event.task);
}

/** Every reason of the tasks that were asked for. */
export async function why(p: Project, ...argv: string[]): Promise<string[]> {
  const { stdout } = await p.bt("--why", "--json", ...argv);
  return JSON.parse(stdout).tasks.flatMap((task: { reasons: string[] }) => task.reasons);
}
