import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const files = { "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }), shelf: "" };

test("REPORT_UNWRITABLE: the folder of the report is a file", async () => {
  const p = await project(files);
  await p.bt("bake");

  const result = await p.bt("--report", "shelf/report.html");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr.replaceAll(p.root, "ROOT")).toMatchInlineSnapshot(`
    "bt: The report cannot be written to "shelf/report.html": EEXIST: file already exists, mkdir 'ROOT/shelf'
      fix  Name a file in a folder that you may write to, after \`--report\`.
    "
  `);
});

test("a run whose report cannot be written says so and ends as it would", async () => {
  const p = await project(files);

  const result = await p.bt("bake", "--report", "shelf/report.html");

  expect(result.exitCode).toBe(0);
  expect(result.stdout + result.stderr).toContain('The report cannot be written to "shelf/report.html"');
});
