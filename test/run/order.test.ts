/** Order and parallelism: needs first, as many at once as there are slots and pool places, the longest chain first. */
import * as fs from "node:fs";
import * as os from "node:os";
import { expect, test } from "vitest";
import { until } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";

/** Notes its start and its end, and waits in between until the file `go-NAME` is there. */
const gate = (name: string, more = ""): string =>
  `task({ ${more} run: "echo +${name} >> log; until test -e go-${name} -o -e go; do sleep 0.01; done; echo -${name} >> log" })`;
const note = (name: string, more = ""): string => `task({ ${more} run: "echo ${name} >> log" })`;
/** A shell makes the file before it writes into it. */
const lines = (p: Project): string[] =>
  p.exists("log")
    ? p
        .read("log")
        .split("\n")
        .filter((line) => line !== "")
    : [];

test("needs run before what needs them, and a shared one runs once", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      sell: note("sell", "needs: ['slice', 'wrap'],"),
      wrap: note("wrap", "needs: ['bake'],"),
      slice: note("slice", "needs: ['bake'],"),
      bake: note("bake"),
    }),
  });

  await p.bt("-j4", "sell", "bake", "wrap");

  expect(lines(p).filter((name) => name === "bake")).toHaveLength(1);
  expect(lines(p)[0]).toBe("bake");
  expect(lines(p)[3]).toBe("sell");
});

test.for([
  ["-j1", 1],
  ["-j3", 3],
] as const)("%s runs that many at once", async ([option, jobs]) => {
  const names = ["a", "b", "c", "d"];
  const p = await project({ "builderfile.ts": withTasks(Object.fromEntries(names.map((name) => [name, gate(name)]))) });
  const { ended } = p.start({}, option, ...names);
  await until(() => lines(p).length === jobs);

  p.write(`go-${lines(p)[0]?.slice(1)}`, "");
  await until(() => lines(p).length === jobs + 2); // One ended, one more started.
  const open = lines(p).reduce((sum, line) => sum + (line.startsWith("+") ? 1 : -1), 0);
  p.write("go", "");
  await ended;

  expect(open).toBe(jobs);
});

test("more tasks at once than Node expects listeners are nothing to warn of", async () => {
  const names = Array.from({ length: 12 }, (_, index) => `t${index}`);
  const p = await project({ "builderfile.ts": withTasks(Object.fromEntries(names.map((name) => [name, gate(name)]))) });
  const { ended } = p.start({}, "-j12", ...names);
  await until(() => lines(p).length === names.length);

  p.write("go", "");

  const { stdout, stderr } = await ended;
  expect(`${stdout}${stderr}`).not.toContain("Warning");
});

test("a pool lets in as many as it has places, whatever -j says", async () => {
  const names = ["a", "b", "c"];
  const tasks = names.map((name) => `${name}: ${gate(name, "pool: 'oven',")}`).join(",");
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile"; export default defineBuilder({ pools: { oven: 1 }, tasks: { ${tasks} } });`,
  });
  const { ended } = p.start({}, "-j8", ...names);
  await until(() => lines(p).length === 1);
  p.write("go", "");
  await ended;

  for (let at = 0; at < 6; at += 2) expect(lines(p)[at]?.slice(1)).toBe(lines(p)[at + 1]?.slice(1));
});

test.for([
  ["memory", "said on the command line", ["--memory=5GiB"], undefined],
  ["memory", "set for all projects", [], "5GiB"],
  ["disk", "said on the command line", ["--disk=5GiB"], undefined],
  ["disk", "set for all projects", [], "5GiB"],
] as const)("tasks that declare %s run together as far as it goes, %s", async ([name, , argv, limit]) => {
  const p = await project({
    "builderfile.ts": withTasks({ a: gate("a", `${name}: '4GiB',`), b: gate("b", `${name}: '2GiB',`), c: gate("c") }),
    ".config/bt/config.json": JSON.stringify({ [name]: limit }),
  });
  const { ended } = p.start({}, "-j8", ...argv, "a", "b", "c");
  await until(() => lines(p).length === 2);

  p.write("go-a", "");
  await until(() => lines(p).includes("+b"));
  p.write("go", "");
  const { stderr, exitCode } = await ended;

  expect([stderr, exitCode]).toEqual(["", 0]);
  expect(lines(p).slice(0, 2).sort()).toEqual(["+a", "+c"]);
  expect(lines(p).indexOf("-a")).toBeLessThan(lines(p).indexOf("+b"));
});

test.for(["memory", "disk"])("a task that wants more %s than there is runs, and it is said", async (name) => {
  const p = await project({ "builderfile.ts": withTasks({ bake: note("bake", `${name}: '64GiB',`) }) });

  const result = await p.bt(`--${name}`, "1.5GiB", "bake");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain(
    `Warning: Task "bake" wants 64 GiB of ${name}, and there are 1.5 GiB: no other that wants ${name} runs beside it`,
  );
  expect((await p.bt(`--${name}`, "200000%", "bake")).stdout).not.toContain("Warning");
});

const isTold = fs.statfsSync(os.tmpdir()).blocks > 0;
test.skipIf(!isTold)("a task that wants more disk than is free where the project is runs, and it is said", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: note("bake", "disk: '99999999TiB',") }) });

  expect(await p.bt("bake")).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('Warning: Task "bake" wants 99999999 TiB of disk'),
  });
});

