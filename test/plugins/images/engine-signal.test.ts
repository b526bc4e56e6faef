/** Builds inside a real bt that is interrupted, ended or killed: nothing runs on, nothing stays mounted, the next build cleans up. */
import { spawnSync } from "node:child_process";
import { copyFile, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { expect } from "vitest";
import { until } from "../../support/processes.ts";
import { project, type Project } from "../../support/project.ts";
import { testWith } from "../../support/tool.ts";
import { foreignProgram } from "./foreign.ts";

const plugins = join(import.meta.dirname, "../../../plugins");

/** A task that builds a base with the embedded engine and on it, with another one, an image whose command waits for ever. */
function builderfile(engine: string, platform: string): string {
  return `import { defineBuilder, task } from "builderfile";
import { buildWithEngine } from ${JSON.stringify(join(plugins, "images/engine.ts"))};
import { createLayout } from ${JSON.stringify(join(plugins, "multiarch-manifest/index.ts"))};

const build = task({
  description: "Builds",
  run: async (context) => {
    const into = await createLayout(context.root + "/.bt/oci");
    const common = { context: context.root, platform: ${JSON.stringify(platform)}, into };
    const base = await buildWithEngine(
      { name: "embedded", program: "embedded" },
      { ...common, dockerfile: context.root + "/Base", resolveBase: async () => { throw new Error("no"); } },
      { desk: context },
    );
    await buildWithEngine(
      { name: "${engine}", program: "${engine}" },
      { ...common, dockerfile: context.root + "/Dockerfile", resolveBase: async () => base },
      { desk: context },
    );
  },
});

export default defineBuilder({ tasks: { build } });
`;
}

async function bakery(engine: string, platform: "amd64" | "s390x"): Promise<Project> {
  const p = await project({
    "builderfile.ts": builderfile(engine, platform),
    Base: "FROM scratch\nCOPY --chmod=755 make /bin/make\n",
  });
  p.write("Dockerfile", `FROM base\nRUN ["/bin/make", "${basename(p.root)}"]\n`);
  await symlink(join(plugins, "../node_modules"), join(p.root, "node_modules"));
  await writeFile(join(p.root, "make"), foreignProgram(platform));
  return p;
}

/** Whether the command of the build has started; the engine's own processes have it in their words too. */
function isWaiting({ root }: Project): boolean {
  return running(root).some((line) => !line.includes("buildah") && line.endsWith(`/bin/make ${basename(root)}`));
}

/** Command lines of what the build has running: the engine has the project's folder in its words, the command its name. */
function running(root: string): readonly string[] {
  const { stdout } = spawnSync("ps", ["-eo", "stat=,args="], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => !line.startsWith("Z") && line.includes(basename(root)));
}

async function traces({ root }: Project): Promise<unknown> {
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").filter((line) => line.includes(root));
  return { running: running(root), mounts, work: await readdir(join(root, ".bt", "images", "work")) };
}

const nothing = { running: [], mounts: [], work: [] };

for (const [engine, platform] of [
  ["buildah", "amd64"],
  ["buildah", "s390x"],
  ["podman", "s390x"],
] as const)
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    testWith(engine, "qemu-s390x-static")(
      `${signal} in a command of linux/${platform} under ${engine} leaves nothing behind`,
      async () => {
        const p = await bakery(engine, platform);
        const { child, ended } = p.start({}, "build");
        await until(() => isWaiting(p));

        child.kill(signal);

        expect(await ended).toMatchObject({ signal });
        await until(() => running(p.root).length === 0); // Who is killed needs a turn to be gone.
        expect(await traces(p)).toEqual(nothing);
      },
    );

for (const platform of ["amd64", "s390x"] as const)
  testWith("buildah", "qemu-s390x-static")(
    `a command of linux/${platform} ends with a bt that is killed, and the next build removes what was left`,
    async () => {
      const p = await bakery("buildah", platform);
      const { child, ended } = p.start({}, "build");
      await until(() => isWaiting(p));
      child.kill("SIGKILL");
      await ended;
      await until(() => running(p.root).length === 0);
      await copyFile(join(p.root, "Base"), join(p.root, "Dockerfile"));

      const again = await p.bt("build");

      expect(again.exitCode).toBe(0);
      expect(await traces(p)).toEqual(nothing);
    },
  );
