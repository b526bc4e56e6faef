import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test("VALIDATION_FAILED: publishing waits for the validation and stops", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      taste: `task({ run: "exit 1" })`,
      serve: `task({ needs: [validation("taste")], run: async ({ publishing, exec }) => { await publishing(["cake:1"]); await exec("touch", ["served"]); } })`,
    }),
  });

  const result = await p.bt("serve", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: \`exit 1\` exited with 1
      at   task "taste"
      fix  Correct the command, then run bt again.
    bt: Task "serve" may not publish, because its validation "taste" failed
      at   task "serve"
      fix  Correct what "taste" found; nothing was made visible.
    "
  `);
  expect(p.exists("served")).toBe(false);
});
