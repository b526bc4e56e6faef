/** The live view on a terminal that only remembers bytes. The screen itself is looked at in terminal.test.ts. */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createLiveReporter, type LiveOptions } from "../../core/report/live.ts";
import { burnt, done, finished, running, said, stamp, started, type Happening } from "./events.ts";

/** A reporter whose clock and frames the test steps. */
function live(options: Partial<LiveOptions> = {}): {
  bytes: () => string;
  text: () => string;
  tell: (happenings: readonly Happening[]) => void;
  tick: () => Promise<void>;
  stdout: NodeJS.WriteStream;
  isTicking: () => boolean;
  nowMs: number;
  end: () => void;
} {
  const bytes: string[] = [];
  let tick = async (): Promise<void> => {};
  let isTicking = false;
  const stdout = fakeTerminal((text) => bytes.push(text));
  const reporter = createLiveReporter({
    write: (text) => stdout.write(text),
    stdout,
    stderr: fakeTerminal((text) => bytes.push(text)),
    now: () => world.nowMs,
    every: (_, next) => {
      [tick, isTicking] = [next, true];
      return () => void (isTicking = false);
    },
    ...options,
  });
  const world = {
    nowMs: 0,
    stdout,
    bytes: () => bytes.join(""),
    text: () => bytes.join("").replaceAll(/\u001B\[[?\d]*[a-zA-Z]/g, ""),
    tell: (happenings: readonly Happening[]) => stamp(happenings).forEach(reporter.event),
    tick: () => tick(),
    isTicking: () => isTicking,
    end: () => void reporter.end?.(),
  };
  return world;
}

function fakeTerminal(take: (text: string) => void): NodeJS.WriteStream {
  const stream: unknown = Object.assign(new PassThrough(), {
    columns: 60,
    rows: 10,
    isTTY: true,
    write: (text: string) => (take(text), true),
  });
  return stream as NodeJS.WriteStream; // Only these are used of it.
}

test("a run that ends before the first frame shows no window", () => {
  const world = live();

  world.tell(burnt);

  expect(world.bytes()).toBe(`✖ bake failed after 1.2 s
$ bake --hot
smoke!
fire!
bt: \`bake --hot\` ended with 3
  at   task "bake"
  log  .bt/runs/r1/bake.log
  so   "oven" did not run
  fix  Use less heat.
bt: 1 ran, 1 failed, 1 blocked in 4.2 s
`);
  expect(world.isTicking()).toBe(false);
});

test("the window is drawn, redrawn in place, and gone at the end with the cursor back", async () => {
  const world = live();
  world.tell([
    started({ targets: ["oven", "shop"] }),
    { kind: "graph-ready", tasks: [{ task: "oven", needs: [] }] },
    { ...running("oven"), atMs: 1000 },
    said("oven", "warming"),
  ]);

  world.nowMs = 3000;
  await world.tick();
  world.tell([said("oven", "hot")]);
  await world.tick();
  world.tell([done("oven"), finished({ ran: 1 })]);

  const frame = (spinner: string, last: string): string =>
    `\x1B[K${spinner} oven  2 s  ${last}\n\x1B[K0/1 · 1 running · 3 s\n\x1B[J`;
  const shown = (body: string): string => `\x1B[?2026h\r${body}\x1B[?7h\x1B[?2026l`;
  expect(world.bytes()).toBe(
    [
      "\x1B[?25l",
      shown(`\x1B[?7l${frame("⠙", "warming")}`),
      shown(`\x1B[2A\x1B[?7l${frame("⠹", "hot")}`),
      shown("\x1B[2A\x1B[K\n\x1B[J\x1B[A✔ oven in 1.2 s (it has never run)\nwarming\nhot\n\x1B[?7l"),
      "\x1B[?25h",
      "bt: 1 ran in 4.2 s\n",
    ].join(""),
  );
});

test("failures, warnings and what a task says appear above the window at once", async () => {
  const world = live();
  world.tell([started(), running("mix"), running("bake")]);
  await world.tick();

  world.tell([
    said("mix", "dough ready", "info"),
    said("mix", "stirring"),
    { kind: "warning", text: "No history" },
    said("bake", "smoke!"),
    done("bake", "failed"),
    done("mix"),
  ]);
  await world.tick();

  expect(world.text().split("\r").at(-1)).toBe(
    "\nmix | dough ready\nbt: Warning: No history\n✖ bake failed after 1.2 s\nsmoke!\n✖ failed: bake\n2/0 · 0 running · 1 failed · 0 s\n",
  );
});

test.each([
  ["failures", ""],
  ["targets", "✔ oven:rye in 1.2 s\nrye\n"],
  ["all", "✔ mix in 1.2 s\nstirring\n✔ oven:rye in 1.2 s\nrye\n"],
] as const)("show: %s", (show, above) => {
  const world = live({ show });

  world.tell([
    started(),
    {
      kind: "graph-ready",
      tasks: [
        { task: "mix", needs: [] },
        { task: "oven:rye", group: "oven", needs: [] },
      ],
    },
    said("mix", "stirring"),
    done("mix"),
    said("oven:rye", "rye"),
    done("oven:rye"),
    finished({ ran: 2 }),
  ]);

  expect(world.bytes()).toBe(`${above}bt: 2 ran in 4.2 s\n`);
});

test("what others write to the streams appears above the window in whole lines", async () => {
  const world = live();
  world.tell([started(), running("oven")]);
  await world.tick();

  world.stdout.write("half");
  await world.tick();
  const before = world.bytes().includes("half");
  world.stdout.write(" and whole\nrest");
  await world.tick();
  world.end();

  expect(before).toBe(false);
  expect(world.bytes()).toContain("\x1B[Ahalf and whole\n\x1B[?7l");
  expect(world.bytes().endsWith("\x1B[Arest\n\x1B[?7l\x1B[?7h\x1B[?2026l\x1B[?25h")).toBe(true);
});

test("the end of a failed task's long output is shown, with the place of all of it", () => {
  const world = live();
  const text = Array.from({ length: 1000 }, (_, index) => `line ${index + 1}`).join("\n");

  world.tell([started(), running("mix"), said("mix", text), done("mix", "failed", { log: "mix.log" })]);

  expect(world.bytes().split("\n").slice(0, 3)).toEqual([
    "✖ mix failed after 1.2 s",
    "(970 lines before, all in mix.log)",
    "line 971",
  ]);
});

test("a run that ends while listr2 is loaded leaves the terminal as it was", async () => {
  const world = live();
  world.tell([started(), running("mix")]);

  const frame = world.tick();
  world.end();
  await frame;

  expect(world.text()).toBe("");
  expect(world.bytes().endsWith("\x1B[?25h")).toBe(true);
});

test("an only target shows its lines as they come", async () => {
  const world = live();
  world.tell([
    started(),
    running("mix"),
    said("mix", "stirring"),
    done("mix"),
    running("oven"),
    said("oven", "warming"),
  ]);
  const early = world.bytes();
  await world.tick();

  world.tell([
    said("oven", "smoke!"),
    done("oven", "failed", { failure: { code: "X", problem: "It burnt", detail: ["smoke!"], exitCode: 1 } }),
    finished({ ran: 1, failed: 1 }, { exitCode: 1 }),
  ]);

  expect(early).toBe("▸ oven (it has never run)\nwarming\n");
  expect(world.text().slice(early.length)).toBe(
    "\r⠙ oven  0 s\n1/0 · 1 running · 0 s\n\r\nsmoke!\n✖ oven failed after 1.2 s\nbt: It burnt\n  task oven\nbt: 1 ran, 1 failed in 4.2 s\n",
  );
});

test("a task that owns the terminal has it without a window", async () => {
  const world = live();
  const owner: Happening = Object.assign(running("taste"), { console: true });
  world.tell([started(), running("mix")]);
  await world.tick();

  world.tell([owner]);
  const given = world.bytes();
  await world.tick();
  const meanwhile = world.bytes();
  world.tell([done("taste")]);
  await world.tick();

  expect(given.endsWith("\x1B[?25h")).toBe(true);
  expect(meanwhile).toBe(given);
  expect(world.bytes().slice(given.length)).toContain("mix  0 s");
});

test("the window follows the size of the terminal", async () => {
  const world = live();
  world.tell([started({ targets: ["oven", "shop"] }), running("oven"), said("oven", "warming ".repeat(20))]);
  await world.tick();

  Object.assign(world.stdout, { columns: 30 });
  await world.tick();

  expect(world.bytes().split("\x1B[?7l").at(-1)).toMatch(
    /^\x1B\[K⠹ oven {2}0 s {2}warming warming…\n\x1B\[K0\/0 · 1 running · 0 s\n/,
  );
  expect(world.bytes()).toContain("\r\x1B[3A");
});

test("of 1,000 tasks no frame draws more than a window", async () => {
  const world = live();
  const tasks = Array.from({ length: 1000 }, (_, index) => ({
    task: `task-${index}`,
    needs: [],
    expectedMs: 100,
    ...(index % 2 === 0 ? { group: "even" } : {}),
  }));
  const happenings = tasks.flatMap(({ task }) => [
    running(task),
    said(task, `$ echo ${task}`, "command"),
    said(task, `${task} says something of usual length`),
    done(task),
  ]);
  world.tell([started(), { kind: "graph-ready", tasks }, running("long")]);
  await world.tick();

  let most = 0;
  for (let index = 0; index < happenings.length; index += 40) {
    world.tell(happenings.slice(index, index + 40));
    if (index % 400 !== 0) continue;
    const before = world.bytes().length;
    await world.tick();
    most = Math.max(most, world.bytes().length - before);
  }

  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(24 * 120);
});
