/** `exec` and `$` in actions: what they return, what they show, how they fail. */
import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const call = (body: string, more = ""): string =>
  `task({ ${more} run: async ({ $, exec, log, signal }) => { ${body} } })`;
const one = async (body: string, more = "") =>
  await project({ "builderfile.ts": withTasks({ bake: call(body, more) }) });

test("exec returns code and output without the last newline, and shows the output", async () => {
  const p = await one(
    `const { exitCode, stdout, stderr } = await exec("sh", ["-c", "echo out; echo err >&2; exit 4"], { allowedCodes: [0, 4] }); log.info(JSON.stringify([exitCode, stdout, stderr]));`,
  );

  const { stdout } = await p.bt("bake");

  expect(stdout).toContain(`[4,"out","err"]`);
  expect(stdout).toContain("\nout\n");
  expect(stdout).toContain("\nerr\n");
});

test("exec takes every exit code for its own where any is allowed", async () => {
  const p = await one(
    `const { exitCode } = await exec("sh", ["-c", "exit 177"], { allowedCodes: "any" }); log.info(String(exitCode));`,
  );

  const { stdout } = await p.bt("bake");

  expect(stdout).toContain("\n177\n");
});

test("exec takes input, a folder, variables to add and to remove, and can keep quiet", async () => {
  const p = await one(
    `const { stdout } = await exec("sh", ["-c", "pwd; cat; echo $ADDED-\${OVEN-gone}"], { input: "typed\\n", cwd: "sub", env: { ADDED: "yes", OVEN: undefined }, show: false }); log.info(stdout.split("\\n").map((line) => "<" + line.split("/").at(-1) + ">").join(""));`,
    `env: ["OVEN=hot"],`,
  );
  p.write("sub/x", "");

  const { stdout } = await p.bt("bake");

  expect(stdout).toContain("<sub><typed><yes-gone>");
  expect(stdout).not.toContain("\ntyped\n");
});

test.for([
  [`await exec("sh", ["-c", "echo why; exit 7"])`, "exited with 7", "why"],
  [`await exec("sh", ["-c", "echo why >&2; kill -KILL $$"])`, "was ended by SIGKILL", "why"],
  ["await $`echo why; exit 7`", "`echo why; exit 7` exited with 7", "why"],
  ["await $`false | true`", "exited with 1", ""],
  ["await $({ cwd: 'sub' })`exit 2`", 'in "sub" exited with 2', ""],
] as const)("%s fails the task with command, end and last lines", async ([body, message, line]) => {
  const p = await one(body);
  p.write("sub/x", "");

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(message);
  expect(result.stdout).toContain(line);
  expect(result.stdout).toContain(`task "bake"`);
});

test.for([`await exec("ovn", ["hot"])`, `await exec("echo", [], { cwd: "nowhere" })`])(
  "%s says what is missing",
  async (body) => {
    const p = await one(body);

    const result = await p.bt("--output=json", "bake");

    expect(result.exitCode).toBe(1);
    expect(result.stdout).toMatch(/"code":"(COMMAND_MISSING|FOLDER_MISSING)"/);
  },
);

test("a missing program of a command given as data says so, alone and among many", async () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`t${at}`, `task({ run: "true" })`]));
  const p = await project({ "builderfile.ts": withTasks({ ...many, bake: `task({ run: "ovn hot" })` }) });

  for (const argv of [["bake"], ["-k", "bake", ...Object.keys(many)]]) {
    const result = await p.bt("--output=json", ...argv);
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toContain(`"code":"COMMAND_MISSING"`);
  }
});

test("a failure that the action handles is none", async () => {
  const p = await one(
    "try { await exec('false'); } catch {} const { exitCode } = await $`exit 3`.nothrow(); log.info('code ' + exitCode);",
  );

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.stdout).toContain("code 3");
});

