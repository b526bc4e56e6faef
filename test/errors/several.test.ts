import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("mistakes of several kinds are shown together, in the order of the file", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ needs: ["bake"], outputs: ["dough"], run: "true" })`,
      bake: `task({ needs: ["mix"], inputs: ["recipe"], run: "true" })`,
      fry: `task({ outputs: ["dough"], pool: "stove", run: "true" })`,
    }),
  });

  const result = await p.bt("bake", "fry");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Tasks "fry" and "mix" both write "dough"
      at   builderfile.ts:4:10
           "mix": task({ needs: ["bake"], outputs: ["dough"], run: "true" }),
                  ^
      fix  Give one of them another output, or let one task write it and the other need it.
    bt: Task "bake" reads "recipe", which does not exist and which no task makes
      at   builderfile.ts:5:11
           "bake": task({ needs: ["mix"], inputs: ["recipe"], run: "true" }),
                   ^
      fix  Create the file, correct the path, or declare it among the \`outputs\` of the task that makes it.
    bt: Tasks need each other in a circle: bake → mix → bake
      at   builderfile.ts:5:11
           "bake": task({ needs: ["mix"], inputs: ["recipe"], run: "true" }),
                   ^
      fix  Remove "mix" from the needs of "bake", or break the circle elsewhere.
    bt: Task "fry" is in the pool "stove", which has no capacity
      at   builderfile.ts:6:10
           "fry": task({ outputs: ["dough"], pool: "stove", run: "true" }),
                  ^
      fix  Say \`pools: { "stove": 1 }\` in defineBuilder.
    "
  `);
});

test("`bt --check` shows the same mistakes, on standard output", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: ["recipe"], pool: "oven", run: "true" })` }),
  });

  const result = await p.bt("--check");

  expect(result).toMatchObject({ exitCode: 2, stderr: "" });
  expect(result.stdout).toMatchInlineSnapshot(`
    "bt: Task "bake" reads "recipe", which does not exist and which no task makes
      at   builderfile.ts:4:11
           "bake": task({ inputs: ["recipe"], pool: "oven", run: "true" }),
                   ^
      fix  Create the file, correct the path, or declare it among the \`outputs\` of the task that makes it.
    bt: Task "bake" is in the pool "oven", which has no capacity
      at   builderfile.ts:4:11
           "bake": task({ inputs: ["recipe"], pool: "oven", run: "true" }),
                   ^
      fix  Say \`pools: { "oven": 1 }\` in defineBuilder.
    "
  `);
});

test("`--json` gives the codes of all mistakes", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: ["recipe"], pool: "oven", run: "true" })` }),
  });

  const result = await p.bt("bake", "--json");

  expect(result.exitCode).toBe(2);
  expect(JSON.parse(result.stdout)).toEqual({ error: ["INPUT_MISSING", "POOL_UNKNOWN"] });
});

test("`--check` looks at what needs no value although another task needs one", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["no-flour"], run: "true" })`,
      sell: `task({ params: { price: param.string({ required: true }) }, run: "true" })`,
      pack: `task({ needs: ["sell"], run: "true" })`,
    }),
  });

  const result = await p.bt("--check");

  expect(result.exitCode).toBe(2);
  expect(result.stdout).toContain('Not checked, because they need values: "sell" and "pack"\n');
  expect(result.stdout).toContain('Task "bake" reads "no-flour"');
});
