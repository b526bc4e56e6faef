/** How much at once: jobs and memory, as people give them. Does not know who gets them. */
import * as os from "node:os";
import { optionWrong } from "../errors/request.ts";
import { parseSize } from "../size.ts";

/** What a limit of memory may be. */
export const memoryWords = "a size such as 8GiB, or a percentage of the machine's";

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

/** Bytes; of several limits the first counts. @throws BtError OPTION_WRONG */
export function limitMemory(option: string | undefined, setting: string | undefined): number {
  if (option !== undefined && readMemory(option) === undefined) throw optionWrong("--memory", option, memoryWords);
  return readMemory(option ?? setting ?? "100%") ?? machineMemory();
}

/** `8GiB`, `50%`. Undefined: it is neither. */
export function readMemory(text: string): number | undefined {
  const percent = readPercent(text);
  return (percent === undefined ? parseSize(text) : machineMemory() * percent) || undefined;
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
