/** bt killed at any moment, and two bts at once: nothing half made counts as done. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { createDice } from "../support/dice.ts";
import { endProcess, taskProcesses, until } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";

/** Ten chains of three tasks: each output is written in two steps, so that a kill can fall between them. */
function chains(): Record<string, string> {
  const names = Array.from({ length: 10 }, (_, at) => `c${at}`);
  const step = (from: string, to: string): string =>
    `task({ inputs: ["${from}"], outputs: ["${to}"], run: "head -c 2 ${from} > ${to}; tail -c +3 ${from} >> ${to}; echo ${to} >> ${to}" })`;
  const tasks = names.flatMap((name) => [
    [`${name}-a`, step(`src/${name}`, `out/${name}.a`)],
    [`${name}-b`, step(`out/${name}.a`, `out/${name}.b`)],
    [name, step(`out/${name}.b`, `out/${name}`)],
  ]);
  const all = `task({ needs: ${JSON.stringify(names)} })`;
  return {
    "builderfile.ts": withTasks({ ...Object.fromEntries(tasks), all }),
    ...Object.fromEntries(names.map((name) => [`src/${name}`, `${name} 0\n`])),
  };
}

function wrongOutputs(p: Project): string[] {
  return fs.readdirSync(path.join(p.root, "src")).filter((name) => {
    const right = `${p.read(`src/${name}`)}out/${name}.a\nout/${name}.b\nout/${name}\n`;
    return p.read(`out/${name}`) !== right;
  });
}

/** 500 take a minute and a half. */
const rounds = process.env["BT_SLOW_TESTS"] === "1" ? 500 : 60;

test(
  "killed at any moment, bt never takes half-made things for done, and the next run ends with the right outputs",
  { timeout: 600_000 },
  async () => {
    const p = await project(chains());
    const dice = createDice(7);
    const startMs = Date.now();
    await p.bt("all");
    const wholeMs = Date.now() - startMs;

    for (let round = 1; round <= rounds; round++) {
      for (let n = dice(4); n >= 0; n--) p.write(`src/c${dice(10)}`, `round ${round}\n`);
      const { child, ended } = p.start({}, "all");
      const timer = setTimeout(() => child.kill("SIGKILL"), dice(wholeMs));
      await ended;
      clearTimeout(timer);
      if (round % 6 !== 0) continue;
      const result = await p.bt("all");
      expect(result).toMatchObject({ exitCode: 0, stderr: "" });
      expect(result.stdout).not.toContain("Warning");
      expect(wrongOutputs(p)).toEqual([]);
      expect((await p.bt("-q", "all")).exitCode).toBe(0);
    }
  },
);

test("what a killed bt has left running is ended before its task runs again", async () => {
  const bake = `task({ inputs: [], outputs: ["loaf"], run: "if test -e killed; then echo good > loaf; else touch started; until test -e killed; do sleep 0.01; done; sleep 0.3; echo bad > loaf; fi" })`;
  const p = await project({ "builderfile.ts": withTasks({ bake }) });
  const { child, ended } = p.start({}, "bake");
  await until(() => p.exists("started"));
  child.kill("SIGKILL");
  await until(() => !fs.existsSync(`/proc/${child.pid}`));
  expect(taskProcesses(p.root)).not.toEqual([]);

  p.write("killed", "");
  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 0 });
  expect(taskProcesses(p.root)).toEqual([]);
  expect(p.read("loaf")).toBe("good\n");
  await ended;
});

test("a task that was running when bt was killed says that it was interrupted, and --runs that the run was killed", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: [], run: "touch started; sleep 30; true" })` }),
  });
  const { child, ended } = p.start({}, "bake");
  await until(() => p.exists("started"));
  child.kill("SIGKILL");
  await until(() => !fs.existsSync(`/proc/${child.pid}`));

  expect((await p.bt("--why", "bake")).stdout).toContain("it was interrupted last time");
  expect((await p.bt("--runs")).stdout).toMatch(/^\S+ {2}killed {2}bake\n$/);

  for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    if (isOf(p, pid)) endProcess(Number(pid), "SIGKILL");
  await ended;
});

function isOf(p: Project, pid: string): boolean {
  try {
    return fs.readFileSync(`/proc/${pid}/environ`, "latin1").includes(`HOME=${p.root}\0`);
  } catch {
    return false;
  }
}

test("a torn last record costs that record only", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      knead: `task({ inputs: [], run: "true" })`,
      bake: `task({ inputs: [], run: "true" })`,
    }),
  });
  await p.bt("knead");
  await p.bt("bake");
  const log = p.read(".bt/state.log");

  p.write(".bt/state.log", log.slice(0, -20));

  const result = await p.bt("knead", "bake");
  expect(result.stdout).toContain("1 ran, 1 up to date");
  expect(result.stdout).not.toContain("Warning");
  expect((await p.bt("-q", "knead", "bake")).exitCode).toBe(0);
});

test("two bts at once run a shared task once", async () => {
  const bake = `task({ inputs: [], outputs: ["loaf"], run: "echo once >> count; touch started; until test -e go; do sleep 0.01; done; touch loaf" })`;
  const p = await project({
    "builderfile.ts": withTasks({
      bake,
      eat: `task({ needs: ["bake"], inputs: ["loaf"], run: "true" })`,
      sell: `task({ needs: ["bake"], inputs: ["loaf"], run: "true" })`,
    }),
  });
  const first = p.start({}, "eat");
  await until(() => p.exists("started"));
  const second = p.start({}, "--output=json", "sell");
  let stdout = "";
  second.child.stdout?.on("data", (text: string) => (stdout += text));
  await until(() => stdout.includes('"deciding"'));

  p.write("go", "");
  const results = await Promise.all([first.ended, second.ended]);

  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(p.read("count")).toBe("once\n");
  expect((await p.bt("-q", "eat", "sell")).exitCode).toBe(0);
});

test("a bt that has looked before another one finished a task does not run it again", async () => {
  const wait = `task({ run: "touch waiting; until test -e go; do sleep 0.01; done" })`;
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ needs: [after("wait")], inputs: [], run: "echo once >> count" })`,
      wait,
      oven: `task({ inputs: [], needs: ["wait", "bake"], run: "true" })`,
    }),
  });
  const slow = p.start({}, "-j1", "oven");
  await until(() => p.exists("waiting"));
  await p.bt("--only=force", "bake");

  p.write("go", "");
  await slow.ended;

  expect(p.read("count")).toBe("once\n");
});
