/** `bt rpm-deps:check` as people run it, against repositories on loopback. Needs the Debian packages rpm, createrepo-c, zstd and xz-utils. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { failure, rpmProject, type RpmProject } from "../../support/rpm-project.ts";
import type { Project } from "../../support/project.ts";
import {
  buildRpms,
  indexRpms,
  renderRepofile,
  serveFolder,
  writeMetadata,
  type Mirror,
  type RpmSpec,
} from "../../support/rpm-repository.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";

const common: readonly RpmSpec[] = ["acl", "coreutils", "tar", "bread", "bakery-release"].map((name) => ({
  name,
  evr: "1.0-1.el9",
}));
const arches = ["x86_64", "aarch64", "s390x"];

/** The bakery's repository: everything is there in two versions of the oven. */
function offer(more: readonly RpmSpec[] = []): readonly RpmSpec[] {
  const ovens = arches.flatMap((arch) => ["17:1.9-1.el9", "17:2.0-1.el9"].map((evr) => ({ name: "oven", evr, arch })));
  return [...common, ...ovens, { name: "seeds", evr: "17:2.0-1.el9", arch: "x86_64" }, ...more];
}

async function served(
  specs: readonly RpmSpec[],
  more: Partial<RpmProject> = {},
): Promise<{ p: Project; mirror: Mirror; folder: string }> {
  const folder = await temporaryFolder();
  writeMetadata(path.join(folder, "os"), specs);
  const mirror = await serveFolder(folder);
  const p = await rpmProject({ repofile: renderRepofile(mirror.url, { os: { path: "os" } }), ...more });
  return { p, mirror, folder };
}

/** What is in the files that a check must leave alone. */
function tracked(p: Project): readonly string[] {
  return ["WORKSPACE", "rpm/BUILD.bazel", "rpm/pins.json"].map(p.read);
}

test("all pins are there: says so, and fetches the index and one primary file", async () => {
  const { p, mirror } = await served(offer());

  const result = await p.bt("rpm-deps:check");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain("16 packages of 6 trees are in the repositories\n");
  expect(mirror.requests).toEqual(["/os/repodata/repomd.xml", "/os/repodata/primary.xml.gz"]);
});

test("a second check fetches the index only", async () => {
  const { p, mirror } = await served(offer());
  await p.bt("rpm-deps:check");

  await p.bt("rpm-deps:check");

  expect(mirror.requests.slice(2)).toEqual(["/os/repodata/repomd.xml"]);
});

test("a file in the cache that is not what its checksum says is fetched again", async () => {
  const { p, mirror } = await served(offer());
  await p.bt("rpm-deps:check");
  const cache = path.join(p.root, ".bt/rpm-deps/primary");
  const [kept = ""] = fs.readdirSync(cache);
  const bytes = fs.readFileSync(path.join(cache, kept));
  fs.writeFileSync(path.join(cache, kept), bytes.reverse()); // Of the same size.

  const result = await p.bt("rpm-deps:check");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(mirror.requests.slice(2)).toEqual(["/os/repodata/repomd.xml", "/os/repodata/primary.xml.gz"]);
});

test("what no check has used for a month leaves the cache", async () => {
  const { p, folder } = await served(offer());
  await p.bt("rpm-deps:check");
  const cache = path.join(p.root, ".bt/rpm-deps/primary");
  const [old = ""] = fs.readdirSync(cache);
  fs.utimesSync(path.join(cache, old), 0, 0);
  writeMetadata(path.join(folder, "os"), offer([{ name: "cake", evr: "1-1" }]));

  await p.bt("rpm-deps:check");

  expect(fs.readdirSync(cache)).toHaveLength(1);
  expect(fs.readdirSync(cache)).not.toContain(old);
});

