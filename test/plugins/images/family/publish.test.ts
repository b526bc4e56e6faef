/** Publishing with the real buildah to a real registry, and skopeo as the judge. */
import * as fs from "node:fs";
import { expect } from "vitest";
import type { Result } from "../../../support/project.ts";
import { startSpoiler, type Spoiler } from "../../../support/fake-registry.ts";
import { startRegistry, writeAuthFile, writeHtpasswd, type TestRegistry } from "../../../support/registry.ts";
import { run, testWith } from "../../../support/tool.ts";
import { builderfile, familyProject, ownBuildah, ownPodman, type FamilyProject } from "./rig.ts";

const testPublish = testWith("buildah", "docker-registry", "skopeo");

interface Bakery extends FamilyProject {
  readonly registry: TestRegistry;
  readonly make: (...argv: string[]) => Promise<Result>;
  readonly tags: () => Promise<readonly string[]>;
  readonly raw: (tag: string) => Promise<string>;
}

/** A family whose hub is a registry of its own. */
async function bakery(
  facts: Parameters<typeof startRegistry>[0] = {},
  { options = "", spoil }: { readonly options?: string; readonly spoil?: Spoiler } = {},
): Promise<Bakery> {
  const p = await familyProject({ "builderfile.ts": builderfile(undefined, options) });
  const registry = await startRegistry(facts);
  const hub = `${spoil === undefined ? registry.host : (await startSpoiler(registry.host, spoil)).host}/bakery`;
  const env = { HUB: hub, CONTAINER_CLI: ownBuildah(p), BUILDAH_ISOLATION: "chroot" };
  return {
    ...p,
    registry,
    make: (...argv) => p.btWith({ env }, ...argv),
    tags: async () => {
      const answer = await fetch(`http://${registry.host}/v2/bakery/oven/tags/list`);
      return [...((await answer.json()) as { tags?: string[] }).tags!].sort();
    },
    raw: (tag) => run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${hub}/oven:${tag}`]),
  };
}

/** Blobs and manifests that a registry was sent so far. */
function uploads(registry: TestRegistry): number {
  return registry.log().match(/"(PUT|PATCH|POST) \/v2\//g)?.length ?? 0;
}

testPublish("only the declared tag and the one for the content are pushed, and nothing the second time", async () => {
  const p = await bakery();
  await p.make("oven_1");
  await run(ownBuildah(p), ["tag", `${p.registry.host}/bakery/oven:1`, `${p.registry.host}/bakery/oven:private`]);

  const first = await p.make("oven_1.push");
  const sent = uploads(p.registry);
  const second = await p.make("oven_1.push");

  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await p.tags()).toEqual(["1", expect.stringMatching(/^1-[0-9a-f]{12}$/)]);
  expect(second.stdout).toContain("unchanged: the registry has this content under all its tags\n");
  expect(uploads(p.registry)).toBe(sent);
});

testPublish(
  "several platforms become one index, the same one again, and a push of one of them is refused",
  async () => {
    const p = await bakery();

    const first = await p.make("oven_2.push_multi");
    const index = await p.raw("2");
    const again = await p.make("-B", "oven_2.push_multi");
    const single = await p.make("oven_2.push");

    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    expect(JSON.parse(index)).toMatchObject({
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: expect.arrayContaining([
        expect.objectContaining({ platform: { architecture: "amd64", os: "linux" } }),
        expect.objectContaining({ platform: { architecture: "arm64", os: "linux" } }),
      ]),
    });
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
    expect(single).toMatchObject({
      exitCode: 2,
      stdout: "",
      stderr:
        "bt: oven_2.push would replace an index of linux/amd64, linux/arm64 by one architecture\n  fix  Run `bt oven_2.push_multi`.\n",
    });
    expect(await p.raw("2")).toBe(index);
  },
);

testPublish("a moving tag that was lost comes back without a build", async () => {
  const p = await bakery();
  await p.make("oven.push");
  const index = await p.raw("2");
  const one = await p.raw("1");
  await dropTag(p.registry, "2");
  await dropTag(p.registry, "1");

  const result = await p.make("oven.push");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toContain("buildah build");
  expect(await p.raw("2")).toBe(index);
  expect(await p.raw("1")).toBe(one);
});

testPublish("content that was published before gets its moving tag back, the very image it was", async () => {
  const p = await bakery();
  const before = p.read("docker/oven_1.Dockerfile");
  await p.make("oven_1.push");
  const first = await p.raw("1");
  p.write("docker/oven_1.Dockerfile", `${before}ENV OVEN=new\n`);
  await p.make("oven_1.push");
  const second = await p.raw("1");
  p.write("docker/oven_1.Dockerfile", before);

  const result = await p.make("oven_1.push");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(second).not.toBe(first);
  expect(await p.raw("1")).toBe(first);
});

/** Two moving tags for each version, and a registry that refuses `latest-V` while `isClosed()`. */
async function closedBakery(isClosed: () => boolean, options = ""): Promise<Bakery> {
  const tags = "tags: ({ version }) => [version, `latest-${version}`],";
  return bakery(
    {},
    {
      options: `${tags}${options}`,
      spoil: ({ method, url = "" }) =>
        isClosed() && method === "PUT" && url.includes("/manifests/latest-") ? 403 : undefined,
    },
  );
}

testPublish.for([
  ["oven_1.push", "1", ""],
  ["oven_2.push_multi", "2", ""],
  ["oven_1.push", "1", "immutableTag: false,"],
] as const)(
  "%s: a moving tag that cannot be moved leaves no moving tag changed (%s) %s",
  async ([task, version, options]) => {
    let isClosed = false;
    const p = await closedBakery(() => isClosed, options);
    const first = await p.make(task);
    const before = [await p.raw(version), await p.raw(`latest-${version}`)];
    const file = `docker/oven_${version}.Dockerfile`;
    p.write(file, `${p.read(file)}ENV OVEN=new\n`);

    isClosed = true;
    const failed = await p.make(task);
    const meanwhile = [await p.raw(version), await p.raw(`latest-${version}`)];
    isClosed = false;
    const again = await p.make(task);

    expect([first.exitCode, failed.exitCode, again.exitCode], failed.stdout).toEqual([0, 1, 0]);
    expect(failed.stdout).toContain("every tag is as it was before");
    expect(meanwhile).toEqual(before);
    expect(await p.raw(version)).not.toBe(before[0]);
    expect(await p.raw(`latest-${version}`)).toBe(await p.raw(version));
  },
);

testPublish("two names of one version have the same digest", async () => {
  const p = await bakery();

  await p.make("oven.push");

  expect(await p.raw("3")).toBe(await p.raw("2"));
});

testPublish("a registry that wants a login is told by an auth file, and refuses without", async () => {
  const p = await bakery({ htpasswd: await writeHtpasswd() });
  const authFile = await writeAuthFile(p.registry.host);

  const refused = await p.make("oven_1.push");
  const pushed = await p.make("oven_1.push", `REGISTRY_AUTH_FILE=${authFile}`);

  expect(refused.exitCode).toBe(1);
  expect(refused.stdout).toMatch(/oven:1-[0-9a-f]{12} was not pushed: .*(unauthorized|401|authentication required)/);
  expect(pushed).toMatchObject({ exitCode: 0 });
  expect(pushed.stdout + pushed.stderr + refused.stdout).not.toContain("crumb");
});

testWith(
  "podman",
  "docker-registry",
  "skopeo",
)("podman's cache never makes one platform of two", async () => {
  const p = await bakery();
  const podman = ownPodman(p);

  const first = await p.make("oven_2.push_multi", `CONTAINER_CLI=${podman}`);
  const index = await p.raw("2");
  const again = await p.make("-B", "oven_2.push_multi", `CONTAINER_CLI=${podman}`);

  const { manifests } = JSON.parse(index) as { manifests: { platform: { architecture: string } }[] };
  expect(first, first.stdout).toMatchObject({ exitCode: 0 });
  expect(manifests.map(({ platform }) => platform.architecture).sort()).toEqual(["amd64", "arm64"]);
  expect(again, again.stdout).toMatchObject({ exitCode: 0 });
  expect(await p.raw("2")).toBe(index);
});

testPublish("a tag for the content that lacks a platform is pushed again", async () => {
  const p = await bakery();
  await p.make("oven_2.push_multi");
  const tag = (await p.tags()).find((name) => name.startsWith("2-")) ?? "";
  const whole = await p.raw(tag);
  const place = `docker://${p.registry.host}/bakery/oven:${tag}`;
  await run("skopeo", ["copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", place, place]); // One platform of it.

  const result = await p.make("oven_2.push_multi");

  expect(result, result.stdout).toMatchObject({ exitCode: 0 });
  expect(await p.raw(tag)).toBe(whole);
});

/** As somebody might do by accident: in the registry's own store, since deleting by tag is not for every registry. */
async function dropTag({ dir, restart }: TestRegistry, tag: string): Promise<void> {
  const folder = `${dir}/docker/registry/v2/repositories/bakery/oven/_manifests/tags/${tag}`;
  fs.rmSync(folder, { recursive: true });
  await restart();
}
