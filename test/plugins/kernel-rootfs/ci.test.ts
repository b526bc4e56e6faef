/** Plans, releases and the version table, as bt prints and returns them. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import type { Project, Result } from "../../support/project.ts";
import { run } from "../../support/tool.ts";
import { builderfile, family, kernelsJson, told, valuesOf } from "./rig.ts";

interface Planned {
  readonly run: boolean;
  readonly kernels: readonly string[];
  readonly builds: readonly {
    readonly key: string;
    readonly image: string;
    readonly buildArgs: Record<string, string>;
  }[];
  readonly uses: Record<string, string>;
  readonly writes: Record<string, string>;
  readonly stale: readonly { readonly key: string }[];
  readonly matrix: Record<string, { readonly include: readonly Record<string, string>[] }>;
}

const versions: Readonly<Record<string, string>> = {
  "kernel-builder": "20260101.000000",
  ...Object.fromEntries(["a", "b", "c"].map((kernel) => [`kernel-images/${kernel}`, "20260102.000000"])),
  ...Object.fromEntries(["amd64", "arm64"].map((arch) => [`root-builder/${arch}`, `20260103.000000-${arch}`])),
  ...Object.fromEntries(
    ["sid", "bookworm"].flatMap((suite) =>
      ["amd64", "arm64"].map((arch) => [`root-images/${suite}/${arch}`, `20260104.000000-${suite}-${arch}`]),
    ),
  ),
  ...Object.fromEntries(
    ["amd64/a", "arm64/a", "amd64/b", "arm64/b", "amd64/c"].map((end) => [
      `kind/${end}`,
      `20260105.000000-${end.split("/")[0]}`,
    ]),
  ),
  ...Object.fromEntries(["a", "b", "c"].map((kernel) => [`complexity-test/${kernel}`, "20260106.000000"])),
};

async function store(changes: Readonly<Record<string, string>> = {}): Promise<Project> {
  const files = Object.entries({ ...versions, ...changes }).map(([key, tag]) => [`versions/${key}`, `${tag}\n`]);
  return family({ ...Object.fromEntries(files), "versions/README.md": "tags\n" });
}

async function plan(p: Project, ...words: string[]): Promise<Planned> {
  const result = await p.bt("--json", "ci:plan", "NOW=2026-08-17T01:31:06Z", ...words);
  expect(result.exitCode, told(result)).toBe(0);
  return valuesOf(result)["ci:plan"] as Planned;
}

const countOf = (planned: Planned, stage: string): number => planned.matrix[stage]?.include.length ?? 0;

test("a change without labels builds every kernel and what contains it, and uses the rest as it is", async () => {
  const planned = await plan(await store(), "CHANGED=README.md");

  expect(["kernel-images", "kind", "complexity-test", "root-images"].map((stage) => countOf(planned, stage))).toEqual([
    3, 5, 3, 0,
  ]);
  expect(planned.kernels).toEqual(["a", "b", "c"]);
  expect(planned.writes["kind/arm64/b"]).toBe("20260817.013106-arm64");
  expect(planned.uses["root-images/bookworm/arm64"]).toBe("20260104.000000-bookworm-arm64");
  const kind = planned.builds.find(({ key }) => key === "kind/arm64/b");
  expect(kind).toMatchObject({
    image: "quay.io/lvh-images/kind-ci:b-20260817.013106-arm64",
    buildArgs: {
      KERNEL_VER: "b",
      KERNEL_IMAGE_TAG: "b-20260817.013106",
      ROOT_IMAGES_TAG: "20260104.000000-bookworm-arm64",
      PKG_REPO: "bookworm",
    },
  });
  expect(planned.builds.some(({ key }) => key === "kind/arm64/c")).toBe(false);
});

test("labels choose kernels in their order, all of them however many; one without a name is nothing", async () => {
  const others = Array.from({ length: 40 }, (_, at) => `other-${at}`).join(",");
  const planned = await plan(
    await store(),
    "CHANGED=x",
    `LABELS=${others},gha-builds/kernel/c,gha-builds/kernel/,gha-builds/kernel/a`,
  );

  expect(planned.kernels).toEqual(["c", "a"]);
  expect(planned.matrix["kernel-images"]?.include.map(({ key }) => key)).toEqual([
    "kernel-images/c",
    "kernel-images/a",
  ]);
});

test("labels end or try a run", async () => {
  const p = await store();

  expect(await plan(p, "CHANGED=x", "LABELS=gha-builds/just-dont")).toEqual({ run: false });
  expect(await plan(p, "CHANGED=x", "LABELS=gha-builds/dry-run")).toMatchObject({ dryRun: true, writes: {} });
});

test("KERNEL_ROOTFS_LABEL_UNKNOWN: a label names a kernel that is there", async () => {
  const p = await store();

  const result = await p.bt("ci:plan", "CHANGED=x", "LABELS=gha-builds/kernel/aa");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatch(/the kernel "aa"[^]*known: a b c[^]*/);
});

