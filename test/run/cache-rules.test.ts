/** What is kept in a cache, what never is, and how much: the rules of the local cache. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, withTasks, type Project } from "../support/project.ts";

const bake = `task({ inputs: ["flour"], outputs: ["loaf"], run: "cp flour loaf; echo baked" })`;

const kept = (p: Project): string[] =>
  p.exists(".bt/cache/ac") ? fs.readdirSync(path.join(p.root, ".bt/cache/ac")) : [];

/** Runs a task again, as if nothing had been made yet. */
async function again(p: Project, ...argv: string[]): Promise<string> {
  for (const file of ["loaf", ".bt/state.log", ".bt/fresh"])
    fs.rmSync(path.join(p.root, file), { recursive: true, force: true });
  const { stdout, stderr } = await p.bt(...argv);
  expect(stderr).toBe("");
  return stdout;
}

test.for([
  ["says `cache: false`", `task({ cache: false, inputs: [], outputs: ["loaf"], run: "touch loaf" })`],
  ["declares no inputs", `task({ outputs: ["loaf"], run: "touch loaf" })`],
  ["has no outputs", `task({ inputs: [], run: "true" })`],
  ["always runs", `task({ always: true, inputs: [], outputs: ["loaf"], run: "touch loaf" })`],
  ["builds on what was there", `task({ clean: "keep", inputs: [], outputs: ["loaf"], run: "touch loaf" })`],
  ["has the terminal", `task({ pool: "console", inputs: [], outputs: ["loaf"], run: "touch loaf" })`],
  ["has a check of its own", `task({ status: () => true, inputs: [], outputs: ["loaf"], run: "touch loaf" })`],
  ["fails", `task({ inputs: [], outputs: ["loaf"], run: "touch loaf; false" })`],
  ["has an input among its outputs", `task({ inputs: ["shop/a"], outputs: ["shop"], run: "touch shop/b" })`],
  ["makes what is no file", `task({ inputs: [], outputs: ["shop/"], run: "mkfifo shop/loaf" })`],
  [
    "makes a link to a name that is not UTF-8",
    `task({ inputs: [], outputs: ["shop/"], run: "ln -s $'\\\\xff' shop/loaf" })`,
  ],
] as const)("the result of a task that %s is not kept", async ([, text]) => {
  const p = await project({ "builderfile.ts": withTasks({ bake: text }), "shop/a": "" });

  await p.bt("bake");

  expect(kept(p)).toEqual([]);
});

test("`cache: true` keeps what is not kept by itself: a result without outputs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ cache: true, inputs: [], run: () => "loaf" })` }),
  });
  await p.bt("bake");

  expect(await again(p, "bake", "--json")).toContain(`"values":{"bake":"loaf"}`);
  expect(await again(p, "bake")).toContain("1 restored");
});

test("an input that changed while the task ran keeps its result out of the cache", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], outputs: ["loaf"], run: "cp flour loaf; echo oat > flour" })`,
    }),
    flour: "rye",
  });

  await p.bt("bake");

  expect(kept(p)).toEqual([]);
});

test.for(["plain", "base64"])("a secret in an output keeps it out of the cache, also as %s", async (form) => {
  const write = form === "plain" ? `printf %s "$KEY" > loaf` : `printf %s "$KEY" | base64 > loaf`;
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ params: { key: param.secret({ env: "KEY" }) }, inputs: [], outputs: ["loaf"], run: async ({ $, params }) => { await $({ env: { ...process.env, KEY: params.key } })\`${write.replaceAll("$", "\\$")}\`; } })`,
    }),
  });

  const result = await p.btWith({ env: { KEY: "sesame-open-4711" } }, "bake");

  expect(result.stdout).toContain(`Warning: Task "bake" is not kept in a cache: there is a secret in "loaf"`);
  expect(kept(p)).toEqual([]);
});

test("a result holds what its format says, and nothing else of the task", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: bake.replace("task({", `task({ params: { key: param.secret({ env: "KEY" }) },`),
    }),
    flour: "rye",
  });

  await p.btWith({ env: { KEY: "sesame-open-4711" } }, "bake");

  const [, body = ""] = p.read(`.bt/cache/ac/${kept(p)[0]}`).split("\n");
  const names = ["by", "document", "durationMs", "key", "log", "madeMs", "outputs", "task", "v"];
  expect(Object.keys(JSON.parse(body)).sort()).toEqual(names);
});

