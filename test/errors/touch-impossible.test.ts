import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("TOUCH_IMPOSSIBLE: nothing could be remembered of a task that is touched", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: [], outputs: ["loaf"], run: "touch loaf" })`,
      sell: `task({ run: "true" })`,
    }),
  });

  const result = await p.bt("-t", "bake", "sell");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" cannot count as done without a run: its output "loaf" is not there
      at   builderfile.ts:4:11
           "bake": task({ inputs: [], outputs: ["loaf"], run: "touch loaf" }),
                   ^
      fix  Run it, or leave it out of what \`-t\` touches.
    bt: Task "sell" cannot count as done without a run: it has no outputs
      at   builderfile.ts:5:11
           "sell": task({ run: "true" }),
                   ^
      fix  Run it, or leave it out of what \`-t\` touches.
    "
  `);
});
