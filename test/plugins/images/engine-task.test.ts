/** Image tasks whose Dockerfile runs commands: the engine is chosen, asked, and explained as people see it. */
import { expect, test } from "vitest";
import { project, type Project } from "../../support/project.ts";
import { testWith } from "../../support/tool.ts";
import { foreignProgram } from "./foreign.ts";

/** A base without RUN and an image on it that runs a program in it, for this machine's kind and a foreign one. */
async function bakery(more: Record<string, string> = {}): Promise<Project> {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
const both = platforms("arm64", "s390x");
const base = image({ context: "base", platforms: both, name: "shop/base:1" });
const app = image({ context: "app", platforms: both, name: "shop/app:1" });
const shop = image({ context: "shop", platforms: both });
export default defineBuilder({ tasks: { base, app, shop } });
`,
    "base/Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY bin/$TARGETARCH /program\n",
    "app/Dockerfile": 'FROM shop/base:1\nRUN ["/program"]\nENV OVEN=hot\n',
    "shop/Dockerfile": "FROM scratch\nCOPY --from=shop/app:1 / /\n",
    ...more,
  });
  const { mkdir, writeFile } = await import("node:fs/promises");
  await mkdir(`${p.root}/base/bin`);
  for (const arch of ["arm64", "s390x"] as const)
    await writeFile(`${p.root}/base/bin/${arch}`, foreignProgram(arch), { mode: 0o755 });
  return p;
}

interface Built {
  readonly platform: string;
  readonly imageId: string;
  readonly bases?: Readonly<Record<string, string>>;
}

function valuesOf(stdout: string): Readonly<Record<string, Readonly<Record<string, Built>>>> {
  return JSON.parse(stdout.trim().split("\n").at(-1)!).values;
}

testWith("buildah", "qemu-s390x-static")(
  "an image whose Dockerfile runs something is built by an engine, on images that were built without one",
  async () => {
    const p = await bakery();

    const result = await p.bt("--json", "base", "shop");

    expect(result.stderr).toBe("");
    const { base, shop } = valuesOf(result.stdout);
    expect(Object.values(shop!).map(({ platform }) => platform)).toEqual(["linux/arm64", "linux/s390x"]);
    expect(result.stdout).toContain("the first that works of buildah, podman, docker");
    expect(Object.values(base!).every(({ bases }) => bases === undefined)).toBe(true);
    expect((await p.bt("base", "shop")).stdout).toContain("Nothing to do");
  },
);

test("an engine that was asked for and is not there is named with its package, before anything is built", async () => {
  const p = await bakery();

  const result = await p.btWith({ env: { CONTAINER_CLI: "/nowhere/podman" } }, "app:arm64");

  expect(result.exitCode).toBe(2);
  expect(result.stdout + result.stderr).toContain("/nowhere/podman");
  expect(result.stdout + result.stderr).toContain("apt-get install podman");
});

test.for([
  ["--engine=dockr", "docker"],
  ["ENGINE=dockr", "docker"],
])("a misspelt engine is refused: %s", async ([option, meant]) => {
  const p = await bakery();

  const result = await p.bt("app:arm64", option!);

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(`embedded, buildah, podman, docker`);
  expect(result.stderr).toContain(meant);
});

test("the embedded engine says where the command stands that it cannot run", async () => {
  const p = await bakery();

  const result = await p.bt("app:arm64", "--engine=embedded");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("app/Dockerfile:2");
});

testWith("buildah")("doctor names the engine that builds, and why", async () => {
  const p = await bakery();

  expect((await p.bt("--doctor")).stdout).toMatch(/buildah +\d[\d.]+; chosen: the first that works of/);
  expect((await p.btWith({ env: { KUBEVIRT_CRI: "buildah" } }, "--doctor")).stdout).toMatch(
    /buildah +\d[\d.]+; chosen: KUBEVIRT_CRI chooses it/,
  );
});

test("a dry run starts no engine", async () => {
  const p = await bakery();

  const result = await p.btWith({ env: { CONTAINER_CLI: "/nowhere/podman" } }, "-n", "app");

  expect(result.exitCode).toBe(0);
});