test.for([
  ["off", 0],
  ["read", 0],
  ["write", 1],
  ["local:w", 1],
  ["other:rw", 0],
  ["only", 0],
] as const)("--cache=%s keeps so much of a task that is not there yet: %s", async ([use, count]) => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });

  await p.bt("bake", `--cache=${use}`);

  expect(kept(p)).toHaveLength(count);
  expect(p.exists("loaf")).toBe(use !== "only");
});

test("the command line beats the settings, and those the builderfile", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake }).replace("defineBuilder({", `defineBuilder({ cache: "off",`),
    flour: "rye",
  });

  await p.bt("bake");
  expect(kept(p)).toEqual([]);
  p.write(".config/bt/config.json", JSON.stringify({ cache: "local:rw" }));
  expect(await again(p, "bake")).toContain("1 ran");
  expect(await again(p, "bake", "--cache=off")).toContain("1 ran");
  expect(await again(p, "bake", "--cache=only")).toContain("1 restored");
  expect((await p.bt("bake", "--cache=sometimes")).stderr).toContain("off, read, write, only");
});

test("--why tells what is otherwise than in the nearest kept result, when that is not what is otherwise than last time", async () => {
  const sell = bake.replace("inputs:", `env: ["HEAT"], inputs:`);
  const p = await project({ "builderfile.ts": withTasks({ bake: sell }), flour: "rye", salt: "sea" });
  const why = async (heat: string, ...words: string[]): Promise<string> =>
    (await p.btWith({ env: { HEAT: heat } }, "--why", "bake", ...words)).stdout;
  for (const heat of ["200", "210"]) await p.btWith({ env: { HEAT: heat } }, "bake");
  const lost = "bake would run, because\n  it has never run\n";

  expect(await why("220")).toBe(`bake would run, because\n  variable "HEAT" changed\n`);
  fs.rmSync(path.join(p.root, ".bt/state.log"));
  expect(await why("200")).toBe(lost.replace("run, because", `be restored from cache "local", because`));
  p.write("flour", "oat");
  const near = (await why("200")).replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, "THEN");
  expect(near).toBe(
    `${lost}what cache "local" has of it, from THEN UTC, is not restored, because\n  input "flour" changed\n`,
  );
  const [{ nearest }] = JSON.parse(await why("230", "--json")).tasks;
  expect(nearest).toMatchObject({ cache: "local", reasons: ['variable "HEAT" changed', 'input "flour" changed'] });
  expect(await why("200", "--cache=off")).toBe(lost);
});

test("--why tells of a task that no cache keeps why that is so, when it is asked for more", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ look: `task({ inputs: ["flour"], run: "cat flour" })` }),
    flour: "rye",
  });

  expect((await p.bt("--why", "look", "--verbose")).stdout).toBe(
    "look would run, because\n  it has never run\nno cache keeps its result, because\n  it declares no outputs, and has no `cache: true`\n",
  );
  expect(JSON.parse((await p.bt("--why", "--json", "look")).stdout).tasks).toMatchObject([
    { unkept: "it declares no outputs, and has no `cache: true`" },
  ]);
});

test("-n and --why say that a result is there, and change nothing", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  await p.bt("bake");
  fs.rmSync(path.join(p.root, "loaf"));
  const used = (): number => fs.statSync(path.join(p.root, ".bt/cache/ac", kept(p)[0]!)).mtimeMs;
  const before = used();

  const [dry, why, json] = [
    await p.bt("-n", "bake"),
    await p.bt("--why", "bake"),
    await p.bt("--why", "--json", "bake"),
  ];

  expect(dry.stdout).toBe(`bake (it is in cache "local")\nbt: 1 would be restored\n`);
  expect(why.stdout).toBe(`bake would be restored from cache "local", because\n  output "loaf" is missing\n`);
  expect(JSON.parse(json.stdout).tasks).toMatchObject([{ task: "bake", action: "run", cached: "local" }]);
  expect(p.exists("loaf")).toBe(false);
  expect(used()).toBe(before);
});

