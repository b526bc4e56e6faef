/** Writing the version back into scripts, and reading from them which builder a build uses. */
import * as fs from "node:fs";
import { expect } from "vitest";
import { program, type Project } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";
import { bakery, dockerized, variants } from "./rig.ts";

const withRegistry = testWith("docker-registry", "skopeo", "git");
const withGit = testWith("git");

withRegistry("the published version is written into the one line of its variant, once", async () => {
  const { host } = await startRegistry();
  const p = await bakery();
  fs.chmodSync(`${p.root}/hack/dockerized`, 0o751);
  const values = [`DOCKER_PREFIX=${host}/kv`, "VERSION=v2"];
  await p.bt("builder-publish", ...values);
  await p.bt("builder-publish-centos-stream-10", ...values);

  const first = await p.bt("builder-bump", ...values);
  const one = p.read("hack/dockerized");
  const other = await p.bt("builder-bump", ...values, "VARIANT=cs10");
  const both = p.read("hack/dockerized");
  const again = await p.bt("builder-bump", ...values);

  expect([first.exitCode, other.exitCode, again.exitCode]).toEqual([0, 0, 0]);
  expect(one).toBe(dockerized.replace("2608141129-076cf77860", "v2"));
  expect(both).toBe(one.replace("2608171015-289ff4a084", "v2"));
  expect(again.stdout).toContain("hack/dockerized:3 has v2 already");
  expect(p.read("hack/dockerized")).toBe(both);
  expect(fs.statSync(`${p.root}/hack/dockerized`).mode & 0o777).toBe(0o751);
  expect(fs.readdirSync(`${p.root}/hack`).sort()).toEqual(["builder", "dockerized"]);
});

withRegistry("a version that is not in the registry is not written", async () => {
  const { host } = await startRegistry();
  const p = await bakery();

  const missing = await p.bt("builder-bump", `DOCKER_PREFIX=${host}/kv`, "VERSION=v2");
  const text = p.read("hack/dockerized");
  const offline = await p.bt("builder-bump", `DOCKER_PREFIX=${host}/kv`, "VERSION=v2", "--offline");

  expect([missing.exitCode, offline.exitCode]).toEqual([6, 0]);
  expect(text).toBe(dockerized);
  expect(p.read("hack/dockerized")).toContain('kubevirt_builder_version="v2"');
});

const forms: readonly (readonly [string, string, string])[] = [
  [
    "the line of 2023, a default in braces",
    'KUBEVIRT_BUILDER_IMAGE=${KUBEVIRT_BUILDER_IMAGE:-"quay.io/kubevirt/builder:2304"}\r\n',
    'KUBEVIRT_BUILDER_IMAGE=${KUBEVIRT_BUILDER_IMAGE:-"quay.io/kubevirt/builder:v2"}\r\n',
  ],
  ["a variable of make", "KUBEVIRT_BUILDER_IMAGE ?= 2304 # caf\u00e9\n", "KUBEVIRT_BUILDER_IMAGE ?= v2 # caf\u00e9\n"],
  ["an export without a last newline", "export KUBEVIRT_BUILDER_IMAGE='2304'", "export KUBEVIRT_BUILDER_IMAGE='v2'"],
];

withGit.for(forms)("only the value changes in %s", async ([, before, after]) => {
  const writeBack = `[{ file: "hack/image", variable: "KUBEVIRT_BUILDER_IMAGE", variant: "cs9" }]`;
  const p = await bakery({ options: `${variants}, writeBack: ${writeBack}`, files: { "hack/image": before } });

  const result = await p.bt("builder-bump", "VERSION=v2", "OFFLINE=yes");

  expect([result.exitCode, p.read("hack/image")]).toEqual([0, after]);
});

withGit("a pattern of the builderfile replaces its group", async () => {
  const writeBack = String.raw`[{ file: "ci.yaml", pattern: /^builder: .*:(?<value>\S+)$/, variant: "cs9" }]`;
  const p = await bakery({
    options: `${variants}, writeBack: ${writeBack}`,
    files: { "ci.yaml": "builder: quay.io/x/builder:1\nother: builder:1\n" },
  });

  await p.bt("builder-bump", "VERSION=v2", "OFFLINE=yes");

  expect(p.read("ci.yaml")).toBe("builder: quay.io/x/builder:v2\nother: builder:1\n");
});

withGit("BAZEL_BUILDER_ASSIGNMENT: two lines that match are both shown, none is written", async () => {
  const p = await bakery({ files: { "hack/dockerized": `${dockerized}kubevirt_builder_version=2\n` } });

  const result = await p.bt("builder-bump", "VERSION=v2", "OFFLINE=yes");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toBe(`bt: "hack/dockerized" has 2 assignments of "kubevirt_builder_version", and must have one
  at   hack/dockerized
       hack/dockerized:3: kubevirt_builder_version="2608141129-076cf77860"
       hack/dockerized:7: kubevirt_builder_version=2
  fix  Leave one of them.
`);
});

