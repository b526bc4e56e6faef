/** What cannot be right in a table or a command line ends before anything starts: the place, the problem, the fix. */
import { expect, test } from "vitest";
import { builderfile, familyProject } from "./rig.ts";

const one = (entry: string): string => builderfile(`{\n    "1": ${entry},\n  }`);

const tables: readonly (readonly [problem: string, text: string, stderr: string])[] = [
  ["an empty table", builderfile("{}"), "bt: The table of versions is empty\n  at   builderfile.ts:8:13"],
  [
    "a key with a slash",
    builderfile(`{ "a/b": {} }`),
    'bt: "a/b" cannot be the name of a version\n  at   builderfile.ts:8:15',
  ],
  [
    "a key twice",
    builderfile(`{\n    "1": {},\n    "1": {},\n  }`),
    'bt: Version "1" is in the table twice, first in line 9\n  at   builderfile.ts:10:5',
  ],
  ["a number as entry", one("5"), 'bt: Version "1" is not a record\n  at   builderfile.ts:9:5'],
  [
    "an unknown field",
    one(`{ platfroms: [] }`),
    'bt: "platfroms" is no field of version "1"\n  at   builderfile.ts:9:5\n       "1": { platfroms: [] },\n       ^\n  fix  Use "platforms", or one of tracks, args, sameAs, bootstrapWith, timeout.\n',
  ],
  [
    "a platform without an operating system",
    one(`{ platforms: ["s390"] }`),
    'bt: "s390" is no platform; one is written OS/ARCH\n  at   builderfile.ts:9:5\n       "1": { platforms: ["s390"] },\n       ^\n  fix  Use "linux/s390x", or one of linux/amd64,',
  ],
  [
    "arguments that are no texts",
    one(`{ args: { A: 1 } }`),
    'bt: `args` of version "1" is not a record of texts\n  at   builderfile.ts:9:5',
  ],
  [
    "a timeout that is none",
    one(`{ timeout: "2 hours" }`),
    'bt: `timeout` of version "1" is not a duration such as "2h"',
  ],
  [
    "neither versions nor versionsFile",
    builderfile("undefined"),
    'bt: The image family "oven" has neither `versions` nor `versionsFile`\n  at   builderfile.ts:4:14',
  ],
  [
    "both versions and versionsFile",
    builderfile(undefined, `versionsFile: "v.json",`),
    'bt: The image family "oven" has `versions` and `versionsFile`',
  ],
  [
    "an unknown option",
    builderfile(undefined, `tagz: () => [],`),
    'bt: "tagz" is no option of the image family "oven"',
  ],
];

test.each(tables)("%s", async (_, text, stderr) => {
  const p = await familyProject({ "builderfile.ts": text });

  const result = await p.stubbed("oven");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(stderr);
  expect(result.stderr).toMatch(/\n {2}fix {2}\S/);
});

test.each([
  ["bad JSON", '{\n  "1": {},\n  2\n}', "v.json:3:3"],
  ["a JSON list", "[]", "v.json:1"],
  ["a key twice", '{\n  "1": {},\n  "1": {}\n}', "v.json:3:3"],
  ["an unknown field", '{\n  "1": { "sameas": "2" }\n}', "v.json:2:3"],
])("%s in a file of versions is placed there", async (_, json, place) => {
  const p = await familyProject({
    "builderfile.ts": builderfile("undefined", `versionsFile: "v.json",`),
    "v.json": json,
  });

  const result = await p.bt("oven");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`  at   ${place}`);
});

test("a file of versions that is not there is named", async () => {
  const p = await familyProject({ "builderfile.ts": builderfile("undefined", `versionsFile: "v.json",`) });

  expect((await p.bt("oven")).stderr).toContain('bt: There is no table of versions "v.json"\n');
});

const names: readonly (readonly [problem: string, table: string, stderr: string])[] = [
  ["sameAs to nothing", `{ "1": {}, "3": { sameAs: "4" } }`, '`sameAs` names version "4", which is not in the table'],
  ["bootstrapWith to nothing", `{ "1": { bootstrapWith: "0" } }`, '`bootstrapWith` names version "0", which is not'],
  ["a circle", `{ "a": { sameAs: "b" }, "b": { sameAs: "a" } }`, "`sameAs` leads in a circle: a → b → a"],
  [
    "sameAs with arguments",
    `{ "1": {}, "3": { sameAs: "1", args: {} } }`,
    'Version "3" has `sameAs` and `args`, but it is the same image: 3 → 1',
  ],
];

test.each(names)("%s", async (_, table, problem) => {
  const p = await familyProject({ "builderfile.ts": builderfile(table) });

  const result = await p.stubbed("oven");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`bt: ${problem}`);
  expect(result.stderr).toContain("  at   builderfile.ts:8:");
});

