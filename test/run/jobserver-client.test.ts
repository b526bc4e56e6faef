/** bt below make: job slots are taken from make's pool and come back, whatever ends bt; a pool that is none is left alone. */
import * as fs from "node:fs";
import * as os from "node:os";
import { expect } from "vitest";
import { bt, makeProject } from "../support/make.ts";
import { announcesPath } from "../support/make-version.ts";
import { until } from "../support/processes.ts";
import { program, project, withTasks, type Result } from "../support/project.ts";
import { job, makeJobs, readCrowd } from "../support/stamps.ts";
import { testWith } from "../support/tool.ts";

const test = testWith("make");

function cells(count: number): string {
  return `{ n: ${JSON.stringify(Array.from({ length: count }, (_, at) => String(at)))} }`;
}
/** Two matrix tasks and what both need; `most` jobs run at the same time. */
function crowd(most: number): string {
  return withTasks({
    base: `task({ inputs: [], outputs: ["base.txt"], run: "echo base >> based; touch base.txt" })`,
    left: `task({ needs: ["base"], matrix: ${cells(6)}, run: ${JSON.stringify(job(most))} })`,
    right: `task({ needs: ["base"], matrix: ${cells(6)}, run: ${JSON.stringify(job(most))} })`,
  });
}

test("two targets of one make -j4 run the task they share once, and never more than four jobs", async () => {
  const p = await makeProject(crowd(4));

  const result = await p.make("-j4", "left", "right");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("based")).toBe("base\n");
  expect(readCrowd(p)).toEqual({ most: 4, jobs: 12 });
});

test("jobs of make and jobs of bt together are never more than make allows", async () => {
  const p = await makeProject(crowd(3), `own: jobs\n${makeJobs(6, 3)}`);

  const result = await p.make("-j3", "own", "left");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p)).toEqual({ most: 3, jobs: 12 });
});

test("-j without a number is bt's own default", async () => {
  const most = os.availableParallelism();
  const all = cells(most + 2);
  const p = await makeProject(withTasks({ left: `task({ matrix: ${all}, run: ${JSON.stringify(job(most))} })` }));

  const result = await p.make("-j", "left");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p)).toEqual({ most, jobs: most + 2 });
});

test("bt's own --jobs bounds it further", async () => {
  const p = await makeProject(crowd(2), `mine: ; +@$(BT) -j2 left`);

  const result = await p.make("-j4", "mine");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p)).toEqual({ most: 2, jobs: 6 });
});

const warning = `bt: Warning: The jobserver that make announced cannot be used\n  fix  Write "+" before the bt command in the Makefile.\n`;

const alone = announcesPath
  ? "without + bt shares the pool of a make that announces a path, and misses nothing"
  : "without + bt runs one task at a time, and says once what is missing";
test(alone, async () => {
  const most = announcesPath ? 4 : 1;
  const p = await makeProject(crowd(most), `mine: ; @$(BT) left`);

  const result = await p.make("-j4", "mine");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout.split(warning).length).toBe(announcesPath ? 1 : 2);
  expect(readCrowd(p)).toEqual({ most, jobs: 6 });
});

const pipe = " -j4 --jobserver-auth=3,4";

test.each<readonly [string, string, string]>([
  ["a file and a device", pipe, "3<builderfile.ts 4>/dev/null"],
  ["closed", pipe, "3<&- 4>&-"],
  ["two pipes", pipe, "3<>a 4<>b"],
  ["a pipe that nobody above holds", pipe, "3<>a 4<>a"],
  ["a path that is missing", " -j4 --jobserver-auth=fifo:/nowhere/pool", ""],
  ["a path that is a file", " -j4 --jobserver-auth=fifo:builderfile.ts", ""],
])(
  "what is announced is %s: not joined, nothing is read from it, and bt is serial",
  async (_, makeflags, redirections) => {
    const p = await project({ "builderfile.ts": crowd(1) });
    // exec: the shell would hold the pipes as well, and be somebody above.
    const script = `mkfifo a b; MAKEFLAGS='${makeflags}' MAKELEVEL=1; export MAKEFLAGS MAKELEVEL; exec ${bt} left ${redirections}`;

    const result = await p.btWith({ program: ["sh", "-c"] }, script);

    expect(result.exitCode).toBe(0);
    expect(result.stdout.split(warning).length).toBe(2);
    expect(readCrowd(p)).toEqual({ most: 1, jobs: 6 });
  },
);

test("what is announced is two sockets: not joined, and bt is serial", async () => {
  const p = await project({ "builderfile.ts": crowd(1) });
  const stdio = `["inherit", "inherit", "inherit", "pipe", "pipe"]`; // Node makes such pipes as sockets.
  const script = `require("node:child_process").spawn(process.execPath, [${JSON.stringify(program)}, "left"], { stdio: ${stdio} }).on("close", process.exit)`;
  const env = { MAKEFLAGS: pipe, MAKELEVEL: "1" };

  const result = await p.btWith({ env, program: [process.execPath, "-e"] }, script);

  expect(result.exitCode).toBe(0);
  expect(result.stdout.split(warning).length).toBe(2);
  expect(readCrowd(p)).toEqual({ most: 1, jobs: 6 });
});

