/** family:new and family:rm: the Dockerfile and the entry in the table's own text, or neither. */
import { expect, test } from "vitest";
import { builderfile, dockerfile, familyProject, files } from "./rig.ts";

const spacious = builderfile(`{
    '1': { platforms: ["linux/amd64"] }, // the first
    // The one that most use.
    '2': {
      platforms: ["linux/amd64", "linux/arm64"],
      tracks: { istio: "1.18" },
    },
    '3': { sameAs: "2" }
  }`);

test("a new version is a copy of another one, right after it, and the rest of the file stays", async () => {
  const p = await familyProject({ "builderfile.ts": spacious });

  const result = await p.bt("family:new", "V=4", "FROM=1");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("builderfile.ts")).toBe(
    spacious.replace("// the first\n", `// the first\n    '4': { platforms: ["linux/amd64"] },\n`),
  );
  expect(p.read("docker/oven_4.Dockerfile")).toBe(dockerfile);
  expect(result.stdout).toContain(
    "Added version 4 to builderfile.ts, and docker/oven_4.Dockerfile as a copy of docker/oven_1.Dockerfile\n",
  );
});

test("what to do next names what the model tracks", async () => {
  const p = await familyProject({ "builderfile.ts": spacious });

  const result = await p.bt("family:new", "V=2.1", "FROM=2");

  expect(result.stdout).toContain("Next: set `tracks` in builderfile.ts: istio (now 1.18)\n");
  expect((await p.bt("-n", "oven_2.1_multi")).exitCode).toBe(0);
});

test.each([
  ["2.1", "2"],
  ["4", "3"],
])("family:rm V=%s takes back what family:new has done with FROM=%s", async (version, from) => {
  const p = await familyProject({ "builderfile.ts": spacious });
  await p.bt("family:new", `V=${version}`, `FROM=${from}`);

  const result = await p.bt("family:rm", `V=${version}`);

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("builderfile.ts").replace(`"2" },\n  }`, `"2" }\n  }`)).toBe(spacious);
  expect(p.exists(`docker/oven_${version}.Dockerfile`)).toBe(false);
});

test("a copy of a second name has the options of the first", async () => {
  const p = await familyProject({ "builderfile.ts": spacious });

  await p.bt("family:new", "V=4", "FROM=3");

  expect(p.read("builderfile.ts")).toContain(
    `    '3': { sameAs: "2" },\n    '4': { platforms: ["linux/amd64", "linux/arm64"], tracks: { istio: "1.18" } }\n`,
  );
});

test("a table in one line, and one in JSON", async () => {
  const line = builderfile(`{ "1": {}, "2": {} }`);
  const p = await familyProject({ "builderfile.ts": line });
  const q = await familyProject({
    "builderfile.ts": builderfile("undefined", `versionsFile: "versions.json",`),
    "versions.json": `{\n  "1": { "platforms": ["linux/amd64"] },\n  "2": {}\n}\n`,
  });

  await p.bt("family:new", "V=1.5", "FROM=1");
  await q.bt("family:new", "V=2.5", "FROM=2");
  const removed = await q.bt("family:rm", "V=1");

  expect(p.read("builderfile.ts")).toBe(line.replace(`"1": {},`, `"1": {}, "1.5": {},`));
  expect(removed.exitCode).toBe(0);
  expect(q.read("versions.json")).toBe(`{\n  "2": {},\n  "2.5": {}\n}\n`);
  expect([q.exists("docker/oven_2.5.Dockerfile"), q.exists("docker/oven_1.Dockerfile")]).toEqual([true, false]);
});

test.each([
  ["a spread", `{ "1": {}, ...{ "2": {} } }`],
  ["a computed table", `Object.fromEntries([["1", {}], ["2", {}]])`],
  ["a type with commas", `{ "1": {}, "2": {} } as Record<string, { timeout?: string }>`],
])("%s is not edited: nothing changes, and the entry to paste is shown", async (_, table) => {
  const text = builderfile(table);
  const p = await familyProject({ "builderfile.ts": text });

  const result = await p.bt("family:new", "V=1.5", "FROM=1");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(
    'bt: The table in "builderfile.ts" is not plain enough to be edited; nothing was changed\n',
  );
  expect(result.stdout).toContain('"1.5": {},');
  expect(p.read("builderfile.ts")).toBe(text);
  expect(p.exists("docker/oven_1.5.Dockerfile")).toBe(false);
});

test("a table that a hook changes is put back, since the result is not the expected one", async () => {
  const text = builderfile(undefined, `hooks: { versions: ({ "1": one = {} }) => ({ "1": one }) },`);
  const p = await familyProject({ "builderfile.ts": text });

  const result = await p.bt("family:new", "V=4", "FROM=1");

  expect(result.exitCode).toBe(1);
  expect(p.read("builderfile.ts")).toBe(text);
  expect(p.exists("docker/oven_4.Dockerfile")).toBe(false);
});

test("a Dockerfile that is there is never overwritten", async () => {
  const p = await familyProject({ "docker/oven_4.Dockerfile": "FROM mine\n" });

  const result = await p.bt("family:new", "V=4", "FROM=1");

  expect(result.exitCode).toBe(2);
  expect(p.read("docker/oven_4.Dockerfile")).toBe("FROM mine\n");
  expect(p.read("builderfile.ts")).toBe(files["builderfile.ts"]);
});

test.each([
  ["sameAs", `{ "1": {}, "2": { sameAs: "1" } }`, ""],
  ["bootstrapWith", `{ "1": {}, "2": { bootstrapWith: "1" } }`, ""],
  ["eol", `{ "1": {}, "2": {} }`, `eol: ["1"],`],
])("a version that `%s` names is not removed", async (field, table, more) => {
  const p = await familyProject({ "builderfile.ts": builderfile(table, more) });

  const result = await p.bt("family:rm", "V=1");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(`bt: Version "1" is still named by \`${field}\``);
  expect(p.exists("docker/oven_1.Dockerfile")).toBe(true);
});
