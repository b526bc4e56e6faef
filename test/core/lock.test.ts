import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { acquireLock } from "../../core/lock.ts";
import { until } from "../support/processes.ts";
import { project, withTasks } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";

const patient = new AbortController().signal;

test("a lock that is free is taken at once, and released", async () => {
  const folder = path.join(await temporaryFolder(), "locks");

  const lock = await acquireLock(folder, "bake:a/b", patient);
  expect(lock.waited).toBe(false);
  expect(fs.readdirSync(folder)).toHaveLength(1);
  lock.release();

  expect(fs.readdirSync(folder)).toEqual([]);
});

test("a lock that is held is waited for", async () => {
  const folder = await temporaryFolder();
  const first = await acquireLock(folder, "bake", patient);

  const second = acquireLock(folder, "bake", patient);
  await expect(
    Promise.race([second, new Promise((resolve) => setImmediate(() => resolve("still waiting")))]),
  ).resolves.toBe("still waiting");
  first.release();

  expect((await second).waited).toBe(true);
});

test("waiting ends with its signal", async () => {
  const folder = await temporaryFolder();
  await acquireLock(folder, "bake", patient);
  const cancel = new AbortController();

  const second = acquireLock(folder, "bake", cancel.signal);
  cancel.abort(new Error("enough"));

  await expect(second).rejects.toThrow("enough");
});

test("the lock of a process that is gone is taken over", async () => {
  const folder = await temporaryFolder();
  const child = spawn("true");
  await new Promise((resolve) => child.once("close", resolve));
  fs.symlinkSync(`${child.pid}:1`, path.join(folder, "bake"));

  const lock = await acquireLock(folder, "bake", patient);

  expect(lock.waited).toBe(true);
  expect(fs.readlinkSync(path.join(folder, "bake"))).toContain(`${process.pid}:`);
});

test("a bt that was killed while it removed a stale lock leaves nothing that others wait for", async () => {
  const folder = await temporaryFolder();
  const child = spawn("true");
  await new Promise((resolve) => child.once("close", resolve));
  for (const name of ["bake", "bake.breaking"]) fs.symlinkSync(`${child.pid}:1`, path.join(folder, name));

  await acquireLock(folder, "bake", patient);

  expect(fs.readdirSync(folder)).toEqual(["bake"]);
});

test("the lock of a process whose number another one has got is taken over", async () => {
  const folder = await temporaryFolder();
  fs.symlinkSync(`${process.pid}:1`, path.join(folder, "bake"));

  await acquireLock(folder, "bake", patient);

  expect(fs.readlinkSync(path.join(folder, "bake"))).not.toBe(`${process.pid}:1`);
});

test("releasing a lock that somebody has removed is no failure", async () => {
  const folder = await temporaryFolder();
  const lock = await acquireLock(folder, "bake", patient);
  fs.rmSync(folder, { recursive: true });

  expect(() => lock.release()).not.toThrow();
});

test("of two bts at once, one bakes, and the other one finds it baked", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], outputs: ["cake"], run: "echo baked >> log; until test -e open; do sleep 0.01; done; cp flour cake" })`,
    }),
    flour: "1",
  });
  onTestFinished(() => p.write("open", ""));

  const one = p.start({}, "bake");
  await until(() => p.exists("log"));
  const other = p.start({}, "--output=json", "bake");
  let stdout = "";
  other.child.stdout?.on("data", (text: string) => (stdout += text));
  await until(() => stdout.includes('"deciding"'));
  p.write("open", "");
  const ended = await Promise.all([one.ended, other.ended]);

  expect(ended.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [0, ""],
    [0, ""],
  ]);
  expect(p.read("log")).toBe("baked\n");
});
