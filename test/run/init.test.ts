/** `bt --init`: every template gives a project that type-checks and that bt finds sound; nothing is overwritten. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { program, project, type Project } from "../support/project.ts";
import { answerOnTerminal } from "../support/shell.ts";
import { testWith } from "../support/tool.ts";

const repository = path.join(import.meta.dirname, "../..");
const templates = fs.readdirSync(path.join(repository, "templates")).filter((name) => name !== "_shared");

/** As `bt --doctor --json` tells it. */
interface Requirement {
  readonly name: string;
  readonly plugin: string;
  readonly command: string;
}

function isVague({ name, plugin, command }: Requirement): boolean {
  return [name, plugin, command].includes("");
}

/** As `npm install` leaves it. */
function install(p: Project): void {
  fs.mkdirSync(path.join(p.root, "node_modules/.bin"), { recursive: true });
  fs.symlinkSync(repository, path.join(p.root, "node_modules/builderfile"));
  fs.symlinkSync(program, path.join(p.root, "node_modules/.bin/bt"));
  for (const name of ["@types", "vitest"])
    fs.symlinkSync(path.join(repository, "node_modules", name), path.join(p.root, "node_modules", name));
}

/** What the compiler says of the project. */
function compile(p: Project): string {
  const tsc = path.join(repository, "node_modules/typescript/bin/tsc");
  return spawnSync(process.execPath, [tsc, "-p", p.root, "--pretty", "false"], { encoding: "utf8" }).stdout;
}

function filesOf(p: Project): string[] {
  const all = fs.readdirSync(p.root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return all.map((entry) => path.relative(p.root, path.join(entry.parentPath, entry.name))).sort();
}

test(
  "every template gives a project that type-checks, that bt finds sound, and whose doctor knows what it needs",
  { timeout: 600_000 },
  async () => {
    const p = await project({
      "from-makefile/Makefile": "loaf: flour\n\tcp flour loaf\n",
      "from-makefile/flour": "rye",
    });
    for (const name of templates) fs.mkdirSync(path.join(p.root, name), { recursive: true });

    const answers = await Promise.all(
      templates.map(async (name) => {
        const made = await p.bt("-C", name, "--init", name);
        const check = await p.bt("-C", name, "--check");
        const { stdout } = await p.bt("-C", name, "--doctor", "--json");
        const { requirements } = JSON.parse(stdout) as { requirements: Requirement[] };
        const isWritten = made.stdout.includes("wrote builderfile.ts\n");
        return {
          name,
          made: made.exitCode,
          stderr: made.stderr,
          isWritten,
          check: check.exitCode,
          vague: requirements.filter(isVague),
        };
      }),
    );
    install(p);
    p.write("tsconfig.json", `{ "extends": "./empty/tsconfig.json", "include": ["*/**/*.ts"] }`);

    const good = { made: 0, stderr: "", isWritten: true, check: 0, vague: [] };
    expect(answers).toEqual(templates.map((name) => ({ name, ...good })));
    expect(compile(p)).toBe("");
  },
);

test("the scaffold of a plugin brings a test, which passes, and a task that runs", { timeout: 600_000 }, async () => {
  const p = await project({});
  await p.bt("--init", "plugin");
  install(p);

  const vitest = spawnSync(process.execPath, [path.join(repository, "node_modules/vitest/vitest.mjs"), "run"], {
    cwd: p.root,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: p.root, NO_COLOR: "1" },
  });
  const report = await p.bt("report");

  expect(vitest.stdout).toMatch(/Tests +3 passed/);
  expect(report).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("1 files in SUMS") });
  expect(report.stderr).toContain("checksums: verify with");
});

test("what is there stays as it is: common files are kept, others end --init before it writes", async () => {
  const p = await project({ "package.json": "{}", ".gitignore": "out/\n" });
  const first = await p.bt("--init", "empty");
  const before = filesOf(p);
  const again = await p.bt("--init", "image-family");

  expect(first.stdout).toBe(
    "wrote builderfile.ts\nwrote tsconfig.json\nkept .gitignore\nkept package.json\n" +
      "bt: Next: `npm install --save-dev builderfile` gives your editor the types, `bt` lists the tasks\n",
  );
  expect([p.read("package.json"), p.read(".gitignore")]).toEqual(["{}", "out/\n"]);
  expect(again).toMatchObject({ exitCode: 2, stdout: "" });
  expect(again.stderr).toContain(`There is "builderfile.ts" already`);
  expect(filesOf(p)).toEqual(before);
});

test("a file where a folder should be, or a link that leads nowhere, is in the way too", async () => {
  const [p, q] = [await project({ docker: "a file" }), await project({})];
  fs.symlinkSync("nowhere", path.join(q.root, "builderfile.ts"));

  const results = [await p.bt("--init", "image-family"), await q.bt("--init", "empty")];

  expect(results.map(({ exitCode, stderr }) => [exitCode, stderr.split("\n", 1)[0]])).toEqual([
    [2, 'bt: There is "docker" already'],
    [2, 'bt: There is "builderfile.ts" already'],
  ]);
  expect([filesOf(p), filesOf(q)]).toEqual([["docker"], []]);
});

test("a dry run only says what would be written", async () => {
  const p = await project({});

  const result = await p.bt("-n", "--init", "empty");

  expect(result.stdout).toContain("would write builderfile.ts\n");
  expect(filesOf(p)).toEqual([]);
});

test("a folder without a builderfile says how to get one", async () => {
  const p = await project({});

  expect((await p.bt()).stderr).toContain("bt --init");
});

testWith("script")("on a terminal bt asks, and takes a number or a name", async () => {
  const [p, q] = [await project({}), await project({})];

  const asked = await answerOnTerminal(p, ["--init"], { Which: String(templates.indexOf("empty") + 1) });
  await answerOnTerminal(q, ["--init"], { Which: "kiwi-dice" });

  expect(asked).toMatch(/\d {2}image-family +one image for each release branch/);
  expect(p.read("builderfile.ts")).toContain("bt works here");
  expect(q.read("builderfile.ts")).toContain("kiwiDice");
});