test.for([
  ["_data/bootstrap/go.sh", 4],
  ["_data/bootstrapX", 0],
  ["dockerfiles/root-images", 4],
  ["_data/images.json", 4],
  ["dockerfiles/root-builder", 0],
] as const)("a change of %s builds %i sets of root images", async ([file, count]) => {
  expect(countOf(await plan(await store(), `CHANGED=${file}`), "root-images")).toBe(count);
});

/** A repository whose branch differs from its base as `change` says. */
async function branch(change: (p: Project) => Promise<void>): Promise<Project> {
  const p = await store();
  const git = async (...args: string[]): Promise<string> =>
    run("git", ["-C", p.root, "-c", "user.name=b", "-c", "user.email=b@c.invalid", ...args]);
  p.write(".gitignore", ".bt\n");
  await git("init", "-q", "-b", "main");
  await git("add", "-A");
  await git("commit", "-q", "-m", "one");
  await git("checkout", "-q", "-b", "topic");
  await change({
    ...p,
    bt: async (...args) => ({ exitCode: 0, signal: undefined, stdout: await git(...args), stderr: "" }),
  });
  return p;
}

test("only the net difference since the base counts", async () => {
  const p = await branch(async ({ write, bt: git }) => {
    write("dockerfiles/root-images", "FROM other\n");
    await git("commit", "-qam", "change");
    await git("revert", "--no-edit", "HEAD");
  });

  const reverted = await plan(p, "BASE=main");
  p.write("dockerfiles/kernel-builder", "FROM other\n");
  await run("git", ["-C", p.root, "-c", "user.name=b", "-c", "user.email=b@c.invalid", "commit", "-qam", "other"]);
  const changed = await plan(p, "BASE=main");

  expect(reverted.builds).toEqual([]);
  expect(changed.builds[0]).toMatchObject({ key: "kernel-builder" });
  expect(changed.builds.find(({ key }) => key === "kernel-images/a")?.buildArgs["KERNEL_BUILDER_TAG"]).toBe(
    "20260817.013106",
  );
});

test("KERNEL_ROOTFS_DIFF_FAILED: a commit that git does not have is a failure, not a reason to build", async () => {
  const p = await branch(async () => {});

  const result = await p.bt("ci:plan", "BASE=nowhere");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain(`git cannot compare with "nowhere"`);
});

test("KERNEL_ROOTFS_VERSION_MISSING: what is used and not built has a version", async () => {
  const p = await store();
  fs.rmSync(path.join(p.root, "versions/root-images/sid/arm64"));

  const result = await p.bt("ci:plan", "CHANGED=README.md");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatch(/no "root-images\/sid\/arm64"[^]*bt root-images:sid/);
});

test("BY=content marks what a script is part of, with an empty difference; writers of one file lose nothing", async () => {
  const p = await family({
    "builderfile.ts": builderfile.replace("registry:", `lock: "bt.lock.json",\n      registry:`),
  });
  const written: Result[] = [];
  // What is used comes first: its tag is part of what uses it.
  for (const stage of [/builder/, /-images/, /^kind|^complexity/]) {
    const entries = Object.entries(versions).filter(([key]) => stage.test(key));
    const set = entries.map(([key, tag]) => p.bt("versions:set", `KEY=${key}`, `VALUE=${tag}`));
    written.push(...(await Promise.all(set)));
  }
  const fresh = await plan(p, "CHANGED=README.md", "BY=content");

  p.write("_data/bootstrap/go.sh", "#!/bin/sh\necho more\n");
  const stale = await plan(p, "CHANGED=README.md", "BY=content");

  expect(written.map(({ exitCode }) => exitCode)).toEqual(Object.keys(versions).map(() => 0));
  expect(fresh.builds).toEqual([]);
  const keys = stale.builds.map(({ key }) => key);
  expect(keys.filter((key) => key.startsWith("root-images/"))).toHaveLength(4);
  expect(keys.filter((key) => key.startsWith("kind/"))).toHaveLength(5);
  expect(keys.filter((key) => key.startsWith("kernel-images/"))).toEqual([]);
});

