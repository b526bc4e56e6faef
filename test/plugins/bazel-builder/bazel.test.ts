/** Pushing with Bazel: Debian's real Bazel in an offline workspace, a real registry; each test has a server of its own, which is shut down. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import { join } from "node:path";
import { afterAll, expect, onTestFinished } from "vitest";
import { project, type Project, type Result } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { removeFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";
import { indexOf, layoutImage, tagsOf } from "./rig.ts";

const withBazel = testWith("bazel", "docker-registry", "skopeo");

/** Bazel unpacks itself there, which takes longer than the tests: once for all. */
const root = fs.mkdtempSync(join(os.tmpdir(), "bt-bazel-"));
afterAll(() => {
  // Bazel takes the right to write away from what it has made.
  spawnSync("chmod", ["-R", "u+w", root]);
  removeFolder(root);
});

/** Each config has its image in `images/`; `push-NAME` copies it, as KubeVirt's rules push theirs. */
const workspace = {
  WORKSPACE: 'workspace(name = "bakery")\n',
  ".bazelrc": `build:x86_64 --define=arch=amd64
build:crossbuild-aarch64 --define=arch=arm64
build:aarch64 --define=arch=arm64
build:crossbuild-s390x --define=arch=s390x
build:s390x --define=arch=s390x
build:crossbuild-x86_64 --define=arch=amd64
build:cs9 --define=stream=9
build:cs10 --define=stream=10
`,
  BUILD: `ARCHES = ["amd64", "arm64", "s390x"]

[config_setting(name = arch, define_values = {"arch": arch}) for arch in ARCHES]

[genrule(
    name = "push-" + name,
    srcs = ["push.sh"],
    outs = ["push-" + name + ".sh"],
    cmd = select({":" + arch: "sed 's/ARCH/%s/' $< > $@" % arch for arch in ARCHES}),
    executable = True,
) for name in ["oven", "mixer"]]

genrule(name = "two", outs = ["one.run", "other.run"], cmd = "touch $(OUTS)")

genrule(name = "templator", srcs = ["templator.sh"], outs = ["templator.run"], cmd = "cp $< $@", executable = True)
`,
  "push.sh": `#!/bin/sh
echo "$*" >> "$BUILD_WORKSPACE_DIRECTORY/calls"
while [ $# -gt 0 ]; do
  case "$1" in --registry) registry=$2 ;; --repository) name=$2 ;; --tag) tag=$2 ;; esac
  shift 2
done
exec skopeo copy --quiet --dest-tls-verify=false "oci:$BUILD_WORKSPACE_DIRECTORY/images/image-ARCH:image" "docker://$registry/$name:$tag"
`,
  "templator.sh": `#!/bin/sh
for word; do case "$word" in --input-file=*) file=\${word#*=} ;; --container-tag=*) tag=\${word#*=} ;; --container-prefix=*) prefix=\${word#*=} ;; esac; done
sed "s|TAG|\${tag:-TAG}|; s|PREFIX|\${prefix:-PREFIX}|" "$file"
`,
  "manifests/operator.yaml.in": "image: PREFIX/oven:TAG\n",
};

async function bazelProject(
  host: string,
  images = "{ oven: {}, mixer: {} }",
  templator = "//:templator",
): Promise<Project> {
  const p = await project({
    ...workspace,
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
import { bazelBuilder } from "builderfile/plugins/bazel-builder";
const builder = bazelBuilder({
  variants: { cs9: { image: "builder", context: "." }, cs10: { image: "builder-cs10", context: "." } },
  bazel: { startup: ["--output_user_root=${root}"], targets: ["//:push-oven"] },
  push: { prefix: "${host}/kv", images: ${images} },
  manifests: { templator: { bazel: "${templator}" } },
});
const index = builder.tasks.pushContainerManifest!;
const release = task({ needs: [index.with({ buildArch: ["arm64", "s390x"] })] });
export default defineBuilder({ plugins: [builder], tasks: { release } });
`,
  });
  for (const arch of ["amd64", "arm64", "s390x"]) await layoutImage(arch, join(p.root, "images"));
  const shutdown = (): unknown => spawnSync("bazel", [`--output_user_root=${root}`, "shutdown"], { cwd: p.root });
  onTestFinished(() => void shutdown());
  return p;
}
const hostArch = process.arch === "x64" ? "amd64" : process.arch;

withBazel(
  "the matrix is pushed under both tags, read back, and joined in indexes of exactly these digests",
  { timeout: 600_000 },
  async () => {
    const { host } = await startRegistry();
    const p = await bazelProject(host, '{ oven: {}, mixer: { arches: ["amd64", "arm64"] } }');
    // What an older run has left is no image of this one.
    p.write("_out/digests/arm64/stale.digest", "sha256:0\n");
    const values = [
      "BUILD_ARCH=x86_64,aarch64,crossbuild-s390x",
      "DOCKER_TAG=t",
      "DOCKER_TAG_ALT=u",
      "IMAGE_PREFIX=p-",
    ];

    const result = await p.bt("push", ...values);

    expect(result.exitCode).toBe(0);
    expect(await tagsOf(host, "kv/p-oven")).toEqual([
      "t",
      "t-amd64",
      "t-arm64",
      "t-s390x",
      "u",
      "u-amd64",
      "u-arm64",
      "u-s390x",
    ]);
    expect(await tagsOf(host, "kv/p-mixer")).toEqual(["t", "t-amd64", "t-arm64", "u", "u-amd64", "u-arm64"]);
    const index = await indexOf(`${host}/kv/p-oven:t`);
    expect(await indexOf(`${host}/kv/p-oven:u`)).toEqual(index);
    const digests = Object.keys(index).map((arch) => [arch, p.read(`_out/digests/${arch}/oven.digest`).trim()]);
    expect(Object.fromEntries(digests)).toEqual(index);
    expect(Object.keys(await indexOf(`${host}/kv/p-mixer:t`))).toEqual(["amd64", "arm64"]);
    expect(fs.existsSync(`${p.root}/_out/digests/arm64/stale.digest`)).toBe(false);
    expect(p.read("calls").split("\n")[0]).toBe(`--registry ${host}/kv --repository p-oven --tag t-amd64`);
  },
);

withBazel(
  "make && make bazel-push-images && make manifests are three tasks; one architecture has no suffix and no index",
  { timeout: 600_000 },
  async () => {
    const { host } = await startRegistry();
    const p = await bazelProject(host);

    const result = await p.bt(
      "bazel-build",
      "bazel-push-images",
      "manifests",
      "DOCKER_TAG=v1.2.3",
      "PUSH_TARGETS=oven",
    );

    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain(
      `build --config=${hostArch === "amd64" ? "x86_64" : "aarch64"} --config=cs9 //:push-oven\n`,
    );
    expect(result.stdout).toContain("One architecture needs no index\n");
    expect(await tagsOf(host, "kv/oven")).toEqual(["v1.2.3"]);
    expect(await tagsOf(host, "kv/mixer")).toEqual([]);
    expect(p.read("_out/manifests/operator.yaml")).toBe(`image: ${host}/kv/oven:v1.2.3\n`);
    expect(fs.readdirSync(`${p.root}/manifests`)).toEqual(["operator.yaml.in"]);
  },
);

