import { describe, expect, test } from "vitest";
import { taskProcesses } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";

const fix = "  fix  Write `await` before every promise in an action, and catch what its callbacks throw.\n";

describe("ERROR_STRAYED", () => {
  test.for([
    ["a command of `$`", "$`false`;", "a command of `$` ended with 1"],
    ["a program", "void exec('bash', ['-c', 'exit 3']);", "`bash -c 'exit 3'` exited with 3"],
    ["a promise", "void Promise.reject(new TypeError('No flour'));", "TypeError: No flour (builderfile.ts:4)"],
  ] as const)("what nothing waited for fails the run: %s", async ([, act, problem]) => {
    const bake = `task({ inputs: [], run: async ({ $, exec }) => { ${act} } })`;
    const p = await project({ "builderfile.ts": withTasks({ bake }) });

    const result = await p.bt("bake");

    expect(result).toMatchObject({ exitCode: 1, stderr: "" });
    expect(result.stdout).toContain(`bt: Warning: The run ends: nothing waited for what failed: ${problem}\n${fix}`);
  });

  test("the task of a command that nothing waited for is not done", async () => {
    const p = await project({
      "builderfile.ts": withTasks({ bake: "task({ inputs: [], run: async ({ $ }) => { $`false`; } })" }),
    });
    await p.bt("bake");

    expect((await p.bt("-q", "bake")).exitCode).toBe(1);
  });

  test("a callback that throws ends what else runs, and leaves nothing of it", async () => {
    const p: Project = await project({
      "builderfile.ts": withTasks({
        knead: `task({ run: "touch started; sleep 60; true" })`,
        bake: `task({ run: async ({ $ }) => { await $\`until test -e started; do sleep 0.01; done\`; setTimeout(() => { throw new Error("No flour"); }); await new Promise((resolve) => setTimeout(resolve, 60_000)); } })`,
      }),
    });

    const result = await p.bt("-j2", "knead", "bake");

    expect(result).toMatchObject({ exitCode: 1, stderr: "" });
    expect(result.stdout).toContain("nothing waited for what failed: Error: No flour (builderfile.ts:5)");
    expect(result.stdout).toContain("bt: 2 cancelled in ");
    expect(taskProcesses(p.root)).toEqual([]);
    expect((await p.bt("--runs")).stdout).toMatch(/^\S+ {2}exit 1 {2}knead bake\n$/);
  });
});
