/** Runs of bt on a disk that fails, or that are killed, at one moment: a small library in C is preloaded. Linux, with a C compiler. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { constants } from "node:os";
import type { Project, Result } from "./project.ts";
import { temporaryFolder } from "./temporary.ts";

/** `SIGKILL`: the disk is sound, but bt is killed there, in the middle of what it writes. */
export type FaultCode = "EIO" | "ENOSPC" | "EACCES" | "SIGKILL";

/** How the disk fails. */
export interface Fault {
  readonly code: FaultCode;
  /** Which call on a file of the project fails, from 1. 0: none does. */
  readonly at: number;
  /** All calls after that one fail too. */
  readonly keeps?: boolean;
}

export interface FaultyRun extends Result {
  /** Calls on files of the project that could have failed so: `fsync /.bt/state.log`. */
  readonly calls: readonly string[];
  /** The first one that has failed. */
  readonly hit?: string;
}

export type RunWithFault = (
  p: Project,
  fault: Fault,
  argv: readonly string[],
  env?: Readonly<Record<string, string>>,
) => Promise<FaultyRun>;

/** Builds the library; it is removed when the test ends. */
export async function createFaults(): Promise<RunWithFault> {
  const folder = await temporaryFolder();
  const library = path.join(folder, "fault.so");
  execFileSync("gcc", ["-shared", "-fPIC", "-o", library, path.join(import.meta.dirname, "fault.c"), "-ldl"]);
  return async (p, { code, at, keeps = false }, argv, env = {}) => {
    const log = path.join(folder, "calls");
    fs.rmSync(log, { force: true });
    const faulty = {
      LD_PRELOAD: library,
      FAULT_ROOT: p.root,
      FAULT_ERRNO: String(code === "SIGKILL" ? 0 : constants.errno[code]),
      FAULT_AT: String(at),
      FAULT_LOG: log,
      ...(keeps ? { FAULT_KEEPS: "1" } : {}),
    };
    const result = await p.btWith({ env: { ...env, ...faulty } }, ...argv);
    const calls = fs.existsSync(log) ? fs.readFileSync(log, "utf8").trimEnd().split("\n") : [];
    const hit = calls.find((call) => call.startsWith("! "))?.slice(2);
    return { ...result, calls, ...(hit === undefined ? {} : { hit }) };
  };
}