withBazel(
  "an image of another architecture than its config is no success, and not indexed",
  { timeout: 600_000 },
  async () => {
    const { host } = await startRegistry();
    const p = await bazelProject(host, "{ oven: {} }");
    fs.rmSync(`${p.root}/images/image-arm64`, { recursive: true });
    fs.cpSync(`${p.root}/images/image-s390x`, `${p.root}/images/image-arm64`, { recursive: true });

    const result = await p.bt("push", "BUILD_ARCH=amd64,arm64");

    expect(result.exitCode).toBe(6);
    expect(result.stdout).toContain("kv/oven:latest-arm64: arm64 was expected, it is for s390x");
    expect(await tagsOf(host, "kv/oven")).toEqual(["latest-amd64", "latest-arm64"]);
  },
);

withBazel("a push that fails lets the others go on, and there is no index", { timeout: 600_000 }, async () => {
  const { host } = await startRegistry();
  const p = await bazelProject(host);
  fs.rmSync(`${p.root}/images/image-arm64`, { recursive: true });

  const result: Result = await p.bt("push", "BUILD_ARCH=arm64,amd64");

  expect(result.exitCode).toBe(1);
  expect(await tagsOf(host, "kv/oven")).toEqual(["latest-amd64"]);
  expect(await tagsOf(host, "kv/mixer")).toEqual(["latest-amd64"]);
});

withBazel(
  "BAZEL_BUILDER_IMAGE_GAP: an index is not made without an architecture that it was asked for",
  { timeout: 600_000 },
  async () => {
    const { host } = await startRegistry();
    const p = await bazelProject(host, "{ oven: {} }");

    const result = await p.bt("release");

    expect(result.exitCode).toBe(6);
    expect(result.stdout).toContain(`The index ${host}/kv/oven:latest lacks arm64, s390x, which this run did not push`);
    expect(await tagsOf(host, "kv/oven")).toEqual(["latest"]);
  },
);

withBazel("BAZEL_BUILDER_OUTPUT: a templator is one file", { timeout: 600_000 }, async () => {
  const p = await bazelProject("127.0.0.1:9", "{ oven: {} }", "//:two");
  p.write("_out/manifests/operator.yaml", "image: old\n");

  const result = await p.bt("manifests", "DOCKER_TAG=v1");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(`Bazel's target "//:two" has 2 files, and one is needed`);
  expect(result.stdout).toContain("/bin/other.run\n");
  expect(p.read("_out/manifests/operator.yaml")).toBe("image: old\n");
});

const withTools = testWith("git");

withTools("a dry run shows the calls of the original, word by word, and starts nothing", async () => {
  const p = await bazelProject("127.0.0.1:1");

  const values = [
    "BUILD_ARCH=amd64 s390x",
    "KUBEVIRT_CENTOS_STREAM_VERSION=10",
    "IMAGE_PREFIX_ALT=kv-",
    "PUSH_TARGETS=oven",
  ];
  const { stdout } = await p.bt("-n", "push", ...values);

  const bazel = /bazel --output_user_root=\S+ /g;
  expect(stdout.replaceAll(bazel, "bazel ")).toBe(`bazel-push (it declares no inputs)
  $ bazel run --config=x86_64 --config=cs10 //:push-oven -- --registry 127.0.0.1:1/kv --repository oven --tag latest-amd64
  $ bazel run --config=x86_64 --config=cs10 //:push-oven -- --registry 127.0.0.1:1/kv --repository kv-oven --tag latest-amd64
  $ bazel run --config=crossbuild-s390x --config=cs10 //:push-oven -- --registry 127.0.0.1:1/kv --repository oven --tag latest-s390x
  $ bazel run --config=crossbuild-s390x --config=cs10 //:push-oven -- --registry 127.0.0.1:1/kv --repository kv-oven --tag latest-s390x
  write   _out/digests/amd64/*.digest
  write   _out/digests/s390x/*.digest
push-container-manifest (it declares no inputs)
  index   127.0.0.1:1/kv/oven:latest: amd64@<digest>, s390x@<digest>
  index   127.0.0.1:1/kv/kv-oven:latest: amd64@<digest>, s390x@<digest>
bt: 2 would run
`);
});
