/** Locks between processes: taken, waited for, taken over from who is gone, and from nobody else. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { acquireLock, findHolder, tryLock, type Lock } from "../../core/lock.ts";
import { processName } from "../../core/owner.ts";
import { until } from "../support/processes.ts";
import { project, withTasks } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** This process as a lock names it, with other facts. */
function nameWith(facts: {
  readonly pid?: number;
  readonly start?: string;
  readonly space?: string;
  readonly boot?: string;
  readonly host?: string;
}): string {
  const [, pid, start, space, boot, host] = /^(\d+)-(\w+)-(\w+)-(\w+)-(.+)$/.exec(processName())!;
  return Object.values({ pid, start, space, boot, host, ...facts }).join("-");
}

/** Number and start of a process that has ended. */
async function ended(): Promise<{ readonly pid: number; readonly start: string }> {
  const child = spawn("true");
  await new Promise((resolve) => child.once("close", resolve));
  return { pid: child.pid!, start: "1" };
}

/** A path for a lock that such a process has. */
async function lockOf(owner: string): Promise<string> {
  const file = path.join(await temporaryFolder(), "bake");
  fs.symlinkSync(owner, file);
  return file;
}

/** A lock that nothing has been heard of for long. */
function silence(file: string): void {
  const then = new Date(new Date().getTime() - 3600_000);
  fs.lutimesSync(file, then, then);
}

async function take(file: string): Promise<Lock> {
  const lock = await acquireLock(file);
  onTestFinished(lock.release);
  return lock;
}

function isTaken(file: string): boolean {
  const taken = tryLock(file);
  if ("release" in taken) onTestFinished(taken.release);
  return "release" in taken;
}

test("a lock that is free is taken at once, and released", async () => {
  const folder = path.join(await temporaryFolder(), "locks");

  const lock = await acquireLock(path.join(folder, "bake"));
  expect(lock.waited).toBe(false);
  expect(fs.readdirSync(folder)).toHaveLength(1);
  lock.release();

  expect(fs.readdirSync(folder)).toEqual([]);
});

test("a lock that is held is waited for, and its holder is named once", async () => {
  const file = path.join(await temporaryFolder(), "bake");
  const first = tryLock(file, "of ann since noon");
  const waits: unknown[] = [];

  const waiting = acquireLock(file, { onWait: (holder) => waits.push(holder) });
  await until(() => waits.length > 0);
  if ("release" in first) first.release();
  const second = await waiting;
  second.release();

  expect(second.waited).toBe(true);
  expect(waits).toEqual([{ pid: process.pid, note: "of ann since noon" }]);
});

test("waiting ends with its signal", async () => {
  const file = path.join(await temporaryFolder(), "bake");
  await take(file);
  const cancel = new AbortController();

  const second = acquireLock(file, { signal: cancel.signal });
  cancel.abort(new Error("enough"));

  await expect(second).rejects.toThrow("enough");
});

test("the lock of a process that is gone is taken over", async () => {
  const file = await lockOf(nameWith(await ended()));
  expect(findHolder(file)).toBe(undefined);

  const lock = await take(file);

  expect(lock.waited).toBe(true);
  expect(fs.readlinkSync(file)).toBe(processName());
});

test("who was killed while it removed a stale lock leaves nothing that others wait for", async () => {
  const owner = nameWith(await ended());
  const file = await lockOf(owner);
  for (const name of [".breaking", ".breaking.breaking"]) fs.symlinkSync(owner, `${file}${name}`);

  expect(isTaken(file)).toBe(true);

  expect(fs.readdirSync(path.dirname(file))).toEqual(["bake"]);
});

test("a stale lock that somebody else is removing belongs to that one", async () => {
  const file = await lockOf(nameWith(await ended()));
  fs.symlinkSync(`${processName()} remover`, `${file}.breaking`);

  expect(tryLock(file)).toEqual({ holder: { pid: process.pid, note: "remover" } });
});

