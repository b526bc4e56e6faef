/** `bt rpm-deps:diff` and `bt rpm-deps:doctor` on committed files, and the parser of Bazel files. */
import { expect, test } from "vitest";
import { lockRules } from "../../../plugins/rpm-deps/lockfile.ts";
import { rpmRules } from "../../../plugins/rpm-deps/bazel-files.ts";
import { mergeBuild, mergeWorkspace } from "../../../plugins/rpm-deps/merge.ts";
import { applyEdits, parseBazelFile } from "../../../plugins/rpm-deps/starlark.ts";
import type { Project } from "../../support/project.ts";
import { failure, rpmProject } from "../../support/rpm-project.ts";
import { run, testWith } from "../../support/tool.ts";

/** The two files for trees of rpm names; the sum is made of what stands before the last dot, the address of the name. */
function files(trees: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, string>> {
  const names = [...new Set(Object.values(trees).flat())].sort();
  const sum = (name: string): string =>
    Buffer.from(name.replace(/\.\w+$/, "").padEnd(32, "."))
      .toString("hex")
      .slice(0, 64);
  return {
    WORKSPACE: names
      .map(
        (name) =>
          `rpm(\n    name = "${name}",\n    sha256 = "${sum(name)}",\n    urls = ["http://mirror/${name}"],\n)\n`,
      )
      .join("\n"),
    "rpm/BUILD.bazel": Object.entries(trees)
      .map(
        ([tree, rpms]) =>
          `rpmtree(\n    name = "${tree}",\n    rpms = [\n${rpms.map((rpm) => `        "@${rpm}//rpm",\n`).join("")}    ],\n)\n`,
      )
      .join("\n"),
  };
}

const before = files({
  tools_x86_64_cs9: [
    "bread-0__1.0-1.el9.x86_64",
    "oven-17__2.0-1.el9.x86_64",
    "salt-0__1-1.x86_64",
    "till-0__1.0-1.el9.x86_64",
    "wood-0__1-1.x86_64",
  ],
  tools_s390x_cs9: ["oven-17__2.0-1.el9.s390x", "salt-0__1-1.s390x"],
});
const after = files({
  tools_x86_64_cs9: [
    "bread-0__1.0-1.el9.noarch",
    "cake-0__1-1.x86_64",
    "oven-17__2.0-10.el9.x86_64",
    "salt-0__1-1.x86_64",
    "till-0__1.0~rc1-1.el9.x86_64".replace("~", "__tilde__"),
  ],
  tools_s390x_cs9: ["oven-17__2.0-10.el9.s390x", "salt-0__2-1.s390x"],
});

async function bakery(now: Readonly<Record<string, string>>): Promise<Project> {
  const p = await rpmProject({ repofile: "repositories: []\n", files: now });
  for (const [name, text] of Object.entries(before)) p.write(`old/${name}`, text);
  return p;
}

test("every kind of change is told apart, and versions that differ between architectures come last", async () => {
  const p = await bakery(after);

  const result = await p.bt("rpm-deps:diff", "BASE=old");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain(`tools_cs9
  = bread 0:1.0-1.el9 (renamed) [x86_64]
  + cake 0:1-1 [x86_64]
  ↑ oven 17:2.0-1.el9 → 17:2.0-10.el9 [s390x x86_64]
  ↑ salt 0:1-1 → 0:2-1 [s390x]
  ↓ till 0:1.0-1.el9 → 0:1.0~rc1-1.el9 [x86_64]
  - wood 0:1-1 [x86_64]
versions differ between architectures:
  tools_cs9 salt: s390x 0:2-1, x86_64 0:1-1
`);
});

test("JSON=1 says the same as data; RPM_DEPS_FILES_DIFFER: --exit-code ends with 3", async () => {
  const p = await bakery(after);

  const result = await p.bt("rpm-deps:diff", "BASE=old", "JSON=1", "--exit-code");

  const difference: { packages: { kind: string; package: string }[] } = JSON.parse(
    result.stdout.split("\n").find((line) => line.startsWith("{"))!,
  );
  expect(difference.packages.map(({ kind, package: name }) => `${kind} ${name}`)).toEqual([
    "renamed bread",
    "added cake",
    "upgraded oven",
    "upgraded salt",
    "downgraded till",
    "removed wood",
  ]);
  expect(result.exitCode).toBe(3);
  expect(failure(result)).toContain("6 packages differ\n");
});

testWith("git")("a revision of git is compared; RPM_DEPS_REVISION_UNKNOWN names one that is not there", async () => {
  const p = await bakery(before);
  const git = (...args: readonly string[]): Promise<string> =>
    run("git", ["-C", p.root, "-c", "user.name=b", "-c", "user.email=b@b", ...args]);
  await git("init", "-q");
  await git("add", ".");
  await git("commit", "-qm", "one");
  for (const [name, text] of Object.entries(after)) p.write(name, text);

  const head = await p.bt("rpm-deps:diff");
  const gone = await p.bt("rpm-deps:diff", "BASE=nowhere");
  const option = await p.bt("rpm-deps:diff", "BASE=--output=owned");

  expect(head.stdout).toContain("  ↑ oven 17:2.0-1.el9 → 17:2.0-10.el9 [s390x x86_64]\n");
  expect(failure(gone)).toContain(`"nowhere" is neither a folder nor a revision with these files\n`);
  expect(failure(option)).toContain("is neither a folder nor a revision");
  expect(p.exists("owned")).toBe(false);
});

test("the doctor names orphans, strangers, gaps and loose patterns; RPM_DEPS_SYMPTOMS with --strict", async () => {
  const build = `${after["rpm/BUILD.bazel"]}
rpmtree(
    name = "attic",
    rpms = ["@gone-0__1-1.s390x//rpm"],
)

centos_stream_alias(
    name = "attic_x86_64",
    cs9_target = ":attic_x86_64_cs9",
)
`;
  const p = await rpmProject({
    repofile: "repositories: []\n",
    files: { WORKSPACE: `${before["WORKSPACE"]}\n${after["WORKSPACE"]}`, "rpm/BUILD.bazel": build },
    options: { arches: ["s390x", "x86_64"], groups: { tools: { main: ["tar"], forceIgnore: ["python", "^perl"] } } },
  });

  const [result, strict] = [await p.bt("rpm-deps:doctor"), await p.bt("rpm-deps:doctor", "--strict")];

  expect(result.exitCode).toBe(0);
  for (const line of [
    "tree attic is made by no group: nobody updates it",
    "rpm gone-0__1-1.s390x is in a tree, but not in WORKSPACE",
    "rpm wood-0__1-1.x86_64 is in no tree",
    "alias attic_x86_64 leads to attic_x86_64_cs9, which is not there",
    "salt in tools_cs9 differs: s390x 0:2-1, x86_64 0:1-1",
    `group tools ignores "python" anywhere in a name; "^python" may be meant`,
  ])
    expect(result.stdout).toContain(`${line}\n`);
  expect(strict.exitCode).toBe(3);
});

const odd = `# A comment with rpm( in it
load("@x//:defs.bzl", "rpm")  # and one behind

VERSIONS = {"a": [1, 2]}

[rpm(name = "n%d" % i) for i in range(3)]

def macro(name):
    """A text with ) and "quotes"."""
    rpm(name = name)

rpm(
    name = "passt-0__0__caret__20250101.gabc-1.el9.x86_64",  # odd
    sha256 = "aa",
    urls = [
        "http://mirror/passt-0%5E20250101.rpm",
        # an archive
        "https://archive/aa",
    ],
    auth = {"k": select({"//a:b": [1], "c": x + "d"})}, extra = not True,
)
rpm(name="z", sha256='zz', urls=["a" + "b"] + [U])
centos_stream_alias(name = "x", cs9_target = ":x_cs9")
`;

test("odd texts are read, and printed byte for byte", () => {
  const file = parseBazelFile(odd, "WORKSPACE");

  expect(file.rules.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "load ",
    "rpm passt-0__0__caret__20250101.gabc-1.el9.x86_64",
    "rpm z",
    "centos_stream_alias x",
  ]);
  expect(rpmRules(file).get("passt-0__0__caret__20250101.gabc-1.el9.x86_64")?.urls).toEqual([
    "http://mirror/passt-0%5E20250101.rpm",
    "https://archive/aa",
  ]);
  expect([applyEdits(odd, []), mergeWorkspace(file, []), mergeBuild(file, [])]).toEqual([odd, odd, odd]);
});

