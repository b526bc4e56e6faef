/** Every folder of examples/ is a project that works: each has its test here, in a copy of the folder. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, type Project } from "./support/project.ts";
import { run, testWith } from "./support/tool.ts";

const examples = path.join(import.meta.dirname, "../examples");
const tested = [
  "from-makefile",
  "kiwi-appliance",
  "kubevirt-builder",
  "lvh-images",
  "maistra-builder",
  "microshift-side-images",
  "multiarch",
  "quickstart",
];

/** A copy without what earlier runs have left. */
async function copyOf(example: string): Promise<Project> {
  const p = await project({});
  fs.cpSync(path.join(examples, example), p.root, { recursive: true, filter: (name) => !/\/(\.bt|dist)$/.test(name) });
  return p;
}

test("every example has a test", () => {
  const folders = fs.readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());

  expect(folders.map(({ name }) => name).sort()).toEqual(tested);
});

test.for(tested)("tsc accepts the builderfile of %s", async (example) => {
  const p = await copyOf(example);
  const repository = path.join(examples, "..");
  fs.mkdirSync(path.join(p.root, "node_modules"));
  fs.symlinkSync(repository, path.join(p.root, "node_modules/builderfile"));
  fs.symlinkSync(path.join(repository, "node_modules/@types"), path.join(p.root, "node_modules/@types"));
  const options = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "nodenext",
    "--target",
    "es2023",
    "--types",
    "node",
  ];

  const tsc = (): Buffer =>
    execFileSync(
      process.execPath,
      [path.join(repository, "node_modules/typescript/bin/tsc"), ...options, "builderfile.ts"],
      { cwd: p.root },
    );

  expect(tsc).not.toThrow();
});

interface Index {
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform: { readonly architecture: string; readonly os: string };
  }[];
}

testWith("skopeo")("quickstart publishes an index that skopeo reads, with an image for both platforms", async () => {
  const p = await copyOf("quickstart");

  const result = await p.bt("builder-publish");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  const index = JSON.parse(await run("skopeo", ["inspect", "--raw", `oci:${p.root}/dist/builder:latest`])) as Index;
  expect(index.manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`)).toEqual([
    "linux/amd64",
    "linux/arm64",
  ]);
  for (const { platform } of index.manifests) {
    const copied = `dir:${p.root}/${platform.architecture}`;
    await run("skopeo", [
      "--override-os",
      platform.os,
      "--override-arch",
      platform.architecture,
      "copy",
      "--quiet",
      `oci:${p.root}/dist/builder:latest`,
      copied,
    ]);
    const config = JSON.parse(await run("skopeo", ["inspect", "--config", copied])) as {
      architecture: string;
      config: object;
    };
    expect(config).toMatchObject({
      architecture: platform.architecture,
      config: { User: "1000:1000", Entrypoint: ["/usr/local/bin/entrypoint"], WorkingDir: "/workspace" },
    });
  }
});

test("quickstart gives the same index in two clean builds", async () => {
  const [one, other] = [await copyOf("quickstart"), await copyOf("quickstart")];

  await Promise.all([one.bt("builder-publish"), other.bt("builder-publish")]);

  expect(one.read("dist/builder/index.json")).toBe(other.read("dist/builder/index.json"));
});

test("quickstart is up to date the second time, and --why says so", async () => {
  const p = await copyOf("quickstart");
  await p.bt("builder-publish");

  const again = await p.bt("builder-publish");
  const why = await p.bt("--why", "builder-build");

  expect(again).toMatchObject({ exitCode: 0, stdout: "bt: Nothing to do: 1 task is up to date\n", stderr: "" });
  expect(why.stdout).toMatch(/^builder-build:amd64 is up to date: its 5 inputs and \d+ other facts are unchanged/);
});

test("quickstart rebuilds when a copied file changes, and --why names the file", async () => {
  const p = await copyOf("quickstart");
  await p.bt("builder-publish");
  const before = p.read("dist/builder/index.json");
  p.write("builder/profile", "umask 077\n");

  const why = await p.bt("--why", "builder-build:arm64");
  const result = await p.bt("builder-publish");

  expect(why.stdout).toBe('builder-build:arm64 would run, because\n  input "builder/profile" changed\n');
  expect(result.stdout).toMatch(/bt: 3 ran in /);
  expect(p.read("dist/builder/index.json")).not.toBe(before);
});

test("quickstart tells a later task what was published, typed", async () => {
  const p = await copyOf("quickstart");

  const result = await p.bt("announce", "CHANNEL=stable");

  const [{ digest = "" } = {}] = (JSON.parse(p.read("dist/builder/index.json")) as { manifests: { digest?: string }[] })
    .manifests;
  expect(result.stdout).toContain(`stable: oci:dist/builder:latest@${digest}\n`);
});
