/** `bt rpm-deps` with the real bazeldnf, built from the Go module proxy. Needs the Debian package golang, 1.24 or newer. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { buildBazeldnf } from "../../support/rpm-bazeldnf.ts";
import type { Project } from "../../support/project.ts";
import { failure, rpmProject, type RpmProject } from "../../support/rpm-project.ts";
import { renderRepofile, serveFolder, writeMetadata, type Mirror, type RpmSpec } from "../../support/rpm-repository.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";

const arches = ["x86_64", "aarch64", "s390x"];
const plain = ["acl", "coreutils", "tar", "bread", "bakery-release", "yeast", "python3"];

/** A base, an oven in two versions that needs yeast, seeds for one architecture. */
function offer(more: readonly RpmSpec[] = []): readonly RpmSpec[] {
  const ovens = ["17:2.0-1.el9", "17:2.0-10.el9"].flatMap((evr) =>
    arches.map((arch) => ({ name: "oven", evr, arch, requires: ["yeast", "python3"] })),
  );
  return [
    ...plain.map((name) => ({ name, evr: "1.0-1.el9" })),
    ...ovens,
    { name: "seeds", evr: "17:2.0-1.el9", arch: "x86_64", requires: ["c++-bread"] },
    { name: "seeds", evr: "17:2.0-10.el9", arch: "x86_64", requires: ["c++-bread"] },
    { name: "c++-bread", evr: "0^20250101.gabc~rc1-1.el9", arch: "x86_64" },
    ...more,
  ];
}

async function kitchen(
  more: Partial<RpmProject> = {},
  specs = offer(),
): Promise<{ p: Project; mirror: Mirror; folder: string }> {
  const folder = await temporaryFolder();
  writeMetadata(path.join(folder, "os"), specs);
  const mirror = await serveFolder(folder);
  const options = { ...more.options, backend: { bin: buildBazeldnf() } };
  const p = await rpmProject({ repofile: renderRepofile(mirror.url, { os: { path: "os" } }), ...more, options });
  return { p, mirror, folder };
}