test("of a pipe that nobody above holds nothing is taken", async () => {
  const p = await project({ "builderfile.ts": crowd(1) });
  // Beside bt, not above it.
  const holder = `exec 9<>pool; printf abc >&9; : > held; until [ -e over -o ! -e builderfile.ts ]; do sleep 0.01; done; dd bs=9 count=1 <&9 > left.bytes 2>&-`;
  const script = `mkfifo pool; (${holder}) & until [ -e held ]; do sleep 0.01; done; (MAKEFLAGS='${pipe}' MAKELEVEL=1; export MAKEFLAGS MAKELEVEL; exec ${bt} left 3<>pool 4<>pool); code=$?; : > over; wait; exit $code`;

  const result = await p.btWith({ program: ["sh", "-c"] }, script);

  expect(result.exitCode).toBe(0);
  expect(readCrowd(p)).toEqual({ most: 1, jobs: 6 });
  expect(p.read("left.bytes")).toBe("abc");
});

test.each([" -j4 --jobserver-auth=-2,-2", " -j4 --jobserver-auth=gmake_semaphore_7"])(
  "%s is no pool for us, and no reason for a warning",
  async (makeflags) => {
    const p = await project({ "builderfile.ts": crowd(1) });

    const result = await p.btWith({ env: { MAKEFLAGS: makeflags, MAKELEVEL: "1" } }, "left");

    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(result.stdout).not.toContain("Warning");
    expect(readCrowd(p)).toEqual({ most: 1, jobs: 6 });
  },
);

test("a pool with a path, as newer makes announce it, is joined, and every byte is put back", async () => {
  const p = await project({ "builderfile.ts": crowd(4) });
  const script = `mkfifo pool; exec 8<>pool; printf abc >&8; MAKEFLAGS=" -j4 --jobserver-auth=fifo:$PWD/pool" MAKELEVEL=1 ${bt} left; dd bs=9 count=1 <&8 2>&- > left.bytes`;

  const result = await p.btWith({ program: ["sh", "-c"] }, script);

  expect(result.stderr).toBe("");
  expect(readCrowd(p)).toEqual({ most: 4, jobs: 6 });
  expect(p.read("left.bytes").split("").sort().join("")).toBe("abc");
});

/** Make runs bt beside a job that lasts until bt has ended; make complains at its end if slots are missing. */
async function endBt(how: {
  /** With its guard, by SIGKILL. */
  readonly isKilled?: boolean;
  readonly after: number;
  readonly run?: string;
}): Promise<Result> {
  const { isKilled = false, after, run = job() } = how;
  const p = await makeProject(
    withTasks({ left: `task({ matrix: ${cells(10)}, run: ${JSON.stringify(run)} })` }),
    `both: mine other\nmine: ; -+@echo $$$$ > pid; exec $(BT) -k left\nother: ; @until [ -e over -o ! -e Makefile ]; do sleep 0.01; done`,
  );
  const { child, ended } = p.start({ env: { BT: bt }, program: ["make"] }, "-s", "-j5", "both");
  const guards = (): number[] => findGuards(child.pid ?? 0);
  await until(() => readCrowd(p).jobs >= after);
  const pid = Number(p.read("pid"));
  for (const victim of isKilled ? [...guards(), pid] : []) process.kill(victim, "SIGKILL");
  await until(() => !isRunning(pid) && guards().length === 0);
  p.write("over", "");
  return await ended;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Processes that hold the pipe of that make to give back what a killed bt held. */
function findGuards(make: number): number[] {
  const pipes = [findLink(make, 3), findLink(make, 4)].filter((link) => link !== undefined);
  return fs
    .readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && isGuard(pid) && pipes.some((pipe) => pipe === findLink(pid, 3)));
}

function isGuard(pid: number): boolean {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("while IFS= read -r line");
  } catch {
    return false; // It has ended meanwhile.
  }
}

function findLink(pid: number, descriptor: number): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

test("without the guard a bt that is killed keeps its slots: make complains, so tests of lost slots would notice", async () => {
  const run = "echo s >> log; until [ -e over -o ! -e Makefile ]; do sleep 0.01; done";

  const result = await endBt({ isKilled: true, after: 4, run });

  expect(result.stderr).toContain("INTERNAL: Exiting with");
});

test("with tasks that are killed make has all its slots back", async () => {
  const result = await endBt({ after: 1, run: `${job()}; kill -KILL $$` });

  expect(result.stderr).not.toContain("INTERNAL");
});

test("bt ends at once when the pool is empty", async () => {
  const p = await makeProject(
    withTasks({ left: `task({ matrix: ${cells(3)}, run: "touch started; exec sleep 600" })` }),
    `both: mine other\nmine: ; -+@echo $$$$ > pid; exec $(BT) left\nother: ; @until [ -e over -o ! -e Makefile ]; do sleep 0.01; done`,
  );
  const { ended } = p.start({ env: { BT: bt }, program: ["make"] }, "-s", "-j2", "both");
  await until(() => p.exists("started"));

  process.kill(Number(p.read("pid")), "SIGTERM");
  await until(() => !isRunning(Number(p.read("pid"))));
  p.write("over", "");

  expect((await ended).stderr).not.toContain("INTERNAL");
});
