import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

const settings = {
  "a misspelt name": [`{ "jbos": 3 }`, `there is no setting "jbos"`, `Use "jobs".`],
  "a value of the wrong type": [
    `{ "jobs": "many" }`,
    `"jobs" is a string, but takes a number`,
    `Give "jobs" such a value.`,
  ],
  "a number that makes no sense": [
    `{ "jobs": 0.5 }`,
    `"jobs" is 0.5, but takes a whole number from 1`,
    `Give "jobs" such a value.`,
  ],
  "an unknown word": [
    `{ "output": "loud" }`,
    `"output" is "loud", but takes one of live, grouped, prefixed, stream, none, json`,
    `Give "output" such a value.`,
  ],
  "no record": [
    `[1]`,
    `they are a list with a number in it, but must be a record`,
    `Write them as names and values: \`{ "jobs": 4 }\`.`,
  ],
  "no JSON": [`{ "jobs": `, `Unexpected end of JSON input while parsing "{ \\"jobs\\": "`, "Correct the file."],
} as const;

test.each(Object.keys(settings) as (keyof typeof settings)[])("SETTINGS_WRONG: %s", async (name) => {
  const [content, problem, fix] = settings[name];
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }),
    ".config/bt/config.json": content,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(steady(result.stderr, p.root)).toBe(
    `bt: The settings cannot be used: ${problem}\n  at   ROOT/.config/bt/config.json\n  fix  ${fix}\n`,
  );
});