test("a time limit of one command ends it, and says so", async () => {
  const p = await one(`await exec("sleep", ["600"], { timeoutMs: 100 })`);

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("`sleep 600` was not done after 0.1 s\n");
});

test("10 MB of output arrive whole, in lines and without a newline", async () => {
  const p = await one(
    `for (const end of ["\\\\n", ""]) { const { stdout } = await exec("sh", ["-c", "head -c 10000000 /dev/zero | tr '\\\\0' x | sed 's/x\\\\{99\\\\}/&" + end + "/g'"], { show: false }); log.info(end.length + " " + stdout.length + " " + stdout.split("\\n").length); } await exec("sh", ["-c", "head -c 10000000 /dev/zero | tr '\\\\0' y"]);`,
  );

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain("2 10101010 101011\n");
  expect(result.stdout).toContain("0 10000000 1\n");
  expect(result.stdout).toContain("y".repeat(1000));
});

test("a last line without a newline is shown, and bytes that are no text do no harm", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ run: "printf 'one\\\\r\\\\ntwo'; printf '\\\\303\\\\244\\\\377' >&2" })`,
    }),
  });

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain("\none\ntwo\n");
  expect(result.stdout).toContain("ä\uFFFD\n");
});

test("a process left behind that holds the output does not hold up its task for long", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "sleep 600 & echo done" })` }) });
  const startMs = Date.now();

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(0);
  expect(Date.now() - startMs).toBeLessThan(60_000);
});

test("`$` quotes what it is given, and gives back what was printed", async () => {
  const p = await one(
    "const name = \"it's; $HOME\"; const { stdout } = await $`echo ${name} ${['a b', 'c']}`; log.info('<' + stdout.trim() + '>');",
  );

  expect((await p.bt("bake")).stdout).toContain("<it's; $HOME a b c>");
});

test("folders from tempDir are gone afterwards, also after a failure", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: "task({ run: async ({ tempDir, $ }) => { const folder = await tempDir(); await $`touch ${folder}/x; echo ${folder} > where; exit 1`; } })",
    }),
  });

  await p.bt("bake");

  const { existsSync } = await import("node:fs");
  expect(existsSync(p.read("where").trim())).toBe(false);
});

test("many short commands keep their own output, folder, environment, code and signal", async () => {
  const tasks = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [
      `t${at}`,
      `task({ cwd: "sub", env: ["N=${at}"], allowFailure: true, run: "echo n=$N in \${PWD##*/}; echo e=$N >&2; test $N != 7; test $N != 9 || kill -KILL $$" })`,
    ]),
  );
  const p = await project({ "builderfile.ts": withTasks(tasks), "sub/x": "" });

  const { stdout, exitCode } = await p.bt("-j3", "--output=prefixed", ...Object.keys(tasks));

  expect(exitCode).toBe(0);
  for (let at = 0; at < 40; at++) expect(stdout).toContain(`t${at} | n=${at} in sub\n`);
  for (let at = 0; at < 40; at++) expect(stdout).toContain(`t${at} | e=${at}\n`);
  expect(stdout).toContain("exited with 1");
  expect(stdout).toContain("was ended by SIGKILL");
  expect(stdout).toContain("38 ran, 2 failed");
});

test("a program of $ that nobody feeds finds the end of its input; one that is piped into or given input gets it", async () => {
  const p = await one(
    "await $`cat`; const piped = await $`echo rye`.pipe($`tr a-z A-Z`).pipe`wc -c`; const fed = await $({ input: 'flour' })`cat`; log.info(`${String(piped).trim()} of ${String(fed).trim()}`);",
  );

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain("\n4 of flour\n");
});

test("a bash of $ does not read the user's ~/.bashrc, though its input is a socket", async () => {
  const p = await one("await $`echo level $SHLVL`;");
  p.write(".bashrc", "echo from bashrc\n");

  const { stdout } = await p.bt("bake");

  expect(stdout).toContain("\nlevel 2\n");
  expect(stdout).not.toContain("from bashrc");
});
