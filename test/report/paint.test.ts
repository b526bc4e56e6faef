/** When bt uses colours. */
import { expect, test } from "vitest";
import { colourLevel, createPaint, noPaint } from "../../core/paint.ts";

test.each<[title: string, env: Record<string, string>, isTTY: boolean, level: number]>([
  ["a terminal has colours", { TERM: "xterm" }, true, 1],
  ["a terminal with more has more", { TERM: "xterm-256color" }, true, 2],
  ["a terminal with all has all", { TERM: "xterm", COLORTERM: "truecolor" }, true, 3],
  ["a pipe has none", { TERM: "xterm" }, false, 0],
  ["a dumb terminal has none", { TERM: "dumb" }, true, 0],
  ["a pipe to make on a terminal has colours", { TERM: "xterm", MAKE_TERMOUT: "/dev/pts/1" }, false, 1],
  ["NO_COLOR takes them away", { TERM: "xterm", NO_COLOR: "1", FORCE_COLOR: "1" }, true, 0],
  ["an empty NO_COLOR does not count", { TERM: "xterm", NO_COLOR: "" }, true, 1],
  ["FORCE_COLOR gives them to a pipe", { FORCE_COLOR: "" }, false, 1],
  ["FORCE_COLOR says how many", { FORCE_COLOR: "3" }, false, 3],
  ["FORCE_COLOR=0 takes them away", { TERM: "xterm", FORCE_COLOR: "0" }, true, 0],
])("colourLevel(): %s", (_, env, isTTY, level) => {
  expect(colourLevel(env, isTTY)).toBe(level);
});

test("createPaint() colours at level 1 and does nothing at level 0", async () => {
  expect((await createPaint(1)).bad("burnt")).toBe("\u001B[31mburnt\u001B[39m");
  expect(await createPaint(0)).toBe(noPaint);
});
