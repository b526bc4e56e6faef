import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("PATHS_THREW: functions that say paths or conditions of needs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mill: `task({ inputs: () => { throw new Error("No wheat"); }, run: "true" })`,
      knead: `task({ outputs: async () => { throw new Error("No bowl"); }, run: "true" })`,
      bake: `task({ needs: [{ need: "mill", kind: "result", when: () => { throw new Error("No gas"); } }], run: "true" })`,
    }),
  });

  const result = await p.bt("mill", "knead", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: \`inputs\` of task "mill" failed: No wheat
      at   builderfile.ts:4:40
           "mill": task({ inputs: () => { throw new Error("No wheat"); }, run: "true" }),
                                                ^
      fix  Correct this function.
    bt: \`outputs\` of task "knead" failed: No bowl
      at   builderfile.ts:5:48
           "knead": task({ outputs: async () => { throw new Error("No bowl"); }, run: "true" }),
                                                        ^
      fix  Correct this function.
    bt: \`when\` of task "bake" failed: No gas
      at   builderfile.ts:6:78
           needs: [{ need: "mill", kind: "result", when: () => { throw new Error("No gas"); } }], run: "true" }…
                                                                       ^
      fix  Correct this function.
    "
  `);
});

test("PATHS_THREW: a task that is not part of the run stops nobody", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      slice: `task({ params: { cuts: param.list() }, outputs: () => { throw new Error("No knife"); }, run: "true" })`,
      mill: `task({ outputs: ["flour"], run: "echo fine > flour" })`,
      bake: `task({ inputs: ["flour"], run: "cat flour" })`,
    }),
  });

  const result = await p.bt("bake", "--verbose");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain("\nfine\n");
});
