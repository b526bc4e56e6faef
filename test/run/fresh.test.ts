/** When a task is up to date and when it runs again: by content, with every reason named. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { ran, why } from "../support/outcome.ts";
import { until } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";

const bake = `task({ inputs: ["flour"], outputs: ["loaf"], run: "cp flour loaf" })`;

test("a task whose inputs did not change does not run again", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });

  expect(await ran(p, "bake")).toEqual(["bake"]);
  expect(await ran(p, "bake")).toEqual([]);
});

test("a touched input is not a changed one", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  await p.bt("bake");

  fs.utimesSync(path.join(p.root, "flour"), 1, 1);

  expect(await ran(p, "bake")).toEqual([]);
  expect(await ran(p, "bake")).toEqual([]);
});

test("a change that keeps size and time of an input is noticed", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  fs.utimesSync(path.join(p.root, "flour"), 1, 1);
  await p.bt("bake");

  p.write("flour", "oat");
  fs.utimesSync(path.join(p.root, "flour"), 1, 1);

  expect(await ran(p, "bake")).toEqual(["bake"]);
  expect(p.read("loaf")).toBe("oat");
});

test.for([
  ["its content", (p: Project) => p.write("flour", "oat"), `input "flour" changed`],
  ["its executable bit", (p: Project) => fs.chmodSync(path.join(p.root, "flour"), 0o755), `input "flour" changed`],
  [
    "its type",
    (p: Project) => (fs.rmSync(path.join(p.root, "flour")), fs.symlinkSync("other", path.join(p.root, "flour"))),
    `input "flour" changed`,
  ],
] as const)("an input that changed in %s runs the task", async ([, change, reason]) => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye", other: "rye" });
  await p.bt("bake");

  change(p);

  expect(await why(p, "bake")).toEqual([reason]);
  expect(await ran(p, "bake")).toEqual(["bake"]);
  expect(await ran(p, "bake")).toEqual([]);
});

test.for([
  ["deleted", (p: Project) => fs.rmSync(path.join(p.root, "loaf")), `output "loaf" is missing`],
  ["edited", (p: Project) => p.write("loaf", "oat"), `output "loaf" was edited`],
] as const)("an output that was %s is made again", async ([, change, reason]) => {
  const uncached = bake.replace("task({", "task({ cache: false,");
  const p = await project({ "builderfile.ts": withTasks({ bake: uncached }), flour: "rye" });
  await p.bt("bake");

  change(p);

  expect(await why(p, "bake")).toEqual([reason]);
  expect(await ran(p, "bake")).toEqual(["bake"]);
  expect(p.read("loaf")).toBe("rye");
});

test("unknown extra files in an output folder are nobody's business", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: ["flour"], outputs: ["shop/"], run: "cp flour shop/loaf" })` }),
    flour: "rye",
  });
  await p.bt("bake");

  p.write("shop/visitor", "hello");

  expect(await ran(p, "bake")).toEqual([]);
});

test("files that come to a glob, go from it or are renamed run the task", async () => {
  const list = `task({ inputs: ["src/**/*.txt"], outputs: ["list"], run: "find src -name *.txt -fprint list" })`;
  const p = await project({ "builderfile.ts": withTasks({ list }), "src/a.txt": "a", "src/deep/b.txt": "b" });
  await p.bt("list");

  p.write("src/deep/c.txt", "c");
  expect(await why(p, "list")).toEqual([`input "src/deep/c.txt" is new`]);
  expect(await ran(p, "list")).toEqual(["list"]);
  fs.rmSync(path.join(p.root, "src/a.txt"));
  expect(await why(p, "list")).toEqual([`input "src/a.txt" is gone`]);
  expect(await ran(p, "list")).toEqual(["list"]);
  fs.renameSync(path.join(p.root, "src/deep/b.txt"), path.join(p.root, "src/deep/d.txt"));
  expect(await why(p, "list")).toEqual([`input "src/deep/b.txt" is gone`, `input "src/deep/d.txt" is new`]);
});

test("inputs of the same name in two folders are two inputs", async () => {
  const mix = `task({ inputs: ["a/flour", "b/flour"], outputs: ["dough"], run: "cat a/flour b/flour > dough" })`;
  const p = await project({ "builderfile.ts": withTasks({ mix }), "a/flour": "rye", "b/flour": "oat" });
  await p.bt("mix");

  p.write("a/flour", "oat");
  p.write("b/flour", "rye");

  expect(await ran(p, "mix")).toEqual(["mix"]);
  expect(p.read("dough")).toBe("oatrye");
});