test("--force makes it again and keeps that instead", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], outputs: ["loaf"], run: "cp flour loaf; cat extra >> loaf" })`,
    }),
    flour: "rye",
    extra: "",
  });
  await p.bt("bake");
  p.write("extra", "!");

  const forced = await p.bt("bake", "-B");

  expect(forced.stdout).toContain(`Task "bake" is not reproducible: output "loaf" differs`);
  expect(await again(p, "bake")).toContain("1 restored");
  expect(p.read("loaf")).toBe("rye!");
});

test("--clean removes outputs and what is remembered of them, and not what somebody else wrote", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake,
      gen: `task({ inputs: [], outputs: ["src/*.gen", "out/"], run: "touch src/a.gen out/b" })`,
      all: `task({ needs: ["bake", "gen"] })`,
    }),
    flour: "rye",
    "src/hand": "written",
  });
  await p.bt("all");

  const dry = await p.bt("-n", "--clean");
  expect([dry.stdout, p.exists("loaf")]).toEqual(["clean bake\nclean gen\n", true]);
  const one = await p.bt("--clean", "bake");
  expect([one.stdout, p.exists("loaf"), p.exists("out/b")]).toEqual(["clean bake\n", false, true]);
  expect((await p.bt("--why", "bake")).stdout).toContain("its outputs were removed by --clean");
  const rest = await p.bt("--clean");

  expect(rest.stdout).toBe("clean gen\n");
  expect([p.exists("src/a.gen"), p.exists("out"), p.read("src/hand")]).toEqual([false, false, "written"]);
  expect((await p.bt("--clean")).stdout).toBe("");
});

/** As if the results of a cache had not been used for so many days. */
function age(p: Project, days: number): void {
  const time = (Date.now() - days * 24 * 3600_000) / 1000; // One for all: a blob that is younger than its result stays.
  for (const kind of ["ac", "cas", "far"].filter((one) => p.exists(`.bt/cache/${one}`)))
    for (const name of fs.readdirSync(path.join(p.root, ".bt/cache", kind)))
      fs.utimesSync(path.join(p.root, ".bt/cache", kind, name), time, time);
}

function sizeOf(p: Project): number {
  return ["ac", "cas"]
    .flatMap((kind) => fs.readdirSync(path.join(p.root, ".bt/cache", kind)).map((name) => path.join(kind, name)))
    .reduce((sum, name) => sum + fs.statSync(path.join(p.root, ".bt/cache", name)).blocks * 512, 0);
}

test("cache size is bounded without manual deletion; what was used last stays", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], outputs: ["loaf"], run: "head -c 40000 /dev/urandom > loaf" })`,
    }),
    ".config/bt/config.json": JSON.stringify({ cacheGib: 250_000 / 2 ** 30 }),
  });
  // The tenth part of the bound is what one result may take: this one says that it may take more.
  p.write("builderfile.ts", p.read("builderfile.ts").replace("task({ inputs", "task({ cache: true, inputs"));

  for (let round = 1; round <= 8; round++) {
    p.write("flour", String(round));
    await p.bt("bake");
    if (round < 8) age(p, 9 - round);
  }

  expect(sizeOf(p)).toBeLessThanOrEqual(250_000);
  expect(kept(p).length).toBeGreaterThan(1);
  fs.rmSync(path.join(p.root, "loaf"));
  expect((await p.bt("bake")).stdout).toContain("1 restored");
});

test("--cache-gc removes what nobody used for long, and says so", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  await p.bt("bake");
  p.write(".bt/cache/far/old", "what another machine has");
  age(p, 31);
  p.write(".bt/cache/far/young", "what another machine has");
  p.write("flour", "oat");
  await p.bt("bake");

  const { stdout } = await p.bt("--cache-gc");

  expect(stdout).toMatch(/^bt: 1 result removed \([\d.]+ KiB\), 1 result kept \([\d.]+ KiB\) in .*\/\.bt\/cache\n$/);
  expect(kept(p)).toHaveLength(1);
  expect(fs.readdirSync(path.join(p.root, ".bt/cache/far"))).toEqual(["young"]);
  expect(await again(p, "bake")).toContain("1 restored");
});
