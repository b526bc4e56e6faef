/** A process by a name that never comes again, and whether it is still there. Does not know what it owns. */
import * as fs from "node:fs";
import * as os from "node:os";
import { hasCode } from "./files.ts";

/** `unseen`: of another container or machine, or hidden from this user; nobody here can say. */
export type Presence = "there" | "gone" | "unseen";

/** What stands for a fact that this system does not tell. */
const untold = "none";

/** This process, as a lock or a folder of its own names it. Fit for a file name, and without `:` and `@`. */
export function processName(): string {
  return (own ??= [process.pid, findStart(process.pid) ?? untold, pidNamespace(), bootId(), hostName()].join("-"));
}
let own: string | undefined;

/** The number of a process in its name. */
export function pidOf(name: string): number {
  return Number.parseInt(name, 10);
}

/** Whether the process of a name is there. A number is used again after its process has ended; start and boot tell the two apart. */
export function findPresence(name: string): Presence {
  const [, pid, start, space, boot, host] = /^(\d+)-(\w+)-(\w+)-(\w+)-(.+)$/.exec(name) ?? [];
  if (boot !== bootId()) return host === hostName() ? "gone" : "unseen";
  if (space !== pidNamespace()) return "unseen";
  const now = findStart(Number(pid));
  if (now !== undefined) return now === start ? "there" : "gone";
  if (!canSignal(Number(pid))) return "gone";
  return start === untold ? "there" : "unseen";
}

/** Clock ticks after boot; `ended` for one whose parent has not heard of its end yet. Undefined: nothing is told of it. */
function findStart(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // The name before it may hold spaces and parentheses.
    return fields[0] === "Z" ? "ended" : fields[19];
  } catch {
    return undefined;
  }
}

/** Numbers of processes mean something only within it: a container has its own. */
function pidNamespace(): string {
  try {
    namespace ??= fs.readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "");
  } catch {
    namespace = untold;
  }
  return namespace;
}
let namespace: string | undefined;

function bootId(): string {
  try {
    boot ??= fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").replaceAll(/\W/g, "").slice(0, 12);
  } catch {
    boot = untold;
  }
  return boot;
}
let boot: string | undefined;

function hostName(): string {
  return os.hostname().replaceAll(/[^\w.-]/g, "_") || untold;
}

/** Whether there is such a process, of this user or another. */
function canSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, "EPERM");
  }
}
