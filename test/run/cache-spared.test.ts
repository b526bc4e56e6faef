/** Needs of what a cache has: left alone where nobody needs them, and there again where somebody does. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { until } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";

const knead = `task({ inputs: ["flour"], outputs: ["dough", "bowls/"], run: "cat flour flour > dough; mkdir -p bowls/deep bowls/empty; cp flour bowls/deep/a; chmod +x bowls/deep/a; ln -s deep bowls/link" })`;
const bake = `task({ needs: ["knead"], inputs: ["dough", "heat", "bowls/"], outputs: ["loaf"], run: "cat dough heat > loaf" })`;
const files = { flour: "rye\n", heat: "200\n" };

interface Told {
  readonly exitCode: number | undefined;
  /** Task to outcome. */
  readonly did: Readonly<Record<string, string>>;
  /** Task to key. */
  readonly keys: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

async function run(p: Project, ...argv: string[]): Promise<Told> {
  const { stdout, stderr, exitCode } = await p.bt("--output=json", ...argv);
  expect(stderr).toBe("");
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const ends = events.filter((event) => event.state === "done" && event.outcome !== "group");
  return {
    exitCode,
    did: Object.fromEntries(ends.map(({ task, outcome }) => [task, outcome])),
    keys: Object.fromEntries(ends.map(({ task, key }) => [task, key])),
    warnings: events.flatMap(({ kind, text }) => (kind === "warning" ? [text] : [])),
  };
}

/** All has been built once, and then removed, but for the cache. */
async function clean(tasks: Readonly<Record<string, string>>, words: readonly string[], more = ""): Promise<Project> {
  const p = await project({ "builderfile.ts": withTasks(tasks, more), ...files });
  await p.bt(...words);
  await p.bt("--clean");
  return p;
}

/** The cache's result of a task. */
function entryOf(p: Project, task: string): string {
  const folder = path.join(p.root, ".bt/cache/ac");
  const names = fs.readdirSync(folder).map((name) => path.join(folder, name));
  return names.find((name) => fs.readFileSync(name, "utf8").includes(`"task":"${task}"`)) ?? "";
}

/** Other bytes, as many as before, in what the cache has of an output. */
function spoil(p: Project, task: string, output: string): void {
  const { outputs } = JSON.parse(fs.readFileSync(entryOf(p, task), "utf8").split("\n")[1]!);
  const { blob } = outputs.find((one: { readonly path: string }) => one.path === output);
  const file = path.join(p.root, ".bt/cache/cas", blob.digest);
  const bytes = fs.readFileSync(file);
  fs.rmSync(file);
  fs.writeFileSync(
    file,
    bytes.map((byte) => byte ^ 1),
  );
}

test.for([
  ["files and folders", `["dough", "heat", "bowls/"]`],
  ["globs", `["d*", "heat", "bowls/**", "!bowls/link"]`],
])("a target that is restored needs nobody, and has the key that it had: its inputs are %s", async ([, inputs]) => {
  const p = await project({
    "builderfile.ts": withTasks({ knead, bake: bake.replace(/inputs: \[.*?\]/, `inputs: ${inputs}`) }),
    ...files,
  });
  const { keys } = await run(p, "bake");
  await p.bt("--clean");

  expect(await run(p, "bake")).toEqual({
    exitCode: 0,
    did: { bake: "restored" },
    keys: { bake: keys["bake"] },
    warnings: [],
  });

  expect([p.read("loaf"), p.exists("dough"), p.exists("bowls")]).toEqual(["rye\nrye\n200\n", false, false]);
  expect((await run(p, "bake")).did).toEqual({ bake: "fresh" });
  expect((await p.bt("-q", "bake")).exitCode).toBe(0);
  // Nobody claims that what was left out is there.
  expect((await run(p, "knead")).did).toEqual({ knead: "restored" });
  expect(await run(p, "bake")).toMatchObject({ did: { bake: "fresh" }, keys: { bake: keys["bake"] } });
});

