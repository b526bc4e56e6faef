import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("RUN_DONE: a run that succeeded is not resumed", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });
  await p.bt("bake");
  fs.renameSync(
    path.join(p.root, ".bt/runs", fs.readdirSync(path.join(p.root, ".bt/runs"))[0]!),
    path.join(p.root, ".bt/runs/1"),
  );
  p.write(".bt/runs/1/run.json", p.read(".bt/runs/1/run.json").replace(/"id": "[^"]*"/, '"id": "1"'));

  const result = await p.bt("--resume");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Run "1" has succeeded: there is nothing to resume
      fix  Name another run: \`bt --resume=RUN\`; \`bt --runs\` lists them.
    "
  `);
});