/** Trees of the build file: name to rpms. */
function treesOf(p: Project): Record<string, readonly string[]> {
  const rules = [...p.read("rpm/BUILD.bazel").matchAll(/rpmtree\(\n    name = "([^"]+)",[^]*?rpms = \[([^]*?)\]/g)];
  return Object.fromEntries(
    rules.map(([, name, list]) => [name!, [...list!.matchAll(/"@([^"]+)\/\/rpm"/g)].map(([, rpm]) => rpm!)]),
  );
}

const realTest = testWith("go");

realTest(
  "all trees of three architectures are solved with the pinned version; python is ignored",
  { timeout: 600_000 },
  async () => {
    const { p, mirror } = await kitchen();

    const result = await p.bt("rpm-deps");

    expect(result.exitCode, result.stdout).toBe(0);
    const base = (arch: string): readonly string[] =>
      ["acl", "bakery-release", "coreutils"].map((name) => `${name}-0__1.0-1.el9.${arch}`);
    const trees = treesOf(p);
    expect(Object.keys(trees)).toEqual(
      ["shop", "tools"].flatMap((group) => ["aarch64", "s390x", "x86_64"].map((arch) => `${group}_${arch}_cs9`)),
    );
    expect(trees["shop_s390x_cs9"]).toEqual(["bakery-release-0__1.0-1.el9.s390x", "bread-0__1.0-1.el9.s390x"]);
    expect(trees["tools_aarch64_cs9"]).toEqual([
      ...base("aarch64"),
      "oven-17__2.0-1.el9.aarch64",
      "tar-0__1.0-1.el9.aarch64",
      "yeast-0__1.0-1.el9.aarch64",
    ]);
    expect(trees["tools_x86_64_cs9"]).toContain(
      "c__plus____plus__-bread-0__0__caret__20250101.gabc__tilde__rc1-1.el9.x86_64",
    );
    expect(p.read("WORKSPACE")).toContain(`workspace(name = "bakery")`);
    expect(p.read("WORKSPACE")).toContain(`${mirror.url}/os/Packages/oven-2.0-1.el9.s390x.rpm`);
    expect(result.stdout).toContain("new tree tools_s390x_cs9\n");
    expect(fs.readdirSync(path.join(p.root, ".bt/rpm-deps")).sort()).toEqual([".gitignore", "primary", "repomd"]);
  },
);

realTest("a second run writes nothing; one at a time gives the same bytes as four", { timeout: 600_000 }, async () => {
  const { p, mirror } = await kitchen();
  const other = await rpmProject({
    repofile: p.read("rpm/repo-cs9.yaml"),
    options: { backend: { bin: buildBazeldnf() } },
  });
  const files = (from: Project): readonly string[] => ["WORKSPACE", "rpm/BUILD.bazel"].map(from.read);

  await p.bt("rpm-deps", "JOBS=4");
  const first = files(p);
  const again = await p.bt("rpm-deps", "JOBS=4");
  await other.bt("rpm-deps", "JOBS=1");

  expect(again.stdout).toContain("Nothing changed\n");
  expect(files(p)).toEqual(first);
  expect(files(other)).toEqual(first);
  expect(mirror.requests.length).toBeGreaterThan(0);
});

realTest("ONLY=OVEN changes only the trees that use it, and every other byte stays", { timeout: 600_000 }, async () => {
  const { p, folder } = await kitchen();
  await p.bt("rpm-deps");
  const trees = treesOf(p);
  const workspace = `${p.read("WORKSPACE")}\n# our own\nhttp_archive(name = "flour", urls = ["https://example.org/%5E"])\n`;
  p.write("WORKSPACE", workspace.replace(/(acl-1.0-1.el9.noarch.rpm",)/, `$1 "https://archive/builddeps/acl",`));
  writeMetadata(path.join(folder, "os"), offer([{ name: "bread", evr: "2.0-1.el9" }]));

  const result = await p.bt("rpm-deps", "ONLY=OVEN", "OVEN_VERSION=17:2.0-10.el9");

  expect(result.exitCode, result.stdout).toBe(0);
  expect(result.stdout).toContain("tools_cs9\n  ↑ oven 17:2.0-1.el9 → 17:2.0-10.el9 [aarch64 s390x x86_64]\n");
  expect(treesOf(p)["shop_s390x_cs9"]).toEqual(trees["shop_s390x_cs9"]);
  expect(treesOf(p)["tools_s390x_cs9"]).toContain("oven-17__2.0-10.el9.s390x");
  expect(p.read("WORKSPACE")).toContain("# our own\n");
  expect(p.read("WORKSPACE")).toContain(`"https://archive/builddeps/acl",`);
  expect(p.read("WORKSPACE")).not.toContain("oven-17__2.0-1.el9");
});

realTest(
  "RPM_DEPS_NO_SOLUTION: the leaf that nobody provides, with its chain; nothing is written",
  { timeout: 600_000 },
  async () => {
    const broken = offer().map((spec) => (spec.name === "yeast" ? { ...spec, requires: ["libsugar.so.9"] } : spec));
    const { p } = await kitchen({}, broken);
    const before = ["WORKSPACE", "rpm/BUILD.bazel"].map(p.read);

    const result = await p.bt("rpm-deps", "SINGLE_ARCH=s390x");

    expect(result.exitCode).toBe(4);
    expect(failure(result)).toContain("The solver failed for tools_s390x_cs9 (s390x, cs9): there is no solution\n");
    expect(failure(result)).toContain(
      "nobody provides libsugar.so.9, required by yeast 1.0-1.el9, required by oven 2.0-1.el9, wanted by tools_s390x_cs9\n  looked in os for s390x\n",
    );
    expect(["WORKSPACE", "rpm/BUILD.bazel"].map(p.read)).toEqual(before);
  },
);

realTest("a missing pin ends the run with 3 before the solver starts", { timeout: 600_000 }, async () => {
  const { p } = await kitchen({ pins: { cs9: { OVEN: "17:9.9-9.el9" } } });

  const result = await p.bt("rpm-deps");

  expect(result.exitCode).toBe(3);
  expect(failure(result)).toContain(
    "oven 17:9.9-9.el9 (OVEN) for aarch64, cs9: there is 17:2.0-10.el9 in os, 17:2.0-1.el9 in os",
  );
  expect(p.exists(".bt/rpm-deps/stage")).toBe(false);
});

realTest(
  "RPM_DEPS_TREE_WRONG: a solver that takes -1.el9_5 for the pin -1.el9 is found out",
  { timeout: 600_000 },
  async () => {
    const { p } = await kitchen({}, offer([{ name: "oven", evr: "17:2.0-1.el9_5", arch: "s390x" }]));
    const before = ["WORKSPACE", "rpm/BUILD.bazel"].map(p.read);

    const result = await p.bt("rpm-deps", "SINGLE_ARCH=s390x");

    expect(result.exitCode).toBe(1);
    expect(failure(result)).toContain("oven should have the version 17:2.0-1.el9 and has 17:2.0-1.el9_5\n");
    expect(["WORKSPACE", "rpm/BUILD.bazel"].map(p.read)).toEqual(before);
  },
);

realTest(
  "declared attributes come to all trees, aliases to all that both streams have",
  { timeout: 600_000 },
  async () => {
    const attrs = { symlinks: { "/var/run": "../run" }, capabilities: { "/usr/bin/oven": ["cap_net_bind_service"] } };
    const streams = {
      cs9: { repofiles: ["rpm/repo-cs9.yaml"], suffix: "_cs9" },
      cs10: { repofiles: ["rpm/repo-cs9.yaml"], suffix: "_cs10" },
    };
    const alias = (name: string): string => `centos_stream_alias(
    name = "${name}",
    cs10_target = ":${name.replace("/", "_cs10/")}_cs10",
    cs9_target = ":${name.replace("/", "_cs9/")}_cs9",
    visibility = ["//visibility:public"],
)
`;
    const build = `load("@bazeldnf//bazeldnf:defs.bzl", "rpmtree")

# CentOS Stream version-selecting aliases
${alias("gone_x86_64")}
${alias("libs/usr/lib64")}
rpmtree(
    name = "old_x86_64_cs9",
    rpms = [],
)
`;
    const { p } = await kitchen({
      options: { streams, groups: { tools: { main: ["oven-{OVEN}"], attrs } }, arches: ["s390x"] },
      pins: { cs9: { OVEN: "17:2.0-1.el9" }, cs10: { OVEN: "" } },
      files: { "rpm/BUILD.bazel": build },
    });

    const result = await p.bt("rpm-deps-all");

    expect(result.exitCode, result.stdout).toBe(0);
    const text = p.read("rpm/BUILD.bazel");
    expect([...text.matchAll(/name = "([^"]+)"/g)].map(([, name]) => name)).toEqual([
      "libs/usr/lib64",
      "old_x86_64_cs9",
      "tools_s390x_cs10",
      "tools_s390x_cs9",
      "tools_s390x",
    ]);
    expect(text.match(/cap_net_bind_service/g)).toHaveLength(2);
    expect(text.match(/"\/var\/run": "..\/run"/g)).toHaveLength(2);
    expect(text).toContain("oven-17__2.0-10.el9.s390x");
  },
);

realTest("xml:base gives the address; a checksum that is no sha256 is refused", { timeout: 600_000 }, async () => {
  const other = offer().map((spec) => (spec.name === "bread" ? { ...spec, base: "http://elsewhere/pool" } : spec));
  const { p, folder } = await kitchen({ options: { arches: ["s390x"] } }, other);

  const good = await p.bt("rpm-deps");
  const text = p.read("WORKSPACE");
  writeMetadata(
    path.join(folder, "os"),
    offer().map((spec) => ({ ...spec, checksumType: "sha512" })),
  );
  const bad = await p.bt("rpm-deps");

  expect(good.exitCode, good.stdout).toBe(0);
  expect(text).toContain(`"http://elsewhere/pool/Packages/bread-1.0-1.el9.noarch.rpm"`);
  expect(bad.exitCode).toBe(1);
  expect(failure(bad)).toMatch(/the repository gives a sha512 for [a-z-]+; a workspace needs a sha256\n/);
  expect(p.read("WORKSPACE")).toBe(text);
});

realTest(
  "repositories of one name in two lists are both used; a disabled one is not; the lower priority wins",
  { timeout: 600_000 },
  async () => {
    const { p, mirror, folder } = await kitchen({ options: { arches: ["s390x"] } });
    writeMetadata(path.join(folder, "own"), [
      { name: "bread", evr: "9.0-1.el9" },
      { name: "yeast", evr: "1.0-1.el9" },
    ]);
    writeMetadata(path.join(folder, "off"), [{ name: "bread", evr: "99.0-1.el9" }]);
    p.write(
      "own.yaml",
      renderRepofile(mirror.url, {
        os: { path: "own", more: "  priority: -1\n" },
        off: { path: "off", more: "  disabled: true\n" },
      }),
    );

    const result = await p.bt("rpm-deps", "CUSTOM_REPO=own.yaml");

    expect(result.exitCode, result.stdout).toBe(0);
    expect(treesOf(p)["shop_s390x_cs9"]).toContain("bread-0__9.0-1.el9.s390x");
    expect(treesOf(p)["tools_s390x_cs9"]).toContain("oven-17__2.0-1.el9.s390x");
    expect(p.read("WORKSPACE")).toContain(`${mirror.url}/own/Packages/bread-9.0-1.el9.noarch.rpm`);
  },
);
