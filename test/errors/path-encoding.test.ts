import * as fs from "node:fs";
import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test.for([
  ["a file in a folder", `["bin/"]`, "bin/dough-\xff", "bin/dough-\uFFFD"],
  ["a file that a pattern means", `["bin/*"]`, "bin/dough-\xff", "bin/dough-\uFFFD"],
  ["a folder in a folder", `["bin/"]`, "bin/\xff/dough", "bin/\uFFFD"],
  ["a folder that a pattern goes through", `["bin/**/dough", "!bin/salt"]`, "bin/\xff/dough", "bin/\uFFFD"],
] as const)("PATH_ENCODING: the name of an input is not UTF-8: %s", async ([, inputs, name, shown]) => {
  const { bt, root } = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: ${inputs}, outputs: ["cake"], run: "touch cake" })` }),
    "bin/salt": "",
  });
  const file = Buffer.from(`${root}/${name}`, "latin1");
  fs.mkdirSync(file.subarray(0, file.lastIndexOf("/")), { recursive: true });
  fs.writeFileSync(file, "");

  const { stderr, exitCode } = await bt("bake");

  expect(exitCode).toBe(2);
  expect(stderr).toBe(
    `bt: An input of task "bake" has a name that is not UTF-8\n` +
      `  at   ${shown}\n` +
      "  fix  Rename it, or leave its folder out with a pattern that begins with `!`, then run bt again.\n",
  );
});

test("outputs whose names are not UTF-8 are made anew each time", async () => {
  const { bt } = await project({
    "builderfile.ts": withTasks({
      bake: String.raw`task({ inputs: [], outputs: ["tray/"], run: "mkdir tray/$(printf 'a\\377') && touch tray/$(printf 'b\\377') tray/c" })`,
    }),
  });

  const runs = [await bt("bake"), await bt("bake")];

  expect(runs.map(({ stderr, exitCode }) => [stderr, exitCode])).toEqual([
    ["", 0],
    ["", 0],
  ]);
  expect(runs[1]?.stdout).toContain(`▸ bake (output "tray/a\uFFFD" is missing`);
});
