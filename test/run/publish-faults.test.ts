/** Publishing on disks that report errors, are full or refuse, and killed at any file and any request: all names move or none, and the next run completes. */
import { expect } from "vitest";
import { bakery, publishedDigest } from "../support/bakery.ts";
import { startSpoiler } from "../support/fake-registry.ts";
import { createFaults, type Fault, type FaultyRun } from "../support/fault.ts";
import { codes, createRewind, mistakes, momentsOf, sample } from "../support/moments.ts";
import type { Project } from "../support/project.ts";
import { digestAt } from "../support/publish.ts";
import { startRegistry } from "../support/registry.ts";
import { testWith } from "../support/tool.ts";

const test = testWith("docker-registry", "gcc");

/** Runs wait for disk and registry: so many go on side by side, each with a project and names of its own. */
const lanes = 2;

async function inLanes<T>(items: readonly T[], openLane: (lane: number) => Promise<(item: T) => Promise<void>>) {
  const left = [...items];
  const lane = async (at: number): Promise<void> => {
    const act = await openLane(at);
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: lanes }, (_, at) => lane(at)));
}

/** A project that has published, as it was then, and what its two names stand for. */
async function openBakery(place: string, host: string, repository: string) {
  const p = await bakery(place);
  expect((await p.bt("manifest:push")).exitCode).toBe(0);
  const rewind = createRewind(p);
  return {
    p,
    /** As it was, but for what is to be published. */
    renew(content: string): void {
      rewind();
      p.write("bread.txt", `${content}\n`);
    },
    tags: (): Promise<readonly unknown[]> =>
      Promise.all(["1", "latest"].map((tag) => digestAt(host, `${repository}/oven`, tag))),
  };
}

/** Whether the next run completes, whatever was left. */
async function completes(p: Project, tags: () => Promise<readonly unknown[]>): Promise<boolean> {
  const { exitCode } = await p.bt("manifest:push");
  return exitCode === 0 && (await tags()).every((digest) => digest === publishedDigest(p));
}

test(
  "EIO, ENOSPC, EACCES and SIGKILL at any moment of a run that publishes: it moves all tags or none",
  { timeout: 3_600_000 },
  async () => {
    const { host } = await startRegistry();
    const wrong: unknown[] = [];
    const openLane = async (lane: number) => {
      const runWithFault = await createFaults();
      const { p, renew, tags } = await openBakery(`${host}/lane${lane}`, host, `lane${lane}`);
      const run = (fault: Fault): Promise<FaultyRun> => {
        renew(`bread ${fault.code} ${fault.at}`);
        return runWithFault(p, fault, ["manifest:push"]);
      };
      return { p, tags, run };
    };
    const first = await openLane(0);
    const moments: Fault[] = [];
    for (const code of codes)
      moments.push(...(await momentsOf(first.run, code, { most: 6, vital: /^rename \/\.bt\/publish\// })));

    await inLanes(moments, async (lane) => {
      const { p, tags, run } = lane === 0 ? first : await openLane(lane);
      return async (fault) => {
        const before = await tags();
        const result = await run(fault);
        const [one, latest] = await tags();
        const isDone = result.exitCode === 0;
        const found = mistakes(result, isDone && one === publishedDigest(p));
        // A publish that was killed between two tags is completed by the next one.
        const isWhole = result.signal === "SIGKILL" || (one === latest && (!isDone || one !== before[0]));
        const isRight = await completes(p, tags);
        const { calls: _, ...told } = result;
        if (found.length > 0 || !isWhole || !isRight) wrong.push({ ...fault, found, isWhole, isRight, told });
      };
    });

    expect(wrong).toEqual([]);
  },
);

test(
  "SIGKILL at any request of a publish: no name moves before all is there, and the next run completes",
  { timeout: 1_800_000 },
  async () => {
    const { host } = await startRegistry();
    const wrong: unknown[] = [];
    const openLane = async (lane: number) => {
      let onRequest: (asked: string) => "cut" | undefined = () => undefined;
      const proxy = await startSpoiler(host, ({ method, url }) => onRequest(`${method} ${url}`));
      const { p, renew, tags } = await openBakery(`${proxy.host}/lane${lane}`, host, `lane${lane}`);
      /** `at` 0: nothing is killed. An odd one has not arrived, an even one is still answered. */
      const run = async (at: number) => {
        renew(`bread ${at}`);
        const asked: string[] = [];
        const { child, ended } = p.start({}, "manifest:push");
        onRequest = (line) => {
          if (asked.push(line) !== at) return undefined;
          child.kill("SIGKILL");
          return at % 2 === 1 ? "cut" : undefined;
        };
        const result = await ended;
        onRequest = () => undefined;
        return { asked, result };
      };
      return { p, tags, run };
    };
    const first = await openLane(0);
    const { asked: all, result: sound } = await first.run(0);
    expect(sound.exitCode).toBe(0);
    expect(all.length).toBeGreaterThan(10);

    await inLanes(
      sample(
        all.map((_, n) => n + 1),
        8,
      ),
      async (lane) => {
        const { p, tags, run } = lane === 0 ? first : await openLane(lane);
        return async (at) => {
          const before = await tags();
          const { asked, result } = await run(at);
          const after = await tags();
          const mayMove = asked.some((line) => /^PUT \S+\/manifests\/(1|latest)$/.test(line));
          const isWhole = mayMove || after.every((digest, n) => digest === before[n]);
          const isRight = await completes(p, tags);
          if (result.signal !== "SIGKILL" || !isWhole || !isRight)
            wrong.push({ at, asked, before, after, isRight, result });
        };
      },
    );

    expect(wrong).toEqual([]);
  },
);