test.for([...["4", "4GB", "0GiB", "0%", "x%", ""].map((text) => `--memory=${text}`), "--disk=4GB"])(
  "%s is no size",
  async (option) => {
    const p = await project({ "builderfile.ts": withTasks({ bake: note("bake") }) });

    const result = await p.bt(option, "bake");

    expect(result).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringContaining("a size such as 8GiB") });
  },
);

test("an unknown pool is a mistake before anything runs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ other: note("other"), bake: note("bake", "pool: 'ovn', needs: ['other'],") }),
  });

  for (const argv of [["bake"], ["-n", "bake"], ["--check"]])
    expect(await p.bt(...argv)).toMatchObject({ exitCode: 2 });
  expect(lines(p)).toEqual([]);
});

test("the longest chain by remembered durations starts first", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      a: note("a"),
      b: note("b"),
      z: `task({ run: "echo z >> log; until test -e quick; do sleep 0.01; done" })`,
    }),
  });
  const { ended } = p.start({}, "-j1", "z");
  await until(() => p.exists("log"));
  const startMs = Date.now();
  await until(() => Date.now() - startMs > 300);
  p.write("quick", "");
  await ended;
  fs.rmSync(`${p.root}/log`);

  await p.bt("-j1", "a", "b", "z");

  expect(lines(p)).toEqual(["z", "a", "b"]);
});

test("priority beats durations, and equal tasks start by name", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ c: note("c"), a: note("a"), b: note("b", "priority: 1,") }),
  });

  await p.bt("-j1", "c", "a", "b");

  expect(lines(p)).toEqual(["b", "a", "c"]);
});

test("`after` only orders: its result is no input", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      first: note("first", "inputs: ['flour'], outputs: ['dough'],").replace(`run: "`, `run: "cp flour dough; `),
      second: note("second", "needs: [after('first')], inputs: [],"),
    }),
    flour: "rye",
  });
  await p.bt("second");
  expect(lines(p)).toEqual(["first", "second"]);

  p.write("flour", "oat");
  await p.bt("first", "second");

  expect(lines(p)).toEqual(["first", "second", "first"]);
});

test("a task that reads what another writes needs it, without saying so", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["dough", "extra/*.txt"], outputs: ["loaf"], run: "cat dough extra/nut.txt > loaf" })`,
      knead: `task({ inputs: ["flour"], outputs: ["dough"], run: "cp flour dough" })`,
      nuts: `task({ inputs: [], outputs: ["extra/"], run: "cp flour extra/nut.txt" })`,
    }),
    flour: "rye",
  });

  expect((await p.bt("-j4", "bake")).exitCode).toBe(0);
  expect(p.read("loaf")).toBe("ryerye");
});

test("a circle is shown and nothing runs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      a: note("a", "needs: ['b'],"),
      b: note("b", "needs: ['c'],"),
      c: note("c", "needs: ['a'],"),
    }),
  });

  const result = await p.bt("b");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain("a → b → c → a");
});

test("a fan-in gets the value of every cell, and a cell needs the one of its own name", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
const bake = task({ matrix: { bread: ["rye", "oat"] }, run: ({ cell }) => "baked " + cell.bread });
const wrap = task({ matrix: { bread: ["rye", "oat"] }, needs: { loaf: bake.cell() }, run: ({ needs }) => "wrapped " + needs.loaf });
const one = task({ needs: { loaf: bake.cell("oat") }, run: ({ needs, log }) => log.info(needs.loaf) });
const sell = task({ needs: { all: wrap }, run: ({ needs, log }) => log.info(JSON.stringify(needs.all)) });
export default defineBuilder({ tasks: { bake, wrap, one, sell } });`,
  });

  expect((await p.bt("sell")).stdout).toContain(`{"rye":"wrapped baked rye","oat":"wrapped baked oat"}`);
  const { stdout } = await p.bt("one");
  expect(stdout).toContain("baked oat");
  expect(stdout).toContain("2 ran");
  expect((await p.bt("wrap:rye")).stdout).toContain("2 ran");
});

test("`with` makes instances that run once each", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, param, task } from "builderfile";
const bake = task({ params: { bread: param.string({ required: true }) }, run: ({ $, params }) => $\`echo \${params.bread} >> log\` });
const a = task({ needs: [bake.with({ bread: "rye" }), bake.with({ bread: "oat" })], run: "true" });
const b = task({ needs: [bake.with({ bread: "rye" })], run: "true" });
export default defineBuilder({ tasks: { bake, a, b } });`,
  });

  expect((await p.bt("a", "b")).exitCode).toBe(0);
  expect(lines(p).sort()).toEqual(["oat", "rye"]);
});

test("a task with many long params is a task like any other", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, param, task } from "builderfile";
const bake = task({ inputs: [], params: { breads: param.list() }, run: ({ params, log }) => log.info(String(params.breads.length)) });
export default defineBuilder({ tasks: { bake, all: task({ needs: [bake.with({ breads: Array.from({ length: 60 }, (_, at) => "bread/" + at) })], run: "true" }) } });`,
  });

  const result = await p.bt("all");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toContain("Warning");
});

test("a task in the pool `console` has bt's own standard input and output", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ ask: `task({ pool: "console", run: "read name; echo hello $name" })` }),
  });
  const { child, ended } = p.start(
    {
      program: ["sh", "-c", `echo Ann | "$0" "$@"`, process.execPath, (await import("../support/project.ts")).program],
    },
    "ask",
  );
  void child;

  expect((await ended).stdout).toContain("hello Ann\n");
});
