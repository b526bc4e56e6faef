/** How engines differ when they are called by hand, and that a build through bt does not notice. Facts of buildah 1.28 and podman 4.3; later ones may have mended them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { buildWithEngine } from "../../../plugins/images/engine.ts";
import { createLayout, fetchImage } from "../../../plugins/multiarch-manifest/index.ts";
import { startRegistry } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";
import { createDesk } from "./desk.ts";
import { build, nameImage, seeImage, writeContext } from "./rig.ts";

/** Major and minor as one number: 1.28 is 1028. */
async function versionOf(program: string): Promise<number> {
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(await run(program, ["--version"])) ?? [];
  return Number(major) * 1000 + Number(minor);
}

async function exitOf(program: string, args: readonly string[]): Promise<string> {
  return run(program, args, { BUILDAH_ISOLATION: "chroot" }).then(
    () => "done",
    (error: Error) => error.message,
  );
}

/** Words for a store of its own. */
async function ownStore(): Promise<readonly string[]> {
  const dir = await temporaryFolder();
  return ["--storage-driver", "vfs", "--root", join(dir, "root"), "--runroot", join(dir, "run")];
}

testWith("buildah")("heredocs fail in buildah before 1.33, and are built through bt", async () => {
  const dir = await writeContext({ Dockerfile: "FROM scratch\nCOPY <<EOF /note\nhello\nEOF\n" });
  const layout = await createLayout(await temporaryFolder());
  const request = { dockerfile: join(dir, "Dockerfile"), context: dir, platform: "amd64", into: layout } as const;
  const resolveBase = (): Promise<never> => Promise.reject(new Error("nothing is asked for"));

  const alone = await exitOf("buildah", [...(await ownStore()), "bud", dir]);
  const engine = { name: "buildah", program: "buildah" } as const;
  const image = await buildWithEngine(engine, { ...request, resolveBase }, { desk: await createDesk({}, dir) });

  expect(alone === "done").toBe((await versionOf("buildah")) >= 1033);
  expect((await seeImage(layout, image.digest)).files).toEqual(['note file 644 0:0 "hello\\n"']);
});

testWith(
  "buildah",
  "skopeo",
  "docker-registry",
)(
  "buildah takes the published image of a name and not the one built here; through bt it gets the one it was given",
  async () => {
    const { host } = await startRegistry();
    const name = `${host}/base:1`;
    const published = await build({ Dockerfile: "FROM scratch\nCOPY age /age\n", age: "old" });
    await nameImage(published.layout, published.image, "x");
    await run("skopeo", ["copy", "--dest-tls-verify=false", `oci:${published.layout.dir}:x`, `docker://${name}`]);
    const fresh = await writeContext({ Dockerfile: "FROM scratch\nCOPY age /age\n", age: "new" });
    const child = await writeContext({ Dockerfile: `FROM ${name}\nLABEL child=yes\n` });
    const store = await ownStore();
    const out = await temporaryFolder();

    await run("buildah", [...store, "bud", "--tag", name, fresh]);
    await run("buildah", [...store, "bud", "--tls-verify=false", "--iidfile", join(out, "id"), child]);
    const alone = (await readFile(join(out, "id"), "utf8")).trim();
    await run("buildah", [...store, "push", "--quiet", alone, `oci:${out}/alone:x`]);
    const layout = await createLayout(await temporaryFolder());
    const own = await build({}, { context: fresh, layout });
    const request = { dockerfile: join(child, "Dockerfile"), context: child, platform: "amd64", into: layout } as const;
    const { mediaType, digest, size } = own.image;
    const image = await buildWithEngine(
      { name: "buildah", program: "buildah" },
      { ...request, resolveBase: async () => ({ mediaType, digest, size }) },
      { desk: await createDesk({}, child) },
    );

    const given = await createLayout(await temporaryFolder());
    const { digest: aloneDigest } = await fetchImage(`oci:${out}/alone:x`, "amd64", given);
    expect((await seeImage(given, aloneDigest)).files).toEqual(['age file 644 0:0 "old"']);
    expect((await seeImage(layout, image.digest)).files).toEqual(['age file 644 0:0 "new"']);
  },
);

testWith("podman")(
  "`podman manifest push` needs its destination before 4.4, so publishing does not go through it",
  async () => {
    const store = await ownStore();
    const layout = join(await temporaryFolder(), "layout");
    await run("podman", [...store, "manifest", "create", "localhost/list:1"]);

    const short = await exitOf("podman", [...store, "manifest", "push", "localhost/list:1"]);
    const full = await exitOf("podman", [...store, "manifest", "push", "--all", "localhost/list:1", `oci:${layout}:x`]);

    if ((await versionOf("podman")) < 4004) expect(short).toContain("accepts 2 arg(s), received 1");
    expect(full).toBe("done");
  },
);