test("all questions say of it what the run does", async () => {
  const p = await clean({ knead, bake }, ["bake"]);

  const [dry, why, question] = [await p.bt("-n", "bake"), await p.bt("--why", "bake"), await p.bt("-q", "bake")];

  expect(dry.stdout).toBe(`bake (it is in cache "local")\nbt: 1 would be restored\n`);
  expect(why.stdout).toBe(
    `bake would be restored from cache "local", because\n  its outputs were removed by --clean\n`,
  );
  expect(question.exitCode).toBe(1);
  expect((await run(p, "bake")).did).toEqual({ bake: "restored" });
  expect((await run(p, "-n", "bake")).did).toEqual({ bake: "fresh" });
});

test("an output that is gone is not restored for a target that is up to date", async () => {
  const p = await project({ "builderfile.ts": withTasks({ knead, bake }), ...files });
  await p.bt("bake");
  for (const name of ["dough", "bowls"]) fs.rmSync(path.join(p.root, name), { recursive: true });

  expect((await run(p, "bake")).did).toEqual({ bake: "fresh" });

  expect(p.exists("dough")).toBe(false);
  p.write("heat", "210\n");
  expect((await run(p, "bake")).did).toEqual({ knead: "restored", bake: "ran" });
  expect(p.read("loaf")).toBe("rye\nrye\n210\n");
});

test("a change of what a need is made of is seen, also when the need was left out", async () => {
  const p = await clean({ knead, bake }, ["bake"]);
  await p.bt("bake");
  await p.bt("bake");

  p.write("flour", "oat\n");

  expect((await run(p, "bake")).did).toEqual({ knead: "ran", bake: "ran" });
  expect(p.read("loaf")).toBe("oat\noat\n200\n");
});

test.each<[string, (p: Project) => void, string]>([
  ["what a need is made of changes", (p) => p.write("flour", "oat\n"), "bt: 2 ran"],
  ["the cache has gone", (p) => fs.rmSync(path.join(p.root, ".bt/cache"), { recursive: true }), "bt: 1 ran"],
])("a need that was left out is made when %s, also after runs that took the shortcut", async (_, change, words) => {
  const p = await clean({ knead, bake }, ["bake"]);
  await p.bt("bake");
  const restoredMs = Date.now();
  await until(() => Date.now() - restoredMs > 2100); // Younger files are looked at the long way.
  await p.bt("bake");

  change(p);

  expect((await p.bt("bake")).stdout).toContain(words);
});

test("after a need was made anew, nobody is restored as if it had come out as before", async () => {
  const tasks = {
    knead: `task({ inputs: ["flour"], outputs: ["dough"], run: "cat flour weather > dough" })`,
    bake: `task({ needs: ["knead"], inputs: ["dough"], outputs: ["loaf"], run: "cat dough dough > loaf" })`,
    fry: `task({ needs: ["knead", after("bake")], inputs: ["dough"], outputs: ["cake"], run: "cat dough flour > cake" })`,
  };
  const p = await project({ "builderfile.ts": withTasks(tasks), ...files, weather: "dry\n" });
  await p.bt("bake", "fry");
  await p.bt("--clean");
  spoil(p, "bake", "loaf");
  spoil(p, "knead", "dough");
  p.write("weather", "wet\n");

  expect((await run(p, "bake", "fry")).did).toEqual({ knead: "ran", bake: "ran", fry: "ran" });

  expect(p.read("cake")).toBe("rye\nwet\nrye\n");
});

test("without the cache, what was left out is made again", async () => {
  const p = await clean({ knead, bake }, ["bake"]);
  await p.bt("bake");
  await p.bt("bake");
  fs.rmSync(path.join(p.root, ".bt/cache"), { recursive: true });

  expect((await p.bt("-q", "bake")).exitCode).toBe(1);
  expect((await run(p, "bake")).did).toEqual({ knead: "ran", bake: "fresh" });
});

