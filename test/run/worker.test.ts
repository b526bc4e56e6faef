/** Many commands in one run: they share shells, and nobody can tell. */
import { expect, test } from "vitest";
import { parseEvents } from "../support/outcome.ts";
import { project, withTasks } from "../support/project.ts";

const filler = Object.fromEntries(
  Array.from({ length: 16 }, (_, at) => [`roll${at}`, `task({ run: ["sh", "-c", ":"] })`]),
);

/** Bakes with so many commands that they share shells; returns what the last one printed. */
async function bake(
  tasks: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const all = Object.entries({ ...filler, ...tasks });
  const names = all.map(([name]) => name).join(", ");
  const p = await project({
    "builderfile.ts": withTasks(
      { bakery: `task({ needs: { ${names} } }), ${names}` },
      all.map(([name, text]) => `const ${name} = ${text};`).join("\n"),
    ),
    ...files,
  });
  const { stdout } = await p.btWith(
    { env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } },
    "-k",
    "-j1",
    "--output=json",
    "bakery",
  );
  const said = parseEvents(stdout).filter((event) => event.kind === "task-output");
  return said.flatMap(({ task, stream, text }) => (task === "cake" && stream === "stdout" ? [text] : [])).join("\n");
}

test("a program that shells have built in is the real one", async () => {
  expect(await bake({ cake: `task({ run: ["printf", "--version"] })` })).toMatch(/^printf \(/);
});

test("words reach a program as they are", async () => {
  const cake = `task({ run: ["node", "-p", "JSON.stringify(process.argv.slice(1))", "it's", "$HOME", "a  b", "*", "x\\ny"] })`;

  expect(JSON.parse(await bake({ cake }))).toEqual(["it's", "$HOME", "a  b", "*", "x\ny"]);
});

test("a task has its own folder and its own variables", async () => {
  const cake = `task({ cwd: "oven", run: "pwd; printenv BT_TASK" })`;

  expect(await bake({ cake }, { "oven/tin": "" })).toMatch(/\/oven\ncake$/);
});

test("a program that a task has put into PATH hides the one that ran before", async () => {
  const knead = `task({ run: "date; mkdir bin; printf '#!/bin/sh\\\\necho kneaded\\\\n' > bin/date; chmod +x bin/date" })`;
  const cake = `task({ needs: { knead }, run: ["date"] })`;

  expect(await bake({ first: `task({ run: ["date"], priority: 1 })`, knead, cake })).toBe("kneaded");
});
