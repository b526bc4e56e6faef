/** The shortcut of a run in which nothing has changed says what the long way says, after every kind of change. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { until } from "../support/processes.ts";
import { project, type Project } from "../support/project.ts";

const files = {
  "builderfile.ts": `import { defineBuilder, param, task } from "builderfile";
import { grams } from "./scale.ts";
const baker = process.env["BAKER"] ?? "nobody";
export default defineBuilder({ tasks: {
  bake: task({ description: "Bakes for " + baker, inputs: ["src/**/*.txt", "flour"], outputs: ["loaf"], env: ["OVEN"], tools: ["oven"], params: { salt: param.string({ default: "some" }) }, run: "cp flour loaf" }),
  weigh: task({ inputs: [], run: () => grams }),
  all: task({ needs: ["bake", "weigh"] }),
} });`,
  "scale.ts": `export const grams = 100;`,
  flour: "rye",
  "src/a.txt": "a",
  "src/deep/b.txt": "b",
  "tools/oven": "#!/bin/sh\n",
  "early/readme": "",
};

interface Bakery {
  readonly p: Project;
  readonly env: Record<string, string>;
}

/** Bakeries in which everything is older than what stamps distrust, and whose next up-to-date run takes the shortcut. */
async function settle(count: number): Promise<Bakery[]> {
  const bakeries = await Promise.all(
    Array.from({ length: count }, async (): Promise<Bakery> => {
      const p = await project(files);
      fs.chmodSync(path.join(p.root, "tools/oven"), 0o755);
      return { p, env: { PATH: `${p.root}/early:${p.root}/tools:${process.env["PATH"]}` } };
    }),
  );
  for (const { p, env } of bakeries) await p.btWith({ env }, "all");
  const builtMs = Date.now();
  await until(() => Date.now() - builtMs > 2100);
  for (const { p, env } of bakeries) {
    await p.btWith({ env }, "all");
    await p.btWith({ env }, "--list");
  }
  return bakeries;
}

const changes: Readonly<Record<string, (p: Project, env: Record<string, string>) => void>> = {
  "a touched input": (p) => fs.utimesSync(path.join(p.root, "flour"), 5, 5),
  "an edited input": (p) => p.write("flour", "oat"),
  "a file that a glob matches": (p) => p.write("src/deep/c.txt", "c"),
  "a folder with a file that a glob matches": (p) => p.write("src/new/c.txt", "c"),
  "a file that has gone": (p) => fs.rmSync(path.join(p.root, "src/a.txt")),
  "a removed output": (p) => fs.rmSync(path.join(p.root, "loaf")),
  "an edited output": (p) => p.write("loaf", "oat"),
  "a declared variable": (_, env) => void (env["OVEN"] = "hot"),
  "a variable that the builderfile reads": (_, env) => void (env["BAKER"] = "Ann"),
  "a param from the environment": (_, env) => void (env["SALT"] = "none"),
  "an imported module": (p) => p.write("scale.ts", "export const grams = 200;"),
  "the builderfile": (p) =>
    p.write("builderfile.ts", p.read("builderfile.ts").replace("cp flour loaf", "cp src/a.txt loaf")),
  "a tool": (p) => p.write("tools/oven", "#!/bin/sh\ntrue\n"),
  "a tool that stands before the old one on PATH": (p) =>
    fs.symlinkSync("../scale.ts", path.join(p.root, "early/oven")),
  "the state": (p) => fs.rmSync(path.join(p.root, ".bt/state.log")),
};

test("after every kind of change both ways say the same", async () => {
  const names = Object.keys(changes);
  const bakeries = await settle(names.length);

  for (const [at, name] of names.entries()) {
    const { p, env } = bakeries[at]!;
    expect((await p.btWith({ env }, "all")).stdout).toBe("bt: Nothing to do: 2 tasks are up to date\n");
    changes[name]?.(p, env);
    const long = { ...env, BT_SHORTCUT: "off" };
    const [list, question] = [await p.btWith({ env: long }, "--list"), await p.btWith({ env: long }, "-q", "all")];
    const [shownList, run] = [await p.btWith({ env }, "--list"), await p.btWith({ env }, "all")];
    expect({ name, list: shownList.stdout, hasRun: /\d (ran|restored)/.test(run.stdout) }).toEqual({
      name,
      list: list.stdout,
      hasRun: question.exitCode === 1,
    });
    expect((await p.btWith({ env: long }, "all")).stdout).toBe("bt: Nothing to do: 2 tasks are up to date\n");
  }
});

/** Node's own modules that a run loads, besides those of a program that only imports node:fs. */
async function loadedModules({ p, env }: Bakery, ...argv: string[]): Promise<string[]> {
  p.write(
    "spy.cjs",
    `process.on("exit", () => require("node:fs").writeSync(2, process.moduleLoadList.filter((name) => name.startsWith("NativeModule")).join("\\n")));`,
  );
  p.write("nothing.cjs", `Object.values(require("node:fs"));`); // Importing its members loads fs.Dir, late in newer Nodes.
  const settings = { env: { ...env, NODE_OPTIONS: `--require ${p.root}/spy.cjs` } };
  const nothing = await p.btWith({ ...settings, program: [process.execPath] }, `${p.root}/nothing.cjs`);
  const { stderr } = await p.btWith(settings, ...argv);
  const usual = new Set(nothing.stderr.split("\n"));
  return stderr.split("\n").filter((name) => !usual.has(name));
}

test("the list and an up-to-date run load no module but node:fs", async () => {
  const [bakery] = await settle(1);

  expect(await loadedModules(bakery!, "--list")).toEqual([]);
  expect(await loadedModules(bakery!, "all")).toEqual([]);
  expect(await loadedModules(bakery!, "all", "-B")).not.toEqual([]); // The spy works.
});

test("a settings file that appears, changes or goes is seen", async () => {
  const [{ p, env }] = (await settle(1)) as [Bakery];

  p.write(".config/bt/config.json", `{"jobs": 0}`);
  expect((await p.btWith({ env }, "all")).exitCode).toBe(2);
  p.write(".config/bt/config.json", `{"output": "json"}`);
  for (let n = 0; n < 2; n++) expect((await p.btWith({ env }, "all")).stdout).toMatch(/"kind":"run-finished"/);
  fs.rmSync(path.join(p.root, ".config"), { recursive: true });
  expect((await p.btWith({ env }, "all")).stdout).toBe("bt: Nothing to do: 2 tasks are up to date\n");
});

test("settings that ask for JSON get it from every up-to-date run", async () => {
  const p = await project({ ...files, ".config/bt/config.json": `{"output": "json"}` });
  const env = { PATH: `${p.root}/tools:${process.env["PATH"]}` };
  fs.chmodSync(path.join(p.root, "tools/oven"), 0o755);
  await p.btWith({ env }, "all");
  const builtMs = Date.now();
  await until(() => Date.now() - builtMs > 2100);

  for (const argv of [["all"], ["--output=grouped", "all"], ["all"]]) await p.btWith({ env }, ...argv);

  expect((await p.btWith({ env }, "all")).stdout).toMatch(/"kind":"run-finished"/);
});

test("a number after -j is no task that was once up to date", async () => {
  const [{ p, env }] = (await settle(1)) as [Bakery];
  await p.btWith({ env }, "-j", "2", "all");

  expect((await p.btWith({ env }, "2", "all")).exitCode).toBe(2);
  expect((await p.btWith({ env }, "-j0", "all")).exitCode).toBe(2);
});

test("an evaluation that reads what cannot be tracked never takes the shortcut, and its functions always run", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile"; import { execSync } from "node:child_process"; const version = String(execSync("cat VERSION")); export default defineBuilder({ tasks: { print: task({ inputs: [], run: ({ log }) => log.info(version) }) } });`,
    VERSION: "1",
  });
  await p.bt("print");

  p.write("VERSION", "2");

  expect((await p.bt("print")).stdout).toContain("2");
});

