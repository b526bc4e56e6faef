/** Plugins: every hook is called, may change what it is given, and a failing tap names its plugin. */
import { expect, test } from "vitest";
import { project, type Project } from "../support/project.ts";
import { run, testWith } from "../support/tool.ts";

const hooks = [
  "config",
  "tasks",
  "graph",
  "fingerprint",
  "plan",
  "beforeRun",
  "beforeTask",
  "command",
  "execute",
  "afterTask",
  "cache",
  "publish",
  "event",
  "doctor",
  "afterRun",
] as const;

/** A builderfile with a plugin that taps the hooks so, and a task that uses them all. */
function withTaps(taps: string): Record<string, string> {
  return {
    "builderfile.ts": `import { appendFileSync } from "node:fs";
import { defineBuilder, definePlugin, task } from "builderfile";
const note = (name) => appendFileSync("calls", name + "\\n");
const spy = definePlugin({ name: "spy", tasks: {}, apply: (hooks) => { ${taps} } });
export default defineBuilder({ plugins: [spy], tasks: {
  bake: task({ inputs: [], run: async ({ $, publishing }) => { await $\`echo baked\`; await publishing(["shop/loaf:v1"]); return "loaf"; } }),
} });`,
  };
}

const calls = (p: Project): string[] => [...new Set(p.read("calls").trim().split("\n"))];

test("every hook is called", async () => {
  const p = await project(
    withTaps(
      hooks
        .map(
          (hook) =>
            `hooks.${hook}.tap((value) => { note("${hook}"); return "${hook}" === "execute" ? undefined : value; });`,
        )
        .join("\n"),
    ),
  );

  expect((await p.bt("bake")).exitCode).toBe(0);
  expect((await p.bt("--doctor")).exitCode).toBe(0);

  expect(calls(p).sort()).toEqual([...hooks].sort());
});

test.for(hooks.filter((hook) => hook !== "event"))(
  "a failing tap of %s names its plugin and its hook, and is no bug of bt",
  async (hook) => {
    const p = await project(withTaps(`hooks.${hook}.tap(() => { throw new Error("no flour"); });`));

    const result = await p.bt(hook === "doctor" ? "--doctor" : "bake");

    expect([1, 2]).toContain(result.exitCode);
    expect(result.stdout + result.stderr).toContain(`Plugin "spy" failed in its tap of hook "${hook}": no flour`);
    expect(result.stdout + result.stderr).not.toContain("bug");
    expect((await p.bt("--runs").catch(() => ({ stdout: "" }))).stdout).not.toContain("killed");
  },
);

test("a failing tap of event is dropped with a warning, and harms nothing", async () => {
  const p = await project(withTaps(`hooks.event.tap(() => { note("event"); throw new Error("no paper"); });`));

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain(`"spy" failed in its tap of hook "event"`);
  expect(p.read("calls")).toBe("event\n");
});

test("a failing afterRun fails a run that was good, with its record", async () => {
  const p = await project(withTaps(`hooks.afterRun.tap(() => { throw new Error("no paper"); });`));

  expect((await p.bt("bake")).exitCode).toBe(1);
  expect((await p.bt("--runs")).stdout).toContain("exit 1");
});

test("config, tasks and graph shape the build", async () => {
  const p = await project(
    withTaps(`
      hooks.config.tap((settings) => ({ ...settings, params: { ...settings.params, BREAD: "rye" } }));
      hooks.tasks.tap((tasks) => [...tasks, { name: "extra", task: task({ run: "touch extra" }) }]);
      hooks.graph.tap((graph) => graph);`),
  );

  expect((await p.bt("--list")).stdout).toContain("extra");
  expect((await p.bt("extra")).exitCode).toBe(0);
  expect(p.exists("extra")).toBe(true);
});

test("fingerprint adds to the key, and a change of it is a reason", async () => {
  const p = await project({
    ...withTaps(
      `hooks.fingerprint.tap((leaves) => [...leaves, { name: "oven", value: require("node:fs").readFileSync("oven", "utf8") }]);`,
    ),
    oven: "gas",
  });
  await p.bt("bake");
  expect((await p.bt("-q", "bake")).exitCode).toBe(0);

  p.write("oven", "wood");

  expect((await p.bt("--why", "bake")).stdout).toContain("oven changed: gas → wood");
});

test("plan can make a task run or skip it", async () => {
  const p = await project(
    withTaps(
      `hooks.plan.tap((step) => (step.action === "skip" ? { action: "run", because: [{ kind: "forced" }] } : step));`,
    ),
  );
  await p.bt("bake");

  expect((await p.bt("bake")).stdout).toContain("it is forced");
});