test("what comes before a task that is up to date does not run, even if it is never up to date itself", async () => {
  const tasks = {
    fetch: `task({ run: "true" })`,
    print: `task({ needs: [after("fetch")], inputs: ["page"], outputs: ["paper"], run: "cp page paper" })`,
  };
  const p = await project({ "builderfile.ts": withTasks(tasks), page: "" });
  expect(await ran(p, "print")).toEqual(["fetch", "print"]);

  expect(await ran(p, "print")).toEqual([]);
  p.write("page", "news");
  expect(await ran(p, "print")).toEqual(["fetch", "print"]);
});

test("a glob into a folder that does not exist matches nothing, until it does", async () => {
  const p = await project({ "builderfile.ts": withTasks({ list: `task({ inputs: ["later/*.txt"], run: "true" })` }) });
  expect(await ran(p, "list")).toEqual(["list"]);
  expect(await ran(p, "list")).toEqual([]);

  p.write("later/a.txt", "a");

  expect(await ran(p, "list")).toEqual(["list"]);
});

test("a need that makes the same again leaves what needs it alone", async () => {
  const tasks = {
    sift: `task({ inputs: ["flour"], outputs: ["fine"], run: "head -c 3 flour > fine" })`,
    bake: `task({ inputs: ["fine"], outputs: ["loaf"], run: "cp fine loaf" })`,
  };
  const p = await project({ "builderfile.ts": withTasks(tasks), flour: "rye, coarse" });
  expect(await ran(p, "bake")).toEqual(["sift", "bake"]);

  p.write("flour", "rye, fine");
  expect(await ran(p, "bake")).toEqual(["sift"]);
  p.write("flour", "oat, fine");
  expect(await ran(p, "bake")).toEqual(["sift", "bake"]);
});

test("a need that returns another value runs what needs it, and one that returns the same does not", async () => {
  const tasks = {
    weigh: `task({ inputs: ["flour"], run: () => ({ grams: readFileSync("flour", "utf8").trim().length }) })`,
    bake: `task({ needs: ["weigh"], inputs: [], run: ({ needs, log }) => log.info(JSON.stringify(needs)) })`,
  };
  const p = await project({
    "builderfile.ts": withTasks(tasks, `import { readFileSync } from "node:fs";`),
    flour: "aaa",
  });
  await p.bt("bake");

  p.write("flour", "bbb");
  expect(await ran(p, "bake")).toEqual(["weigh"]);
  p.write("flour", "bbbb");
  expect(await why(p, "bake")).toEqual([`"weigh" runs first`, `input "flour" changed`]);
  expect(await ran(p, "bake")).toEqual(["weigh", "bake"]);
});

test("without an input list a task always runs; with an empty one it runs once", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ always: `task({ run: "true" })`, once: `task({ inputs: [], run: "true" })` }),
  });
  await p.bt("always", "once");

  expect(await ran(p, "always", "once")).toEqual(["always"]);
  expect(await why(p, "always", "once")).toEqual(["it declares no inputs"]);
});

test("what a task without inputs came to is written down again only when it is something else", async () => {
  const look = `task({ run: ({ root }) => require("node:fs").readFileSync(root + "/flour", "utf8") })`;
  const p = await project({ "builderfile.ts": withTasks({ look }), flour: "rye" });
  const size = async (): Promise<number> => (await p.bt("look"), p.read(".bt/state.log").length);
  let last = await size();
  // A machine that stalls makes one run much longer than the last, which is news.
  for (let now = await size(); now !== last; now = await size()) last = now;

  p.write("flour", "oat");

  expect(await size()).toBeGreaterThan(last);
});

test("an input that changes while the task runs makes a success that is not remembered", async () => {
  const slow = `task({ inputs: ["flour"], outputs: ["loaf"], run: "cp flour loaf; touch started; until test -e go; do sleep 0.01; done" })`;
  const p = await project({ "builderfile.ts": withTasks({ bake: slow }), flour: "rye" });
  const { ended } = p.start({}, "bake");
  await until(() => p.exists("started"));

  p.write("flour", "oat");
  p.write("go", "");
  const result = await ended;

  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.stdout).toContain(`An input of "bake" changed while it ran`);
  expect(await why(p, "bake")).toEqual(["an input changed while it ran"]);
  expect(await ran(p, "bake")).toEqual(["bake"]);
  expect(p.read("loaf")).toBe("oat");
});

test("an input of an up-to-date task that changes while others run is seen by the next run", async () => {
  const tasks = {
    sift: `task({ inputs: ["grain"], outputs: ["fine"], run: "cp grain fine" })`,
    heat: `task({ inputs: ["wood"], run: "touch started; until test -e go; do sleep 0.01; done" })`,
  };
  const p = await project({ "builderfile.ts": withTasks(tasks), grain: "rye", wood: "oak" });
  await p.bt("sift");
  const siftedMs = Date.now();
  await until(() => Date.now() - siftedMs > 2100); // Older than the clock's grain that stamps distrust.
  const { ended } = p.start({}, "sift", "heat");
  await until(() => p.exists("started"));

  p.write("grain", "oat");
  const changedMs = fs.statSync(path.join(p.root, "grain")).mtimeMs;
  await until(() => Date.now() - changedMs > 2500);
  p.write("go", "");
  await ended;

  expect((await p.bt("sift", "heat")).stdout).toContain("1 ran");
  expect(p.read("fine")).toBe("oat");
});

