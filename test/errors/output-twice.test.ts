import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("OUTPUT_TWICE: two writers of one path, also if only one of them is asked for", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ outputs: ["cake"], run: "true" })`,
      fry: `task({ outputs: ["./cake"], run: "true" })`,
    }),
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Tasks "bake" and "fry" both write "cake"
      at   builderfile.ts:5:10
           "fry": task({ outputs: ["./cake"], run: "true" }),
                  ^
      fix  Give one of them another output, or let one task write it and the other need it.
    "
  `);
});

test("OUTPUT_TWICE: one task writes into the folder of another", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ outputs: ["table/"], run: "true" })`,
      fry: `task({ outputs: ["table/plate/chips"], run: "true" })`,
    }),
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Tasks "bake" and "fry" both write "table/plate/chips"
      at   builderfile.ts:5:10
           "fry": task({ outputs: ["table/plate/chips"], run: "true" }),
                  ^
      fix  Give one of them another output, or let one task write it and the other need it.
    "
  `);
});

test("OUTPUT_TWICE: a task with other params of its own is the same writer, unless both run", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      {
        bake: "bake",
        serve: `task({ needs: [bake.with({ kind: "rye" })], run: "true" })`,
        feast: `task({ needs: [bake, bake.with({ kind: "rye" })], run: "true" })`,
      },
      `const bake = task({ params: { kind: param.string({ default: "white" }) }, outputs: ["bread"], run: "touch bread" });`,
    ),
  });

  const one = await p.bt("serve");
  const both = await p.bt("feast");

  expect(one).toMatchObject({ exitCode: 0, stderr: "" });
  expect(both).toMatchObject({ exitCode: 2, stdout: "" });
  expect(both.stderr).toMatchInlineSnapshot(`
    "bt: Tasks "bake" and "bake[kind=rye]" both write "bread"
      at   builderfile.ts:2:14
           const bake = task({ params: { kind: param.string({ default: "white" }) }, outputs: ["bread"], run: "…
                        ^
      fix  Give one of them another output, or let one task write it and the other need it.
    "
  `);
});
