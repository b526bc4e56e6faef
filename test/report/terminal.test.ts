/** The live view in a real terminal, tmux, as the screen shows it. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { buildSync } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { removeFolder } from "../support/temporary.ts";

const hasTmux = canRun("tmux", "-V");

/** Runs screen.fixture.ts in a terminal of its own; its steps are named by the last line it says. */
function openScreen(
  columns: number,
  rows: number,
): {
  /** The screen once it shows a text of the last line. */
  until: (text: string) => readonly string[];
  press: () => void;
  resize: (columns: number, rows: number) => void;
  hasCursor: () => boolean;
} {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-screen-"));
  const socket = path.join(folder, "tmux");
  const tmux = (...args: readonly string[]): string =>
    execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], { encoding: "utf8" });
  onTestFinished(() => {
    tmux("kill-server");
    removeFolder(folder);
  });
  const program = path.join(folder, "screen.mjs");
  const banner = { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' };
  buildSync({
    entryPoints: [path.join(import.meta.dirname, "screen.fixture.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    outfile: program,
    banner,
  });
  tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), `PS1='ready> ' TERM=xterm-256color sh`);
  tmux("set-option", "-g", "status", "off");
  // Without echo: the terminal itself would move the cursor at each Enter.
  tmux("send-keys", `clear; stty -echo; ${process.execPath} ${program}; stty echo`, "Enter");
  // With what has left the screen: a terminal that becomes narrower moves lines up.
  const capture = (): readonly string[] => tmux("capture-pane", "-p", "-S", "-").trimEnd().split("\n");
  const ask = (what: string): string => tmux("display-message", "-p", what).trim();
  return {
    until(text) {
      let lines: readonly string[] = [];
      poll(() => (lines = capture()).some((line) => line.includes(text)), `The screen never showed "${text}"`);
      return lines;
    },
    press: () => void tmux("send-keys", "Enter"),
    hasCursor: () => ask("#{cursor_flag}") === "1",
    resize(wide, high) {
      tmux("resize-window", "-x", String(wide), "-y", String(high));
      // A key that comes together with the signal would be read before it.
      poll(() => ask("#{pane_title}") === `${wide} wide`, `The program never heard that it has ${wide} columns`);
    },
  };
}

function poll(isSo: () => boolean, problem: string): void {
  for (const deadline = Date.now() + 40_000; !isSo(); execFileSync("sleep", ["0.02"]))
    if (Date.now() > deadline) throw new Error(problem);
}

function canRun(file: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(file, args);
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!hasTmux && process.env["CI"] === undefined)(
  "a narrow terminal: the window, a failure above it, another width, and a clean end",
  () => {
    const screen = openScreen(80, 24);

    expect(screen.until("20 s")).toEqual([
      "⠙ test      19 s  compiling a rather long list of files that are named here on…",
      "⠙ lint      18 s",
      "⠙ image ×4  17 s  amd64 arm64 ppc64le s390x",
      "━━────────────────── 1/7 · 6 running · 1 up to date · 20 s",
    ]);

    expect(screen.hasCursor()).toBe(false);
    screen.press();
    const above = ["✖ lint failed after 1.2 s", "line 12: quote this", "line 30: quote that"];
    expect(screen.until("40 s")).toEqual([
      ...above,
      "✖ failed: lint",
      "⠹ test      39 s  compiling a rather long list of files that are named here on…",
      "⠹ image ×4  37 s  amd64 arm64 ppc64le s390x",
      "━━━━━─────────────── 2/7 · 5 running · 1 up to date · 1 failed · 40 s",
    ]);

    screen.resize(50, 24);
    // One short line while the terminal is dragged: a long one would be broken before bt hears of the next width.
    expect(screen.until("1 fai…")).toEqual([...above, "2/7 · 5 running · 1 up to date · 1 fai…"]);
    screen.press();
    expect(screen.until("1 mi…")).toEqual([
      ...above,
      "✖ failed: lint",
      "⠸ test      59 s  compiling a rather long list o…",
      "⠸ image ×4  57 s  amd64 arm64 ppc64le s390x",
      "2/7 · 5 running · 1 up to date · 1 failed · 1 mi…",
    ]);

    screen.press();
    const end = [
      "bt: `shellcheck` ended with 1",
      "  task lint",
      "  fix  Quote them.",
      "bt: 5 ran, 1 up to date, 1 failed in 1 min 05 s",
    ];
    expect(screen.until("bt: 5 ran")).toEqual([...above, ...end]);
    screen.press();
    expect(screen.until("ready>")).toEqual([...above, ...end, "ready>"]);
    expect(screen.hasCursor()).toBe(true);
  },
);

test.skipIf(!hasTmux && process.env["CI"] === undefined)(
  "a wide terminal that becomes wider shows more of each line",
  () => {
    const screen = openScreen(120, 24);
    screen.until("20 s");

    screen.press();
    screen.until("40 s");
    screen.resize(200, 24);
    screen.press();

    expect(screen.until("1 min 00 s")).toEqual([
      "✖ lint failed after 1.2 s",
      "line 12: quote this",
      "line 30: quote that",
      "✖ failed: lint",
      "⠸ test      59 s  compiling a rather long list of files that are named here one after the other, up to the last of them",
      "⠸ image ×4  57 s  amd64 arm64 ppc64le s390x",
      "━━━━━─────────────── 2/7 · 5 running · 1 up to date · 1 failed · 1 min 00 s",
    ]);
  },
);
