/** Questions change nothing: not a file of the project, not a byte below `.bt/` but what is known of the builderfile itself. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, withTasks, type Project } from "../support/project.ts";

/** Every path with its type, mode, content and time of change. */
function see({ root }: Project): readonly string[] {
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !/\/\.bt\/((config|list|outline)\.json|builder\/)/.test(file))
    .sort()
    .map((file) => {
      const stat = fs.lstatSync(file);
      const content = stat.isFile() ? fs.readFileSync(file, "latin1") : "";
      return `${path.relative(root, file)} ${stat.mode} ${stat.isFile() ? stat.mtimeMs : ""} ${content}`;
    });
}

const bakery = {
  "builderfile.ts": withTasks({
    mix: `task({ inputs: ["flour"], outputs: ["dough"], run: "cp flour dough" })`,
    bake: `task({ matrix: { kind: ["rye", "wheat"] }, inputs: ["dough"], outputs: ({ cell }) => [cell.kind], run: ({ cell, $ }) => $\`cp dough \${cell.kind}\` })`,
  }),
  flour: "1\n",
};

const questions: readonly (readonly string[])[] = [
  [],
  ["--list"],
  ["--list", "--json"],
  ["bake", "--help"],
  ["--why", "bake"],
  ["--why", "bake", "--json"],
  ["--why", "bake", "--vs", "last"],
  ["--why", "bake", "--run", "last"],
  ["--graph=dot", "bake"],
  ["--check"],
  ["--doctor"],
  ["--runs"],
  ["--logs", "mix"],
  ["--make-shim"],
  ["--completion", "bash"],
  ["-q", "bake"],
  ["-n", "bake"],
  ["-n", "bake", "--output=json"],
];

test("no question changes anything in a project with a past", async () => {
  const p = await project(bakery);
  await p.bt("bake");
  p.write("flour", "2\n");
  await p.bt("--list");
  const before = see(p);

  for (const argv of questions) {
    const result = await p.bt(...argv);

    expect(result.exitCode, `${argv.join(" ")}: ${result.stderr}`).toBe(argv[0] === "-q" ? 1 : 0);
    expect(see(p), argv.join(" ")).toEqual(before);
  }
});

test("--verbose says what has changed when a builderfile is evaluated again", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { bake: `task({ inputs: [], run: "echo " + kind + process.env["HEAT"] })` },
      `import { readFileSync } from "node:fs"; import { kind } from "./kind.ts"; import { weight } from "./scale.ts"; void [readFileSync("flour"), weight];`,
    ),
    "kind.ts": `export const kind = "rye";\n`,
    "scale.ts": `\nexport const weight = process.env["WEIGHT"];\n`,
    flour: "1",
  });
  await p.bt("bake");
  p.write("kind.ts", `export const kind = "wheat";\n`);
  p.write("flour", "20");

  const result = await p.btWith({ env: { HEAT: "220", WEIGHT: "1" } }, "bake", "--verbose");

  expect(result.stderr.replaceAll("bt: The builderfile is evaluated again: ", "").trim().split("\n").sort()).toEqual([
    `"flour" changed, which is read at builderfile.ts:2`,
    `"kind.ts" changed`,
    "variable HEAT was set, which is read at builderfile.ts:4",
    "variable WEIGHT was set, which is read at scale.ts:2",
  ]);
});

test("a builderfile that has a mistake is looked at again and tells the same mistake", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: [], run: "true", needs: ["mxi"] })`,
      mix: `task({ run: "true" })`,
    }),
  });
  const first = await p.bt("bake");

  const again = await p.bt("bake");

  expect(first).toMatchObject({ exitCode: 2, stdout: "" });
  expect(p.exists(".bt/config.json"), "the shortcut believes nothing of it").toBe(false);
  expect(again).toEqual(first);
});
