/** What a failing task means for the others, for the exit code and for the reader. */
import { expect, test } from "vitest";
import { outcomesOf } from "../support/outcome.ts";
import { until } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";

const good = `task({ run: "true" })`;
const bad = `task({ run: "sh -c 'echo burnt >&2; exit 3'" })`;

/** Task to outcome. */
async function outcomes(p: Project, ...argv: string[]): Promise<Record<string, string>> {
  return Object.fromEntries(outcomesOf((await p.bt("--output=json", ...argv)).stdout));
}

test.for(["a", "b", "c"])("a run fails whichever of its tasks fails: %s", async (failing) => {
  const tasks = Object.fromEntries(["a", "b", "c"].map((name) => [name, name === failing ? bad : good]));
  const p = await project({ "builderfile.ts": withTasks(tasks) });

  for (const mode of [[], ["-k"], ["--fail-fast"], ["-j1"], ["-j1", "-k"]]) {
    expect((await p.bt(...mode, "a", "b", "c")).exitCode).toBe(1);
  }
});

test("wrong input that only a task can find ends a run with 2, unless something else fails as well", async () => {
  const refuse = `task({ run: () => { throw new BtError("NO_FLOUR", "There is no flour", { fix: "Buy some.", isRefusal: true }); } })`;
  const p = await project({
    "builderfile.ts": `import { BtError } from "builderfile";\n${withTasks({ refuse, bad, eat: `task({ needs: ["refuse"], run: "true" })` })}`,
  });

  expect((await p.bt("eat")).exitCode).toBe(2);
  expect((await p.bt("-k", "eat", "bad")).exitCode).toBe(1);
});

test("a failing cell fails the matrix task, whichever cell it is", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ matrix: { bread: ["rye", "oat", "bun"] }, params: { burn: param.string({ default: "" }) }, run: ({ $, cell, params }) => $\`test \${cell.bread} != \${params.burn}\` })`,
      all: `task({ needs: ["bake"] })`,
    }),
  });

  for (const bread of ["rye", "oat", "bun"]) expect((await p.bt("all", `BURN=${bread}`)).exitCode).toBe(1);
  expect((await p.bt("all")).exitCode).toBe(0);
});

test("after a failure nothing new starts, what runs ends, and what is blocked is named", async () => {
  const slow = `task({ run: "touch started; until test -e go; do sleep 0.01; done; touch ended" })`;
  const fail = `task({ run: "until test -e started; do sleep 0.01; done; false" })`;
  const p = await project({
    "builderfile.ts": withTasks({ slow, fail, zest: good, eat: `task({ needs: ["fail"], run: "true" })` }),
  });
  const { child, ended } = p.start({}, "-j2", "slow", "fail", "zest", "eat");
  let stdout = "";
  child.stdout?.on("data", (text: string) => (stdout += text));
  await until(() => stdout.includes("fail failed"));

  p.write("go", "");
  const result = await ended;

  expect(result.exitCode).toBe(1);
  expect(p.exists("ended")).toBe(true);
  expect(result.stdout).toContain(`"eat" and "zest" did not run`);
  expect(result.stdout).toContain("1 ran, 1 failed, 2 blocked");
});

test("a group that a failure blocks is not counted, in the summary as on the way", async () => {
  const groups = { all: `task({ needs: ["eat"] })`, everything: `task({ needs: ["all"] })` };
  const p = await project({
    "builderfile.ts": withTasks({
      fail: `task({ run: "false" })`,
      eat: `task({ needs: ["fail"], run: "true" })`,
      ...groups,
    }),
  });

  const result = await p.bt("everything");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toMatch(/^bt: 1 failed, 1 blocked in /m);
});

test("-k goes on with all that does not need the failed task", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bad,
      eat: `task({ needs: ["bad"], run: "true" })`,
      other: good,
      more: `task({ needs: ["other"], run: "true" })`,
    }),
  });

  expect(await outcomes(p, "-k", "-j1", "bad", "eat", "other", "more")).toEqual({
    bad: "failed",
    eat: "blocked",
    other: "ran",
    more: "ran",
  });
});

test("--fail-fast cancels what runs", async () => {
  const fail = `task({ run: "until test -e started; do sleep 0.01; done; false" })`;
  const p = await project({
    "builderfile.ts": withTasks({ slow: `task({ run: "touch started; sleep 600; true" })`, fail }),
  });

  expect(await outcomes(p, "-j2", "--fail-fast", "slow", "fail")).toEqual({ slow: "cancelled", fail: "failed" });
});

test("allowFailure reports the failure and fails nothing", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      lint: `task({ allowFailure: true, run: "false" })`,
      bake: `task({ needs: ["lint"], run: "true" })`,
    }),
  });

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain("nothing else fails: this failure is allowed");
  expect(await outcomes(p, "bake")).toEqual({ lint: "failed", bake: "ran" });
});

test("a failed command is told once: command, code, folder, last lines", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ cwd: "oven", run: "sh -c 'echo too hot; exit 3'" })`, other: good }),
    "oven/x": "",
  });

  const { stdout } = await p.bt("-k", "bake", "other");

  expect(stdout).toContain("`sh -c 'echo too hot; exit 3'` in \"oven\" exited with 3\n");
  expect(stdout.match(/^\s*too hot$/gm)).toHaveLength(1);
});

test("a command that a signal ended says which", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "kill -SEGV $$" })` }) });

  expect((await p.bt("bake")).stdout).toContain("was ended by SIGSEGV");
});

