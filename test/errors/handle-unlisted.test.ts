import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const knead = `const knead = task({ description: "Kneads the dough", run: "true" });`;

test("HANDLE_UNLISTED: the place is the task that is not listed", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ needs: [knead], run: "true" })` }, knead) });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" needs a task ("Kneads the dough") that the builderfile does not list
      at   builderfile.ts:2:15
           const knead = task({ description: "Kneads the dough", run: "true" });
                         ^
      fix  Add it to \`tasks\`, or its plugin to \`plugins\`, of defineBuilder.
    "
  `);
});

test("HANDLE_UNLISTED: the default task is not listed", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";\n${knead}\nexport default defineBuilder({ default: knead, tasks: {} });\n`,
  });

  const result = await p.bt();

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The default of the builderfile is a task ("Kneads the dough") that the builderfile does not list
      at   builderfile.ts:2:15
           const knead = task({ description: "Kneads the dough", run: "true" });
                         ^
      fix  Add it to \`tasks\`, or its plugin to \`plugins\`, of defineBuilder.
    "
  `);
});
