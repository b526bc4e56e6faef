/** Programs below bt share its job slots, each in the way that it understands; what is lost is told and made good. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { bt, makeProject } from "../support/make.ts";
import { announcesPath } from "../support/make-version.ts";
import { until } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";
import { job, makeJobs, ninjaJobs, readCrowd } from "../support/stamps.ts";
import { testWith } from "../support/tool.ts";

const test = testWith("make");

/** ninja from 1.13 on takes part; Debian 12 has an older one, CI brings its own. */
const ninjaVersion = spawnSync("ninja", ["--version"], { encoding: "utf8" }).stdout ?? "0";
const [major = 0, minor = 0] = ninjaVersion.split(".").map(Number);
const isNew = major > 1 || (major === 1 && minor >= 13);
const hasNinja = isNew || process.env["CI"] !== undefined;
const testWithNinja = testWith("make", hasNinja ? "ninja" : "ninja-1.13");
const testWithAll = testWith("make", "cargo", "gcc", hasNinja ? "ninja" : "ninja-1.13");

/** Programs and tasks whose jobs wait until `most` of them have started. */
function files(most: number): Readonly<Record<string, string>> {
  return {
    "builderfile.ts": withTasks({
      first: `task({ run: ["make", "-f", "jobs.mk"] })`,
      second: `task({ run: ["make", "-f", "jobs.mk"] })`,
      third: `task({ run: ["ninja", "--quiet"] })`,
      script: `task({ run: "sh ./build.sh" })`,
      own: `task({ matrix: { n: ["1", "2", "3", "4"] }, run: ${JSON.stringify(job(most))} })`,
      forced: `task({ run: ["make", "-f", "jobs.mk"], jobserver: "fifo" })`,
      apart: `task({ run: ["make", "-f", "flags.mk"], jobserver: "off" })`,
      flags: `task({ run: ["make", "-f", "flags.mk"] })`,
    }),
    "jobs.mk": makeJobs(8, most),
    "build.ninja": ninjaJobs(8, most),
    "build.sh": "exec make -f jobs.mk\n",
    "flags.mk": 'all: ; @echo "[$$MAKEFLAGS]"; test ! -p /dev/fd/3\n',
  };
}

/** A folder for everything that is temporary. */
function ownTemporary(p: Project): { readonly TMPDIR: string } {
  fs.mkdirSync(path.join(p.root, "tmp"));
  return { TMPDIR: path.join(p.root, "tmp") };
}

test("two makes and bt's own tasks are four jobs together, no more and no less", async () => {
  const p = await project(files(4));

  const result = await p.bt("-j4", "first", "second", "own");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p)).toEqual({ most: 4, jobs: 20 });
  expect(result.stdout).not.toContain("Warning");
});

test("with -j1 everything is serial", async () => {
  const p = await project(files(1));

  const result = await p.bt("-j1", "first", "second");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p)).toEqual({ most: 1, jobs: 16 });
});

testWithNinja("make 4.3 and ninja share one pool", async () => {
  const p = await project(files(4));

  const result = await p.bt("-j4", "first", "third");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toMatch(/warning/i);
  expect(readCrowd(p)).toEqual({ most: 4, jobs: 16 });
});

testWithNinja(
  "make, bt below it, and ninja below that are three jobs together, and make has its slots back",
  async () => {
    const p = await makeProject(files(3)["builderfile.ts"] ?? "", `${makeJobs(8, 3)}all: jobs third first`, files(3));
    const result = await p.make("-j3", "all");

    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readCrowd(p)).toEqual({ most: 3, jobs: 24 });
  },
);