test("RPM_DEPS_PACKAGES_MISSING: all that is missing, on every architecture, with what there is", async () => {
  const specs = offer([{ name: "yeast", evr: "1-1.el9", arch: "x86_64" }]).filter(({ name }) => name !== "bread");
  const pins = { cs9: { OVEN: "17:2.0-9.el9" } };
  const groups = { tools: { main: ["oven-{OVEN}", "yeast"] }, shop: { main: ["bread"], noBase: true } };
  const { p, mirror } = await served(specs, { pins, options: { groups } });
  const before = tracked(p);

  const result = await p.bt("rpm-deps:check", "SINGLE_ARCH=amd64,s390x");

  expect(result.exitCode).toBe(3);
  expect(failure(result)).toBe(`5 wanted packages are not in the repositories
  oven 17:2.0-9.el9 (OVEN) for x86_64, cs9: there is 17:2.0-1.el9 in os, 17:1.9-1.el9 in os
    wanted by tools_x86_64_cs9
  bread for x86_64, cs9: there is no version at all
    wanted by shop_x86_64_cs9
  oven 17:2.0-9.el9 (OVEN) for s390x, cs9: there is 17:2.0-1.el9 in os, 17:1.9-1.el9 in os
    wanted by tools_s390x_cs9
  yeast for s390x, cs9: there is no version at all
    it is there for x86_64
    wanted by tools_s390x_cs9
  bread for s390x, cs9: there is no version at all
    wanted by shop_s390x_cs9
  fix  Change the pins in the pins file, for example with \`bt rpm-deps:bump\`, or the groups that want them.
`);
  expect(tracked(p)).toEqual(before);
  expect(mirror.requests).toHaveLength(2);
});

test("what is missing in several streams is one report, each with what its own repositories have", async () => {
  const newer = ["acl", "coreutils", "tar", "bakery-release"].map((name) => ({ name, evr: "2.0-1.el10" }));
  const oven = { name: "oven", evr: "18:3.0-1.el10", arch: "aarch64" };
  const streams = {
    cs9: { repofiles: ["rpm/repo-cs9.yaml"], suffix: "_cs9" },
    cs10: { repofiles: ["rpm/repo-cs10.yaml"], suffix: "_cs10" },
  };
  const { p, mirror, folder } = await served(offer(), {
    pins: { cs9: { OVEN: "17:2.0-9.el9" }, cs10: { OVEN: "18:3.0-1.el10" } },
    options: { streams, arches: ["arm64", "s390x"] },
  });
  writeMetadata(path.join(folder, "os10"), [...newer, oven]);
  p.write("rpm/repo-cs10.yaml", renderRepofile(mirror.url, { os10: { path: "os10" } }));
  const before = tracked(p);

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(3);
  expect(failure(result).match(/^ {2}\S.*(?:cs9|cs10): .*/gm)).toEqual([
    "  oven 17:2.0-9.el9 (OVEN) for aarch64, cs9: there is 17:2.0-1.el9 in os, 17:1.9-1.el9 in os",
    "  oven 17:2.0-9.el9 (OVEN) for s390x, cs9: there is 17:2.0-1.el9 in os, 17:1.9-1.el9 in os",
    "  bread for aarch64, cs10: there is no version at all",
    "  oven 18:3.0-1.el10 (OVEN) for s390x, cs10: there is no version at all",
    "  bread for s390x, cs10: there is no version at all",
  ]);
  expect(tracked(p)).toEqual(before);
});

test("JSON=1 lists all versions of what is missing", async () => {
  const { p } = await served(offer(), { pins: { cs9: { OVEN: "17:3-1.el9" } } });

  const result = await p.bt("rpm-deps:check", "JSON=1", "SINGLE_ARCH=s390x");

  const line = result.stdout.split("\n").find((text) => text.startsWith("{"))!;
  expect(JSON.parse(line)).toEqual({
    misses: [
      {
        package: "oven",
        stream: "cs9",
        arch: "s390x",
        pin: "OVEN",
        wanted: "17:3-1.el9",
        trees: ["tools_s390x_cs9"],
        available: [
          { evr: "17:2.0-1.el9", repository: "os" },
          { evr: "17:1.9-1.el9", repository: "os" },
        ],
        elsewhere: [],
      },
    ],
  });
});

test.each([
  ["without an epoch", "2.0-1.el9"],
  ["that ends before a dot", "17:2.0-1"],
  ["that is empty", ""],
])("a pin %s is resolved", async (_, pin) => {
  const { p } = await served(offer(), { pins: { cs9: { OVEN: pin } } });

  expect(await p.bt("rpm-deps:check")).toMatchObject({ exitCode: 0 });
});