/** What a release called `name` copies and joins, as the table of the store says it. */
function releaseRows(name: string): readonly string[] {
  const [registry, main] = ["quay.io/lvh-images", name === "main"];
  const copy = (image: string, from: string, to: string): readonly string[] => [
    `${registry}/${image}-ci:${from} -> ${registry}/${image}:${to}`,
    ...(main ? [`${registry}/${image}-ci:${from} -> ${registry}/${image}:${from}`] : []),
  ];
  const join = (image: string, from: readonly string[], to: readonly string[]): readonly string[] =>
    (main ? to : to.slice(0, 1)).map(
      (tag) => `${from.map((one) => `${registry}/${image}-ci:${one}`).join(" + ")} -> ${registry}/${image}:${tag}`,
    );
  const [arches, kernels] = [
    ["amd64", "arm64"],
    ["a", "b", "c"],
  ];
  const archesOf = (kernel: string): readonly string[] => (kernel === "c" ? ["amd64"] : arches);
  return [
    ...copy("kernel-builder", "20260101.000000", name),
    ...arches.flatMap((arch) => copy("root-builder", `20260103.000000-${arch}`, `${name}-${arch}`)),
    ...kernels.flatMap((kernel) => [
      ...copy("kernel-images", `${kernel}-20260102.000000`, `${kernel}-${name}`),
      ...copy("complexity-test", `${kernel}-20260106.000000`, `${kernel}-${name}`),
      ...archesOf(kernel).flatMap((arch) =>
        copy("kind", `${kernel}-20260105.000000-${arch}`, `${kernel}-${name}-${arch}`),
      ),
      ...join(
        "kind",
        archesOf(kernel).map((arch) => `${kernel}-20260105.000000-${arch}`),
        [`${kernel}-${name}`, `${kernel}-20260105.000000`],
      ),
    ]),
    ...["sid", "bookworm"].flatMap((suite) => [
      ...arches.flatMap((arch) => copy("root-images", `20260104.000000-${suite}-${arch}`, `${name}-${suite}-${arch}`)),
      ...join(
        "root-images",
        arches.map((arch) => `20260104.000000-${suite}-${arch}`),
        [`${name}-${suite}`, `20260104.000000-${suite}`],
      ),
    ]),
  ];
}

test.for(["main", "v1.0.0"])(
  "a release of %s copies every tag and joins what was built for each architecture, and nothing else",
  async (name) => {
    const result = await (await store()).bt("ci:release", `NAME=${name}`, "--plan");

    expect(result.exitCode, told(result)).toBe(0);
    const lines = result.stdout.split("\n").filter((line) => line.includes(" -> "));
    expect(lines.map((line) => line.trim()).sort()).toEqual(releaseRows(name).toSorted());
  },
);

test("TO gives a name back to an older build", async () => {
  const result = await (await store()).bt("ci:release", "NAME=main", "TO=20250101.000000", "PLAN=1");

  const image = "quay.io/lvh-images";
  expect(result.stdout).toContain(`${image}/kernel-images-ci:b-20250101.000000 -> ${image}/kernel-images:b-main`);
  expect(result.stdout).not.toContain("2026");
});

test.for([
  [
    "KERNEL_ROOTFS_TAGS_DIFFER",
    { "kind/arm64/a": "20260107.000000-arm64" },
    "NAME=main",
    "20260105.000000-amd64 and 20260107.000000-arm64",
  ],
  [
    "KERNEL_ROOTFS_TAG_MALFORMED",
    { "kind/arm64/a": "20260105.000000-amd64" },
    "NAME=main",
    `"kind/arm64/a" has the tag "20260105.000000-amd64"`,
  ],
  ["KERNEL_ROOTFS_RELEASE_NAME", {}, "NAME=latest", `"latest" is no name of a release`],
] as const)("%s", async ([, changes, name, problem]) => {
  const p = await store(changes);

  const result = await p.bt("ci:release", name, "PLAN=1");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(problem);
});

