import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("CONFIRM_REFUSED: without a terminal nobody can answer, and nothing runs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      serve: `task({ params: { cake: param.string({ default: "tart" }) }, confirm: "Serve the {cake}?", run: "touch served" })`,
    }),
  });

  const result = await p.bt("serve");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "serve" asks "Serve the tart?", and there is no terminal to answer on
      fix  Run it in a terminal, or add \`--yes\`.
    "
  `);
  expect(p.exists("served")).toBe(false);
});
