/** bts below make that fail, throw or are killed, over and over: make has all its slots back each time. */
import * as fs from "node:fs";
import { expect } from "vitest";
import { bt, makeProject, type MakeProject } from "../support/make.ts";
import { endProcess } from "../support/processes.ts";
import { removeFolder } from "../support/temporary.ts";
import { withTasks } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

const test = testWith("make");

/** bts below each make, and makes for each way to end: seven ways are 280 rounds. */
const [crowd, makes] = [4, 10];
const numbers = Array.from({ length: crowd }, (_, at) => at);

/** Each bt has four tasks of its own, which write a line when they start. */
function tasks(fieldsOf: (file: string) => string): string {
  const cells = `{ n: ["1", "2", "3", "4"] }`;
  return withTasks(
    Object.fromEntries(numbers.map((at) => [`t${at}`, `task({ matrix: ${cells}, ${fieldsOf(`started-${at}`)} })`])),
  );
}

function shell(end: string): string {
  return tasks((file) => `run: ${JSON.stringify(`echo s >> ${file}; sleep 0.02; ${end}`)}`);
}

/** Two slots for each bt, beside a job that lasts until all of them have ended. */
const rules = `names := ${numbers.map((at) => `b${at}`).join(" ")}
.PHONY: other $(names)
$(names): b%: ; -+@echo $$$$ > pid-$*.new; mv pid-$*.new pid-$*; exec $(BT) -k t$*
other: ; @until [ -e over -o ! -e Makefile ]; do sleep 0.01; done`;

/** What make says when it has ended. Every bt is left to `end`, which is given its process. */
async function runBelow(
  p: MakeProject,
  end: (pid: number, at: number) => Promise<void>,
  { bts, jobs } = { bts: crowd, jobs: 1 + 2 * crowd },
): Promise<string> {
  for (const name of fs.readdirSync(p.root)) if (/^(started|pid|over)/.test(name)) removeFolder(`${p.root}/${name}`);
  const settings = { env: { BT: bt }, program: ["make"] };
  const { child, ended } = p.start(
    settings,
    "-s",
    `-j${jobs}`,
    "other",
    ...numbers.slice(0, bts).map((at) => `b${at}`),
  );
  const make = child.pid ?? 0;
  await Promise.all(
    numbers.slice(0, bts).map(async (at) => {
      await so(() => p.exists(`pid-${at}`));
      const pid = Number(p.read(`pid-${at}`));
      await end(pid, at);
      await so(() => !isBt(pid));
    }),
  );
  await so(() => !hasGuard(make));
  p.write("over", "");
  const { stderr, exitCode } = await ended;
  expect(exitCode).toBe(0);
  return stderr;
}

/** Without a limit of its own: the test has one. */
async function so(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Still the process that make has started: its number may be somebody else's by now. */
function isBt(pid: number): boolean {
  const command = readProcess(pid, "cmdline");
  return command.includes("bt.cjs") || command.includes("pid-"); // Before and after `exec`.
}

/** A process that holds the pipe of that make to give back what a killed bt held. */
function hasGuard(make: number): boolean {
  const pipes = [linkOf(make, 3), linkOf(make, 4)];
  return fs
    .readdirSync("/proc")
    .map(Number)
    .some((pid) => {
      if (!(pid > 0 && readProcess(pid, "cmdline").includes("while IFS= read -r line"))) return false;
      const held = linkOf(pid, 3);
      return held !== undefined && pipes.includes(held);
    });
}

function readProcess(pid: number, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // It has ended meanwhile.
  }
}

function linkOf(pid: number, descriptor: number): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

const minutes = 60_000;

test.each([
  ["tasks that fail", shell("exit 3")],
  [
    "tasks that throw",
    tasks((file) => `run: async ({ $ }) => { await $\`echo s >> ${file}; sleep 0.02\`; throw new Error("away"); }`),
  ],
  ["tasks that last too long", tasks((file) => `timeoutMs: 20, run: "echo s >> ${file}; exec sleep 600"`)],
])("40 bts with %s: make misses no slot", { timeout: 10 * minutes }, async (_, builderfile) => {
  const p = await makeProject(builderfile, rules);

  for (let round = 0; round < makes; round++) expect(await runBelow(p, async () => {})).not.toContain("INTERNAL");
});

const started = (p: MakeProject, at: number): number =>
  p.exists(`started-${at}`) ? p.read(`started-${at}`).length / 2 : 0;

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "40 bts that %s ends at some moment: make misses no slot",
  { timeout: 10 * minutes },
  async (signal) => {
    const p = await makeProject(shell("true"), rules);

    for (let round = 0; round < makes; round++) {
      const stderr = await runBelow(p, async (pid, at) => {
        // From "not even loaded" to "the last task has started".
        const after = (round + 2 * at) % 5;
        await so(() => started(p, at) >= after || !isBt(pid));
        if (isBt(pid)) endProcess(pid, signal);
      });

      expect(stderr).not.toContain("INTERNAL");
    }
  },
);

// Between taking a byte and telling the guard, a kill costs it: so these bts have all that there is, and wait.
test(
  "40 bts that are killed while they hold one to eight slots: make misses none",
  { timeout: 10 * minutes },
  async () => {
    const cells = `{ n: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"] }`;
    const run = JSON.stringify("echo s >> started-0; until [ -e over -o ! -e Makefile ]; do sleep 0.01; done");
    const p = await makeProject(withTasks({ t0: `task({ matrix: ${cells}, run: ${run} })` }), rules);

    for (let round = 0; round < 40; round++) {
      const held = 1 + (round % 8);
      const stderr = await runBelow(
        p,
        async (pid) => {
          await so(() => started(p, 0) === 1 + held);
          process.kill(pid, "SIGKILL");
        },
        { bts: 1, jobs: 2 + held },
      );

      expect(stderr).not.toContain("INTERNAL");
    }
  },
);
