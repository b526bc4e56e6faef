/** Image and publish tasks as people run them: bases from a layout and a registry, results judged by skopeo. */
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, type Project } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { run, testWith } from "../../support/tool.ts";

const builderfile = `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
import { publish } from "builderfile/plugins/multiarch-manifest";
const base = image({ context: "base", platforms: platforms("amd64", "s390x") });
const app = image({ context: "app", platforms: platforms("amd64", "s390x") });
export default defineBuilder({ tasks: {
  base: publish({ images: base, to: "oci:out/base:1" }), "base-build": base,
  app: publish({ images: app, to: "oci:out/app:1" }), "app-build": app,
} });
`;

function bakery(from: string): Promise<Project> {
  return project({
    "builderfile.ts": builderfile,
    "base/Dockerfile": "FROM scratch\nCOPY flour /flour\nENV OVEN=hot\n",
    "base/flour": "white",
    "app/Dockerfile": `FROM ${from}\nCOPY bread /bread\n`,
    "app/bread": "rye",
  });
}

interface Inspected {
  readonly Architecture: string;
  readonly Env: readonly string[];
  readonly Layers: readonly string[];
}

async function inspect(reference: string, arch: string): Promise<Inspected> {
  const inspected: Inspected = JSON.parse(await run("skopeo", ["--override-arch", arch, "inspect", reference]));
  return inspected;
}

testWith("skopeo")("an image is built on an image in a layout, platform by platform", async () => {
  const p = await bakery("oci:out/base:1");

  expect(await p.bt("base", "-s")).toMatchObject({ exitCode: 0 });
  const result = await p.bt("app", "-s");

  expect(result).toEqual({ exitCode: 0, signal: undefined, stdout: "", stderr: "" });
  for (const arch of ["amd64", "s390x"]) {
    const image = await inspect(`oci:${path.join(p.root, "out/app")}:1`, arch);
    expect(image).toMatchObject({ Architecture: arch, Env: expect.arrayContaining(["OVEN=hot"]) });
    expect(image.Layers).toHaveLength(2);
  }
});

testWith("skopeo", "docker-registry")(
  "an image is built on an image in a registry, and built again when the tag moves",
  async () => {
    const registry = await startRegistry();
    const p = await bakery(`${registry.host}/oven/base:1`);
    const push = (): Promise<string> =>
      run("skopeo", [
        "copy",
        "-q",
        "--all",
        "--dest-tls-verify=false",
        `oci:${path.join(p.root, "out/base")}:1`,
        `docker://${registry.host}/oven/base:1`,
      ]);
    await p.bt("base", "-s");
    await push();

    expect((await p.bt("app-build", "--output=prefixed")).stdout).toContain("bt: 2 ran");
    expect((await p.bt("app-build")).stdout).toBe("bt: Nothing to do: 2 tasks are up to date\n");
    p.write("base/flour", "brown");
    await p.bt("base", "-s");
    await push();

    expect((await p.bt("app")).stdout).toContain(`(version of "${registry.host}/oven/base:1" changed: sha256:`);
  },
);

testWith("skopeo")("a published layout that somebody removed is published again, without a build", async () => {
  const p = await bakery("scratch");
  await p.bt("app", "-s");
  await run("rm", ["-r", path.join(p.root, "out")]);

  const result = await p.bt("app");

  expect(result.stdout).toContain("bt: 1 ran");
  expect(await inspect(`oci:${path.join(p.root, "out/app")}:1`, "s390x")).toMatchObject({ Architecture: "s390x" });
});

testWith("skopeo")("an image that is gone from the store is built again", async () => {
  const p = await bakery("scratch");
  await p.bt("app-build", "-s");
  await run("rm", ["-r", path.join(p.root, ".bt/oci")]);

  expect((await p.bt("app-build")).stdout).toContain("bt: 2 ran");
});

