/** Files that git tracks are read from its index, in every form that git writes. */
import { expect, test } from "vitest";
import { findTracked } from "../../../../plugins/images/family/tracked-files.ts";
import { project } from "../../../support/project.ts";
import { run, testWith } from "../../../support/tool.ts";

const files = { "a/one.sh": "1", "a/b/two.sh": "2", "a/b/two.sh~": "", "a/ä.sh": "3", "a/link": "", "top.sh": "4" };

testWith("git").each([["2"], ["3"], ["4"]])("an index of version %s", async (version) => {
  const p = await project(files);
  const git = (...argv: string[]): Promise<string> => run("git", ["-C", p.root, ...argv]);
  await git("init", "-q");
  await git("add", "a/one.sh", "a/b/two.sh", "a/ä.sh", "top.sh");
  if (version === "3") {
    p.write("later.sh", "");
    await git("add", "--intent-to-add", "later.sh"); // Only that needs version 3.
  }
  await git("update-index", "--index-version", version);

  expect(findTracked(p.root, ["a/**"])).toEqual(["a/b/two.sh", "a/one.sh", "a/ä.sh"]);
  expect(findTracked(`${p.root}/a`, ["*.sh"])).toEqual(["one.sh", "ä.sh"]);
});

test.each([
  [["a/**"], ["a/b/two.sh", "a/b/two.sh~", "a/link", "a/one.sh", "a/ä.sh"]],
  [["a/*.sh"], ["a/one.sh", "a/ä.sh"]],
  [["**/*.sh"], ["a/b/two.sh", "a/one.sh", "a/ä.sh", "top.sh"]],
  [
    ["a", "!a/b"],
    ["a/link", "a/one.sh", "a/ä.sh"],
  ],
  [["{top,a/one}.sh"], ["a/one.sh", "top.sh"]],
  [["a/b/tw?.sh"], ["a/b/two.sh"]],
  [["none/**"], []],
])("without git, %j", async (globs, expected) => {
  const p = await project(files);

  expect(findTracked(p.root, globs)).toEqual(expected);
});
