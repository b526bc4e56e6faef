/** The window's lines, the time left, and the bytes that change a screen. */
import { expect, test } from "vitest";
import { noPaint } from "../../core/paint.ts";
import { createProgress, predictLeft, type Snapshot } from "../../core/report/progress.ts";
import { emptyFrame, renderFrame } from "../../core/report/screen.ts";
import { fit, flatten, measure } from "../../core/report/width.ts";
import { renderWindow } from "../../core/report/window.ts";
import { done, running, said, stamp, started, type Happening } from "./events.ts";

function snapshot(happenings: readonly Happening[], nowMs: number): Snapshot {
  const progress = createProgress();
  for (const event of stamp(happenings)) progress.event(event);
  return progress.snapshot(nowMs);
}

test("renderWindow() names the last failures first", () => {
  const fail = (task: string): Happening => done(task, "failed");

  expect(draw([fail("a"), fail("b"), fail("a-long-name-of-a-task")], { columns: 36, rows: 9 })[0]).toBe(
    "✖ failed: a-long-name-of-a-task, b…",
  );
});

function draw(happenings: readonly Happening[], size: { columns: number; rows: number }): readonly string[] {
  return renderWindow(snapshot(happenings, 65_000), { ...size, nowMs: 65_000, spinner: "*", paint: noPaint });
}

const cells = ["amd64", "arm64", "ppc64le", "s390x"].map((arch) => ({
  task: `image:${arch}`,
  group: "image",
  needs: [],
}));
const busy: readonly Happening[] = [
  { ...started(), atMs: 0 },
  {
    kind: "graph-ready",
    tasks: [
      { task: "lint", needs: [] },
      { task: "test", needs: [] },
      { task: "push", needs: [] },
      { task: "docs", needs: [] },
      ...cells,
    ],
  },
  done("docs", "fresh"),
  { ...running("test"), atMs: 3000 },
  { ...running("lint", { attempt: 2 }), atMs: 5000 },
  done("push", "failed"),
  said("lint", "\u001B[31mchecking\u001B[39m\tall\r  50 %"),
  ...cells.map(({ task }) => ({ ...running(task), atMs: 10_000 })),
];

test("renderWindow() shows failures, running tasks with their last line, folded cells, counters", () => {
  expect(draw(busy, { columns: 80, rows: 24 })).toEqual([
    "✖ failed: push",
    "* test          1 min 02 s",
    "* lint (try 2)  1 min 00 s  50 %",
    "* image ×4            55 s  amd64 arm64 ppc64le s390x",
    "━━━━━─────────────── 2/8 · 6 running · 1 up to date · 1 failed · 1 min 05 s",
  ]);
});

test("renderWindow() shows what a task says it is at, whatever it prints", () => {
  const step: Happening = { kind: "task-step", task: "lint", text: "weighing flour, 40 %" };

  expect(draw([...busy, step, said("lint", "debug")], { columns: 80, rows: 24 })[2]).toBe(
    "* lint (try 2)  1 min 00 s  weighing flour, 40 %",
  );
});

test("renderWindow() stays within a small terminal", () => {
  expect(draw(busy, { columns: 30, rows: 4 })).toEqual([
    "* test  1 min 02 s",
    "  and 2 more",
    "2/8 · 6 running · 1 up to da…",
  ]);
  expect(draw(busy, { columns: 10, rows: 2 })).toEqual(["2/8 · 6…"]);
});

test("renderWindow() leaves groups out of the counts, before and after they are done", () => {
  const lines = draw(
    [
      { ...started(), atMs: 0 },
      {
        kind: "graph-ready",
        tasks: [
          { task: "both", needs: [], isGroup: true },
          { task: "mix", needs: [] },
          { task: "all", needs: ["mix"], isGroup: true },
        ],
      },
      done("both", "group"),
      done("mix"),
    ],
    { columns: 50, rows: 9 },
  );

  expect(lines).toEqual(["1/1 · 0 running · 1 min 05 s"]);
});

