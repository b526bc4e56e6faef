/** A task's context as engines use it, without a run around it: real programs, their command lines remembered. */
import { spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import type { Desk } from "../../../plugins/images/engine-request.ts";
import { temporaryFolder } from "../../support/temporary.ts";

export interface TestDesk extends Desk {
  /** Every command line, joined by spaces. */
  readonly commands: readonly string[];
  /** All that was printed. */
  readonly output: () => string;
  /** What the end of a task does. */
  readonly end: () => Promise<void>;
  readonly abort: () => void;
}

export async function createDesk(env: Readonly<Record<string, string>> = {}, root?: string): Promise<TestDesk> {
  const commands: string[] = [];
  const cleanups: ((succeeded: boolean) => unknown)[] = [];
  const groups = new Set<number>();
  const controller = new AbortController();
  let output = "";
  const base = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", ...env };
  const folder = root ?? (await temporaryFolder());
  const exec: Desk["exec"] = (file, args = [], options = {}) => {
    commands.push([file, ...args].join(" "));
    return new Promise((resolve, reject) => {
      const child = spawn(file, args, {
        cwd: options.cwd ?? folder,
        env: { ...base, ...options.env },
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      groups.add(child.pid ?? 0);
      const texts = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"] as const)
        child[stream].on(
          "data",
          (chunk: Buffer) => ((texts[stream] += chunk.toString()), (output += chunk.toString())),
        );
      child.once("error", reject);
      child.once("close", (code, signal) => {
        groups.delete(child.pid ?? 0);
        const exitCode = code ?? 1;
        const { allowedCodes = [0] } = options;
        if (signal === null && (allowedCodes === "any" || allowedCodes.includes(exitCode)))
          resolve({ exitCode, stdout: texts.stdout.trimEnd(), stderr: texts.stderr });
        else reject(new Error(`${file} ${args.join(" ")}\n${texts.stdout}${texts.stderr}`));
      });
    });
  };
  const abort = (): void => {
    controller.abort();
    for (const group of groups) if (group > 0) process.kill(-group, "SIGTERM");
  };
  const end = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup(true);
  };
  onTestFinished(end);
  onTestFinished(abort);
  const say = (text: string): void => void (output += `${text}\n`);
  return {
    exec,
    env: base,
    root: folder,
    signal: controller.signal,
    log: { info: say, warn: say, step: say },
    tempDir: temporaryFolder,
    defer: (cleanup) => void cleanups.push(cleanup),
    commands,
    output: () => output,
    end,
    abort,
  };
}
