/** Ctrl-C, TERM and HUP: the whole process tree ends, nothing half made stays, and bt says so. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { taskProcesses, until } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";

const oven = (command: string, more = ""): string =>
  `task({ inputs: [], outputs: ["loaf"], run: ${JSON.stringify(command)}, ${more} })`;
const baking = "echo half > loaf; touch started; exec sleep 600";

/** Starts bt and waits until the task has started. */
async function startBaking(p: Project, ...argv: string[]) {
  const running = p.start({}, ...argv);
  await until(() => p.exists("started"));
  return running;
}

function record(p: Project): { signal?: string; exitCode?: number; tasks: Record<string, { outcome?: string }> } {
  const [run = ""] = fs.readdirSync(path.join(p.root, ".bt/runs")).sort().reverse();
  return JSON.parse(p.read(`.bt/runs/${run}/run.json`));
}

test.for(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s ends the running task, and bt ends by the same signal",
  async (signal) => {
    const p = await project({
      "builderfile.ts": withTasks({ bake: oven(baking), serve: `task({ needs: ["bake"], run: "true" })` }),
    });
    const { child, ended } = await startBaking(p, "serve");

    child.kill(signal);
    const result = await ended;

    expect(result).toMatchObject({ signal, exitCode: undefined });
    expect(taskProcesses(p.root)).toEqual([]);
    expect(p.exists("loaf")).toBe(false);
    expect(fs.readdirSync(path.join(p.root, ".bt/locks"))).toEqual([]);
    expect(record(p)).toMatchObject({
      signal,
      tasks: { bake: { outcome: "cancelled" }, serve: { outcome: "cancelled" } },
    });
  },
);

test("a cancelled task is not up to date afterwards, and says that it was interrupted", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: oven(baking) }) });
  const { child, ended } = await startBaking(p, "bake");
  child.kill("SIGINT");
  await ended;

  const why = await p.bt("--why", "bake");

  expect(why.stdout).toBe("bake would run, because\n  it was interrupted last time\n");
});

test("grandchildren end with their task, also those that have left its session or ignore TERM", async () => {
  const stubborn =
    "trap '' TERM; (trap '' TERM; sleep 601) & setsid sleep 602 & setsid bash -c 'trap \"\" TERM; sleep 603; true' & touch started; sleep 604; true";
  const p = await project({ "builderfile.ts": withTasks({ bake: oven(stubborn) }) });
  const { child, ended } = await startBaking(p, "bake");
  await until(() => taskProcesses(p.root).filter((line) => line.startsWith("sleep")).length === 4);
  const startMs = Date.now();

  child.kill("SIGTERM");
  await ended;

  expect(taskProcesses(p.root)).toEqual([]);
  expect(Date.now() - startMs).toBeGreaterThan(4500);
});

test("a second signal kills at once what ignores the first", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: oven("trap '' TERM; touch started; sleep 605; true") }),
  });
  const { child, ended } = await startBaking(p, "bake");
  const startMs = Date.now();

  child.kill("SIGINT");
  let stderr = "";
  child.stderr?.on("data", (text: string) => (stderr += text));
  await until(() => stderr.includes("once more"));
  child.kill("SIGINT");
  const result = await ended;

  expect(result.signal).toBe("SIGINT");
  expect(Date.now() - startMs).toBeLessThan(5000); // The grace that the first one gives.
  expect(taskProcesses(p.root)).toEqual([]);
});

test("`finally` tasks run after a cancellation", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: oven(baking, "finally: ['sweep']"),
      sweep: `task({ inputs: [], run: "touch swept" })`,
    }),
  });
  const { child, ended } = await startBaking(p, "bake");

  child.kill("SIGINT");
  const result = await ended;

  expect(result.signal).toBe("SIGINT");
  expect(p.exists("swept")).toBe(true);
  expect(record(p).tasks).toMatchObject({ bake: { outcome: "cancelled" }, sweep: { outcome: "ran" } });
});

