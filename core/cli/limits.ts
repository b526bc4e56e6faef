/** How much at once: jobs, memory and disk, as people give them. Does not know who gets them. */
import * as fs from "node:fs";
import * as os from "node:os";
import { optionWrong } from "../errors/request.ts";
import type { Budget, Resource } from "../pools.ts";
import { parseSize } from "../size.ts";

/** What a limit of a resource may be. */
export const limitWords = "a size such as 8GiB, or a percentage of what is there";

/** `4`, `50%`; without a number, one for each CPU. @throws BtError OPTION_WRONG */
export function parseJobs(given: string | number | undefined): number {
  const cpus = os.availableParallelism();
  if (given === undefined || given === "") return cpus;
  const text = String(given);
  const percent = readPercent(text);
  if (percent !== undefined) return Math.max(1, Math.round(cpus * percent));
  if (!/^[1-9]\d*$/.test(text)) throw optionWrong("--jobs", text, "a whole number from 1, or a percentage of the CPUs");
  return Number(text);
}

/** What make says of its size is for people; without it the pool bounds us anyway. */
export function poolJobs(said: number | "any" | undefined): number {
  return typeof said === "number" ? Math.max(1, said) : 1000;
}

/** A limit for each resource. */
type Limits = Readonly<Partial<Record<Resource, string>>>;

/** Bytes; of several limits the first counts. @throws BtError OPTION_WRONG */
export function limitResources(options: Limits, settings: Limits, root: string): Budget {
  const limit = (name: Resource, thereBytes: number): number => {
    const option = options[name];
    const found = parseLimit(option ?? settings[name] ?? "100%", thereBytes);
    if (found === undefined) throw optionWrong(`--${name}`, option ?? "", limitWords);
    return found;
  };
  return { memory: limit("memory", machineMemory()), disk: limit("disk", freeDisk(root)) };
}

/** `8GiB`, or `50%` of what is there, in bytes. Undefined: it is neither. */
export function parseLimit(text: string, thereBytes: number): number | undefined {
  const percent = readPercent(text);
  return (percent === undefined ? parseSize(text) : thereBytes * percent) || undefined;
}

function readPercent(text: string): number | undefined {
  const percent = /^(\d+)%$/.exec(text)?.[1];
  return percent === undefined ? undefined : Number(percent) / 100;
}

/** What a container or a group of processes is limited to, or all that the machine has. */
function machineMemory(): number {
  const limit = process.constrainedMemory(); // 0: it cannot be told.
  return limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem();
}

/** What whoever runs bt may still take of the project's file system; on a full one a byte, which one task has alone. */
function freeDisk(root: string): number {
  const { blocks, bavail, bsize } = fs.statfsSync(root);
  return blocks === 0 ? Infinity : Math.max(1, bavail * bsize); // 0: the file system does not tell.
}