test.each<[title: string, history: [expectedMs: number, doneMs: number, tookMs: number], left: number | undefined]>([
  ["half of the history done means as much again", [20_000, 20_000, 20_000], 30_000],
  ["less than 15 s of history is too little", [20_000, 14_999, 14_999], undefined],
  ["exactly 15 s is enough", [15_000, 15_000, 15_000], 30_000],
  ["less than 5 % of the history is too little", [400_000, 20_000, 20_000], undefined],
  ["ten times slower is no prediction", [20_000, 20_000, 200_000], undefined],
  ["ten times faster is no prediction", [20_000, 20_000, 2000], undefined],
  ["nine times slower still is one", [20_000, 20_000, 180_000], 30_000],
])("predictLeft(): %s", (_, [expectedMs, doneMs, tookMs], left) => {
  expect(predictLeft({ expectedMs, doneMs, tookMs }, { elapsedMs: 30_000, running: [] })).toBe(left);
});

test("predictLeft() counts what runs, but no more than was expected of it", () => {
  const history = { expectedMs: 40_000, doneMs: 20_000, tookMs: 20_000 };

  expect(predictLeft(history, { elapsedMs: 30_000, running: [{ ageMs: 10_000, expectedMs: 20_000 }] })).toBe(30_000);
  expect(predictLeft(history, { elapsedMs: 30_000, running: [{ ageMs: 90_000, expectedMs: 10_000 }] })).toBe(30_000);
});

test("the time left is shown from history, and fresh tasks leave it", () => {
  const tasks = ["a", "b", "c"].map((task) => ({ task, needs: [], expectedMs: 20_000 }));
  const happenings: Happening[] = [
    { ...started(), atMs: 0 },
    { kind: "graph-ready", tasks },
    running("a"),
    done("a", "ran", { durationMs: 20_000 }),
  ];

  expect(snapshot(happenings, 20_000).leftMs).toBe(40_000);
  expect(snapshot([...happenings, done("b", "fresh")], 20_000).leftMs).toBe(20_000);
});

test("flatten() takes colours, tabs and overwritten text away", () => {
  expect(flatten("\u001B[1mbold\u001B[0m\tline")).toBe("bold line");
  expect(flatten("10 %\r20 %\r")).toBe("20 %");
  expect(flatten("\u001B]8;;http://x\u0007link\u001B]8;;\u0007\u0007")).toBe("link");
});

test("measure() and fit() count columns, not characters", () => {
  expect(["abc", "\u001B[31mäb\u001B[39m", "日本", "e\u0301", "🎂"].map(measure)).toEqual([3, 2, 4, 1, 2]);
  expect([fit("日本語", 6), fit("日本語", 5), fit("日本語", 4), fit("abc", 0)]).toEqual(["日本語", "日本…", "日…", ""]);
});

test("renderFrame() overwrites lines in place, and writes nothing when nothing changed", () => {
  const size = { columns: 20, rows: 10 };
  const frame = { lines: ["one", "two"], columns: 20 };

  expect(visible(renderFrame(emptyFrame, frame, size))).toBe("<?2026h>\r<?7l><K>one\n<K>two\n<J><?7h><?2026l>");
  expect(visible(renderFrame(frame, { ...frame, lines: ["three"] }, size))).toBe(
    "<?2026h>\r<2A><?7l><K>three\n<J><?7h><?2026l>",
  );
  expect(renderFrame(frame, { ...frame }, size)).toBe("");
});

test("renderFrame() puts what stays above the window", () => {
  const frame = { lines: ["one"], columns: 20 };

  expect(visible(renderFrame(frame, frame, { columns: 20, rows: 10, above: "done\n" }))).toBe(
    "<?2026h>\r<1A><K>\n<J><A>done\n<?7l><K>one\n<J><?7h><?2026l>",
  );
});

test("renderFrame() removes the window without erasing from its first line, which tmux would keep", () => {
  expect(
    visible(renderFrame({ lines: ["one", "two"], columns: 20 }, { lines: [], columns: 20 }, { columns: 20, rows: 10 })),
  ).toBe("<?2026h>\r<2A><K>\n<J><A><?7l><?7h><?2026l>");
});

test("renderFrame() knows that a narrower terminal broke the old lines", () => {
  const text = renderFrame(
    { lines: ["x".repeat(40), "y"], columns: 80 },
    { lines: ["z"], columns: 30 },
    { columns: 30, rows: 10 },
  );

  expect(visible(text)).toContain("\r<3A>");
});

function visible(bytes: string): string {
  return bytes.replaceAll(/\u001B\[([?\d]*[a-zA-Z])/g, "<$1>");
}
