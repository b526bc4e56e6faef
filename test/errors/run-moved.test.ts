import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("RUN_MOVED: a run is replayed at its own commit only", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });
  const record = {
    id: "1",
    version: 1,
    selection: { words: ["bake"] },
    rest: [],
    params: {},
    versions: { bt: "1", node: "1" },
    commit: { id: "0123456789abcdef0123456789abcdef01234567", isDirty: false },
    tasks: {},
  };
  p.write(".bt/runs/1/run.json", JSON.stringify(record));

  const result = await p.bt("--replay", "1");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Run "1" was made at commit 0123456789ab, and the commit of this folder cannot be told
      fix  Check that commit out: \`git checkout 0123456789ab\`.
    "
  `);
});
