/** Which reporter is chosen. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createReporter, findMode, type Mode, type ModeOptions } from "../../core/report/reporter.ts";
import { burnt, tell } from "./events.ts";

const onTerminal: ModeOptions = { env: { TERM: "xterm" }, isTTY: true, jobs: 4 };
const inPipe: ModeOptions = { ...onTerminal, isTTY: false };
const onGithub: ModeOptions = { ...inPipe, env: { GITHUB_ACTIONS: "true" } };

test.each<[title: string, options: ModeOptions, mode: Mode]>([
  ["a terminal gets the live view", onTerminal, "live"],
  ["a dumb terminal does not", { ...onTerminal, env: { TERM: "dumb" } }, "grouped"],
  ["a terminal below make does not", { ...onTerminal, env: { TERM: "xterm", MAKELEVEL: "1" } }, "grouped"],
  ["a quiet run does not", { ...onTerminal, quiet: true }, "grouped"],
  ["a dry run does not, though asked", { ...onTerminal, dryRun: true, output: "live" }, "grouped"],
  ["a pipe does not, though asked", { ...inPipe, output: "live" }, "grouped"],
  [
    "make's terminal does when asked",
    { ...onTerminal, env: { TERM: "xterm", MAKELEVEL: "1" }, output: "live" },
    "live",
  ],
  ["several jobs into a pipe are grouped", inPipe, "grouped"],
  ["one job into a pipe is streamed", { ...inPipe, jobs: 1 }, "stream"],
  ["GitHub gets its own", onGithub, "github"],
  ["GitHub gets what is asked for", { ...onGithub, output: "prefixed" }, "prefixed"],
  ["JSON is JSON everywhere", { ...onTerminal, output: "json" }, "json"],
])("findMode(): %s", (_, options, mode) => {
  expect(findMode(options)).toBe(mode);
});

const streams = (): never => {
  throw new Error("No terminal is needed");
};

test.each(["grouped", "prefixed", "stream", "json"] as const)(
  "createReporter() makes --output=%s without touching a stream",
  async (output) => {
    let text = "";

    tell(await createReporter({ ...inPipe, output, write: (more) => (text += more), streams }), burnt);

    expect(text).toContain("smoke!");
  },
);

test("createReporter() appends the summary of the job to GitHub's file", async () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "bt-report-")), "summary.md");
  onTestFinished(() => fs.rmSync(path.dirname(file), { recursive: true }));
  fs.writeFileSync(file, "before\n");

  tell(
    await createReporter({
      ...onGithub,
      env: { ...onGithub.env, GITHUB_STEP_SUMMARY: file },
      write: () => {},
      streams,
    }),
    burnt,
  );

  expect(fs.readFileSync(file, "utf8").split("\n").slice(0, 2)).toEqual([
    "before",
    "### bt: 1 ran, 1 failed, 1 blocked in 4.2 s",
  ]);
});
