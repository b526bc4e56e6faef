/** What the plain reporter prints, whole. */
import { expect, test } from "vitest";
import { createPlainReporter, type PlainOptions } from "../../core/report/plain.ts";
import { burnt, done, finished, running, said, started, tell, type Happening } from "./events.ts";

function show(happenings: readonly Happening[], options: Partial<PlainOptions> = {}): string {
  let text = "";
  const reporter = createPlainReporter({ write: (more) => (text += more), mode: "grouped", ...options });
  tell(reporter, happenings);
  return text;
}

const ending = `bt: \`bake --hot\` ended with 3
  at   task "bake"
  log  .bt/runs/r1/bake.log
  so   "oven" did not run
  fix  Use less heat.
bt: 1 ran, 1 failed, 1 blocked in 4.2 s
`;

test("grouped: every task is a block, and the output of the failed one is printed once", () => {
  expect(show(burnt)).toBe(`✔ mix in 1.2 s (it has never run)
$ mix flour
stirring
smooth
✖ bake failed after 1.2 s
$ bake --hot
smoke!
fire!
${ending}`);
});

test("grouped: an only target comes as it happens, after its needs", () => {
  const text = show([
    started(),
    running("mix"),
    said("mix", "stirring"),
    done("mix"),
    running("oven"),
    said("oven", "warming"),
    done("oven"),
    finished({ ran: 2 }),
  ]);

  expect(text).toBe(`✔ mix in 1.2 s (it has never run)
stirring
▸ oven (it has never run)
warming
bt: 2 ran in 4.2 s
`);
});

test("stream: lines come as they happen", () => {
  expect(show(burnt, { mode: "stream" })).toBe(`▸ mix (it has never run)
$ mix flour
▸ bake (input "dough" changed)
stirring
$ bake --hot
smooth
smoke!
fire!
✖ bake failed after 1.2 s
${ending}`);
});

test("prefixed: every line names its task", () => {
  expect(show(burnt, { mode: "prefixed" })).toBe(`▸ mix (it has never run)
mix | $ mix flour
▸ bake (input "dough" changed)
mix | stirring
bake | $ bake --hot
mix | smooth
bake | smoke!
bake | fire!
✖ bake failed after 1.2 s
${ending}`);
});

test("none: how tasks ended, and of a failed one where its log is", () => {
  const expected = `✔ mix in 1.2 s (it has never run)
✖ bake failed after 1.2 s
${ending}`;

  expect(show(burnt, { mode: "none" })).toBe(expected);
  expect(show(burnt, { mode: "none", quiet: true })).toBe(ending.replace(/^bt: 1 ran.*\n/m, ""));
});

test("none: an only target, tries and what a dry run would start are output too; warnings are not", () => {
  const happenings = [
    running("mix"),
    said("mix", "stirring"),
    said("mix", "flour is old", "warn"),
    running("mix", { attempt: 2 }),
    done("mix"),
    finished({ ran: 1 }),
  ];

  expect(show([started({ targets: ["mix"] }), ...happenings], { mode: "none" })).toBe(
    "bt: Warning: mix: flour is old\n✔ mix in 1.2 s (it has never run)\nbt: 1 ran in 4.2 s\n",
  );
  expect(
    show(
      [
        started({ dryRun: true }),
        running("bake"),
        said("bake", "bake --hot", "command"),
        done("bake"),
        finished({ ran: 1 }),
      ],
      { mode: "none" },
    ),
  ).toBe("bake (it has never run)\nbt: 1 would run\n");
});

test("quiet: only failures, with the last lines that nobody has seen", () => {
  expect(show(burnt, { quiet: true })).toBe(`bt: \`bake --hot\` ended with 3
  at   task "bake"
       smoke!
       fire!
  log  .bt/runs/r1/bake.log
  so   "oven" did not run
  fix  Use less heat.
`);
});

test("quiet: warnings of bt and of tasks are shown", () => {
  const text = show(
    [
      started(),
      running("mix"),
      said("mix", "flour is old", "warn"),
      { kind: "warning", text: "No history", fix: "Run it once." },
      done("mix"),
      finished({ ran: 1 }),
    ],
    { quiet: true },
  );

  expect(text).toBe("bt: Warning: mix: flour is old\nbt: Warning: No history\n  fix  Run it once.\n");
});

