/** The publish barrier against the real registry: all or nothing, whatever fails. skopeo judges the result. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { expect } from "vitest";
import { digestOf } from "../../../plugins/multiarch-manifest/digest.ts";
import { writeDigests } from "../../../plugins/multiarch-manifest/digests.ts";
import { createClient, openRepository, type Client, type ClientOptions, type Repository } from "../../../plugins/multiarch-manifest/host.ts";
import { blobPath, readBlob, readEntries } from "../../../plugins/multiarch-manifest/layout.ts";
import { planPublish, renderPlan, type PublishItem } from "../../../plugins/multiarch-manifest/plan.ts";
import { publish, type PublishOptions } from "../../../plugins/multiarch-manifest/publish.ts";
import { findHead, listTags, putManifest } from "../../../plugins/multiarch-manifest/registry.ts";
import { startSpoiler } from "../../support/fake-registry.ts";
import { makeIndex } from "../../support/group.ts";
import { startRegistry } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "skopeo");

function clientWith(options: ClientOptions = {}): Client {
  return createClient({ env: { PATH: "/nowhere" }, backoffMs: 1, ...options });
}

async function send(group: readonly PublishItem[], options: PublishOptions = {}): ReturnType<typeof publish> {
  return publish(group, { client: clientWith(), lockFolder: await temporaryFolder(), ...options });
}

async function open(host: string, repository: string): Promise<Repository> {
  return openRepository(clientWith(), { host, repository });
}

async function digestAt(host: string, repository: string, tag: string): Promise<string | undefined> {
  return (await findHead(await open(host, repository), tag))?.digest;
}

test("publish() makes an index visible that skopeo reads byte for byte; the second time nothing is sent", async () => {
  const { host } = await startRegistry();
  const proxy = await startSpoiler(host, () => undefined);
  const image = await makeIndex("rye", ["amd64", "arm64", "arm/v7"]);
  const item = { name: "rye", image, to: `docker://${proxy.host}/bake/rye:1`, alsoTags: ["latest"] };
  const file = join(await temporaryFolder(), "digests.json");

  const first = await send([item]);
  await writeDigests(file, first, new Date(0));
  const before = proxy.seen.length;
  const second = await send([item]);
  await writeDigests(file, second, new Date(1000));

  expect(first).toMatchObject([{ status: "pushed", reference: item.to, digest: image.descriptor.digest, tags: ["1", "latest"] }]);
  expect(second).toMatchObject([{ status: "unchanged", digest: image.descriptor.digest }]);
  expect(proxy.seen.slice(before).filter((line) => /^(POST|PUT|PATCH)/.test(line))).toEqual([]);
  const raw = await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/bake/rye:latest`]);
  const digests = JSON.parse(await readFile(file, "utf8")) as { images: { rye: { digest: string; pushedAt: string; platforms: object } } };
  expect(digestOf(raw)).toBe(digests.images.rye.digest);
  expect(digests.images.rye.pushedAt).toBe("1970-01-01T00:00:00.000Z");
  expect(Object.keys(digests.images.rye.platforms)).toEqual(["linux/amd64", "linux/arm64", "linux/arm/v7"]);
  expect((JSON.parse(raw) as { manifests: { platform: object }[] }).manifests.map((one) => one.platform)).toEqual([
    { architecture: "amd64", os: "linux" },
    { architecture: "arm64", os: "linux" },
    { architecture: "arm", os: "linux", variant: "v7" },
  ]);
  const copy = await temporaryFolder();
  await run("skopeo", ["copy", "--all", "--preserve-digests", "--src-tls-verify=false", `docker://${host}/bake/rye:1`, `oci:${copy}:1`]);
});

test("publish() sends a v2s2 index as such", async () => {
  const { host } = await startRegistry();
  const image = await makeIndex("rye", ["amd64", "arm64"], "v2s2");

  await send([{ name: "rye", image, to: `${host}/bake/rye:1` }]);

  const raw = await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/bake/rye:1`]);
  expect(raw).toContain("manifest.list.v2+json");
  expect(digestOf(raw)).toBe(image.descriptor.digest);
});

test("publish() writes layouts with one entry per tag, and leaves other entries", async () => {
  const dir = join(await temporaryFolder(), "out");
  const rye = await makeIndex("rye");
  const spelt = await makeIndex("spelt");
  await send([{ name: "rye", image: rye, to: `oci:${dir}:1`, alsoTags: ["latest"] }]);

  const results = await send([{ name: "spelt", image: spelt, to: `oci:${dir}:2`, alsoTags: ["latest"] }]);

  expect(results).toMatchObject([{ status: "pushed", reference: `oci:${dir}:2` }]);
  expect((await readEntries({ dir })).map((one) => [Object.values(one.annotations ?? {})[0], one.digest])).toEqual([
    ["1", rye.descriptor.digest],
    ["2", spelt.descriptor.digest],
    ["latest", spelt.descriptor.digest],
  ]);
  expect(await send([{ name: "spelt", image: spelt, to: `oci:${dir}:2` }])).toMatchObject([{ status: "unchanged" }]);
});

test("publish() mounts blobs that another image of the group has brought", async () => {
  const { host } = await startRegistry();
  const proxy = await startSpoiler(host, () => undefined);
  const image = await makeIndex("rye");

  await send([{ name: "a", image, to: `${proxy.host}/bake/a:1` }, { name: "b", image, to: `${proxy.host}/bake/b:1` }]);

  const uploads = proxy.seen.filter((line) => line.startsWith("PUT /v2/bake/b/blobs"));
  expect(uploads).toEqual([]);
  expect(proxy.seen.filter((line) => line.includes("/v2/bake/b/blobs/uploads/?mount="))).toHaveLength(4);
});

test("publish() moves no tag of a group when one image is broken", async () => {
  const { host } = await startRegistry();
  const [rye, spelt] = [await makeIndex("rye"), await makeIndex("spelt")];
  await rm(blobPath(spelt.layout, spelt.children[1]!.imageId));
  const group = [{ name: "rye", image: rye, to: `${host}/bake/rye:1` }, { name: "spelt", image: spelt, to: `${host}/bake/spelt:1` }];

  await expect(send(group)).rejects.toMatchObject({
    code: "MANIFEST_IMAGES_BROKEN",
    exitCode: 1,
    message: "1 things keep the images from being published; no tag was moved",
    detail: [`spelt: There is no blob ${spelt.children[1]!.imageId} in layout "${spelt.layout.dir}"`],
  });

  expect(await listTags(await open(host, "bake/rye"))).toEqual([]);
});

test("publish() needs exactly the required platforms", async () => {
  const image = await makeIndex("rye", ["amd64"]);

  await expect(send([{ name: "rye", image, to: "oci:/nowhere/out:1", requirePlatforms: ["amd64", "s390x"] }])).rejects.toMatchObject({
    code: "MANIFEST_IMAGES_BROKEN",
    detail: [expect.stringContaining("misses s390x")],
  });
});

test("publish() changes nothing, or everything, whichever request is the first that fails", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  await send([{ name: "rye", image: old, to: `${host}/bake/rye:1` }]);
  let outcome = "failed";

  for (let k = 1; outcome === "failed"; k++) {
    const proxy = await startSpoiler(host, (_, n) => (n >= k ? 500 : undefined));
    outcome = await send([{ name: "rye", image: fresh, to: `${proxy.host}/bake/rye:1` }]).then(() => "done", () => "failed");
    const written = proxy.seen.slice(0, k - 1).some((line) => line === "PUT /v2/bake/rye/manifests/1");
    expect([k, await digestAt(host, "bake/rye", "1")]).toEqual([k, (written ? fresh : old).descriptor.digest]);
    if (written && outcome === "failed") await send([{ name: "rye", image: old, to: `${host}/bake/rye:1` }]);
  }

  expect(await digestAt(host, "bake/rye", "1")).toBe(fresh.descriptor.digest);
}, 120_000);

test("publish() puts tags back when a later one fails", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  await send([{ name: "rye", image: old, to: `${host}/bake/rye:1`, alsoTags: ["latest"] }, { name: "spelt", image: old, to: `${host}/bake/spelt:1` }]);
  const proxy = await startSpoiler(host, (asked) => (asked.method === "PUT" && asked.url === "/v2/bake/spelt/manifests/1" ? 400 : undefined));
  const group = [{ name: "rye", image: fresh, to: `${proxy.host}/bake/rye:1`, alsoTags: ["latest"] }, { name: "spelt", image: fresh, to: `${proxy.host}/bake/spelt:1` }];

  await expect(send(group)).rejects.toMatchObject({
    code: "MANIFEST_ROLLED_BACK",
    message: `${proxy.host}/bake/spelt:1 and what belongs to it could not be published: every tag is as it was before`,
    detail: [`PUT http://${proxy.host}/v2/bake/spelt/manifests/1 answered 400`],
    fix: "Publish again when the cause is gone.",
  });

  const digests = [await digestAt(host, "bake/rye", "1"), await digestAt(host, "bake/rye", "latest"), await digestAt(host, "bake/spelt", "1")];
  expect(digests).toEqual(Array(3).fill(old.descriptor.digest));
});

test("publish() lists tags that a registry cannot remove again", async () => {
  const { host } = await startRegistry();
  const image = await makeIndex("rye");
  const proxy = await startSpoiler(host, (asked) => (asked.method === "PUT" && asked.url?.endsWith("/latest") === true ? 400 : undefined));

  await expect(send([{ name: "rye", image, to: `${proxy.host}/bake/rye:1`, alsoTags: ["latest"] }])).rejects.toMatchObject({
    message: `${proxy.host}/bake/rye:latest and what belongs to it could not be published: some tags could not be put back`,
    detail: [expect.any(String), `${proxy.host}/bake/rye:1: stands for ${image.descriptor.digest} and this registry cannot remove tags`],
    fix: "Put the listed tags right by hand, or publish again.",
  });
});

test("publish() stops when somebody else has moved a tag meanwhile, and names both digests", async () => {
  const { host } = await startRegistry();
  const [old, mine, theirs] = [await makeIndex("old"), await makeIndex("mine"), await makeIndex("theirs")];
  await send([{ name: "rye", image: old, to: `${host}/bake/rye:1` }]);
  const theirItem = { name: "rye", image: theirs, to: `${host}/bake/rye:1` };

  const attempt = send([{ ...theirItem, image: mine }], { beforeTags: async () => void (await send([theirItem])) });

  await expect(attempt).rejects.toMatchObject({
    code: "MANIFEST_TAG_MOVED",
    exitCode: 1,
    message: `${host}/bake/rye:1 was published by somebody else meanwhile: it stood for ${old.descriptor.digest} and is ${theirs.descriptor.digest} now`,
  });
  expect(await digestAt(host, "bake/rye", "1")).toBe(theirs.descriptor.digest);
});

test("two publishers of one tag: one wins, the other says so", async () => {
  const { host } = await startRegistry();
  const images = [await makeIndex("mine"), await makeIndex("theirs")];
  const lockFolder = await temporaryFolder();
  let arrived = 0;
  let open = (): void => undefined;
  const both = new Promise<void>((resolve) => (open = resolve));
  // Both have read the tag before either moves it.
  const beforeTags = async (): Promise<void> => {
    if (++arrived === 2) open();
    await both;
  };

  const results = await Promise.allSettled(images.map((image) => send([{ name: "rye", image, to: `${host}/bake/rye:1` }], { lockFolder, beforeTags })));

  expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(results.find((result) => result.status === "rejected")).toMatchObject({ reason: { code: "MANIFEST_TAG_MOVED" } });
});

test("publish() says when a tag is another one right after it was moved", async () => {
  const { host } = await startRegistry();
  const [mine, theirs] = [await makeIndex("mine"), await makeIndex("theirs")];
  await send([{ name: "theirs", image: theirs, to: `${host}/bake/rye:2` }]);
  const bytes = await readBlob(theirs.layout, theirs.descriptor.digest);
  const repository = await open(host, "bake/rye");
  let moved = false;
  const proxy = await startSpoiler(host, async (asked) => {
    if (moved) await putManifest(repository, "1", { bytes, mediaType: theirs.descriptor.mediaType });
    if (asked.method === "PUT" && asked.url === "/v2/bake/rye/manifests/1") moved = true;
    return undefined;
  });

  await expect(send([{ name: "rye", image: mine, to: `${proxy.host}/bake/rye:1` }])).rejects.toMatchObject({
    code: "MANIFEST_TAG_NOT_READ",
    exitCode: 1,
    message: `${proxy.host}/bake/rye:1 does not stand for what was published`,
    detail: [`${proxy.host}/bake/rye:1: ${mine.descriptor.digest} was published, ${theirs.descriptor.digest} is there`],
  });
});

test("a publish that is killed in any phase is finished by the next one", async () => {
  const { host } = await startRegistry();
  const program = join(await temporaryFolder(), "publish-once.cjs");
  const source = new URL("../../support/publish-once.ts", import.meta.url).pathname;
  await build({ entryPoints: [source], bundle: true, platform: "node", outfile: program, logLevel: "error" });
  const old = await makeIndex("old");
  const journal = join(await temporaryFolder(), "journal.json");

  for (const phase of ["collect", "probe", "upload", "verify", "tags", "between", "read-back"]) {
    const image = await makeIndex(phase);
    const to = `${host}/bake/${phase}:1`;
    await send([{ name: "rye", image: old, to, alsoTags: ["latest"] }]);
    const proxy = await startSpoiler(host, (asked) => {
      // The first tag has moved, the second one never will.
      const second = phase === "between" && asked.method === "PUT" && asked.url?.endsWith("/latest") === true;
      return second && child.kill("SIGKILL") ? 500 : undefined;
    });
    const spoilt = to.replace(host, phase === "between" ? proxy.host : host);
    const child = spawn(process.execPath, [program, JSON.stringify({ name: "rye", image, to: spoilt, alsoTags: ["latest"] }), phase, journal], { stdio: "inherit" });
    expect([phase, (await once(child, "exit"))[1]]).toEqual([phase, "SIGKILL"]);
    const now = [await digestAt(host, `bake/${phase}`, "1"), await digestAt(host, `bake/${phase}`, "latest")];
    const moved = { between: [image, old], "read-back": [image, image] }[phase] ?? [old, old];
    expect([phase, now]).toEqual([phase, moved.map((one) => one.descriptor.digest)]);

    await send([{ name: "rye", image, to, alsoTags: ["latest"] }], { journal });

    expect(await digestAt(host, `bake/${phase}`, "1")).toBe(image.descriptor.digest);
    expect(await digestAt(host, `bake/${phase}`, "latest")).toBe(image.descriptor.digest);
  }
}, 120_000);

test("publish() leaves a read-only registry alone", async () => {
  const { host } = await startRegistry({ readOnly: true });
  const proxy = await startSpoiler(host, () => undefined);

  await expect(send([{ name: "rye", image: await makeIndex("rye"), to: `${proxy.host}/bake/rye:1` }])).rejects.toMatchObject({
    code: "REGISTRY_PUSH_DENIED",
    exitCode: 1,
  });

  expect(proxy.seen.filter((line) => /^(PUT|PATCH)/.test(line))).toEqual([]);
});

test("onExisting: same refuses other content, fail refuses any", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  const to = `${host}/bake/rye:1`;
  await send([{ name: "rye", image: old, to }]);

  await expect(send([{ name: "rye", image: fresh, to, onExisting: "same" }])).rejects.toMatchObject({
    message: `${to} exists already and stands for ${old.descriptor.digest}; onExisting is "same"`,
    detail: [`this image is ${fresh.descriptor.digest}`],
  });
  await expect(send([{ name: "rye", image: fresh, to, onExisting: "fail" }])).rejects.toMatchObject({ code: "MANIFEST_TAG_EXISTS" });
  await expect(send([{ name: "rye", image: old, to, onExisting: "same" }])).resolves.toMatchObject([{ status: "unchanged" }]);
  await expect(send([{ name: "rye", image: fresh, to, onExisting: "overwrite" }])).resolves.toMatchObject([{ status: "pushed" }]);
});

test("pushArchTags tags the children too", async () => {
  const { host } = await startRegistry();
  const image = await makeIndex("rye", ["amd64", "arm/v7"]);

  await send([{ name: "rye", image, to: `${host}/bake/rye:1`, pushArchTags: true }]);

  expect(await listTags(await open(host, "bake/rye"))).toEqual(["1", "1-amd64", "1-armv7"]);
  expect(await digestAt(host, "bake/rye", "1-armv7")).toBe(image.children[1]?.descriptor.digest);
});

test("an abort between two tags puts the first one back", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  await send([{ name: "rye", image: old, to: `${host}/bake/rye:1`, alsoTags: ["latest"] }]);
  const controller = new AbortController();
  const proxy = await startSpoiler(host, (asked) => {
    if (asked.method === "PUT" && asked.url === "/v2/bake/rye/manifests/1") controller.abort();
    return undefined;
  });
  const client = clientWith({ signal: controller.signal });

  await expect(send([{ name: "rye", image: fresh, to: `${proxy.host}/bake/rye:1`, alsoTags: ["latest"] }], { client })).rejects.toMatchObject({ name: "AbortError" });

  expect(await digestAt(host, "bake/rye", "1")).toBe(old.descriptor.digest);
  expect(await digestAt(host, "bake/rye", "latest")).toBe(old.descriptor.digest);
});

test("a journal tells the next run of half moved tags, and what to put back", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  const to = `${host}/bake/rye:1`;
  await send([{ name: "rye", image: old, to, alsoTags: ["latest"] }]);
  const journal = join(await temporaryFolder(), "journal.json");
  const { digest } = fresh.descriptor;
  const moves = ["1", "latest"].map((tag) => ({ reference: `${host}/bake/rye:${tag}`, from: old.descriptor.digest, to: digest }));
  await send([{ name: "rye", image: fresh, to }]);
  await writeFile(journal, JSON.stringify({ schema: 1, phase: "tags", moves }));
  const sentences: string[] = [];

  await send([{ name: "rye", image: fresh, to, alsoTags: ["latest"] }], { journal, onStep: (_, sentence) => void sentences.push(sentence) });

  expect(sentences).toContain(`an interrupted run may have moved some of ${host}/bake/rye:1, ${host}/bake/rye:latest`);
  expect(await digestAt(host, "bake/rye", "latest")).toBe(digest);
  await expect(readFile(journal)).rejects.toMatchObject({ code: "ENOENT" });
});

test("planPublish() refuses what cannot be meant, and renderPlan() needs no network", async () => {
  const image = await makeIndex("rye");
  const plan = (...items: Partial<PublishItem>[]): ReturnType<typeof planPublish> => planPublish(items.map((item) => ({ name: "rye", image, to: "quay.io/bake/rye:1", ...item })));

  expect(() => plan({}, { name: "spelt" })).toThrow('The images "rye" and "spelt" are both published as quay.io/bake/rye:1');
  expect(() => plan({ to: "quay.io/bake/rye" })).toThrow('The image "rye" has no tags, so publishing it to "quay.io/bake/rye" would show nothing');
  expect(() => plan({ tags: ["a+b"] })).toThrow('The tag "a+b" of image "rye" is not what tags can be');
  expect(() => plan({ to: `quay.io/bake/rye@${image.descriptor.digest}` })).toThrow("has a digest, which only the published bytes decide");
  expect(() => plan({ to: "containers-storage:rye" })).toThrow("is the storage of container engines");
  expect(renderPlan(plan({ alsoTags: ["latest"] }))).toEqual([
    `rye: ${image.descriptor.digest} (amd64, arm64)`,
    "  send    to quay.io/bake/rye: blobs, 2 manifests, 1 index, by digest",
    `  verify  quay.io/bake/rye@${image.descriptor.digest}`,
    `  tag     quay.io/bake/rye:1 → ${image.descriptor.digest}`,
    `  tag     quay.io/bake/rye:latest → ${image.descriptor.digest}`,
  ]);
});
