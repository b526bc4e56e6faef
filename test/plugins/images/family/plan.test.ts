/** Which versions a commit means to build. Uses git. */
import * as fs from "node:fs";
import { expect } from "vitest";
import { run, testWith } from "../../../support/tool.ts";
import { builderfile, familyProject, type FamilyProject } from "./rig.ts";

const testGit = testWith("git");

interface Repository extends FamilyProject {
  readonly commit: () => Promise<void>;
  /** Versions of the plan since the first commit. */
  readonly plan: () => Promise<readonly string[]>;
}

async function repository(more: Readonly<Record<string, string>> = {}): Promise<Repository> {
  const p = await familyProject({ ".gitignore": ".stub\n.bt\n", "README.md": "# Bakery\n", ...more });
  const git = (...argv: string[]): Promise<string> =>
    run("git", ["-C", p.root, "-c", "user.name=baker", "-c", "user.email=baker@example.org", ...argv]);
  await git("init", "-q");
  await git("add", ".");
  await git("commit", "-qm", "Open");
  await git("branch", "opened");
  const commit = async (): Promise<void> => {
    await git("add", "-A");
    await git("commit", "-qm", "Change");
  };
  const plan = async (): Promise<readonly string[]> => {
    const { stdout } = await p.bt("family:plan", "BASE=opened");
    return stdout.split("\n").filter((line) => /^(oven_|No version)/.test(line));
  };
  return { ...p, commit, plan };
}

testGit("a changed Dockerfile means its version and every other name of it", async () => {
  const p = await repository();
  p.write("docker/oven_1.Dockerfile", "FROM scratch\n");
  await p.commit();

  expect(await p.plan()).toEqual(["oven_1  build    docker/oven_1.Dockerfile changed"]);

  p.write("docker/oven_2.Dockerfile", "FROM scratch\nENV A=1\n");
  await p.commit();

  expect((await p.plan()).map((line) => line.slice(0, 6))).toEqual(["oven_1", "oven_2", "oven_3"]);
});

testGit("a changed shared file means all versions that are supported", async () => {
  const p = await repository({ "builderfile.ts": builderfile(undefined, `eol: ["1"],`) });
  p.write("docker/scripts/mix.sh", "#!/bin/sh\n");
  await p.commit();

  expect((await p.plan()).map((line) => line.slice(0, 6))).toEqual(["oven_2", "oven_3"]);
});

testGit("a file that sharedInputs leave out means nothing", async () => {
  const table = builderfile().replace('"docker/scripts/**"', '"docker/scripts/**", "!docker/scripts/*.md"');
  const p = await repository({ "builderfile.ts": table });
  p.write("docker/scripts/mix.md", "# Mix\n");
  await p.commit();

  expect(await p.plan()).toEqual([expect.stringMatching(/^No version/)]);
});

testGit("other files, and a change that was taken back, mean nothing", async () => {
  const p = await repository();
  const before = p.read("docker/oven_1.Dockerfile");
  p.write("README.md", "# Bakery and more\n");
  p.write("docker/oven_1.Dockerfile", "FROM scratch\n");
  await p.commit();
  p.write("docker/oven_1.Dockerfile", before);
  await p.commit();

  expect(await p.plan()).toEqual(["No version to build since opened"]);
});

testGit("entries are compared as data: a changed, a new and a removed one", async () => {
  const table = `{ "1": { platforms: ["linux/amd64"] }, "2": {}, "5": {} }`;
  const p = await repository({ "builderfile.ts": builderfile(table) });
  p.write(
    "builderfile.ts",
    builderfile(`{
    // Another order, another form.
    "2": {},
    "1": { 'platforms': ["linux/amd64"], tracks: { istio: "1.16" } },
    "6": {},
  }`),
  );
  await p.commit();

  expect(await p.plan()).toEqual([
    "oven_1  build    its entry changed",
    "oven_6  build    its entry is new",
    "oven_5  removed  its entry is gone",
  ]);
});

testGit("a file of versions is compared as it was", async () => {
  const p = await repository({
    "builderfile.ts": builderfile("undefined", `versionsFile: "docker/versions.json",`),
    "docker/versions.json": `{ "1": {}, "2": {} }`,
  });
  p.write("docker/versions.json", `{ "1": {}, "2": { "timeout": "4h" } }`);
  await p.commit();

  expect(await p.plan()).toEqual(["oven_2  build    its entry changed"]);
});

testGit("a template means the versions whose text it changes", async () => {
  const template = `template: ({ version }) => readFileSync("docker/base", "utf8") + (version === "2" ? "" : readFileSync("docker/extra", "utf8")),`;
  const text = `import { readFileSync } from "node:fs";\n${builderfile(undefined, template)}`;
  const p = await repository({ "builderfile.ts": text, "docker/base": "FROM scratch\n", "docker/extra": "ENV A=1\n" });
  p.write("docker/extra", "ENV A=2\n");
  await p.commit();

  expect(await p.plan()).toEqual(["oven_1  build    the text of its template changed"]);
});

testGit("files that git does not track are no inputs", async () => {
  const p = await repository({ "docker/scripts/new.sh": "" });
  const tag = async (): Promise<string> =>
    /oven:1-([0-9a-f]{12})/.exec((await p.bt("-n", "oven_1.push")).stdout)?.[1] ?? "";
  const before = await tag();
  p.write("docker/scripts/new.sh~", "a backup");
  const untracked = await tag();
  p.write("docker/scripts/new.sh", "echo new\n");

  expect(before).toMatch(/./);
  expect(untracked).toBe(before);
  expect(await tag()).not.toBe(before);
});

testGit(
  "a base that git does not know is named, also where there is no repository; no option of git is one",
  async () => {
    const [p, plain] = [await repository(), await familyProject()];

    const results = [
      await p.bt("family:plan", "BASE=origin/nowhere"),
      await p.bt("family:plan", "BASE=--output=owned"),
      await plain.bt("family:plan", "BASE=origin/nowhere"),
    ];

    expect(results.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2]);
    expect(results[0]?.stdout).toContain('bt: BASE is "origin/nowhere", which is no commit that git knows here\n');
    expect(results[2]?.stdout).toContain('bt: BASE is "origin/nowhere", which is no commit that git knows here\n');
    expect(fs.readdirSync(p.root).filter((name) => name.startsWith("owned"))).toEqual([]);
  },
);
