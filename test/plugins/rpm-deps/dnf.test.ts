/** What bt reads and bazeldnf solves, judged by dnf. Needs the Debian packages dnf, rpm, createrepo-c and golang. */
import * as path from "node:path";
import { expect } from "vitest";
import { formatEvr } from "../../../plugins/rpm-deps/evr.ts";
import { openPacked } from "../../../plugins/rpm-deps/decompress.ts";
import { readPrimary } from "../../../plugins/rpm-deps/primary.ts";
import { readdirSync } from "node:fs";
import { buildBazeldnf } from "../../support/rpm-bazeldnf.ts";
import { rpmProject } from "../../support/rpm-project.ts";
import { buildRpms, indexRpms, renderRepofile, serveFolder, type RpmSpec } from "../../support/rpm-repository.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const specs: readonly RpmSpec[] = [
  { name: "bakery-release", evr: "9.0-1.el9" },
  { name: "oven", evr: "17:2.0-1.el9", arch: "s390x", requires: ["door(oven) = 2.0", "yeast"] },
  { name: "oven", evr: "17:2.0-10.el9", arch: "s390x", requires: ["door(oven) = 2.0", "yeast"] },
  {
    name: "oven-door",
    evr: "17:2.0-1.el9",
    arch: "s390x",
    provides: ["door(oven) = 2.0"],
    requires: ["c++-bread"],
  },
  { name: "c++-bread", evr: "0^20250101.gabc-1.el9" },
  { name: "yeast", evr: "1.0~rc1-1.el9" },
  { name: "nobody", evr: "1-1" },
];

testWith(
  "dnf",
  "rpmbuild",
  "createrepo_c",
  "go",
)("dnf lists the same packages, and the same closed set for a pinned tree", { timeout: 600_000 }, async () => {
  const folder = await temporaryFolder();
  await buildRpms(path.join(folder, "os"), specs);
  await indexRpms(path.join(folder, "os"));
  const mirror = await serveFolder(folder);
  const root = path.join(folder, "root");
  const dnf = async (...words: readonly string[]): Promise<string> => {
    const options = [
      `--installroot=${root}`,
      "--setopt=reposdir=/dev/null",
      "--forcearch=s390x",
      "--releasever=9",
      `--repofrompath=os,${mirror.url}/os`,
      "--setopt=install_weak_deps=False",
      "--setopt=keepcache=False",
      "--nogpgcheck",
      `--setopt=cachedir=${folder}/cache`,
    ];
    // An answer of "no" ends dnf with 1.
    return await run("sh", ["-c", '"$@" </dev/null 2>&1 || true', "sh", "dnf", ...options, ...words], {
      LC_ALL: "C",
    });
  };
  const p = await rpmProject({
    repofile: renderRepofile(mirror.url, { os: { path: "os" } }),
    pins: { cs9: { OVEN: "17:2.0-1.el9" } },
    options: {
      arches: ["s390x"],
      base: { main: [] },
      groups: { tools: { main: ["oven-{OVEN}"] } },
      backend: { bin: buildBazeldnf() },
    },
  });

  const listed = await dnf("-q", "repoquery", "--qf", "%{name}-%{epoch}:%{version}-%{release}.%{arch}", "*");
  const read: string[] = [];
  const data = path.join(folder, "os/repodata");
  const primary = path.join(
    data,
    readdirSync(data).find((name) => name.endsWith("primary.xml.gz"))!,
  );
  await readPrimary(await openPacked(primary, "gz"), 0, {
    relations: false,
    onPackage: (one) => void read.push(`${one.name}-${formatEvr(one)}.${one.arch}`),
  });
  const transaction = await dnf("install", "--assumeno", "oven-17:2.0-1.el9", "bakery-release");
  const solved = await p.bt("rpm-deps");

  expect(read.sort()).toEqual(listed.trim().split("\n").sort());
  expect(solved.exitCode, solved.stdout).toBe(0);
  const theirs = [...transaction.matchAll(/^ (\S+) +(?:s390x|noarch) +(\S+) +os /gm)].map(
    ([, name, evr]) => `${name} ${evr!.includes(":") ? evr : `0:${evr}`}`,
  );
  const ours = [...p.read("WORKSPACE").matchAll(/name = "(.+)-(\d+)__([^"]+)\.s390x"/g)].map(([, name, epoch, rest]) =>
    `${name} ${epoch}:${rest}`.replaceAll("__caret__", "^").replaceAll("__tilde__", "~").replaceAll("__plus__", "+"),
  );
  expect(ours.sort(), transaction).toEqual(theirs.sort());
  expect(ours).toHaveLength(5);
});