test("of two that find the same stale lock, the slower one does not remove what the faster one has taken", async () => {
  const file = await lockOf(nameWith({ space: "1" }));
  silence(file);
  const clock = Date.now;
  onTestFinished(() => void (Date.now = clock));
  Date.now = () => {
    fs.rmSync(file); // The clock is asked between reading the lock and removing it.
    fs.symlinkSync(`${processName()} faster`, file);
    silence(file);
    return clock();
  };

  expect(tryLock(file)).toEqual({ holder: { pid: process.pid, note: "faster" } });
});

test.each([
  ["whose number another one has got", { start: "1" }],
  ["of an earlier boot", { boot: "0123456789ab" }],
])("the lock of a process %s is taken over", async (_, facts) => {
  expect(isTaken(await lockOf(nameWith(facts)))).toBe(true);
});

test("what is no lock is nobody's", async () => {
  const file = path.join(await temporaryFolder(), "bake");
  fs.writeFileSync(file, "{}");

  expect([findHolder(file), isTaken(file)]).toEqual([undefined, true]);
});

test.each([
  ["another container", { pid: 2147483647, space: "1" }],
  ["another machine", { pid: 2147483647, boot: "0123456789ab", host: "elsewhere" }],
])("the lock of a process of %s stays as long as it says that it is there", async (_, facts) => {
  const file = await lockOf(nameWith(facts));

  const before = [tryLock(file), findHolder(file)];
  silence(file);

  expect(before).toEqual([{ holder: { pid: 2147483647, note: "" } }, { pid: 2147483647, note: "" }]);
  expect([findHolder(file), isTaken(file)]).toEqual([undefined, true]);
});

test("who holds a lock says again and again that it is there", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const file = path.join(await temporaryFolder(), "bake");
  const lock = await acquireLock(file);
  silence(file);
  const before = fs.lstatSync(file).mtimeMs;

  vi.advanceTimersByTime(60_000);
  const after = fs.lstatSync(file).mtimeMs;
  lock.release();

  expect(after).toBeGreaterThan(before);
  expect(vi.getTimerCount()).toBe(0);
});

test("a process that has ended holds nothing, also when its parent does not know yet", async () => {
  const parent = spawn("sh", ["-c", "sleep 1000 & echo $!; exec sleep 1000"]);
  onTestFinished(() => void parent.kill("SIGKILL"));
  let said = "";
  parent.stdout.on("data", (text: Buffer) => (said += text));
  const isReady = (): boolean => fs.readFileSync(`/proc/${parent.pid}/comm`, "latin1") === "sleep\n"; // It hears of no end from now on.
  await until(() => said.endsWith("\n") && isReady());
  const pid = Number(said);
  const stat = (): string[] => fs.readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ");
  process.kill(pid, "SIGKILL");
  await until(() => stat()[0] === "Z");

  expect(isTaken(await lockOf(nameWith({ pid, start: stat()[19]! })))).toBe(true);
});

test("what keeps a lock from being taken is said at once, whether it is free or stale", async () => {
  const folder = await temporaryFolder();
  const longest = path.join(folder, "a".repeat(255)); // Nothing beside it can have a longer name.
  fs.symlinkSync(nameWith(await ended()), longest);
  fs.writeFileSync(path.join(folder, "file"), "");

  expect(() => tryLock(path.join(folder, "file/bake"))).toThrow("ENOTDIR");
  expect(() => tryLock(longest)).toThrow("ENAMETOOLONG");
});

test("releasing a lock that somebody has removed is no failure, and one that somebody else has got stays", async () => {
  const file = path.join(await temporaryFolder(), "bake");
  const [first, second] = [await acquireLock(file), await acquireLock(`${file}2`)];
  fs.rmSync(file);
  fs.rmSync(`${file}2`);
  fs.symlinkSync(nameWith({ pid: 1 }), `${file}2`);

  expect(() => first.release()).not.toThrow();
  second.release();

  expect(fs.readlinkSync(`${file}2`)).toBe(nameWith({ pid: 1 }));
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
