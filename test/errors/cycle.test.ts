import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const ring = withTasks({
  mix: `task({ needs: ["eat"], run: "true" })`,
  bake: `task({ needs: ["mix"], run: "true" })`,
  eat: `task({ needs: ["bake"], run: "true" })`,
});

test.each(["mix", "bake", "eat"])("CYCLE: the path is the same whichever task is asked for (%s)", async (task) => {
  const p = await project({ "builderfile.ts": ring });

  const result = await p.bt(task);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Tasks need each other in a circle: bake → mix → eat → bake
      at   builderfile.ts:5:11
           "bake": task({ needs: ["mix"], run: "true" }),
                   ^
      fix  Remove "mix" from the needs of "bake", or break the circle elsewhere.
    "
  `);
});

test("CYCLE: a task needs itself", async () => {
  const p = await project({ "builderfile.ts": withTasks({ taste: `task({ needs: ["taste"], run: "true" })` }) });

  const result = await p.bt("taste");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Tasks need each other in a circle: taste → taste
      at   builderfile.ts:4:12
           "taste": task({ needs: ["taste"], run: "true" }),
                    ^
      fix  Remove "taste" from its own needs.
    "
  `);
});

test("CYCLE: each of two tasks reads what the other one writes", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      egg: `task({ inputs: ["hen"], outputs: ["egg"], run: "true" })`,
      hen: `task({ inputs: ["egg"], outputs: ["hen"], run: "true" })`,
    }),
  });

  const result = await p.bt("egg");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Tasks need each other in a circle: egg → hen → egg
      at   builderfile.ts:4:10
           "egg": task({ inputs: ["hen"], outputs: ["egg"], run: "true" }),
                  ^
      fix  Let "egg" read nothing that "hen" writes, or break the circle elsewhere.
    "
  `);
});

test("CYCLE: two tasks are to run after each other", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      wash: `task({ finally: ["dry"], run: "true" })`,
      dry: `task({ finally: ["wash"], run: "true" })`,
    }),
  });

  const result = await p.bt("wash");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Tasks need each other in a circle: dry → wash → dry
      at   builderfile.ts:5:10
           "dry": task({ finally: ["wash"], run: "true" }),
                  ^
      fix  Remove "dry" from \`finally\` of "wash", or break the circle elsewhere.
    "
  `);
});