testWith("skopeo", "docker-registry")(
  "an index is published to a registry, and not again while the registry has it",
  async () => {
    const registry = await startRegistry();
    const p = await bakery("scratch");
    const destination = `DESTINATION=${registry.host}/oven/app:1`;

    const first = await p.bt("app", destination);

    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    const raw: { manifests: { platform: object }[] } = JSON.parse(
      await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${registry.host}/oven/app:1`]),
    );
    expect(raw.manifests.map(({ platform }) => platform)).toEqual([
      { architecture: "amd64", os: "linux" },
      { architecture: "s390x", os: "linux" },
    ]);
    expect((await p.bt("app", destination)).stdout).toBe("bt: Nothing to do: 1 task is up to date\n");
  },
);

testWith("skopeo", "docker-registry")(
  "a base comes from the mirror that the user has set for its registry",
  async () => {
    const registry = await startRegistry();
    const p = await bakery("registry.invalid/oven/base:1");
    p.write(".config/bt/config.json", JSON.stringify({ mirrors: { "registry.invalid": registry.host } }));
    await p.bt("base", `DESTINATION=${registry.host}/oven/base:1`, "-s");

    const result = await p.bt("app", "-s");

    expect(result).toEqual({ exitCode: 0, signal: undefined, stdout: "", stderr: "" });
    expect((await inspect(`oci:${path.join(p.root, "out/app")}:1`, "s390x")).Layers).toHaveLength(2);
  },
);

/** Three images in a chain of FROM lines; only the last is asked for. */
function chain(more: Record<string, string> = {}): Promise<Project> {
  return project({
    "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
const both = platforms("amd64", "s390x");
const mill = image({ context: "mill", platforms: both, name: "shop/mill:1" });
const dough = image({ context: "dough", platforms: both, name: "shop/dough:1" });
const loaf = image({ context: "loaf", platforms: both, args: { DOUGH: "shop/dough" } });
export default defineBuilder({ tasks: { mill, dough, loaf } });
`,
    "mill/Dockerfile": "FROM scratch\nCOPY flour /flour\n",
    "mill/flour": "white",
    "dough/Dockerfile": "FROM scratch\nCOPY --from=shop/mill:1 /flour /flour\nENV DOUGH=soft\n",
    "loaf/Dockerfile": "ARG DOUGH\nFROM ${DOUGH}:1\nCOPY seeds /seeds\n",
    "loaf/seeds": "poppy",
    ...more,
  });
}

test("FROM lines make images wait for the project's own images, which are built first", async () => {
  const p = await chain();

  const graph = JSON.parse((await p.bt("--graph=json", "loaf:s390x")).stdout);
  const result = await p.bt("loaf:s390x", "--json");

  expect(graph.tasks.map(({ id }: { id: string }) => id).sort()).toEqual(["dough:s390x", "loaf:s390x", "mill:s390x"]);
  expect(result.exitCode).toBe(0);
  const { values } = JSON.parse(result.stdout.trim().split("\n").at(-1)!);
  expect(values["loaf:s390x"].bases).toEqual({ "shop/dough:1": expect.stringMatching(/^sha256:/) });
});

test("a change in the first image of a chain builds all of them again, and nothing else", async () => {
  const p = await chain();
  await p.bt("loaf");

  p.write("mill/flour", "brown");

  expect((await p.bt("loaf")).stdout).toContain("6 ran");
  expect((await p.bt("loaf")).stdout).toContain("2 tasks are up to date");
});

test("a FROM line whose platform the other image does not have is a mistake with its place", async () => {
  const p = await chain({ "loaf/Dockerfile": "FROM --platform=linux/arm64 shop/dough:1\n" });

  const result = await p.bt("loaf:s390x");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(`asks for the image of task "dough" for arm64; that task builds amd64, s390x`);
  expect(result.stderr).toContain("loaf/Dockerfile");
});

test("images that need each other are a circle", async () => {
  const p = await chain({ "mill/Dockerfile": "FROM shop/dough:1\n" });

  const result = await p.bt("loaf:s390x");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain("circle");
});