test("retries: outputs are cleaned in between, and a late success is marked as flaky", async () => {
  const bake = `task({ outputs: ["loaf"], retries: { times: 2, delayMs: 1 }, run: "echo try >> tries; test ! -e loaf; touch loaf; test $(wc -l < tries) = 2" })`;
  const p = await project({ "builderfile.ts": withTasks({ bake }) });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.stdout).toContain("try 2");
  expect(result.stdout).toContain('Flaky, a first try failed: "bake"');
  expect(p.read("tries")).toBe("try\ntry\n");
});

test("tries that are used up fail the task once", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ retries: 2, run: "echo try >> tries; false" })` }),
  });

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(1);
  expect(p.read("tries")).toBe("try\ntry\ntry\n");
  expect(result.stdout.match(/exited with 1\n/g)).toHaveLength(3); // Two warnings, one failure.
});

test("a task out of time is tried again only if it says so", async () => {
  const slow = (on: string): string =>
    `task({ timeoutMs: 150, retries: { times: 1, on: ${on} }, run: "echo try >> tries-$BT_TASK; sleep 60; true" })`;
  const p = await project({ "builderfile.ts": withTasks({ once: slow(`["failure"]`), twice: slow(`["timeout"]`) }) });

  expect(await outcomes(p, "-k", "once", "twice")).toEqual({ once: "timed-out", twice: "timed-out" });
  expect(p.read("tries-once")).toBe("try\n");
  expect(p.read("tries-twice")).toBe("try\ntry\n");
});

test("a missing output fails the task and is named; half-made outputs of a failed task are removed", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      forget: `task({ outputs: ["loaf"], run: "true" })`,
      drop: `task({ inputs: [], outputs: ["dough", "mix/"], run: "touch dough mix/half; false" })`,
      keep: `task({ inputs: [], clean: "keep", outputs: ["old", "new"], run: "touch new; false" })`,
    }),
    old: "old",
  });

  const result = await p.bt("-k", "forget", "drop", "keep");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(`Task "forget" succeeded without making its output "loaf"`);
  expect([p.exists("dough"), p.exists("mix/half"), p.exists("old"), p.exists("new")]).toEqual([
    false,
    false,
    true,
    false,
  ]);
});

test("`finally` tasks run after a failure, learn how it ended, and save nothing", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ finally: ["sweep"], run: "false" })`,
      sweep: `task({ private: true, run: ({ outcomes, log }) => log.info("swept after " + JSON.stringify(outcomes)) })`,
    }),
  });

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(`swept after {"bake":"failed"}`);
});

test("a `finally` task that fails fails the run", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ finally: ["sweep"], run: "true" })`, sweep: `task({ run: "false" })` }),
  });

  expect((await p.bt("bake")).exitCode).toBe(1);
});

test("a failing validation fails the run, and nothing waits for it", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ needs: [validation("taste")], run: "touch baked" })`,
      taste: `task({ run: "until test -e baked; do sleep 0.01; done; false" })`,
    }),
  });

  const result = await p.bt("-j2", "bake");

  expect(result.exitCode).toBe(1);
  expect(p.exists("baked")).toBe(true);
});

test("`when` that says no leaves the task out, and its edge with it", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
const salt = task({ run: "touch salted" });
const skip = task({ when: () => false, run: "touch skipped" });
export default defineBuilder({ tasks: { salt, skip, bake: task({ needs: [skip, { need: salt, kind: "result", when: () => false }], run: "true" }) } });`,
  });

  expect(await outcomes(p, "bake")).toEqual({ skip: "skipped", bake: "ran" });
  expect(p.exists("salted") || p.exists("skipped")).toBe(false);
});

test.for([
  ["() => 1n", "RESULT_NOT_JSON"],
  ["() => () => 1", "RESULT_NOT_JSON"],
  ["() => { const ring = {}; ring.ring = ring; return ring; }", "RESULT_NOT_JSON"],
  ["() => { throw new RangeError('too much'); }", "ACTION_THREW"],
  ["() => { throw 'text'; }", "ACTION_THREW"],
] as const)("an action such as %s fails its task with %s", async ([run, code]) => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: ${run} })` }) });

  const result = await p.bt("--output=json", "bake");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(`"code":"${code}"`);
});

test("a task that waits for what can never happen is a failure", async () => {
  const p = await project({ "builderfile.ts": withTasks({ wait: `task({ run: () => new Promise(() => {}) })` }) });

  const result = await p.bt("wait");

  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain("A task waits for a promise that nothing will settle any more");
});

test.for([[], ["-s"]])(
  "--output=none %j shows nothing that tasks print, and names the log of the failed one",
  async (more) => {
    const p = await project({
      "builderfile.ts": withTasks({
        mix: `task({ run: "echo stirring" })`,
        bake: `task({ needs: ["mix"], run: async ({ exec, log }) => { log.info("heating"); await exec("sh", ["-c", "echo smoke; echo fire >&2; exit 3"]); } })`,
      }),
    });

    const { stdout, exitCode } = await p.bt("--output=none", ...more, "bake");

    expect(exitCode).toBe(1);
    expect(stdout.replace(/`.*`/, "")).not.toMatch(/stirring|heating|smoke|fire/);
    expect(p.read(/^ {2}log {2}(.+)$/m.exec(stdout)?.[1] ?? "")).toContain("smoke");
  },
);
