/** Where people send what bt says and writes: full disks, pipes, links. Does not know what is said. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { program, project, withTasks } from "../support/project.ts";

const bake = {
  "builderfile.ts": withTasks({ bake: `task({ inputs: [], outputs: ["loaf"], run: "echo rye > loaf" })` }),
};
const toFullDisk = ["bash", "-c", 'exec "$0" "$@" > /dev/full', process.execPath, program];

test("what a full disk did not take is no success: of a run, a list, a graph", async () => {
  const p = await project(bake);

  for (const argv of [["bake"], ["--list"], ["--graph", "bake"]])
    expect(await p.btWith({ program: toFullDisk }, ...argv)).toMatchObject({
      exitCode: 1,
      stderr: "bt: What bt prints cannot be written (ENOSPC)\n  fix  Make room where its output goes.\n",
    });
  expect(p.read("loaf")).toBe("rye\n");
});

test("traces and reports are written into a named pipe, which stays one", async () => {
  const p = await project({ ...bake, "all.sh": 'mkfifo page; cat page > got & "$@"; wait $!' });

  for (const option of ["--trace", "--report"]) {
    fs.rmSync(path.join(p.root, "page"), { force: true });
    await p.btWith({ program: ["bash", "all.sh", process.execPath, program] }, "bake", option, "page");

    expect(fs.lstatSync(path.join(p.root, "page")).isFIFO()).toBe(true);
    expect(p.read("got")).toContain("bake");
  }
});

test("traces and reports replace the file that a link leads to, and not the link", async () => {
  const p = await project({ ...bake, "old/trace": "old", "old/page": "old" });
  for (const name of ["trace", "page"]) fs.symlinkSync(`old/${name}`, path.join(p.root, name));

  await p.bt("bake", "--trace", "trace", "--report", "page");

  for (const name of ["trace", "page"]) {
    expect(fs.readlinkSync(path.join(p.root, name))).toBe(`old/${name}`);
    expect(p.read(`old/${name}`)).toContain("bake");
  }
});
