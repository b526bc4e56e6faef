/** Jobs that say when they start and end, in a file that all of them append to; how many ran at the same time is read from it. */
import type { Project } from "./project.ts";

/** A shell line that is one job. It ends when `crowd` jobs have started: fewer at the same time would wait for ever. */
export function job(crowd = 1): string {
  return `echo s >> log; until [ $(grep -c s log) -ge ${crowd} ]; do sleep 0.01; done; sleep 0.04; echo e >> log`;
}

/** A Makefile with `count` such jobs. */
export function makeJobs(count: number, crowd: number): string {
  const names = Array.from({ length: count }, (_, at) => `j${at}`).join(" ");
  return `jobs: ${names}\n${names}: ; @${job(crowd).replaceAll("$", "$$$$")}\n`;
}

/** The same for ninja. */
export function ninjaJobs(count: number, crowd: number): string {
  const builds = Array.from({ length: count }, (_, at) => `build n${at}: job\n`).join("");
  return `rule job\n  command = ${job(crowd).replaceAll("$", "$$$$")}\n${builds}`;
}

export interface Crowd {
  /** Jobs that ran at the same time, at most. */
  readonly most: number;
  readonly jobs: number;
}

/** What the jobs have written so far. */
export function readCrowd(p: Project): Crowd {
  const lines = p.exists("log") ? p.read("log").trim().split("\n") : [];
  let [now, most] = [0, 0];
  for (const line of lines) {
    now += line === "s" ? 1 : -1;
    most = Math.max(most, now);
  }
  return { most, jobs: lines.filter((line) => line === "s").length };
}
