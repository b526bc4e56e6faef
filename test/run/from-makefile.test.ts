/** The example of a Makefile that is moved step by step: every step makes the same, and its rules are fresh. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { bt } from "../support/make.ts";
import { project, type Project } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

const example = path.join(import.meta.dirname, "../../examples/from-makefile");

/** The example as it is at a step; 3 is the last one. */
async function atStep(step: number): Promise<Project> {
  const p = await project({});
  fs.cpSync(example, p.root, { recursive: true, filter: (name) => !/\/(\.bt|dist)$/.test(name) });
  if (step < 3) fs.cpSync(path.join(example, "steps", String(step)), p.root, { recursive: true });
  return p;
}

testWith("make")("make makes the same bytes at every step, and its rules are those of the builderfile", async () => {
  const made: string[] = [];
  for (const step of [0, 1, 2, 3]) {
    const p = await atStep(step);

    const result = await p.btWith({ env: { BT: bt }, program: ["make"] }, "-s", "-j2", "manifest", "VERSION=v2");
    const check = step === 0 ? undefined : await p.bt("--make-shim", "--check", "bt.mk");

    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(check?.stdout ?? "").toBe("");
    made.push(p.read("dist/manifest"));
  }

  expect(made[0]).toMatch(/^version v2\n/);
  expect(new Set(made).size).toBe(1);
});

testWith("make")("a wrong architecture is found once its target has moved", async () => {
  const before = await atStep(0);
  const after = await atStep(3);
  const run = (p: Project): ReturnType<Project["bt"]> =>
    p.btWith({ env: { BT: bt }, program: ["make"] }, "-s", "rootfs", "ARCHITECTURES=s390");

  const [old, now] = [await run(before), await run(after)];

  expect(old.exitCode).toBe(0);
  expect(now.exitCode).toBe(2);
  expect(now.stderr).toContain("fix  Use ARCHITECTURES=s390x.");
});