test("RPM_DEPS_SUMS_DIFFER: one name with two checksums is refused", () => {
  const tree = (name: string, sha256: string): Parameters<typeof mergeWorkspace>[1][number] => ({
    name,
    attributes: {},
    rpms: [{ name: "a-0__1-1.s390x", sha256, urls: [] }],
  });

  expect(() => mergeWorkspace(parseBazelFile("", "WORKSPACE"), [tree("one", "aa"), tree("two", "bb")])).toThrow(
    "The rpm a-0__1-1.s390x has different checksums in different trees",
  );
});

test("a lock file is read in both forms", () => {
  const lock = {
    repositories: { os: ["http://a/", "http://b"] },
    rpms: [
      {
        id: "bread-0__1-1.s390x",
        integrity: `sha256-${Buffer.from("aa", "hex").toString("base64")}`,
        urls: ["Packages/bread.rpm"],
        repository: "os",
      },
      { name: "cake-0__1-1.s390x", integrity: "sha256-", urls: ["http://c/cake.rpm"], repository: "" },
    ],
  };

  const rules = rpmRules(lockRules(JSON.stringify(lock), "lock.json"));

  expect([...rules.values()]).toEqual([
    { name: "bread-0__1-1.s390x", sha256: "aa", urls: ["http://a/Packages/bread.rpm", "http://b/Packages/bread.rpm"] },
    { name: "cake-0__1-1.s390x", sha256: "", urls: ["http://c/cake.rpm"] },
  ]);
});
