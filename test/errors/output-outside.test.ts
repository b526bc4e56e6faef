import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("OUTPUT_OUTSIDE: paths that leave the project, also in the middle", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ outputs: ["../cake"], run: "true" })`,
      fry: `task({ outputs: ["pan/../../chips"], run: "true" })`,
      boil: `task({ outputs: ["/tmp/egg"], run: "true" })`,
      grill: `task({ outputs: ["../fish"], external: true, run: "true" })`,
    }),
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" writes "../cake", which lies outside the project
      at   builderfile.ts:4:11
           "bake": task({ outputs: ["../cake"], run: "true" }),
                   ^
      fix  Use a path below the folder of the builderfile, or say \`external: true\`.
    bt: Task "fry" writes "../chips", which lies outside the project
      at   builderfile.ts:5:10
           "fry": task({ outputs: ["pan/../../chips"], run: "true" }),
                  ^
      fix  Use a path below the folder of the builderfile, or say \`external: true\`.
    bt: Task "boil" writes "/tmp/egg", which lies outside the project
      at   builderfile.ts:6:11
           "boil": task({ outputs: ["/tmp/egg"], run: "true" }),
                   ^
      fix  Use a path below the folder of the builderfile, or say \`external: true\`.
    "
  `);
});
