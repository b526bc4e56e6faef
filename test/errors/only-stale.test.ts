import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("ONLY_STALE: `--only` names every need that is not up to date", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ inputs: [], run: "true" })`,
      heat: `task({ inputs: [], run: "true" })`,
      bake: `task({ inputs: [], needs: ["mix", "heat"], run: "true" })`,
    }),
  });

  const result = await p.bt("bake", "--only");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" needs "mix" and "heat", which would have to run first
      fix  Leave out \`--only\`, or say \`--only=force\` to run it on what is there.
    "
  `);
});
