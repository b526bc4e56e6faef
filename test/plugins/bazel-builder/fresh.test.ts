/** A builder that is up to date: answered without loading anything, until something that it depends on is different. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import type { Project } from "../../support/project.ts";
import { until } from "../../support/processes.ts";
import { testWith } from "../../support/tool.ts";
import { bakery, commit } from "./rig.ts";

const upToDate = "bt: Nothing to do: 1 task is up to date\n";
const words = ["builder-build", "VERSION=v1", "ARCHITECTURES=s390x amd64"];

/** What bt prints, and whether it went the long way: only that one needs node:crypto. */
async function look(p: Project, env: Record<string, string> = {}): Promise<readonly [stdout: string, way: string]> {
  const spy = path.join(p.root, ".bt/spy.cjs");
  fs.writeFileSync(
    spy,
    `process.on("exit", () => require("node:fs").writeSync(2, process.moduleLoadList.includes("NativeModule crypto") ? "long" : "short"));`,
  );
  const { stdout, stderr } = await p.btWith({ env: { ...env, NODE_OPTIONS: `--require ${spy}` } }, ...words);
  return [stdout, stderr.slice(stderr.lastIndexOf("\n") + 1)];
}

testWith("git")("a builder is up to date until its files, its record, its commit or its variables change", async () => {
  const p = await bakery();
  const madeMs = Date.now();
  await until(() => Date.now() - madeMs > 2100);
  expect((await p.bt(...words)).exitCode).toBe(0);
  const first = await look(p);
  fs.rmSync(path.join(p.root, "_out"), { recursive: true });
  const unrecorded = await p.bt(...words);
  const again = await look(p);
  const variable = await look(p, { DOCKER_IMAGE: "oven" });
  await p.bt(...words);
  const back = await look(p);
  p.write("note", "eat it warm");
  await commit(p);
  const committed = await p.bt(...words);
  p.write("hack/builder/oven", "cold\n");
  const edited = await p.bt(...words);

  expect([first, again, back]).toEqual(Array.from({ length: 3 }, () => [upToDate, "short"]));
  expect(unrecorded.stdout).toContain("bt: 1 ran");
  expect(variable[0]).toContain("oven:v1-s390x");
  expect(committed.stdout).toMatch(/version of "commit" changed/);
  expect(edited.stdout).toContain("bt: 4 ran");
});