test("command rewrites every process, execute replaces the task", async () => {
  const p = await project(
    withTaps(`hooks.command.tap((command) => ({ ...command, file: "sh", args: ["-c", "echo instead"] }));`),
  );
  const q = await project(
    withTaps(
      `hooks.execute.tap(() => ({ value: "bought" })); hooks.afterTask.tap((job, finished) => note(String(finished.value)));`,
    ),
  );

  expect((await p.bt("bake")).stdout).toContain("\ninstead\n");
  expect((await q.bt("bake")).exitCode).toBe(0);
  expect(q.read("calls")).toBe("bought\n");
});

test("publish may refuse, and a failed validation keeps it from being asked", async () => {
  const p = await project({
    "builderfile.ts": `import { appendFileSync } from "node:fs"; import { defineBuilder, task, validation } from "builderfile";
export default defineBuilder({ apply: (hooks) => hooks.publish.tap((references) => appendFileSync("calls", references.join() + "\\n")), tasks: {
  taste: task({ run: "test -e good" }),
  push: task({ needs: [validation("taste")], run: async ({ publishing }) => { await publishing(["shop/loaf"]); appendFileSync("calls", "pushed\\n"); } }),
} });`,
  });

  expect((await p.bt("-j1", "push")).exitCode).toBe(1);
  expect(p.exists("calls")).toBe(false);
  p.write("good", "");
  expect((await p.bt("-j1", "push")).exitCode).toBe(0);
  expect(p.read("calls")).toBe("shop/loaf\npushed\n");
});

test("a tap of graph connects a task that was not asked for, with all it needs, and its result arrives", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, definePlugin, task } from "builderfile";
const mill = task({ inputs: [], run: () => "flour" });
const dough = task({ needs: { mill }, run: ({ needs }) => needs.mill + " dough" });
const loaf = task({ run: ({ needs, log }) => log.info("from " + needs.base) });
const baker = definePlugin({ name: "baker", tasks: {}, apply: (hooks) =>
  hooks.graph.tap((graph, { tasks, connect }) => connect(graph, [{ from: "loaf", as: "base", need: { need: tasks.get("dough").task, kind: "result" } }])) });
export default defineBuilder({ plugins: [baker], tasks: { mill, dough, loaf } });`,
  });

  const result = await p.bt("loaf");

  expect(result.stdout).toContain("from flour dough");
  expect(result.stdout).toContain("3 ran");
});

test("a plugin that tasks bring is applied once", async () => {
  const p = await project({
    "builderfile.ts": `import { appendFileSync } from "node:fs";
import { defineBuilder, definePlugin, task } from "builderfile";
const spy = definePlugin({ name: "spy", tasks: {}, apply: (hooks) => hooks.afterRun.tap(() => appendFileSync("calls", "1")) });
const bake = task({ brings: spy, run: "true" });
export default defineBuilder({ tasks: { bake, brew: task({ brings: spy, needs: [bake], run: "true" }) } });`,
  });

  expect((await p.bt("brew")).exitCode).toBe(0);

  expect(p.read("calls")).toBe("1");
});

test("a plugin that is brought by a task of a tap is applied too", async () => {
  const p = await project({
    "builderfile.ts": `import { appendFileSync } from "node:fs";
import { defineBuilder, definePlugin, task } from "builderfile";
const spy = definePlugin({ name: "spy", tasks: {}, apply: (hooks) => hooks.afterRun.tap(() => appendFileSync("calls", "1")) });
const maker = definePlugin({ name: "maker", tasks: {}, apply: (hooks) => hooks.tasks.tap((tasks) => [...tasks, { name: "bake", task: task({ brings: spy, run: "true" }) }]) });
export default defineBuilder({ plugins: [maker] });`,
  });

  expect((await p.bt("bake")).exitCode).toBe(0);

  expect(p.read("calls")).toBe("1");
});

testWith("git")("what is published from changed files is said to be, with the commit", async () => {
  const p = await project({ ...withTaps(""), flour: "rye\n", ".gitignore": ".bt\ncalls\n" });
  const git = (...words: readonly string[]): Promise<string> =>
    run("git", ["-C", p.root, "-c", "user.name=baker", "-c", "user.email=baker@example.org", ...words]);
  await git("init", "-q");
  await git("add", ".");
  await git("commit", "-qm", "Bake");
  const commit = (await git("rev-parse", "HEAD")).slice(0, 12);
  const clean = await p.bt("bake");

  p.write("flour", "wheat\n");
  const changed = await p.bt("-B", "bake");

  expect(clean.stdout).not.toContain("Warning");
  expect(changed.stdout).toContain(
    `Warning: "bake" publishes what is not at commit ${commit}: files have changed since`,
  );
});