test("a pin is no prefix of digits: -2 does not mean -20", async () => {
  const ovens = [{ name: "oven", evr: "17:2.0-10.el9", arch: "s390x" }];
  const { p } = await served([...common, ...ovens], { pins: { cs9: { OVEN: "17:2.0-1" } } });

  expect(await p.bt("rpm-deps:check", "SINGLE_ARCH=s390x")).toMatchObject({ exitCode: 3 });
});

test("RPM_DEPS_PIN_AMBIGUOUS: a pin without an epoch lists the candidates in full", async () => {
  const { p } = await served(offer([{ name: "oven", evr: "18:2.0-1.el9", arch: "s390x" }]), {
    pins: { cs9: { OVEN: "2.0-1.el9" } },
  });

  const result = await p.bt("rpm-deps:check", "SINGLE_ARCH=s390x");

  expect(result.exitCode).toBe(2);
  expect(failure(result)).toBe(
    `The pin cs9.OVEN is "2.0-1.el9" without an epoch, and there are several
  18:2.0-1.el9
  17:2.0-1.el9
  fix  Write one of them in full, for example "18:2.0-1.el9".
`,
  );
});

test.each([
  ["amd64", "x86_64"],
  ["x86_64", "x86_64"],
  ["arm64", "aarch64"],
  ["aarch64", "aarch64"],
  ["s390x", "s390x"],
])("SINGLE_ARCH=%s means %s alone", async (text, arch) => {
  const { p } = await served(offer().filter((spec) => spec.arch === undefined || spec.arch === arch));

  expect(await p.bt("rpm-deps:check", `SINGLE_ARCH=${text}`)).toMatchObject({ exitCode: 0 });
});

test("an architecture that nobody knows ends with 2 and the names that exist, before anything is asked", async () => {
  const { p, mirror } = await served(offer());

  const result = await p.bt("rpm-deps:check", "SINGLE_ARCH=s309x");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain("amd64, arm64, s390x");
  expect(mirror.requests).toEqual([]);
});

test("a pin from a variable beats the file, and is checked before anything starts", async () => {
  const { p, mirror } = await served(offer());

  const good = await p.bt("rpm-deps:check", "OVEN_VERSION=17:1.9-1.el9", "SINGLE_ARCH=s390x");
  const asked = mirror.requests.length;
  const bad = await p.btWith({ env: { OVEN_VERSION: "x; touch owned;" } }, "rpm-deps:check");

  expect(good.exitCode).toBe(0);
  expect(bad.exitCode).toBe(2);
  expect(bad.stderr).toContain("OVEN_VERSION has to be EPOCH:VERSION-RELEASE");
  expect(bad.stderr).toContain("the environment");
  expect(p.exists("owned")).toBe(false);
  expect(mirror.requests).toHaveLength(asked);
});

testWith(
  "rpmbuild",
  "createrepo_c",
  "xz",
  "zstd",
)("gz, xz and zst of real rpms are read alike", async () => {
  const folder = await temporaryFolder();
  const specs = [
    ...common,
    ...arches.map((arch) => ({ name: "oven", evr: "17:2.0^20250101.gabc~rc1-1.el9", arch })),
    { name: "seeds", evr: "17:2.0^20250101.gabc~rc1-1.el9", arch: "x86_64" },
  ];
  await buildRpms(path.join(folder, "gz"), specs);
  for (const copy of ["xz", "zst"]) fs.cpSync(path.join(folder, "gz"), path.join(folder, copy), { recursive: true });
  for (const packed of ["gz", "xz", "zst"] as const) await indexRpms(path.join(folder, packed), packed);
  const mirror = await serveFolder(folder);

  for (const packed of ["gz", "xz", "zst"]) {
    const p = await rpmProject({
      repofile: renderRepofile(mirror.url, { os: { path: packed } }),
      pins: { cs9: { OVEN: "17:2.0^20250101.gabc~rc1-1.el9" } },
    });
    expect(await p.bt("rpm-deps:check"), packed).toMatchObject({ exitCode: 0, stderr: "" });
  }
  expect(mirror.requests.filter((name) => /primary\.xml\.(gz|xz|zst)$/.test(name))).toHaveLength(3);
});
