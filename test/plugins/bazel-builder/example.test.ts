/** examples/kubevirt-builder, from the builder to the manifests: the walk-through of its README page, against a real registry and with the real Bazel. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { project, type Project } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";
import { changedFiles, commit, configOf, indexOf, recordOf } from "./rig.ts";

const withTools = testWith("bazel", "docker-registry", "skopeo", "git");
const example = join(import.meta.dirname, "../../../examples/kubevirt-builder");

async function copyExample(): Promise<Project> {
  const p = await project({});
  fs.cpSync(example, p.root, { recursive: true, filter: (name) => !/\/(\.bt|_out)$/.test(name) });
  await commit(p);
  return p;
}

withTools("the example's builder is published, written back, and named by the next build", async () => {
  const { host } = await startRegistry();
  const p = await copyExample();
  const env = { DOCKER_PREFIX: `${host}/bakery`, VERSION: "2611" };

  const announced = await p.btWith({ env }, "announce");
  const bumped = await p.btWith({ env }, "builder-bump");

  expect([announced.exitCode, bumped.exitCode]).toEqual([0, 0]);
  expect(announced.stdout).toContain(`${host}/bakery/builder:2611@${recordOf(p).index.digest}\n`);
  expect(Object.keys(await indexOf(`${host}/bakery/builder:2611`))).toEqual(["amd64", "arm64", "s390x"]);
  expect((await p.bt("-s", "builder-ref")).stdout).toBe("quay.io/kubevirt/builder:2611\n");
  expect(await changedFiles(p)).toBe(" M hack/dockerized\n");
});

withTools(
  "the example's images are built, pushed for two architectures and named by the manifests",
  { timeout: 600_000 },
  async () => {
    const { host } = await startRegistry();
    const p = await copyExample();
    onTestFinished(() => {
      spawnSync("bazel", ["shutdown"], { cwd: p.root, env: { PATH: process.env["PATH"], HOME: p.root } });
      // Bazel takes the right to write away from what it has made.
      spawnSync("chmod", ["-R", "u+w", p.root]);
    });
    const env = {
      DOCKER_PREFIX: `${host}/bakery`,
      BUILD_ARCH: "amd64,s390x",
      DOCKER_TAG: "v1.0.0",
      PUSH_TARGETS: "virt-oven",
    };

    const result = await p.btWith({ env }, "bazel-build", "bazel-push-images", "manifests");

    expect(result.exitCode).toBe(0);
    const index = await indexOf(`${host}/bakery/virt-oven:v1.0.0`);
    expect(Object.keys(index)).toEqual(["amd64", "s390x"]);
    expect((await configOf(`${host}/bakery/virt-oven@${index["s390x"]}`)).architecture).toBe("s390x");
    expect(p.read("_out/manifests/release/virt-operator.yaml")).toContain(`image: ${host}/bakery/virt-oven:v1.0.0\n`);
    expect(await changedFiles(p)).toBe("?? .cache/\n");
  },
);
