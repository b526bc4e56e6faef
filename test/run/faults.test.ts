/** Disks that report errors, are full, or refuse, and kills, at any moment: nothing half made counts as done, what is wrong is said, and the next run completes. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, onTestFinished } from "vitest";
import { digestAt } from "../support/publish.ts";
import { createFaults, type Fault, type FaultyRun, type RunWithFault } from "../support/fault.ts";
import { project, withTasks, type Project } from "../support/project.ts";
import { startRegistry } from "../support/registry.ts";
import { bakery, publishedDigest } from "../support/bakery.ts";
import { removeFolder } from "../support/temporary.ts";
import { slow, slowTestWith, testWith } from "../support/tool.ts";

const test = testWith("gcc");

const codes = ["EIO", "ENOSPC", "EACCES", "SIGKILL"] as const;

/** Moments of each run; all of them, with BT_SLOW_TESTS=1, take a quarter of an hour. */
const isSlow = process.env["BT_SLOW_TESTS"] === "1";

/** `knead` is restored, `bake` runs, and its result is kept: all in one run. */
const shop = withTasks({
  knead: `task({ inputs: ["flour"], outputs: ["dough", "bowls/"], run: "cat flour flour > dough; mkdir -p bowls/deep; cp flour bowls/deep; ln -s deep bowls/link; echo kneaded" })`,
  bake: `task({ needs: ["knead"], inputs: ["dough", "heat"], outputs: ["loaf"], run: "cat dough heat > loaf; echo baked" })`,
});

async function shopWithPast(): Promise<Project> {
  const p = await project({ "builderfile.ts": shop, flour: "rye\n", heat: "200\n" });
  await p.bt("bake");
  for (const [file, text] of Object.entries({ flour: "oat\n", heat: "210\n" })) p.write(file, text);
  await p.bt("bake");
  for (const [file, text] of Object.entries({ flour: "rye\n", heat: "220\n" })) p.write(file, text);
  return p;
}

function isBaked(p: Project): boolean {
  const files = {
    dough: "rye\nrye\n",
    "bowls/deep/flour": "rye\n",
    "bowls/link/flour": "rye\n",
    loaf: "rye\nrye\n220\n",
  };
  return Object.entries(files).every(([file, text]) => p.exists(file) && p.read(file) === text);
}

/** Blobs that are not what they are called. */
function wrongBlobs(p: Project): readonly string[] {
  const folder = path.join(p.root, ".bt/cache/cas");
  const digest = (name: string): string =>
    createHash("sha256")
      .update(fs.readFileSync(path.join(folder, name)))
      .digest("hex");
  return fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => digest(name) !== name) : [];
}

/** What is wrong with how a run has ended. */
function mistakes({ exitCode, signal, stdout, stderr }: FaultyRun, isRight: boolean): readonly string[] {
  if (signal === "SIGKILL") return [];
  const text = stdout + stderr;
  const isTold =
    /\((EIO|ENOSPC|EACCES)|(EIO|ENOSPC|EACCES):|disk is full|permission is denied|the disk reports|ENOENT: .*, mkdir/.test(
      text,
    );
  return [
    ...(exitCode === undefined || exitCode > 2 ? [`it ended with ${exitCode}`] : []),
    ...(/\n\s+at \S.*:\d+:\d+\)?\n|bug in bt/.test(text) ? ["it shows a stack"] : []),
    ...(exitCode === 0 && !isRight ? ["it took a wrong output for right"] : []),
    ...(exitCode === 0 || isTold ? [] : ["it does not say what is wrong"]),
  ];
}

/** Folders as they were, whatever has become of them. */
function createRewind(p: Project): () => void {
  const copy = `${p.root}-before`;
  const options = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
  fs.cpSync(p.root, copy, options);
  onTestFinished(() => removeFolder(copy));
  return () => {
    removeFolder(p.root);
    fs.cpSync(copy, p.root, options);
  };
}

/** The moments of a run at which a disk is tried: some of them, spread over all, and for kills those at which a cache is written. */
async function momentsOf(
  run: (fault: Fault) => Promise<FaultyRun>,
  code: Fault["code"],
  most: number,
): Promise<readonly Fault[]> {
  const { calls, exitCode } = await run({ code, at: 0 });
  expect(exitCode).toBe(0);
  expect(calls.length).toBeGreaterThan(20);
  const step = isSlow ? 1 : Math.ceil(calls.length / most);
  return calls.flatMap((call, n): Fault[] => {
    if (code === "SIGKILL") return n % step === 0 || call.startsWith("pwrite64 /.bt/") ? [{ code, at: n + 1 }] : [];
    return n % step === 0 ? [{ code, at: n + 1, keeps: (n / step) % 2 === 1 }] : [];
  });
}

test.each(codes)(
  "%s at any moment of a run that builds, keeps and restores costs that run at most",
  { timeout: 1_800_000 },
  async (code) => {
    const runWithFault: RunWithFault = await createFaults();
    const p = await shopWithPast();
    const rewind = createRewind(p);
    const run = (fault: Fault): Promise<FaultyRun> => (rewind(), runWithFault(p, fault, ["bake"]));
    const wrong: unknown[] = [];

    for (const fault of await momentsOf(run, code, 6)) {
      const result = await run(fault);
      const found = mistakes(result, isBaked(p));
      const next = await p.bt("bake");
      const after = [
        ...(next.exitCode === 0 && next.stderr === "" ? [] : ["the next run failed"]),
        ...(isBaked(p) ? [] : ["the next run left a wrong output"]),
        ...wrongBlobs(p),
      ];
      if (found.length + after.length > 0) wrong.push({ ...fault, hit: result.hit, found, after, result, next });
    }

    expect(wrong).toEqual([]);
    expect((await p.bt("-q", "bake")).exitCode).toBe(0);
  },
);

describe(slow, () => {
  slowTestWith("gcc", "docker-registry").each(codes)(
    "%s at any moment of a run that publishes moves all tags or none",
    { timeout: 1_800_000 },
    async (code) => {
      const runWithFault = await createFaults();
      const { host } = await startRegistry();
      const p = await bakery(`${host}/bake`);
      const tags = (): Promise<readonly unknown[]> =>
        Promise.all(["1", "latest"].map((tag) => digestAt(host, "bake/oven", tag)));
      const rewind = createRewind(p);
      const run = (fault: Fault): Promise<FaultyRun> => {
        rewind();
        p.write("bread.txt", `bread ${fault.at}\n`); // Else there would be nothing to publish.
        return runWithFault(p, fault, ["manifest:push"]);
      };
      const wrong: unknown[] = [];

      for (const fault of await momentsOf(run, code, 3)) {
        const before = await tags();
        const result = await run(fault);
        const [one, latest] = await tags();
        const isDone = result.exitCode === 0;
        const found = mistakes(result, isDone && one === publishedDigest(p));
        // A publish that was killed between two tags is completed by the next one.
        const isWhole = result.signal === "SIGKILL" || (one === latest && (!isDone || one !== before[0]));
        const next = await p.bt("manifest:push");
        const isRight = next.exitCode === 0 && (await tags()).every((digest) => digest === publishedDigest(p));
        if (found.length > 0 || !isWhole || !isRight) wrong.push({ ...fault, found, isWhole, isRight, result, next });
      }

      expect(wrong).toEqual([]);
    },
  );
});
