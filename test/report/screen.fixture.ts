/** A program for a real terminal: feeds events to the live view, one step for each line it reads. Knows no tasks. */
import { writeSync } from "node:fs";
import { createLiveReporter } from "../../core/report/live.ts";
import { createPaint } from "../../core/paint.ts";
import { done, finished, running, said, stamp, started, type Happening } from "./events.ts";

let nowMs = 0;
let tick = async (): Promise<void> => {};
const { stdout, stderr } = process;
const reporter = createLiveReporter({
  write: (text) => stdout.write(text),
  stdout,
  stderr,
  paint: await createPaint(process.env["PAINT"] === undefined ? 0 : 1),
  now: () => nowMs,
  every: (_, next) => {
    tick = next;
    return () => {};
  },
});

const cells = ["amd64", "arm64", "ppc64le", "s390x"].map((arch) => ({
  task: `image:${arch}`,
  group: "image",
  needs: [],
}));
const steps: readonly (readonly Happening[])[] = [
  [
    { ...started(), atMs: 0 },
    {
      kind: "graph-ready",
      tasks: [{ task: "lint", needs: [] }, { task: "test", needs: [] }, { task: "push", needs: [] }, ...cells],
    },
    done("push", "fresh"),
    { ...running("test"), atMs: 1000 },
    { ...running("lint"), atMs: 2000 },
    said(
      "test",
      "compiling a rather long list of files that are named here one after the other, up to the last of them",
    ),
    ...cells.map(({ task }) => ({ ...running(task), atMs: 3000 })),
  ],
  [
    said("lint", "line 12: quote this\nline 30: quote that"),
    done("lint", "failed", {
      failure: {
        code: "COMMAND_FAILED",
        problem: "`shellcheck` ended with 1",
        detail: ["line 12: quote this", "line 30: quote that"],
        fix: "Quote them.",
        exitCode: 1,
      },
    }),
  ],
  [],
  [
    ...cells.map(({ task }) => done(task)),
    done("test"),
    finished({ ran: 5, fresh: 1, failed: 1 }, { exitCode: 1, durationMs: 65_000 }),
  ],
];

// The title of the terminal tells what has arrived here: it is on no line of the screen, and the live view does not catch it.
stdout.on("resize", () => writeSync(1, `\x1b]2;${stdout.columns} wide\x07`));

for (const step of steps) {
  nowMs += 20_000;
  for (const event of stamp(step)) reporter.event(event);
  await tick();
  await new Promise((resolve) => process.stdin.once("data", resolve));
}
process.exit();
