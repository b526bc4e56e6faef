/** At which moments of a run a disk is tried, what is wrong with how the run has ended, and the project as it was before. */
import * as fs from "node:fs";
import { expect, onTestFinished } from "vitest";
import type { Fault, FaultCode, FaultyRun } from "./fault.ts";
import type { Project } from "./project.ts";
import { removeFolder } from "./temporary.ts";

export const codes = ["EIO", "ENOSPC", "EACCES", "SIGKILL"] as const;

/** With BT_SLOW_TESTS=1 every moment is tried. */
const isSlow: boolean = process.env["BT_SLOW_TESTS"] === "1";
/** Else some, spread over all; another BT_SEED takes others. */
const seed = Number(process.env["BT_SEED"] ?? 0);

/** Some of the items, spread over all of them; with BT_SLOW_TESTS=1 all. */
export function sample<T>(items: readonly T[], most: number): readonly T[] {
  const step = isSlow ? 1 : Math.ceil(items.length / most);
  return items.filter((_, n) => n % step === seed % step);
}

/** The moments of a run at which a disk is tried, and for kills also those at which something `vital` is written. */
export async function momentsOf(
  run: (fault: Fault) => Promise<FaultyRun>,
  code: FaultCode,
  { most, vital }: { readonly most: number; readonly vital: RegExp },
): Promise<readonly Fault[]> {
  const { calls, exitCode } = await run({ code, at: 0 });
  expect(exitCode).toBe(0);
  expect(calls.length).toBeGreaterThan(20);
  const all = calls.map((call, n) => ({ call, at: n + 1 }));
  const some = sample(all, most);
  if (code !== "SIGKILL") return some.map(({ at }, n) => ({ code, at, keeps: n % 2 === 1 }));
  return all.filter((one) => some.includes(one) || vital.test(one.call)).map(({ at }) => ({ code, at }));
}

const untold = "it does not say what is wrong";

/** What is wrong with how a run has ended. */
export function mistakes({ exitCode, signal, stdout, stderr }: FaultyRun, isRight: boolean): readonly string[] {
  if (signal === "SIGKILL") return [];
  const text = stdout + stderr;
  const isTold =
    /\((EIO|ENOSPC|EACCES)|(EIO|ENOSPC|EACCES):|disk is full|permission is denied|this user may not|the disk reports|ENOENT: .*, mkdir/.test(
      text,
    );
  return [
    ...(exitCode === undefined || exitCode > 2 ? [`it ended with ${exitCode}`] : []),
    ...(/\n\s+at \S.*:\d+:\d+\)?\n|bug in bt/.test(text) ? ["it shows a stack"] : []),
    ...(exitCode === 0 && !isRight ? ["it took a wrong output for right"] : []),
    ...(exitCode === 0 || isTold ? [] : [untold]),
  ];
}

/** Makes the project's folders as they are now, whatever has become of them. */
export function createRewind(p: Project): () => void {
  const copy = `${p.root}-before`;
  const options = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
  fs.cpSync(p.root, copy, options);
  onTestFinished(() => removeFolder(copy));
  return () => {
    removeFolder(p.root);
    fs.cpSync(copy, p.root, options);
  };
}
