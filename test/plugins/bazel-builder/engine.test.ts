/** Builders whose Dockerfile runs commands, also of a foreign architecture, and commands inside finished images: with the real buildah. */
import * as fs from "node:fs";
import { expect } from "vitest";
import type { Project } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";
import { foreignProgram } from "../images/foreign.ts";
import { bakery, commit, indexOf, recordOf } from "./rig.ts";

const withEngine = testWith("buildah", "skopeo", "docker-registry", "qemu-s390x-static", "unshare", "busybox", "git");

/** The program prints its architecture; for amd64 it is busybox, which prints its usage. */
function options(smoke: string): string {
  return `variants: { cs9: {
    image: "builder", crossImage: "builder-cross", context: "hack/builder",
    smoke: (arch) => (arch === "s390x" ? ${smoke} : []),
  } }, arches: ["amd64", "arm64", "s390x"], engine: "buildah"`;
}

const dockerfile = `FROM scratch
ARG ARCH
COPY program-\${ARCH} /busybox
RUN ["/busybox"]
`;
const crossDockerfile = `ARG BUILDER_IMAGE
FROM "\${BUILDER_IMAGE}"
RUN ["/busybox", "touch", "/crossed"]
`;

async function engineBakery(smoke: string): Promise<Project> {
  const p = await bakery({
    options: options(smoke),
    files: { "hack/builder/Dockerfile": dockerfile, "hack/builder/Dockerfile.cross-compile": crossDockerfile },
  });
  for (const arch of ["arm64", "s390x"] as const)
    fs.writeFileSync(`${p.root}/hack/builder/program-${arch}`, foreignProgram(arch), { mode: 0o755 });
  fs.copyFileSync("/bin/busybox", `${p.root}/hack/builder/program-amd64`);
  await commit(p);
  return p;
}

function handlers(): readonly string[] {
  try {
    return fs.readdirSync("/proc/sys/fs/binfmt_misc").sort();
  } catch {
    return [];
  }
}

withEngine(
  "three architectures with RUN are built, tried inside, published and proven; the host's handlers stay as they are",
  { timeout: 600_000 },
  async () => {
    const { host } = await startRegistry();
    const p = await engineBakery('[["/busybox"]]');
    const before = handlers();
    const values = [`DOCKER_PREFIX=${host}/kv`, "VERSION=1"];

    const published = await p.bt("builder-publish", ...values);
    const verified = await p.bt("builder-verify", ...values);

    expect([published.exitCode, verified.exitCode]).toEqual([0, 0]);
    expect(Object.keys(await indexOf(`${host}/kv/builder:1`))).toEqual(["amd64", "arm64", "s390x"]);
    expect(recordOf(p).cross.status).toBe("pushed");
    // The program prints its architecture: once in each smoke test.
    for (const { stdout } of [published, verified]) expect(stdout).toMatch(/^s390x$/m);
    expect(handlers()).toEqual(before);
  },
);

withEngine(
  "BAZEL_BUILDER_SMOKE: a command that is not in the image fails the build",
  { timeout: 600_000 },
  async () => {
    const p = await engineBakery('[["/busybox"], ["/usr/bin/bazel", "--version"]]');

    const result = await p.bt("builder-build", "VERSION=1", "ARCHITECTURES=s390x");

    expect(result.exitCode).toBe(6);
    expect(result.stdout).toContain("bt: A command does not work inside the images\n");
    expect(result.stdout).toContain("s390x: /usr/bin/bazel --version\n");
  },
);