test("twenty writers at once lose nothing", { timeout: 600_000 }, async () => {
  const fourth = kernelsJson.replace(`"kernels": [`, `"kernels": [{ "name": "d" },`);
  const keys = [...Object.keys(versions), "kernel-images/d", "complexity-test/d"];
  const p = await family({ "_data/kernels.json": fourth });

  const results = await Promise.all(keys.map((key) => p.bt("versions:set", `KEY=${key}`, "VALUE=20260101.000000")));

  expect(results.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
  const shown = valuesOf(await p.bt("--json", "versions:show"))["versions:show"] as Record<string, string>;
  expect(Object.keys(shown).sort()).toEqual(keys.toSorted());
  expect(keys).toHaveLength(20);
});

test("KERNEL_ROOTFS_VERSION_CHANGED: EXPECT guards a value; -n writes nothing", async () => {
  const p = await store();

  const dry = await p.bt("-n", "versions:set", "KEY=kernel-builder", "VALUE=x");
  const result = await p.bt("versions:set", "KEY=kernel-builder", "VALUE=x", "EXPECT=y");

  expect(dry.exitCode).toBe(0);
  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain(`"kernel-builder" is "20260101.000000", and "y" was expected`);
  expect(p.read("versions/kernel-builder")).toBe("20260101.000000\n");
});

test("KERNEL_ROOTFS_KEY_FOREIGN: only keys of the family are written", async () => {
  const result = await (await store()).bt("versions:set", "KEY=kernel-images/aa", "VALUE=x");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`Use "kernel-images/a"`);
});

test("a kernel that is older than its maxAge is stale, and so is what contains it", async () => {
  const p = await store();
  const old = "20250101.000000";
  p.write("versions/kernel-images/b", `${old}\n`);
  p.write(
    "builderfile.ts",
    builderfile.replace(`b: { pkgRepo: "bookworm" }`, `"a|b": { pkgRepo: "bookworm", maxAge: 300 }`),
  );

  const planned = await plan(p, "CHANGED=README.md");

  const stale = planned.stale.map(({ key }) => key);
  expect(stale).toContain("kernel-images/b");
  expect(stale).toContain("kind/amd64/b");
  expect(stale).not.toContain("kernel-images/a");
});

test("a project changes its plan, and the matrix follows", async () => {
  const p = await store();
  const extend = `extend: { plan: (plan) => ({ ...plan, builds: plan.builds?.filter(({ key }) => key.endsWith("/a")) ?? [] }) },`;
  p.write("builderfile.ts", builderfile.replace("registry:", `${extend}\n      registry:`));

  const planned = await plan(p, "CHANGED=README.md");

  expect(planned.builds).toHaveLength(4);
  expect(["kernel-images", "kind", "complexity-test"].map((stage) => countOf(planned, stage))).toEqual([1, 2, 1]);
});

test("the table is in the order of versions", async () => {
  const tags = ["5.15", "5.4", "6.1", "a"].map((kernel) => [`versions/kernel-images/${kernel}`, "20260101.000000\n"]);
  const p = await family(Object.fromEntries(tags) as Record<string, string>);

  const shown = valuesOf(await p.bt("--json", "versions:show"))["versions:show"] as object;

  expect(Object.keys(shown).map((key) => key.slice("kernel-images/".length))).toEqual(["5.4", "5.15", "6.1", "a"]);
});

test("KERNEL_ROOTFS_NOW_WRONG: NOW is a time", async () => {
  const result = await (await store()).bt("ci:plan", "CHANGED=x", "NOW=today");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`"today" is no time`);
});

test("versions:diff tells what a branch has changed", async () => {
  const p = await branch(async ({ write }) => write("versions/kernel-images/a", "20270101.000000\n"));

  const result = await p.bt("versions:diff", "BASE=main");

  expect(result.stdout).toContain("kernel-images/a: 20260102.000000 → 20270101.000000");
});

test("KERNEL_ROOTFS_VERSIONS_DAMAGED: a table that is no JSON is named", async () => {
  const p = await family({
    "builderfile.ts": builderfile.replace("registry:", `lock: "bt.lock.json",\n      registry:`),
    "bt.lock.json": "{",
  });

  const result = await p.bt("versions:show");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain("bt.lock.json");
});