test("build arguments can be made for each platform", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, platforms, findPlatform } from "builderfile";
import { image } from "builderfile/plugins/images";
const base = image({ platforms: platforms("amd64", "s390x"), args: (arch) => ({ BAZEL_ARCH: findPlatform(arch).uname }) });
export default defineBuilder({ tasks: { base } });
`,
    Dockerfile: "FROM scratch\nARG BAZEL_ARCH\nENV BAZEL=$BAZEL_ARCH\n",
  });

  const result = await p.bt("base", "--json");

  const { values } = JSON.parse(result.stdout.trim().split("\n").at(-1)!);
  const config = (arch: string): { config: { Env: string[] } } =>
    JSON.parse(p.read(`.bt/oci/blobs/sha256/${values.base[arch].imageId.slice("sha256:".length)}`));
  expect(config("amd64").config.Env).toContain("BAZEL=x86_64");
  expect(config("s390x").config.Env).toContain("BAZEL=s390x");
});

test("a base that cannot be had is reported with the line that names it", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";

export default defineBuilder({ tasks: { build: image({ platforms: platforms("amd64") }) } });
`,
    Dockerfile: "FROM scratch AS flour\nFROM oven\nCOPY --from=127.0.0.1:1/Bake/oven:1 /a /b\n",
  });

  const short = await p.bt("build");
  p.write("Dockerfile", "FROM scratch\nCOPY --from=127.0.0.1:1/bake/oven:1 /a /b\n");
  const unreachable = await p.bt("build");

  expect(short.stdout + short.stderr).toContain(
    'bt: The reference "oven" names no registry\n  task build:amd64\n  at   Dockerfile:2:1\n',
  );
  expect(unreachable.stdout + unreachable.stderr).toContain("  task build:amd64\n  at   Dockerfile:2:1\n");
});

test("FROM cannot mean a task that builds no image, or an image without a name", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, platforms, task } from "builderfile";
import { image } from "builderfile/plugins/images";
const oven = task({ description: "Heats", run: () => "hot" });
const dough = image({ context: "dough", platforms: platforms("amd64") });
const bread = image({ context: "bread", platforms: platforms("amd64") });
export default defineBuilder({ tasks: { oven, dough, bread } });
`,
    "dough/Dockerfile": "FROM scratch\nENV FLOUR=rye\n",
    "bread/Dockerfile": "FROM scratch\nCOPY --from=oven /a /b\n",
  });

  const task = await p.bt("-n", "bread");
  p.write("bread/Dockerfile", "FROM dough\nENV BREAD=1\n");
  const unnamed = await p.bt("-n", "bread");

  expect(task).toMatchObject({ exitCode: 2, stdout: "" });
  expect(task.stderr).toContain(
    'bt: "oven" is no known image, but a task, which builds no image\n  at   bread/Dockerfile:2:1\n',
  );
  expect(unnamed.stderr)
    .toContain(`bt: "dough" is no known image, but a task, whose image has no name that a FROM line could use
  at   bread/Dockerfile:1:1
`);
  expect(unnamed.stderr).toContain('fix  Give that image() the option name: "dough".');
});

test("a COPY of what stands above the context is a mistake of the Dockerfile, before anything is built", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
export default defineBuilder({ tasks: { bread: image({ context: "bread", platforms: platforms("amd64") }) } });
`,
    "bread/Dockerfile": "FROM scratch\nCOPY ../flour /flour\n",
    flour: "rye",
  });

  const [checked, built] = [await p.bt("--check"), await p.bt("bread")];

  for (const result of [checked, built]) {
    expect(result.exitCode).toBe(2);
    expect(result.stdout + result.stderr).toContain('bt: "../flour" leaves the context\n  at   bread/Dockerfile:2:1\n');
  }
  expect(p.exists(".bt/oci")).toBe(false);
});

test.each([
  ["Dockerfile", {}, 'There is no Dockerfile "bread/Dockerfile"'],
  ["context", { "bread.Dockerfile": "FROM scratch\nCOPY flour /flour\n" }, 'There is no folder "'],
])("a %s that is not there is shown with the line of the image", async (_, files, problem) => {
  const dockerfile = Object.keys(files).map((name) => `, dockerfile: "${name}"`);
  const p = await project({
    "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
const bread = image({ context: "bread", platforms: platforms("amd64", "s390x")${dockerfile.join("")} });
export default defineBuilder({ tasks: { bread } });
`,
    ...files,
  });

  const { exitCode, stderr } = await p.bt("bread");

  expect(exitCode).toBe(2);
  expect(stderr).toContain(`bt: ${problem}`);
  expect(stderr).toContain("\n  at   builderfile.ts:3:15\n");
});
