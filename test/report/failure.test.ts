/** Errors as a person reads them, whole. */
import { expect, test } from "vitest";
import { BtError } from "../../core/errors.ts";
import { taskUnknown } from "../../core/errors/graph.ts";
import { renderError, renderFailure, renderNames } from "../../core/report/failure.ts";

test("an error shows problem and fix", () => {
  expect(renderError(taskUnknown("tset", ["test"]))).toBe(
    `bt: There is no task "tset"\n  fix  Use "test", or add a task called "tset".\n`,
  );
});

test("a place shows its line with a caret, then the details", () => {
  const error = new BtError("OVEN_COLD", 'The oven is "cold"', {
    at: { where: "builderfile.ts", line: 14, column: 12, source: '    needs: ["ovne"],' },
    detail: ["thermometer: 20", "", "expected: 220"],
    fix: "Heat it.",
  });

  expect(renderError(error)).toBe(`bt: The oven is "cold"
  at   builderfile.ts:14:12
       needs: ["ovne"],
              ^
       thermometer: 20

       expected: 220
  fix  Heat it.
`);
});

test("a long line is cut around the caret", () => {
  const source = `${"x".repeat(200)}!${"y".repeat(200)}`;
  const text = renderError(
    new BtError("X", "Long", { at: { where: "a.ts", line: 1, column: 201, source }, fix: "Break it." }),
  );

  expect(text.split("\n")[2]).toBe(`       ${"x".repeat(60)}!${"y".repeat(39)}…`);
  expect(text.split("\n")[3]).toBe(`       ${" ".repeat(60)}^`);
});

test("several errors come one after the other", () => {
  const errors = new AggregateError([
    taskUnknown("a1", []),
    new AggregateError([new BtError("X", "Second", { fix: "Do it." })]),
  ]);

  expect(renderError(errors)).toBe(
    'bt: There is no task "a1"\n  fix  Run `bt` to see every task, or add a task called "a1".\nbt: Second\n  fix  Do it.\n',
  );
});

test("anything else is a bug with its stack", () => {
  const error = new TypeError("x is not a function");
  error.stack = "TypeError: x is not a function\n    at bake (/oven.ts:1:2)\n    at mix (/bowl.ts:3:4)";

  expect(renderError(error)).toBe(`bt: This is a bug in bt or in a plugin: x is not a function
       at bake (/oven.ts:1:2)
       at mix (/bowl.ts:3:4)
  fix  Report it with all these lines; the exit code of a bug is 70.
`);
  expect(renderError("text")).toBe(
    "bt: This is a bug in bt or in a plugin: text\n  fix  Report it with all these lines; the exit code of a bug is 70.\n",
  );
});

test("a failure names its task unless its text does, its log, and what it blocked", () => {
  const failure = { code: "COMMAND_FAILED", problem: "`bake` ended with 1\nsecond line", fix: "Look.", exitCode: 1 };

  expect(renderFailure(failure, { task: "oven", log: "oven.log", blocked: ["a", "b", "c"] }))
    .toBe(`bt: \`bake\` ended with 1
    second line
  task oven
  log  oven.log
  so   "a", "b" and "c" did not run
  fix  Look.
`);
  expect(renderFailure({ ...failure, problem: 'Task "oven" failed' }, { task: "oven" })).toBe(
    'bt: Task "oven" failed\n  fix  Look.\n',
  );
});

test("long lists of names are cut", () => {
  expect([renderNames([]), renderNames(["a"]), renderNames(["a", "b", "c"], 2)]).toEqual([
    "",
    '"a"',
    '"a", "b" and 1 more',
  ]);
});