const lines: readonly (readonly [argv: readonly string[], stderr: string])[] = [
  [["oven_9"], 'bt: There is no task "oven_9"\n  fix  Use "oven_1"'],
  [["oven-2"], 'bt: There is no task "oven-2"\n  fix  Use "oven_2"'],
  [["oven", "VERSIONS=1 2.0"], 'bt: "oven" has no version "2.0"\n  fix  Use one of 1, 2, 3.\n'],
  [["oven", "BUILD_IMAGE_VERSIONS=oven_4"], 'bt: "oven" has no version "4"\n  fix  Use "1", or one of 2, 3.\n'],
  [["oven_1", "HUBB=x"], "HUBB"],
  [
    ["oven_1", "CONTAINER_CLI=dockre"],
    'bt: CONTAINER_CLI is "dockre", which is no container engine bt knows\n  fix  Use "docker", or one of podman, buildah.\n',
  ],
  [
    ["oven_2.push"],
    "bt: oven_2.push would replace an index of linux/amd64, linux/arm64 by one architecture\n  fix  Run `bt oven_2.push_multi`.\n",
  ],
  [["oven_3.push"], "Run `bt oven_3.push_multi`.\n"],
  [
    ["oven_2.push_multi", "PLATFORMS=linux/amd64"],
    "bt: PLATFORMS is linux/amd64, but the version is declared for linux/amd64,linux/arm64\n",
  ],
  [["oven_2_multi", "PLATFORMS=amd46"], 'bt: "amd46" is no platform; one is written OS/ARCH\n  fix  Use "linux/amd64"'],
  [["oven_2_multi", "BUILDX_OUTPUT=--load"], "bt: docker cannot --load 2 platforms at once\n"],
  [["oven_1:run"], "there is no terminal for a shell, and no command"],
  [["oven_1:run", "ARCH=x86", "CMD=a"], "ARCH"],
  [["family:new", "V=1", "FROM=2"], 'bt: Version "1" is there already\n  at   builderfile.ts\n'],
  [["family:new", "V=4", "FROM=22"], 'bt: "oven" has no version "22"\n  fix  Use "2", or one of 1, 3.\n'],
  [["family:new", "V=a/b", "FROM=2"], '"a/b" cannot be the name of a version'],
  [["family:rm", "V=2"], 'bt: Version "2" is still named by `sameAs` of "3"\n  at   builderfile.ts:10:5'],
  [["family:ci", "FORMAT=jenkins"], "FORMAT"],
  [["family:check", "FAMILY=ofen"], 'bt: There is no image family "ofen"\n  fix  Set FAMILY to "oven".\n'],
];

test.each(lines)("%j", async (argv, stderr) => {
  const p = await familyProject();

  const result = await p.stubbed(...argv);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(stderr);
  expect(p.calls()).toEqual([]);
});

test("a shell without a terminal is refused before anything starts", async () => {
  const p = await familyProject();

  const result = await p.stubbed("oven_1:shell");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toBe(
    'bt: oven_1: there is no terminal for a shell, and no command\n  fix  Run `bt oven_1:run CMD="uname -m"`.\n',
  );
  expect(p.calls()).toEqual([]);
});

test("an entry without a Dockerfile says where it was looked for", async () => {
  const p = await familyProject({ "builderfile.ts": builderfile(`{ "7": {} }`) });

  const result = await p.stubbed("oven_7");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toBe(
    'bt: Version "7" has no Dockerfile "docker/oven_7.Dockerfile"\n  at   builderfile.ts:8:15\n       versions: { "7": {} },\n                   ^\n  fix  Create it, let `bt family:new V=7 FROM=…` copy one, or correct `dockerfile`.\n',
  );
});

test("an argument that the Dockerfile does not declare is named, with those it declares", async () => {
  const p = await familyProject({
    "builderfile.ts": builderfile(`{ "1": { args: { FLUOR: "550" } } }`),
    "docker/oven_1.Dockerfile": "ARG BASE=scratch\nFROM $BASE\nARG FLOUR SALT=1\n",
  });

  const result = await p.stubbed("oven_1");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(
    'bt: "docker/oven_1.Dockerfile" does not declare the build argument "FLUOR": it declares BASE, FLOUR, SALT\n',
  );
  expect(result.stderr).toContain("Add `ARG FLUOR` to");
});

test("a template that throws is placed where it did, with the version", async () => {
  const template = `template: ({ version }) => {
    if (version === "2") throw new Error("no flour");
    return "FROM scratch";
  },`;
  const p = await familyProject({ "builderfile.ts": builderfile(undefined, template) });

  const result = await p.bt("oven_1");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain('bt: The template failed for version "2": no flour\n  at   builderfile.ts:14:');
});

test("a version without an emulator for its commands is refused before anything is built", async () => {
  const p = await familyProject({ "docker/oven_2.Dockerfile": "FROM scratch\nRUN true\n" });

  const result = await p.stubbed("oven_2_multi", "EMULATION=host");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain("This machine's binfmt_misc has no enabled handler with flag F for linux/arm64");
  expect(result.stderr).toContain("qemu-user-static");
});

test("bt --check finds nothing wrong with a sound family", async () => {
  const p = await familyProject();

  expect(await p.bt("--check")).toMatchObject({ exitCode: 0, stderr: "" });
});

test("two families share the family tasks, and FAMILY chooses", async () => {
  const two = builderfile().replace(
    "export default defineBuilder({ plugins: [oven] });",
    `const grill = imageFamily("grill", { hub: "q.io/x", versions: { "1": {} } });
export default defineBuilder({ plugins: [oven, grill] });`,
  );
  const p = await familyProject({ "builderfile.ts": two });

  const list = await p.bt("--list");
  const unclear = await p.bt("family:rm", "V=1");

  expect(list.stdout.match(/^ {2}(family:new|build-containers\S*) /gm)?.map((name) => name.trim())).toEqual([
    "build-containers-1",
    "build-containers-2",
    "build-containers-3",
    "build-containers-grill-1",
    "family:new",
  ]);
  expect(unclear).toMatchObject({ exitCode: 2 });
  expect(unclear.stderr).toBe("bt: There are several image families\n  fix  Set FAMILY to one of oven, grill.\n");
});