test("the builderfile is read in its own folder, wherever bt is called", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile"; import { readFileSync } from "node:fs"; const version = readFileSync("VERSION", "utf8"); export default defineBuilder({ tasks: { print: task({ run: ({ log }) => log.info(version + readFileSync("VERSION", "utf8")) }) } });`,
    VERSION: "1",
    "deep/down/VERSION": "2",
  });

  expect((await p.btWith({ cwd: "deep/down" }, "print")).stdout).toContain("\n11\n");
});

/** Two tasks without inputs, which look at what they say they have looked at. */
const asking = {
  "builderfile.ts": `import { existsSync } from "node:fs";
import { defineBuilder, task } from "builderfile";
const ask = (name) => task({
  evidence: async () => [{ kind: existsSync(name) ? "file" : "absent", path: name }],
  says: (value) => name + " is " + value,
  run: ({ log, root }) => { const value = existsSync(root + "/" + name) ? "there" : "missing"; log.info("looked: " + value); return value; },
});
export default defineBuilder({ tasks: { askFlour: ask("flour"), askSalt: ask("salt"), mute: task({ run: "true" }) } });`,
};

test("a task without inputs that gives evidence says what it said last time, until that is no longer true", async () => {
  const p = await project(asking);
  const madeMs = Date.now();
  await until(() => Date.now() - madeMs > 2100);

  const [first, again] = [await p.bt("askFlour"), await p.bt("askFlour")];
  await p.bt("askFlour", "askSalt");
  const both = await p.bt("askSalt", "askFlour"); // The order of what is asked for is part of the question.
  const bothAgain = await p.bt("askSalt", "askFlour");
  const silent = await p.bt("-s", "askSalt", "askFlour");
  const prefixed = await p.bt("--output=prefixed", "askSalt", "askFlour");
  const bare = await p.bt("--output=none", "askSalt", "askFlour");
  p.write("flour", "rye");
  const changed = await p.bt("askSalt", "askFlour");

  expect(first.stdout).toContain("looked: missing\nbt: 1 ran in ");
  expect(again.stdout).toBe("flour is missing\nbt: Nothing has changed since the last time\n");
  expect(both.stdout).toContain("bt: 2 ran in ");
  expect(bothAgain.stdout).toBe(
    "✔ askSalt as last time\nsalt is missing\n✔ askFlour as last time\nflour is missing\nbt: Nothing has changed since the last time\n",
  );
  expect(silent.stdout).toBe("");
  expect(prefixed.stdout).toContain("askSalt | looked: missing\n");
  expect(bare.stdout).not.toContain("missing");
  expect(changed.stdout).toContain("looked: there\n");
});

test("beside a task that gives no evidence every task without inputs runs", async () => {
  const p = await project(asking);
  const madeMs = Date.now();
  await until(() => Date.now() - madeMs > 2100);
  await p.bt("askFlour", "mute");

  expect((await p.bt("askFlour", "mute")).stdout).toContain("bt: 2 ran in ");
});
