/** What image tasks give as evidence: the shortcut answers for them, and says what the long way says after every kind of change. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { until } from "../../support/processes.ts";
import { lookedFor } from "../../../plugins/images/engine-words.ts";
import { project, type Project } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { run, testWith } from "../../support/tool.ts";

const files = {
  "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
export default defineBuilder({ tasks: { loaf: image({ context: "src", platforms: platforms("arm64") }) } });
`,
  "src/Dockerfile": "FROM scratch\nCOPY dough/*.txt pan /opt/\n",
  "src/dough/rye.txt": "rye",
  "src/pan/deep/lid": "lid",
  "src/other/salt": "salt",
};

const upToDate = "bt: Nothing to do: 1 task is up to date\n";

/** Built, and then seen to be up to date when all files are older than what stamps distrust. */
async function settle(count: number, changes: Record<string, string> = {}): Promise<Project[]> {
  const projects = await Promise.all(Array.from({ length: count }, () => project({ ...files, ...changes })));
  for (const { root } of projects) fs.symlinkSync("pan", path.join(root, "src/link"));
  const builtMs = Date.now();
  await until(() => Date.now() - builtMs > 2100);
  for (const p of projects) expect((await p.bt("loaf:arm64")).stdout).toContain("bt: 1 ran");
  return projects;
}

/** What bt prints, and whether it went the long way: only that one needs node:crypto. */
async function look(p: Project): Promise<{ stdout: string; isLong: boolean }> {
  const spy = path.join(p.root, ".bt", "spy.cjs");
  fs.writeFileSync(
    spy,
    `process.on("exit", () => require("node:fs").writeSync(2, process.moduleLoadList.includes("NativeModule crypto") ? "long" : "short"));`,
  );
  const { stdout, stderr } = await p.btWith({ env: { NODE_OPTIONS: `--require ${spy}` } }, "loaf:arm64");
  return { stdout, isLong: stderr.includes("long") };
}

function findBlob(p: Project, isWanted: (size: number) => boolean): string {
  const folder = path.join(p.root, ".bt/oci/blobs/sha256");
  const name = fs.readdirSync(folder).find((blob) => isWanted(fs.statSync(path.join(folder, blob)).size));
  return path.join(folder, name!);
}

const changes: Readonly<Record<string, readonly [change: (p: Project) => void, runs: boolean]>> = {
  "an edited file": [(p) => p.write("src/dough/rye.txt", "oat"), true],
  "a file that a pattern matches": [(p) => p.write("src/dough/oat.txt", "oat"), true],
  "a file in a copied folder": [(p) => p.write("src/pan/deep/rim", "rim"), true],
  "a file beside what is copied": [(p) => p.write("src/other/pepper", "pepper"), false],
  "an ignore file": [(p) => p.write("src/.dockerignore", "pan/deep/lid\n"), true],
  "an ignore file of the Dockerfile": [(p) => p.write("src/Dockerfile.containerignore", "pan/deep/lid\n"), true],
  "the Dockerfile": [(p) => p.write("src/Dockerfile", "FROM scratch\nCOPY pan /opt/\n"), true],
  "a blob that is gone": [(p) => fs.rmSync(findBlob(p, () => true)), true],
  "a blob that is cut short": [
    (p) =>
      fs.truncateSync(
        findBlob(p, (size) => size > 100),
        5,
      ),
    true,
  ],
};

test("after every kind of change the shortcut says of an image what the long way says", async () => {
  const names = Object.keys(changes);
  const projects = await settle(names.length);

  for (const [at, name] of names.entries()) {
    const p = projects[at]!;
    const [change, runs] = changes[name]!;
    expect({ name, ...(await look(p)) }).toEqual({ name, stdout: upToDate, isLong: false });
    change(p);
    expect({ name, hasRun: /1 ran/.test((await p.bt("loaf:arm64")).stdout) }).toEqual({ name, hasRun: runs });
  }
});

test("where a link in the way of COPY leads is seen", async () => {
  const [p] = (await settle(1, {
    "src/Dockerfile": "FROM scratch\nCOPY link/deep /opt/\n",
    "src/tin/deep/lid": "tin",
  })) as [Project];
  expect(await look(p)).toEqual({ stdout: upToDate, isLong: false });

  fs.rmSync(path.join(p.root, "src/link"));
  fs.symlinkSync("tin", path.join(p.root, "src/link"));

  expect((await p.bt("loaf:arm64")).stdout).toContain("bt: 1 ran");
});

test("lookedFor() names all engines up to the first that is there: one before it would build instead", async () => {
  const p = await project({ "tools/podman": "" });
  fs.chmodSync(path.join(p.root, "tools/podman"), 0o755);
  const env = { PATH: path.join(p.root, "tools") };
  const tool = (name: string): object => ({ kind: "tool", name });

  expect(lookedFor({ runs: true }, env)).toEqual([tool("buildah"), tool("podman")]);
  expect(lookedFor({ runs: true }, {})).toEqual([tool("buildah"), tool("podman"), tool("docker")]);
  expect(lookedFor({ runs: false }, env)).toEqual([]);
  expect(lookedFor({ runs: false, docker: "/opt/docker" }, env)).toEqual([{ kind: "file", path: "/opt/docker" }]);
});

testWith("skopeo", "docker-registry")(
  "the registry is asked for bases every time, by the shortcut as well; what it cannot say counts as before",
  async () => {
    const registry = await startRegistry();
    const base = await project({ ...files, "src/Dockerfile": "FROM scratch\nCOPY pan /\n" });
    const push = async (): Promise<void> => {
      const { values } = JSON.parse((await base.bt("loaf:arm64", "--json")).stdout.trim().split("\n").at(-1)!);
      const store = path.join(base.root, ".bt/oci");
      const { size, mediaType, digest } = values["loaf:arm64"];
      const manifests = [{ size, mediaType, digest, annotations: { "org.opencontainers.image.ref.name": "x" } }];
      fs.writeFileSync(path.join(store, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
      await run("skopeo", [
        ...["copy", "-q", "--dest-tls-verify=false"],
        ...[`oci:${store}:x`, `docker://${registry.host}/oven/base:1`],
      ]);
    };
    await push();
    const [p] = (await settle(1, { "src/Dockerfile": `FROM ${registry.host}/oven/base:1\nCOPY pan /opt/\n` })) as [
      Project,
    ];
    const asked = (): number => registry.log().match(/HEAD \/v2\/oven\/base\/manifests\/1 /g)?.length ?? 0;
    const before = asked();

    const same = await p.bt("loaf:arm64");
    const after = asked();
    base.write("src/pan/deep/lid", "another");
    await push();
    const moved = await p.bt("loaf:arm64");
    await registry.stop();
    const silent = await p.bt("loaf:arm64");

    expect([same.stdout, after > before]).toEqual([upToDate, true]);
    expect(moved.stdout).toContain(`(version of "${registry.host}/oven/base:1" changed: sha256:`);
    expect(silent.stdout).toBe(upToDate);
  },
);
