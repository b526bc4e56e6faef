/** Bad input of all kinds: exit code 2, what is wrong, where it came from, what is right; nothing has been built or sent. */
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { bakery, variants } from "./rig.ts";

const withGit = testWith("git");

const refused: readonly (readonly [string, readonly string[], string])[] = [
  [
    "an unknown architecture",
    ["builder-build", "ARCHITECTURES=amd64 riscv64"],
    `bt: ARCHITECTURES of task "builder-build" is "amd64 riscv64", which its schema refuses: "riscv64" is none of amd64 (x86_64), arm64 (aarch64, crossbuild-aarch64), s390x (crossbuild-s390x)`,
  ],
  [
    "a misspelt architecture",
    ["push", "BUILD_ARCH=crossbuild-s930x"],
    `"crossbuild-s930x" is none of amd64 (x86_64), arm64 (aarch64, crossbuild-aarch64), s390x (crossbuild-s390x)`,
  ],
  ["an engine that is none", ["builder-build", "KUBEVIRT_CRI=foo"], "but takes one of podman, docker, buildah"],
  ["a version that is no tag", ["builder-build", "VERSION=a b"], `no tag can have " " there`],
  ["a version with the image before it", ["builder-bump", "VERSION=prefix/builder/1"], `no tag can have "/" there`],
  [
    "a version too long for the suffix",
    ["builder-build", `VERSION=${"v".repeat(123)}`],
    `it has 123 characters, and with "-s390x" may have 128`,
  ],
  [
    "a prefix with a scheme",
    ["builder-build", "DOCKER_PREFIX=https://quay.io/Me/"],
    `"https://" is no part of a prefix; write for example "quay.io/me"`,
  ],
  [
    "a prefix in upper case",
    ["builder-build", "DOCKER_PREFIX=quay.io/Me"],
    `"M" is upper case; write for example "quay.io/me"`,
  ],
  ["a prefix with a tag", ["builder-build", "DOCKER_PREFIX=quay.io/me:1"], `":1" is a tag, and a prefix has none`],
  [
    "the guide's placeholder",
    ["builder-build", "DOCKER_PREFIX=<your-registry-URL>/me"],
    `"<your-registry-URL>" is to be filled in first; write for example "quay.io/me"`,
  ],
  [
    "the guide's reference",
    ["builder-ref", "KUBEVIRT_BUILDER_IMAGE=quay.io/me/builder/1.0"],
    `it has neither tag nor digest; with ":" before the version it is quay.io/me/builder:1.0`,
  ],
  [
    "a reference without a tag",
    ["builder-ref", "KUBEVIRT_BUILDER_IMAGE=quay.io/builder"],
    "write quay.io/builder:VERSION",
  ],
  ["an unknown variant", ["builder-build", "VARIANT=cs11"], "it is none of cs9, cs10"],
  ["an unknown stream", ["push", "KUBEVIRT_CENTOS_STREAM_VERSION=11"], "it is none of 9, 10"],
  [
    "an image that nobody declares",
    ["push", "DOCKER_PREFIX=quay.io/me", "PUSH_TARGETS=ovem"],
    `PUSH_TARGETS has "ovem", which is no image of the builderfile`,
  ],
  ["a prefix without a registry", ["push"], `DOCKER_PREFIX is "kubevirt", which names no registry`],
  ["an unknown variable", ["builder-build", "ARCHITECTURE=s390x"], "ARCHITECTURES"],
];

withGit.for(refused)("%s is refused before anything is done", async ([, words, message]) => {
  const p = await bakery({ options: `${variants}, push: { images: { oven: {} } }` });

  const result = await p.bt(...words);

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(message);
  expect(result.stdout.replace(/^bt: Nothing ran in .*\n/, "")).toBe("");
  expect([p.exists("_out"), p.exists(".bt/oci")]).toEqual([false, false]);
});

withGit("every spelling of an architecture is understood, each once", async () => {
  const p = await bakery();

  const { stdout } = await p.bt("-n", "builder-build", "ARCHITECTURES=x86_64,aarch64 crossbuild-s390x arm64");

  expect(stdout.match(/builder:<version>-\w+/g)).toEqual(
    ["amd64", "arm64", "s390x"].map((arch) => `builder:<version>-${arch}`),
  );
});

withGit("a Dockerfile that is missing is named", async () => {
  const p = await bakery({
    options: `variants: { cs9: { image: "builder", context: "hack", dockerfile: "hack/Nowhere" } }`,
  });

  const result = await p.bt("builder-build");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain('There is no Dockerfile "hack/Nowhere"');
});

withGit.for<readonly [string, string, string]>([
  [`${variants}, push: { tag: "", images: {} }`, "push.tag", "a tag cannot be empty"],
  ["variants: {}", "variants", "it is empty"],
  [`variants: { cs9: { image: "builder", context: "" } }`, "variants.cs9.context", "it is missing"],
])("an option that is wrong is shown in the builderfile: %s", async ([options, option, problem]) => {
  const p = await bakery({ options });

  const result = await p.bt("--list");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(
    `bt: The option "${option}" of bazelBuilder() is wrong: ${problem}\n  at   builderfile.ts:3:`,
  );
});

withGit("no value reaches a shell", async () => {
  const p = await bakery();
  const value = "x; touch evil";
  for (const name of [
    "DOCKER_PREFIX",
    "ARCHITECTURES",
    "VERSION",
    "DOCKER_IMAGE",
    "TMP_IMAGES",
    "KUBEVIRT_BUILDER_IMAGE",
  ])
    await p.btWith({ env: { [name]: value } }, "builder-build");

  expect(p.exists("evil")).toBe(false);
});

withGit("without a commit a version must be given", async () => {
  const p = await bakery();
  p.write(".git/HEAD", "ref: refs/heads/nothing\n");

  const without = await p.bt("builder-build");
  const given = await p.bt("builder-build", "VERSION=1");

  expect(without.stdout).toContain("this is no git repository with one");
  expect([without.exitCode, given.exitCode]).toEqual([2, 0]);
});