test("needs are restored for what runs, when they are asked for, and when there is more to them than what they made", async () => {
  const one = (name: string, more = ""): string =>
    `task({ ${more}inputs: ["flour"], outputs: ["${name}"], run: "cp flour ${name}" })`;
  const two = (name: string, need: string, more = ""): string =>
    `task({ needs: ["${need}"${more}], inputs: ["${need}"], outputs: ["${name}"], run: "cp ${need} ${name}" })`;
  const p = await project({
    "builderfile.ts": withTasks({
      read: one("read"),
      bound: two("bound", "read"),
      print: `task({ needs: ["bound"], inputs: [], run: "cat read bound" })`,
      asked: one("asked"),
      asker: two("asker", "asked"),
      member: one("member"),
      leader: two("leader", "member"),
      group: `task({ needs: ["leader", "member"] })`,
      unkept: one("unkept", "cache: false, "),
      above: two("above", "unkept"),
      opened: one("opened", `finally: ["close"], `),
      user: two("user", "opened"),
      close: `task({ run: "true" })`,
      plain: one("plain"),
      checked: two("checked", "plain", `, validation("lint")`),
      lint: `task({ run: "true" })`,
      maybe: one("maybe", "when: () => true, "),
      surely: two("surely", "maybe"),
      nobody: one("nobody"),
      alone: two("alone", "nobody"),
    }),
    flour: "rye\n",
  });
  const words = ["print", "asker", "asked", "group", "above", "user", "checked", "surely", "alone"];
  await p.bt(...words);
  await p.bt("--clean");

  const { did } = await run(p, ...words);

  const ran = Object.keys(did).filter((task) => did[task] === "ran");
  expect(ran.sort()).toEqual(["close", "lint", "print", "unkept"]);
  expect(Object.keys(did)).not.toContain("nobody");
  expect(["read", "asked", "member", "unkept", "opened", "plain", "maybe"].filter((file) => !p.exists(file))).toEqual(
    [],
  );
});

test("a need of which something else is on the disk is put right", async () => {
  const p = await clean({ knead, bake }, ["bake"]);
  p.write("dough", "sour");

  expect((await run(p, "bake")).did).toEqual({ knead: "restored", bake: "restored" });

  expect(p.read("dough")).toBe("rye\nrye\n");
});

test("caches that are not read spare nobody", async () => {
  const p = await clean({ knead, bake }, ["bake"]);

  const off = await run(p, "bake", "--cache=off");
  await p.bt("--clean");
  const write = await run(p, "bake", "--cache=write");
  await p.bt("--clean");
  const only = await run(p, "bake", "--cache=only");

  expect([off.did, write.did]).toEqual(Array(2).fill({ knead: "ran", bake: "ran" }));
  expect(only.did).toEqual({ bake: "restored" });
});

/** A cache on another machine, which has what the local one had; it changes what it says of `knead`, and has `bake` under every key. */
const liar = (lie: string): string => `import * as fs from "node:fs";
const all = fs.readdirSync("far/ac").map((key) => JSON.parse(fs.readFileSync("far/ac/" + key, "utf8").split("\\n")[1]));
const [knead, bake] = ["knead", "bake"].map((name) => all.find(({ task }) => task === name));
const lie = (result) => { ${lie} return result; };
const far = {
  name: "far", canWrite: false,
  findResult: async (key) => key === knead.key ? lie(knead) : { ...bake, key, document: { ...bake.document, digest: key } },
  readBlob: async ({ digest }) => fs.createReadStream("far/cas/" + digest),
};
const liar = definePlugin({ name: "liar", tasks: {}, apply: (hooks) => hooks.cache.tap((stores) => [...stores, far]) });`;