test("`defer` runs after a cancellation, last in first out", async () => {
  const run = `async ({ $, defer }) => { defer((ok) => $\`echo one-\${String(ok)} >> deferred\`); defer(() => $\`echo two >> deferred\`); await $\`touch started; sleep 606\`; }`;
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: ${run} })` }) });
  const { child, ended } = await startBaking(p, "bake");

  child.kill("SIGINT");
  await ended;

  expect(p.read("deferred")).toBe("two\none-false\n");
});

test("a task that waits for another bt's lock is cancelled, not failed", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: oven(baking) }) });
  const first = await startBaking(p, "bake");
  const second = p.start({}, "--output=json", "bake");
  let stdout = "";
  second.child.stdout?.on("data", (text: string) => (stdout += text));
  await until(() => stdout.includes('"deciding"'));

  second.child.kill("SIGINT");
  const result = await second.ended;

  expect(result.signal).toBe("SIGINT");
  expect(result.stdout).toContain('"outcome":"cancelled"');
  expect(result.stdout).not.toContain('"outcome":"failed"');
  first.child.kill("SIGINT");
  await first.ended;
});

test("a cancelled task with retries is not tried again", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: oven(`echo try >> tries; ${baking}`, "retries: 3") }),
  });
  const { child, ended } = await startBaking(p, "bake");

  child.kill("SIGINT");
  await ended;

  expect(p.read("tries")).toBe("try\n");
});

test("an action that ignores its signal does not hold up the end", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ run: async ({ $ }) => { await $\`touch started\`; await new Promise(() => setInterval(() => {}, 1000)); } })`,
    }),
  });
  const { child, ended } = await startBaking(p, "bake");

  child.kill("SIGINT");

  expect((await ended).signal).toBe("SIGINT");
});

test("after a success nothing that a task left running stays", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: oven("setsid sleep 607 >/dev/null 2>&1 & touch loaf") }),
  });

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(0);
  expect(taskProcesses(p.root)).toEqual([]);
});

test("a run out of time says so, ends its tasks and exits with 1", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: oven(baking) }) });

  const result = await p.bt("--timeout", "1", "bake");

  expect(result).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("The run was not done after 1 s") });
  expect(result.stdout).toContain("1 timed out");
  expect(taskProcesses(p.root)).toEqual([]);
  const [run = ""] = fs.readdirSync(`${p.root}/.bt/runs`);
  expect(JSON.parse(p.read(`.bt/runs/${run}/run.json`))).toMatchObject({
    tasks: { bake: { outcome: "timed-out", exitCode: 124 } },
  });
  expect(p.exists("loaf")).toBe(false);
});

test("a task out of time is ended and named, with its limit", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: oven(baking, "timeoutMs: 300") }) });

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(`Task "bake" was not done after 0.3 s`);
  expect(taskProcesses(p.root)).toEqual([]);
  expect(p.exists("loaf")).toBe(false);
});

test("TERM ends a task that has the console, after it could tidy up", async () => {
  const tidy = "trap 'touch tidied; exit 1' TERM; touch started; sleep 608 & wait";
  const p = await project({ "builderfile.ts": withTasks({ bake: oven(tidy, "pool: 'console'") }) });
  const { child, ended } = await startBaking(p, "bake");

  child.kill("SIGTERM");
  await ended;

  expect(p.exists("tidied")).toBe(true);
  expect(taskProcesses(p.root)).toEqual([]);
});

test("twenty commands at once are all cancelled, with their children, and a deaf one holds up only itself", async () => {
  const deaf = `task({ run: "trap '' TERM; touch deaf; sleep 609; true" })`;
  const tasks = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [
      `t${at}`,
      `task({ outputs: ["o${at}"], run: "echo half > o${at}; (sleep 610 & sleep 611; true); true" })`,
    ]),
  );
  const p = await project({ "builderfile.ts": withTasks({ ...tasks, deaf }) });
  const { child, ended } = p.start({}, "-j21", "deaf", ...Object.keys(tasks));
  await until(() => p.exists("deaf") && taskProcesses(p.root).filter((line) => line.startsWith("sleep")).length === 41);

  child.kill("SIGINT");
  await until(() => taskProcesses(p.root).filter((line) => line.startsWith("sleep 6")).length <= 1);
  child.kill("SIGINT");
  const result = await ended;

  expect(result.signal).toBe("SIGINT");
  expect(taskProcesses(p.root)).toEqual([]);
  expect(fs.readdirSync(p.root).filter((name) => /^o\d/.test(name))).toEqual([]);
});
