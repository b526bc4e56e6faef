/** The job slots of one run: taken from a make above, or given to programs below; counted at the end. Does not know which task is ready. */
import { quoteNames } from "./errors.ts";
import { findStyle, type JobserverWish, type Style } from "./build-tool.ts";
import type { Command } from "./exec.ts";
import { createPool, joinPool, ownToken, type Pool } from "./jobserver.ts";
import { renderMakeflags, type Auth } from "./makeflags.ts";
import type { Slots } from "./slots.ts";
import { createTokens } from "./tokens.ts";

export interface ShareOptions {
  /** What a make above has announced. Absent: nothing. */
  readonly auth?: Auth;
  /** Tasks at the same time. In a pool of somebody else an upper bound. */
  readonly jobs: number;
  /** As many when the announced pool is none. */
  readonly jobsAlone: number;
  /** Letters of MAKEFLAGS for programs below: `k`, `s`. */
  readonly letters: string;
}

/** Slots that were not given back, and tasks whose programs may have kept them. */
export interface Loss {
  readonly lost: number;
  readonly tasks: readonly string[];
}

/** What one program gets. */
export interface Handed {
  readonly makeflags: string;
  /** To become 3 and 4. */
  readonly descriptors?: readonly [read: number, write: number];
  /** The program has been started, or never will be. */
  readonly started: () => void;
  /** It has ended, with all that belongs to it. */
  readonly ended: (end: { readonly task: string; readonly isKilled: boolean }) => void;
}

export interface Share {
  readonly slots: Slots;
  readonly jobs: number;
  /** The announced pool cannot be used. */
  readonly isBroken: boolean;
  /** Undefined: the program starts no jobs of its own. */
  readonly handOn: (command: Pick<Command, "file" | "args" | "env">, wish: JobserverWish) => Handed | undefined;
  /** Gives everything back. */
  readonly close: () => Loss;
}

export function createShare({ auth, jobs: bound, jobsAlone, letters }: ShareOptions): Share {
  const announced = auth === undefined || auth.kind === "none" ? undefined : auth;
  const outer = announced === undefined ? undefined : joinPool(announced);
  const isBroken = announced !== undefined && outer === undefined;
  const jobs = outer === undefined && auth !== undefined ? jobsAlone : bound;
  let tokens = outer === undefined ? undefined : createTokens(outer);
  let own: Pool | undefined;
  let hasFailed = false;
  let running = 0;
  let grown: () => void = () => {};
  tokens?.watch(() => grown());

  /** The pool for programs below; ours comes with the first that asks, less what runs already. */
  const findPool = (): Pool | undefined => {
    if (outer !== undefined || own !== undefined || jobs === 1 || hasFailed) return outer ?? own;
    const taken = Math.max(0, running - 1);
    own = createPool(jobs - 1 - taken);
    hasFailed = own === undefined;
    if (own === undefined) return undefined;
    tokens = createTokens(own, { bytes: Array.from({ length: taken }, () => ownToken) });
    tokens.watch(() => grown());
    return own;
  };

  const count = createCount(
    () => own,
    () => jobs - 1 - (tokens?.held() ?? 0),
  );
  const handOn: Share["handOn"] = (command, wish) => {
    const style = findStyle(command, wish);
    if (style === undefined) return undefined;
    const pool = findPool();
    if (pool === undefined)
      return { makeflags: renderMakeflags({ letters, jobs }), started: () => {}, ended: () => {} };
    return enter(pool, style);
  };
  const enter = (pool: Pool, { kind, isOld }: Style): Handed => {
    const entry = pool.enter(kind);
    const leave = count.enter();
    return {
      makeflags: renderMakeflags({ letters, jobs, auth: entry.auth, isOld }),
      ...(entry.descriptors === undefined ? {} : { descriptors: entry.descriptors }),
      started: entry.close,
      ended: leave,
    };
  };
  const slots: Slots = {
    allowed: () => tokens?.allowed() ?? jobs,
    settle(need) {
      running = need.running;
      tokens?.settle(need);
    },
    watch: (callback) => void (grown = callback),
  };
  return {
    slots,
    jobs,
    isBroken,
    handOn,
    close() {
      tokens?.close();
      const result = count.finish();
      own?.close();
      outer?.close();
      return result;
    },
  };
}

/** Counts the bytes of our own pool whenever no program holds any, and puts back what is missing: a lost one costs a task, not the run. */
function createCount(
  findOwn: () => Pool | undefined,
  expected: () => number,
): { readonly enter: () => Handed["ended"]; readonly finish: () => Loss } {
  const suspects = new Set<string>();
  let inside = 0;
  let lost = 0;
  let last: string[] = [];
  let killed: string[] = [];
  const recount = (): void => {
    const pool = findOwn();
    if (pool === undefined) return;
    const wanted = expected();
    const found = pool.drain();
    for (let byte = 0; byte < wanted; byte++) pool.give(ownToken);
    if (found !== wanted) {
      lost += Math.abs(wanted - found);
      for (const task of killed.length > 0 ? killed : last) suspects.add(task);
    }
    [last, killed] = [[], []];
  };
  return {
    enter() {
      inside++;
      return ({ task, isKilled }) => {
        inside--;
        last.push(task);
        if (isKilled) killed.push(task);
        if (inside === 0) recount();
      };
    },
    finish() {
      recount();
      return { lost, tasks: [...suspects].sort() };
    },
  };
}

/** As a warning says it. */
export const brokenPool = {
  text: "The jobserver that make announced cannot be used",
  fix: 'Write "+" before the bt command in the Makefile.',
};

export function lostSlots(count: number, tasks: readonly string[]): { readonly text: string; readonly fix: string } {
  const whose = tasks.length === 0 ? "" : `; last had by programs of ${quoteNames(tasks)}`;
  return {
    text: `${count === 1 ? "A job slot was" : `${count} job slots were`} not given back${whose}`,
    fix: "Nothing to do for this run: bt has put it right.",
  };
}
