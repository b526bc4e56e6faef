/** What machines read: JSON lines, GitHub commands, Chrome traces. */
import { expect, test } from "vitest";
import { createGithubReporter, type GithubOptions } from "../../core/report/github.ts";
import { createJsonReporter } from "../../core/report/json.ts";
import { createTraceReporter } from "../../core/report/trace.ts";
import { parseEvents } from "../support/outcome.ts";
import { burnt, done, finished, running, said, stamp, started, tell, type Happening } from "./events.ts";

test("json: one event per line, ending with run-finished", () => {
  let text = "";
  const reporter = createJsonReporter({ write: (more) => (text += more) });

  tell(reporter, [...burnt, said("bake", "too late")]);

  expect(text.endsWith("}\n")).toBe(true);
  expect(parseEvents(text)).toEqual(stamp(burnt));
});

function onGithub(
  happenings: readonly Happening[],
  options: Partial<GithubOptions> = {},
): { log: string; summary: string } {
  const shown = { log: "", summary: "" };
  const reporter = createGithubReporter({
    write: (text) => (shown.log += text),
    saveSummary: (text) => (shown.summary += text),
    ...options,
  });
  tell(reporter, happenings);
  return shown;
}

test("github: done tasks are folded, failed ones are not and get an annotation", () => {
  const { log, summary } = onGithub(burnt);

  expect(log).toBe(`::group::✔ mix in 1.2 s (it has never run)
$ mix flour
stirring
smooth
::endgroup::
✖ bake failed after 1.2 s
$ bake --hot
smoke!
fire!
bt: \`bake --hot\` ended with 3
  at   task "bake"
  log  .bt/runs/r1/bake.log
  so   "oven" did not run
  fix  Use less heat.
bt: 1 ran, 1 failed, 1 blocked in 4.2 s
::error title=bake::\`bake --hot\` ended with 3%0AUse less heat.
`);
  expect(summary).toBe(`### bt: 1 ran, 1 failed, 1 blocked in 4.2 s

**bake**: \`bake --hot\` ended with 3 (at \`task "bake"\`, log \`.bt/runs/r1/bake.log\`, 1 blocked)

Use less heat.

| task | outcome | time |
| --- | --- | ---: |
| mix | ran | 1.2 s |
| bake | failed | 1.2 s |
`);
});

test("github: an only target is not folded, for it comes as it happens", () => {
  const { log } = onGithub([started(), running("oven"), said("oven", "warming"), done("oven"), finished({ ran: 1 })]);

  expect(log).toBe("▸ oven (it has never run)\nwarming\nbt: 1 ran in 4.2 s\n");
});

test("github: an annotation points into the workspace, escaped", () => {
  const failure = { code: "X", problem: "100% burnt\nand cold", at: "a,b.ts:14:5", exitCode: 1, detail: ["x|y"] };
  const { log, summary } = onGithub(
    [
      started(),
      running("bake:rye"),
      done("bake:rye", "failed", { failure, allowed: true }),
      finished({ failed: 1 }, { exitCode: 1 }),
    ],
    { workspace: "/", quiet: true },
  );

  expect(log.split("\n").at(-2)).toBe(
    "::warning file=bakery/a%2Cb.ts,line=14,col=5,title=bake%3Arye::100%25 burnt%0Aand cold%0Ax|y",
  );
  expect(summary).toContain("**bake:rye**: 100% burnt and cold (at `a,b.ts:14:5`, allowed)\n\n````text\nx|y\n````\n");
});

test("github: warnings become annotations", () => {
  const { log } = onGithub([
    started(),
    { kind: "warning", text: "No history", fix: "Run it once." },
    said("mix", "old flour", "warn"),
    finished({}),
  ]);

  expect(log).toBe(`bt: Warning: No history
  fix  Run it once.
::warning::No history%0ARun it once.
::warning title=mix::old flour
bt: Nothing to do
`);
});

function trace(happenings: readonly Happening[]): unknown {
  let saved = "";
  const reporter = createTraceReporter({ save: (text) => (saved += text) });
  tell(reporter, happenings);
  void reporter.end?.();
  return JSON.parse(saved);
}

test("trace: a row for each slot, with what was decided on rows of its own", () => {
  const spans = trace([
    { ...started(), atMs: 5000 },
    {
      kind: "graph-ready",
      tasks: [
        { task: "mix", needs: [] },
        { task: "bake", needs: ["mix"] },
      ],
    },
    { kind: "task-state", task: "mix", state: "ready", atMs: 5010 },
    { kind: "task-state", task: "mix", state: "deciding", atMs: 5020 },
    { ...running("mix", { slot: 2 }), atMs: 5030 },
    { ...running("mix", { slot: 2, attempt: 2 }), atMs: 5040 },
    { ...done("mix"), atMs: 5050 },
    { ...running("bake", { slot: 1 }), atMs: 5060 },
    { ...finished({ ran: 1 }, { signal: "SIGINT" }), atMs: 5070 },
  ]);

  const reasons = ["it has never run"];
  expect(spans).toEqual([
    { name: "process_name", ph: "M", pid: 1, tid: 0, args: { name: "bt" } },
    { name: "process_name", ph: "M", pid: 2, tid: 0, args: { name: "deciding" } },
    { name: "thread_name", ph: "M", pid: 1, tid: 1, args: { name: "slot 1" } },
    { name: "thread_name", ph: "M", pid: 1, tid: 2, args: { name: "slot 2" } },
    { name: "thread_name", ph: "M", pid: 2, tid: 1, args: { name: "deciding 1" } },
    { name: "mix", cat: "run", ph: "X", ts: 20_000, dur: 10_000, pid: 2, tid: 1, args: { outcome: "run" } },
    {
      name: "mix",
      cat: "failed",
      ph: "X",
      ts: 30_000,
      dur: 10_000,
      pid: 1,
      tid: 2,
      args: { attempt: 1, reasons, waitedMs: 20, needs: [], outcome: "failed" },
    },
    {
      name: "mix",
      cat: "ran",
      ph: "X",
      ts: 40_000,
      dur: 10_000,
      pid: 1,
      tid: 2,
      args: { attempt: 2, reasons, waitedMs: 30, needs: [], outcome: "ran" },
    },
    { name: "SIGINT", cat: "run", ph: "i", s: "g", ts: 70_000, pid: 1, tid: 0 },
    {
      name: "bake",
      cat: "unfinished",
      ph: "X",
      ts: 60_000,
      dur: 10_000,
      pid: 1,
      tid: 1,
      args: { attempt: 1, reasons, waitedMs: 0, needs: ["mix"], outcome: "unfinished" },
    },
  ]);
});

test("trace: decisions beside each other do not share a row", () => {
  const spans = trace(
    ["a", "b"].flatMap((task) => [{ kind: "task-state", task, state: "deciding" } as const]).concat(),
  ) as { tid: number; ph: string }[];

  expect(spans.filter(({ ph }) => ph === "X").map(({ tid }) => tid)).toEqual([1, 2]);
});