test("a task is decided when what it waits for is done, not before", async () => {
  const tasks = {
    fetch: `task({ run: "cp news page" })`,
    print: `task({ needs: [after("fetch")], inputs: ["page"], outputs: ["paper"], run: "cp page paper" })`,
  };
  const p = await project({ "builderfile.ts": withTasks(tasks), news: "one", page: "" });
  await p.bt("fetch", "print");

  p.write("news", "two");

  expect(await ran(p, "fetch", "print")).toEqual(["fetch", "print"]);
  expect(p.read("paper")).toBe("two");
});

test("`status` that says no runs an up-to-date task", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      push: `task({ inputs: [], status: async ({ exec }) => (await exec("test", ["-e", "there"], { allowedCodes: [0, 1] })).exitCode === 0, run: "touch there" })`,
    }),
  });
  expect(await ran(p, "push")).toEqual(["push"]);
  expect(await ran(p, "push")).toEqual([]);

  fs.rmSync(path.join(p.root, "there"));

  expect(await ran(p, "push")).toEqual(["push"]);
});

test("a moved checkout keeps everything up to date", async () => {
  const p = await project({
    "shop/builderfile.ts": withTasks({ bake, knead: `task({ inputs: ["flour"], run: () => 1 })` }),
    "shop/flour": "rye",
  });
  await p.btWith({ cwd: "shop" }, "bake", "knead");

  fs.renameSync(path.join(p.root, "shop"), path.join(p.root, "bakery"));

  expect((await p.btWith({ cwd: "bakery" }, "-q", "bake", "knead")).exitCode).toBe(0);
});

test("deleting .bt/ or damaging the state makes tasks run once more and breaks nothing", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  await p.bt("bake");

  p.write(".bt/state.log", "bt-state 1\n0 0 nonsense\n");
  expect(await why(p, "bake")).toEqual(["bt lost its state"]);
  fs.rmSync(path.join(p.root, ".bt"), { recursive: true });
  expect(await why(p, "bake")).toEqual(["it has never run"]);
  expect(await ran(p, "bake")).toEqual(["bake"]);
});

test("-B, a failure and `always` say so", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      burn: `task({ inputs: [], run: "false" })`,
      ring: `task({ inputs: [], always: true, run: "true" })`,
    }),
  });
  await p.bt("-k", "burn", "ring");

  expect(await why(p, "burn", "ring")).toEqual(["it failed last time", "it always runs"]);
  expect(await why(p, "-B", "ring")).toEqual(["it is forced"]);
});

const lookup = `task({
  inputs: [],
  versions: () => { appendFileSync("asked", "1"); const tag = readFileSync("registry", "utf8"); return { "shop/base:1": tag === "down" ? undefined : tag }; },
  run: "true",
})`;
const withLookup = {
  "builderfile.ts": `import { appendFileSync, readFileSync } from "node:fs";\n${withTasks({ lookup })}`,
};

test("a task runs again when one of its versions changed, and says from what to what", async () => {
  const p = await project({ ...withLookup, registry: "sha256:1" });
  await p.bt("lookup");
  expect(await ran(p, "lookup")).toEqual([]);

  p.write("registry", "sha256:2");

  expect((await p.bt("lookup")).stdout).toContain(`version of "shop/base:1" changed: sha256:1 → sha256:2`);
});

test("a version that cannot be told now counts as it was", async () => {
  const p = await project({ ...withLookup, registry: "sha256:1" });
  await p.bt("lookup");

  p.write("registry", "down");
  expect(await ran(p, "lookup")).toEqual([]);

  p.write("registry", "sha256:2");
  expect(await ran(p, "lookup")).toEqual(["lookup"]);
});

test("versions are asked once a run, and never where nothing may be done", async () => {
  const p = await project({ ...withLookup, registry: "sha256:1" });
  await p.bt("lookup");
  expect(p.read("asked")).toBe("1");

  for (const option of ["-n", "-q", "--why", "--graph=dot", "--check"]) await p.bt(option, "lookup");

  expect(p.read("asked")).toBe("1");
});

test("versions that throw end the run before it starts, and name the task", async () => {
  const p = await project({ ...withLookup });

  const result = await p.bt("lookup");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(`"lookup"`);
  expect(result.stderr).toContain("ENOENT");
});
