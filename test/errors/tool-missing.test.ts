import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("TOOL_MISSING: there is no audit without strace", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });

  const result = await p.btWith({ env: { PATH: p.root } }, "--audit", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: --audit needs strace, which is not on PATH
      fix  Install it: \`apt-get install strace\`.
    "
  `);
});