/** Five crates, whose compilers are jobs like the others; two files that are optimized when they are linked. */
function crates(most: number): Readonly<Record<string, string>> {
  const names = ["a", "b", "c", "d", "e"];
  return {
    ...files(most),
    "builderfile.ts": withTasks({
      rust: `task({ env: ["RUSTC_WRAPPER"], run: ["cargo", "build", "--quiet", "--offline"] })`,
      first: `task({ run: ["make", "-f", "jobs.mk"] })`,
      third: `task({ run: ["ninja", "--quiet"] })`,
      link: `task({ run: ["gcc", "-O2", "-flto=jobserver", "-o", "loaf", "loaf.c", "crumb.c"] })`,
    }),
    "loaf.c": "int crumb(int); int main(void) { return crumb(0); }\n",
    "crumb.c": "int crumb(int n) { return n; }\n",
    "Cargo.toml": `[workspace]\nresolver = "2"\nmembers = ${JSON.stringify(names)}\n`,
    "wrap.sh": `#!/bin/sh\ncase "$*" in *--crate-name\\ ___*|*-vV*) exec "$@";; esac\n(cd "$(dirname "$0")" && ${job(most).replace(/; echo e >> log$/, "")})\n"$@"; code=$?; echo e >> "$(dirname "$0")/log"; exit $code\n`,
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`${name}/Cargo.toml`, `[package]\nname = "crate-${name}"\nversion = "0.1.0"\nedition = "2021"\n`],
        [`${name}/src/lib.rs`, `pub fn f() -> u32 { 1 }\n`],
      ]),
    ),
  };
}

/** What cargo is told with such files. */
function cargoEnvironment(p: Project): Readonly<Record<string, string>> {
  fs.chmodSync(path.join(p.root, "wrap.sh"), 0o755);
  const home = process.env["HOME"] ?? "/";
  return { RUSTC_WRAPPER: `${p.root}/wrap.sh`, HOME: home };
}

testWithAll(
  "make, ninja, cargo and gcc are four jobs together, and every slot comes back",
  { timeout: 600_000 },
  async () => {
    const p = await project(crates(4));

    const result = await p.btWith({ env: cargoEnvironment(p) }, "-j4", "rust", "first", "third", "link");

    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(result.stdout).not.toMatch(/warning/i);
    expect(readCrowd(p)).toEqual({ most: 4, jobs: 21 });
  },
);

testWithAll(
  "make, bt below it, and cargo and ninja below that are three jobs together, and make has its slots back",
  { timeout: 600_000 },
  async () => {
    const lines = `${makeJobs(8, 3)}all: jobs mine\nmine: ; +@$(BT) rust third`;
    const p = await makeProject(crates(3)["builderfile.ts"] ?? "", lines, crates(3));

    const result = await p.makeWith({ env: cargoEnvironment(p) }, "-j3", "all");

    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readCrowd(p)).toEqual({ most: 3, jobs: 21 });
  },
);

testWith("make", "cargo")("cargo takes part beside make", { timeout: 600_000 }, async () => {
  const p = await project(crates(1));

  const result = await p.btWith({ env: cargoEnvironment(p) }, "-j3", "rust", "first");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p).most).toBeLessThanOrEqual(3);
  expect(readCrowd(p).jobs).toBe(13);
  expect(result.stdout).not.toMatch(/warning/i);
});

testWith("make", "gcc")("gcc that links takes part beside make, and every slot comes back", async () => {
  const p = await project(crates(1));

  const result = await p.bt("-j3", "link", "first");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toMatch(/warning/i);
  expect(readCrowd(p).jobs).toBe(8);
});

test("a script that calls make inside shares the pool", async () => {
  const p = await project(files(3));

  const result = await p.bt("-j3", "script");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p)).toEqual({ most: 3, jobs: 8 });
});

test("functions hand the pool on as well: $, exec, and with the terminal", async () => {
  const p = await project({
    ...files(4),
    "builderfile.ts": withTasks({
      all: `task({ run: async ({ $, exec }) => { await Promise.all([$\`make -f jobs.mk\`, exec("make", ["-f", "jobs.mk"])]); } })`,
      shown: `task({ run: ["make", "-f", "jobs.mk"], pool: "console" })`,
    }),
  });

  const result = await p.bt("-j3", "all");
  const shown = await p.bt("-j3", "shown");

  expect([result.exitCode, shown.exitCode]).toEqual([0, 0]);
  expect(readCrowd(p)).toEqual({ most: 4, jobs: 24 }); // A function has one slot; it started two makes, each with a job of its own.
});

