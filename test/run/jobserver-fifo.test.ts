/** A make that announces its pool as a path (4.4 and newer), above and below bt. Debian 12 has an older one; `.ci/run` brings this as `make-4.4`. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { bt, makeProject, type MakeProject } from "../support/make.ts";
import { withTasks } from "../support/project.ts";
import { job, makeJobs, readCrowd } from "../support/stamps.ts";
import { testWhere } from "../support/tool.ts";

const test = testWhere("make-4.4");

/** Cells whose jobs wait until `most` have started, and makes with such jobs. */
function crowd(most: number): string {
  return withTasks({
    left: `task({ matrix: { n: ["1", "2", "3", "4", "5", "6"] }, run: ${JSON.stringify(job(most))} })`,
    below: `task({ run: ["make", "-f", "jobs.mk"] })`,
    told: `task({ run: 'make -s -f told.mk' })`,
  });
}

/** A project in which `make` is the newer one for everybody. */
async function newer(most: number, lines = ""): Promise<{ p: MakeProject; env: { PATH: string } }> {
  const p = await makeProject(crowd(most), lines, {
    "jobs.mk": makeJobs(6, most),
    "told.mk": 'all: ; @echo "[$$MAKEFLAGS]"\n',
  });
  const own = path.join(p.root, "bin");
  fs.mkdirSync(own);
  fs.symlinkSync(execFileSync("which", ["make-4.4"], { encoding: "utf8" }).trim(), path.join(own, "make"));
  return { p, env: { PATH: `${own}:${process.env["PATH"] ?? ""}` } };
}

test("below a make that announces a path bt needs no +, and all jobs together are what make allows", async () => {
  const { p, env } = await newer(3, `both: own mine\nmine: ; @${bt} left\nown: jobs\n${makeJobs(6, 3)}`);

  const result = await p.makeWith({ env }, "-j3", "both");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" }); // Make would say there that slots are missing.
  expect(result.stdout).not.toContain("Warning");
  expect(readCrowd(p)).toEqual({ most: 3, jobs: 12 });
});

test("with --jobserver-style=pipe the newer make is as the older one", async () => {
  const { p, env } = await newer(3, `mine: ; +@${bt} left`);

  const result = await p.makeWith({ env }, "-j3", "--jobserver-style=pipe", "mine");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p)).toEqual({ most: 3, jobs: 6 });
});

test("with --jobserver-style=pipe and without + make disables the pool on purpose: serial, and no warning", async () => {
  const { p, env } = await newer(1, `mine: ; @${bt} left`);

  const result = await p.makeWith({ env }, "-j3", "--jobserver-style=pipe", "mine");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toContain("Warning");
  expect(readCrowd(p)).toEqual({ most: 1, jobs: 6 });
});

test("a newer make below bt gets the pool as a path, and shares it", async () => {
  const { p, env } = await newer(3);

  const told = await p.btWith({ env }, "-j3", "told");
  const result = await p.btWith({ env }, "-j3", "below", "left");

  expect(told.stdout).toMatch(/\[s -j3 --jobserver-auth=fifo:/);
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toContain("Warning");
  expect(readCrowd(p)).toEqual({ most: 3, jobs: 12 });
});

test.each(["newer", "older"])("make, bt and make below each other have one pool: the %s above", async (above) => {
  const { p, env } = await newer(3, `mine: ; +@PATH="$(BELOW)" ${bt} below left`);
  const older = { PATH: process.env["PATH"] ?? "" };
  const [up, down] = above === "newer" ? [env, older] : [older, env];

  const result = await p.makeWith({ env: { ...up, BELOW: down.PATH } }, "-j3", "mine");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toContain("Warning");
  expect(readCrowd(p)).toEqual({ most: 3, jobs: 12 });
});
