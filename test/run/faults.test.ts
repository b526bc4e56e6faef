/** Disks that report errors, are full, or refuse, and kills, at any moment: nothing half made counts as done, what is wrong is said, and the next run completes. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { createFaults, type Fault, type FaultyRun, type RunWithFault } from "../support/fault.ts";
import { codes, createRewind, mistakes, momentsOf } from "../support/moments.ts";
import { project, withTasks, type Project } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

const test = testWith("gcc");

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

test.each(codes)(
  "%s at any moment of a run that builds, keeps and restores costs that run at most",
  { timeout: 1_800_000 },
  async (code) => {
    const runWithFault: RunWithFault = await createFaults();
    const p = await shopWithPast();
    const rewind = createRewind(p);
    const run = (fault: Fault): Promise<FaultyRun> => (rewind(), runWithFault(p, fault, ["bake"]));
    const wrong: unknown[] = [];

    for (const fault of await momentsOf(run, code, { most: 6, vital: /^pwrite64 \/\.bt\// })) {
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
