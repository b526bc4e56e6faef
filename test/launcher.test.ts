/** `./bt`: the launcher of a checkout, in a checkout of stand-ins. npm is a script that writes down its call: nothing is downloaded. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, type Project, type Result } from "./support/project.ts";

const launcher = fs.readFileSync(path.join(import.meta.dirname, "../bt"), "utf8");

/** A checkout whose CLI prints its arguments, whose build makes that CLI, and whose packages are installed. */
async function checkout(
  folder = "bt src",
): Promise<Project & { readonly at: string; readonly launch: (program: string, cwd?: string) => Promise<Result> }> {
  const p = await project({
    [`${folder}/bt`]: launcher,
    [`${folder}/package-lock.json`]: "{}",
    [`${folder}/build.mjs`]: `import * as fs from "node:fs";
const here = import.meta.dirname;
fs.mkdirSync(here + "/dist", { recursive: true });
fs.writeFileSync(here + "/dist/bt.cjs", "console.log(JSON.stringify(process.argv.slice(2)))");
fs.writeFileSync(here + "/dist/.stamp", "");`,
    [`${folder}/core/index.ts`]: "",
    [`${folder}/plugins/images/index.ts`]: "",
    [`${folder}/templates/empty/ABOUT`]: "",
    [`${folder}/node_modules/.package-lock.json`]: "{}",
    "bin/npm": `#!/bin/sh\necho "npm $*" >> "${"$"}HOME/calls"\nmkdir -p node_modules && echo {} > node_modules/.package-lock.json\n`,
    "elsewhere/file": "",
  });
  const at = path.join(p.root, folder);
  fs.chmodSync(path.join(at, "bt"), 0o755);
  fs.chmodSync(path.join(p.root, "bin/npm"), 0o755);
  age(path.join(at, "package-lock.json"), 100);
  const env = { PATH: `${p.root}/bin:${process.env["PATH"] ?? ""}` };
  const launch = (program: string, cwd = "."): Promise<Result> =>
    p.start({ program: [program], cwd, env }, "build it", "-n").ended;
  return { ...p, at, launch };
}

/** Makes a file older by so many seconds. */
function age(file: string, seconds: number): void {
  const then = new Date(Date.now() - seconds * 1000);
  fs.utimesSync(file, then, then);
}

const answer = '["build it","-n"]\n';

test("./bt builds dist when there is none, says so in one line, and passes its arguments on", async () => {
  const c = await checkout();

  const result = await c.launch(`${c.at}/bt`);

  expect(result).toMatchObject({ exitCode: 0, stdout: answer, stderr: "bt: building dist\n" });
});

test("./bt says and does nothing else when everything is there", async () => {
  const c = await checkout();
  await c.launch(`${c.at}/bt`);

  const result = await c.launch(`${c.at}/bt`);

  expect(result).toMatchObject({ stdout: answer, stderr: "" });
  expect(c.exists("calls")).toBe(false);
});

test("./bt works from another folder, by a relative path, and through links", async () => {
  const c = await checkout();
  await c.launch(`${c.at}/bt`);
  fs.mkdirSync(path.join(c.root, "links"));
  fs.symlinkSync("../bt src/bt", path.join(c.root, "links/relative"));
  fs.symlinkSync(path.join(c.root, "links/relative"), path.join(c.root, "links/twice"));

  const results = await Promise.all([
    c.launch("../bt src/bt", "elsewhere"),
    c.launch("./bt", "bt src"),
    c.launch(path.join(c.root, "links/relative"), "elsewhere"),
    c.launch(path.join(c.root, "links/twice"), "elsewhere"),
  ]);

  expect(results.map(({ stdout }) => stdout)).toEqual([answer, answer, answer, answer]);
});

test.for(["core/new.ts", "plugins/images/index.ts", "templates/empty/ABOUT", "build.mjs", "package-lock.json"])(
  "./bt rebuilds dist when %s is newer",
  async (file) => {
    const c = await checkout();
    await c.launch(`${c.at}/bt`);
    for (const name of [
      "dist/.stamp",
      "core",
      "core/index.ts",
      "plugins",
      "plugins/images",
      "plugins/images/index.ts",
      "templates",
      "templates/empty",
      "templates/empty/ABOUT",
      "build.mjs",
    ])
      age(path.join(c.at, name), 50);
    if (file.endsWith("new.ts")) c.write(`bt src/${file}`, "");
    else age(path.join(c.at, file), 10);

    const results = [await c.launch(`${c.at}/bt`), await c.launch(`${c.at}/bt`)];

    expect(results.map(({ stderr }) => stderr)).toEqual(["bt: building dist\n", ""]);
  },
);

test("./bt does not rebuild dist for what is no source", async () => {
  const c = await checkout();
  await c.launch(`${c.at}/bt`);
  c.write("bt src/plugins/images/README.md", "");
  for (const name of ["plugins/images", "plugins"]) age(path.join(c.at, name), 50);

  const result = await c.launch(`${c.at}/bt`);

  expect(result.stderr).toBe("");
});

test("./bt installs from the lock file when it is newer than what is installed, and says so", async () => {
  const c = await checkout();
  await c.launch(`${c.at}/bt`);
  age(path.join(c.at, "node_modules/.package-lock.json"), 200);

  const result = await c.launch(`${c.at}/bt`, "elsewhere");

  expect(result).toMatchObject({
    exitCode: 0,
    stdout: answer,
    stderr: "bt: installing the packages of package-lock.json\n",
  });
  expect(c.read("calls")).toBe("npm ci --no-audit --no-fund --loglevel=error\n");
  expect((await c.launch(`${c.at}/bt`)).stderr).toBe("");
});

test("./bt ends with the code of a build or an install that fails, and does not run", async () => {
  const c = await checkout();
  c.write("bt src/build.mjs", "process.exit(3)");

  const failed = await c.launch(`${c.at}/bt`);
  c.write("bin/npm", "#!/bin/sh\nexit 7\n");
  fs.rmSync(path.join(c.at, "node_modules"), { recursive: true });
  const uninstalled = await c.launch(`${c.at}/bt`);

  expect(failed).toMatchObject({ exitCode: 3, stdout: "" });
  expect(uninstalled).toMatchObject({ exitCode: 7, stdout: "" });
});