test.for([
  ["the truth", "", undefined],
  ["an output less", "result.outputs = result.outputs.filter(({ path }) => path !== 'dough');", "ran"],
  ["a file without bytes", "delete result.outputs.find(({ path }) => path === 'dough').blob;", "ran"],
  ["a path of another task", "result.outputs.push({ path: 'loaf', kind: 'folder', mode: 493 });", "ran"],
  ["nothing that is a result", "result = { key: result.key };", "ran"],
] as const)(
  "another machine says %s of a need: it is believed as far as it could be restored",
  async ([, lie, outcome]) => {
    const tasks = { knead, bake };
    const p = await clean(tasks, ["bake"]);
    fs.renameSync(path.join(p.root, ".bt/cache"), path.join(p.root, "far"));
    p.write(
      "builderfile.ts",
      withTasks(tasks, liar(lie)).replace("defineBuilder({", "defineBuilder({ plugins: [liar],"),
    );

    const { exitCode, did } = await run(p, "bake");

    expect([exitCode, did["knead"], did["bake"], p.read("loaf")]).toEqual([0, outcome, "restored", "rye\nrye\n200\n"]);
  },
);

const slice = `task({ needs: ["knead"], inputs: ["dough"], outputs: ["slices/"], run: "cp dough slices" })`;

test.for([
  ["the target's", ["bake"], { knead: "restored", bake: "ran", slice: "restored" }],
  ["the target's and its need's", ["bake", "knead"], { knead: "ran", bake: "ran", slice: "restored" }],
  ["its need's", ["knead"], { bake: "restored", slice: "restored" }],
] as const)("%s bytes in the cache are spoiled: nothing fails", async ([, spoiled, did]) => {
  const p = await clean({ knead, bake, slice }, ["bake", "slice"]);
  const outputs = { knead: "bowls/deep/a", bake: "loaf" };
  for (const task of spoiled) spoil(p, task, outputs[task]);

  const told = await run(p, "bake", "slice", "-j1");

  expect(told).toMatchObject({ exitCode: 0, did });
  expect(told.warnings).toHaveLength(Object.values<string>(did).filter((outcome) => outcome === "ran").length);
  expect([p.read("loaf"), p.read("slices/dough")]).toEqual(["rye\nrye\n200\n", "rye\nrye\n"]);
  expect((await p.bt("bake", "slice")).stdout).toBe("bt: Nothing to do: 2 tasks are up to date\n");
});

test.for([
  ["after another", (n: number) => n - 1],
  ["beside each other", () => 0],
] as const)("a target is restored without its needs, many of them, one %s", async ([, needOf]) => {
  const one = (n: number): string =>
    `task({ ${n === 0 ? `inputs: ["flour"]` : `needs: ["t${needOf(n)}"], inputs: ["o${needOf(n)}"]`}, outputs: ["o${n}"], run: "echo ${n} > o${n}" })`;
  const layers = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`t${n}`, one(n)]));
  const needs = JSON.stringify(Object.keys(layers));
  const cake = `task({ needs: ${needs}, inputs: ["o19"], outputs: ["cake"], run: "cp o19 cake" })`;
  const p = await clean({ ...layers, cake }, ["cake"]);

  expect((await run(p, "cake")).did).toEqual({ cake: "restored" });

  expect(p.read("cake")).toBe("19\n");
});

test("results that go between the look and the restoring cost work, nothing else", async () => {
  const p = await project({
    "builderfile.ts": `import * as fs from "node:fs";
import { defineBuilder, task } from "builderfile";
const knead = task({ inputs: ["flour"], outputs: ["dough"], run: async ({ $ }) => { await $\`cp flour dough\`; return { grams: 500 }; } });
const bake = task({ needs: { knead }, inputs: ["dough"], outputs: ["loaf"], run: async ({ needs }) => fs.writeFileSync("loaf", fs.readFileSync("dough", "utf8") + needs.knead.grams) });
const thief = async () => { if (fs.existsSync("night")) fs.rmSync(".bt/cache/ac", { recursive: true, force: true }); };
export default defineBuilder({ tasks: { knead, bake }, apply: (hooks) => hooks.beforeRun.tap(thief) });`,
    ...files,
  });
  await p.bt("bake");
  await p.bt("--clean");
  expect((await run(p, "bake")).did).toEqual({ bake: "restored" });
  await p.bt("--clean");
  p.write("night", "");

  expect(await run(p, "bake")).toMatchObject({ exitCode: 0, did: { knead: "ran", bake: "ran" }, warnings: [] });

  expect(p.read("loaf")).toBe("rye\n500");
});