/** Two scripts, and a bump that is killed between their renames. */
async function interrupted(): Promise<Project> {
  const second = `{ file: "hack/other", variable: "VERSION", variant: "cs9" }`;
  const first = `{ file: "hack/dockerized", variable: "kubevirt_builder_version", variant: "cs9" }`;
  const p = await bakery({
    options: `${variants}, writeBack: [${first}, ${second}]`,
    files: { "hack/other": "VERSION=old\n" },
  });
  const inject = "inject=rename,renameat,renameat2:error=EIO:signal=SIGKILL:when=1";
  const traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", `${p.root}/hack/other.bt-new`, "-e", inject];
  const killed = await p.btWith(
    { program: [...traced, process.execPath, program] },
    ...["builder-bump", "VERSION=v2", "--offline"],
  );
  expect(killed.exitCode).not.toBe(0);
  expect([p.read("hack/dockerized").includes('"v2"'), p.read("hack/other")]).toEqual([true, "VERSION=old\n"]);
  return p;
}

const withStrace = testWith("git", "strace");

withStrace("kill -9 between two scripts: the next run brings them to their end, whatever it is asked for", async () => {
  const p = await interrupted();

  const next = await p.bt("builder-bump", "VERSION=v2", "--offline");

  expect(next.exitCode, next.stdout).toBe(0);
  expect(next.stdout).toContain("An interrupted run has been brought to its end: hack/dockerized, hack/other");
  expect(p.read("hack/other")).toBe("VERSION=v2\n");
  expect(fs.readdirSync(`${p.root}/hack`).sort()).toEqual(["builder", "dockerized", "other"]);
});

withStrace("BAZEL_BUILDER_FILES_FOREIGN: what somebody changed after a crash is not overwritten", async () => {
  const p = await interrupted();
  p.write("hack/other", "VERSION=mine\n");

  const next = await p.bt("builder-bump", "VERSION=v3", "--offline");

  expect(next.exitCode).toBe(1);
  expect(next.stdout).toContain("Somebody changed hack/other while the version was written");
  expect(p.read("hack/other")).toBe("VERSION=mine\n");
});

withGit("two runs at once write one version after the other, each everywhere", async () => {
  const target = (file: string): string => `{ file: "${file}", variable: "VERSION", variant: "cs9" }`;
  const p = await bakery({
    options: `${variants}, writeBack: [${target("hack/one")}, ${target("hack/two")}]`,
    files: { "hack/one": "VERSION=old\n", "hack/two": "VERSION=old\n" },
  });

  const results = await Promise.all(
    ["v2", "v3"].map((version) => p.bt("builder-bump", `VERSION=${version}`, "--offline")),
  );

  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(p.read("hack/one")).toBe(p.read("hack/two"));
  expect(p.read("hack/one")).toMatch(/^VERSION=v[23]\n$/);
  expect(fs.readdirSync(`${p.root}/hack`).sort()).toEqual(["builder", "dockerized", "one", "two"]);
});

withGit("a dry run shows the line and leaves it", async () => {
  const p = await bakery();

  const { stdout } = await p.bt("-n", "builder-bump", "VERSION=v2");

  expect(stdout).toContain("hack/dockerized:3: 2608141129-076cf77860 → v2\n");
  expect(p.read("hack/dockerized")).toBe(dockerized);
});

async function reference(p: Project, ...words: string[]): Promise<string> {
  return (await p.bt("-s", "builder-ref", ...words)).stdout;
}

withGit("a build uses the builder of its stream, the cross image when it must, or the one that is named", async () => {
  const p = await bakery();
  const foreign = process.arch === "s390x" ? "arm64" : "s390x";

  expect(await reference(p)).toBe("quay.io/kubevirt/builder:2608141129-076cf77860\n");
  expect(await reference(p, "KUBEVIRT_CENTOS_STREAM_VERSION=10")).toBe(
    "quay.io/kubevirt/builder-cs10:2608171015-289ff4a084\n",
  );
  expect(await reference(p, "BUILD_ARCH=amd64")).toBe("quay.io/kubevirt/builder:2608141129-076cf77860\n");
  expect(await reference(p, `BUILD_ARCH=amd64,${foreign}`)).toBe(
    "quay.io/kubevirt/builder-cross:2608141129-076cf77860\n",
  );
  expect(await reference(p, `BUILD_ARCH=${foreign}`, "KUBEVIRT_BUILDER_IMAGE=quay.io/me/own:1")).toBe(
    "quay.io/me/own:1\n",
  );
});
