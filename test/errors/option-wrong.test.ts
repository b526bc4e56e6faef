import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const builderfile = withTasks({ bake: `task({ run: "true" })` });

test.each([["--jobs=0"], ["--graph=dto"], ["--output=loud"], ["--timeout=soon"], ["--dry-run=yes"]])(
  "OPTION_WRONG: %s says what the option takes",
  async (option) => {
    const p = await project({ "builderfile.ts": builderfile });

    const result = await p.bt("bake", option);

    expect(result).toMatchObject({ exitCode: 2, stdout: "" });
    expect(result.stderr).toBe(messages[option as keyof typeof messages]);
  },
);

const messages = {
  "--jobs=0": `bt: Option "--jobs" is "0", but takes a whole number from 1, or a percentage of the CPUs\n  fix  Correct or leave out the value of "--jobs".\n`,
  "--graph=dto": `bt: Option "--graph" is "dto", but takes one of mermaid, dot, json, html\n  fix  Use \`--graph=dot\`.\n`,
  "--output=loud": `bt: Option "--output" is "loud", but takes one of live, grouped, prefixed, stream, none, json\n  fix  Correct or leave out the value of "--output".\n`,
  "--timeout=soon": `bt: Option "--timeout" is "soon", but takes a number\n  fix  Correct or leave out the value of "--timeout".\n`,
  "--dry-run=yes": `bt: Option "--dry-run" is "yes", but takes no value\n  fix  Correct or leave out the value of "--dry-run".\n`,
};

test.each([
  [["--make-shim", "bt.mk"], `Option "--make-shim" is "bt.mk", but takes no value; \`> FILE\` writes one`],
  [["--make-shim", "--check", "a.mk", "b.mk"], `Option "--check" is "a.mk b.mk", but takes one file`],
  [["--import-make", "a", "b"], `Option "--import-make" is "a b", but takes one Makefile`],
])("OPTION_WRONG: words that nothing takes are not left aside: %j", async (argv, problem) => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt(...argv);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toBe(
    `bt: ${problem}\n  fix  Correct or leave out the value of "${/"(--[^"]+)"/.exec(problem)?.[1] ?? ""}".\n`,
  );
});