test("a run with nothing to do is one line", () => {
  const happenings = [
    started(),
    ...["a", "b", "c"].map((task) => done(task, "fresh", { durationMs: 0 })),
    done("all", "group"),
    finished({ fresh: 3 }),
  ];

  expect(show(happenings)).toBe("bt: Nothing to do: 3 tasks are up to date\n");
  expect(show(happenings, { quiet: true })).toBe("");
});

test("a task that was tried again is named as flaky", () => {
  const text = show([
    started(),
    running("bake"),
    said("bake", "cold"),
    running("bake", { attempt: 2 }),
    said("bake", "hot"),
    done("bake", "ran", { flaky: true }),
    finished({ ran: 1 }),
  ]);

  expect(text).toBe(`⚠ bake in 1.2 s, after a failed try
cold
try 2
hot
bt: Flaky, a first try failed: "bake"
bt: 1 ran in 4.2 s
`);
});

test("a restored task is one line, and so is a cancelled one that had started", () => {
  const text = show([
    started(),
    done("mix", "restored", { durationMs: 12 }),
    running("bake"),
    done("bake", "cancelled"),
    done("sell", "cancelled", { durationMs: 0 }),
    finished({ restored: 1, cancelled: 2 }, { exitCode: 130, signal: "SIGINT" }),
  ]);

  expect(text).toBe(`✔ mix restored in 12 ms
✖ bake cancelled after 1.2 s
bt: Interrupted by SIGINT: 1 restored, 2 cancelled in 4.2 s
`);
});

test("a failure names all that did not run because of it, one step away or many", () => {
  const text = show([
    started({ targets: ["sell", "lint"] }),
    done("mix", "failed", { failure: { code: "COMMAND_FAILED", problem: "`mix` exited with 1", exitCode: 1 } }),
    done("sell", "blocked", { blockedBy: "pack" }),
    done("pack", "blocked", { blockedBy: "bake" }),
    done("bake", "blocked", { blockedBy: "mix" }),
    finished({ failed: 1, blocked: 3 }, { exitCode: 1 }),
  ]);

  expect(text).toContain(`  so   "bake", "pack" and "sell" did not run\n`);
});

test("an allowed failure says that nothing else fails", () => {
  const failure = {
    code: "TASK_TIMED_OUT",
    problem: 'Task "taste" was not done after 5 s',
    fix: "Eat faster.",
    exitCode: 1,
  };
  const text = show([
    started(),
    running("taste"),
    done("taste", "timed-out", { failure, allowed: true }),
    finished({ "timed-out": 1 }),
  ]);

  expect(text).toBe(`⚠ taste ran out of time after 1.2 s (allowed)
bt: Task "taste" was not done after 5 s
  so   nothing else fails: this failure is allowed
  fix  Eat faster.
bt: 1 timed out in 4.2 s
`);
});

test("a dry run prints what would run, why, and the commands", () => {
  const text = show(
    [
      started({ dryRun: true }),
      done("mix", "fresh", { durationMs: 0 }),
      running("bake", { reasons: ['input "dough" changed', "it is forced"] }),
      said("bake", "bake --hot", "command"),
      said("bake", "bake --cool", "command"),
      done("bake"),
      done("sell", "restored"),
      finished({ fresh: 1, ran: 1, restored: 1 }),
    ],
    { mode: "stream" },
  );

  expect(text).toBe(`bake (input "dough" changed)
  $ bake --hot
  $ bake --cool
sell (it is in cache "local")
bt: 1 would run, 1 would be restored, 1 up to date
`);
});

test("a block that is too long keeps its end and names its log", () => {
  const lines = Array.from({ length: 20_001 }, (_, index) => `line ${index + 1}`).join("\n");
  const text = show([
    started(),
    running("mix"),
    said("mix", lines),
    done("mix", "ran", { log: ".bt/mix.log" }),
    finished({ ran: 1 }),
  ]);

  expect(text.split("\n").slice(1, 3)).toEqual(["(10001 lines before, all in .bt/mix.log)", "line 10002"]);
});