const forced = announcesPath
  ? "a make that knows pools with a path may be given one"
  : "an older make dies of the newer way, and the message names the option";
test(forced, async () => {
  const p = await project(files(announcesPath ? 3 : 1));

  const result = await p.bt("-j3", "forced");

  if (announcesPath) {
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readCrowd(p)).toEqual({ most: 3, jobs: 8 });
    return;
  }
  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("invalid --jobserver-auth string");
  expect(result.stdout).toContain('fix  Leave out `jobserver: "fifo"` of the task: this make is older than 4.4.\n');
});

test("a task may stay apart; otherwise its programs get flags made for them, whatever a make above has said", async () => {
  const p = await project(files(1));
  const env = { MAKEFLAGS: "k -- V=x", MAKELEVEL: "1", MFLAGS: "-k", CARGO_MAKEFLAGS: "-j9" };

  const apart = await p.btWith({ env }, "-j2", "apart");
  const flags = await p.btWith({ env }, "-j1", "flags");

  expect(apart.stdout).toContain("\n[]\n");
  expect(flags.stdout).toContain("\n[k -j1]\n");
});

test("what make sets for its children is in no key", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ env: ["MAKEFLAGS", "MAKELEVEL"], inputs: [], outputs: ["loaf"], run: "touch loaf" })`,
    }),
  });

  await p.bt("bake");
  const below = await p.btWith({ env: { MAKEFLAGS: "k", MAKELEVEL: "2" } }, "bake");

  expect(below.stdout).toBe("");
});

test("a make that is killed loses slots: bt says so, and what follows has all of them", async () => {
  const p = await project({
    ...files(4),
    "builderfile.ts": withTasks({
      doomed: `task({ allowFailure: true, run: ["make", "-f", "doomed.mk"] })`,
      after: `task({ needs: [after("doomed")], run: ["make", "-f", "jobs.mk"] })`,
    }),
    "doomed.mk":
      "all: a b c d\na b c: ; @touch $@; exec sleep 600\nd: a.ok ; @true\na.ok: ; @until [ -e a ] && [ -e b ] && [ -e c ]; do sleep 0.01; done; kill -KILL $$PPID\n",
  });

  const result = await p.bt("-j4", "after");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(readCrowd(p)).toEqual({ most: 4, jobs: 8 });
  expect(result.stdout).toMatch(/3 job slots were not given back; last had by programs of "doomed"/);
});

test("bt, make, bt and make below each other are three jobs, each level knows its depth, and nothing is left behind", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      outer: `task({ run: ["make", "-f", "middle.mk"] })`,
      inner: `task({ run: "echo level $BT_LEVEL; make -f jobs.mk" })`,
    }),
    "middle.mk": `all: jobs inner\ninner: ; +@${bt} inner\n${makeJobs(6, 3)}`,
    "jobs.mk": makeJobs(6, 3),
  });
  const env = ownTemporary(p);

  const result = await p.btWith({ env }, "-j3", "outer");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain("level 2");
  expect(readCrowd(p)).toEqual({ most: 3, jobs: 12 });
  expect(fs.readdirSync(env.TMPDIR)).toEqual([]);
});

test("the pool goes when bt is ended by a signal", async () => {
  const p = await project({ ...files(1), "jobs.mk": "all: a b\na b: ; @touch $@.started; exec sleep 600\n" });
  const env = ownTemporary(p);
  const { child, ended } = p.start({ env }, "-j2", "first");
  await until(() => p.exists("a.started") && p.exists("b.started"));

  child.kill("SIGTERM");

  expect(await ended).toMatchObject({ signal: "SIGTERM" });
  expect(fs.readdirSync(env.TMPDIR)).toEqual([]);
});
