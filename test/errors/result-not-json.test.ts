import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test.each([
  ["() => 1", "it is a function"],
  ["Symbol('cake')", "it is a symbol"],
  ["10n", "Do not know how to serialize a BigInt"],
  ["circle", "Converting circular structure to JSON"],
])("RESULT_NOT_JSON: %s", async (value, why) => {
  const p = await project({
    "builderfile.ts": withTasks(
      { bake: `task({ run: () => (${value}) as unknown })` },
      "const circle: { self?: object } = {};\ncircle.self = circle;",
    ),
  });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toBe(
    `bt: The result of task "bake" cannot be remembered: ${why}\n  at   task "bake"\n  fix  Return plain data: strings, numbers, booleans, lists and records.\n`,
  );
});
