/** Blobs to and from the real registry: once, mounted, in chunks, through cuts and restarts. */
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { expect } from "vitest";
import { createClient, openRepository, type Repository } from "../../../plugins/multiarch-manifest/host.ts";
import { blobPath, createLayout, writeBlob } from "../../../plugins/multiarch-manifest/layout.ts";
import {
  findManifest,
  findRemoteBlobSize,
  listTags,
  openRemoteBlob,
  putManifest,
  repositorySource,
} from "../../../plugins/multiarch-manifest/registry.ts";
import { probePush } from "../../../plugins/multiarch-manifest/upload-session.ts";
import { openBlobFile, uploadBlob, type BlobFile } from "../../../plugins/multiarch-manifest/upload.ts";
import { writeImage } from "../../support/image.ts";
import { startSpoiler } from "../../support/fake-registry.ts";
import { startRegistry } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "skopeo");

async function open(host: string, repository = "bake/oven"): Promise<Repository> {
  return openRepository(createClient({ env: {}, backoffMs: 1 }), { host, repository });
}

async function blob(size: number): Promise<BlobFile> {
  const layout = await createLayout(await temporaryFolder());
  return openBlobFile(layout, await writeBlob(layout, randomBytes(size)));
}

test("uploadBlob() sends a small blob once and mounts it elsewhere", async () => {
  const { host, log } = await startRegistry();
  const small = await blob(1000);
  const first = await open(host);
  const second = await open(host, "bake/other");

  expect(await uploadBlob(first, small)).toBe("uploaded");
  expect(await uploadBlob(first, small)).toBe("present");
  expect(await uploadBlob(second, small, { mountFrom: ["bake/oven"] })).toBe("mounted");

  expect(await findRemoteBlobSize(second, small.digest)).toBe(1000);
  expect(log()).toContain("mount=sha256");
});

test("uploadBlob() sends a large blob in chunks", async () => {
  const { host } = await startRegistry();
  const repository = await open(host);
  const large = await blob(40 << 20);

  expect(await uploadBlob(repository, large)).toBe("uploaded");

  const copy = await createLayout(await temporaryFolder());
  await writeBlob(copy, openRemoteBlob(repository, large.digest), large);
});

test.for([1, 2, 3])("uploadBlob() finishes when the connection is cut inside chunk %i", async (chunk) => {
  const { host } = await startRegistry();
  let patches = 0;
  const proxy = await startSpoiler(host, (asked) =>
    asked.method === "PATCH" && ++patches === chunk ? "cut" : undefined,
  );
  const large = await blob(5000);

  await uploadBlob(await open(proxy.host), large, { chunkBytes: 2000, wholeBytes: 1000 });

  await writeBlob(await createLayout(await temporaryFolder()), openRemoteBlob(await open(host), large.digest), large);
});

test("uploadBlob() finishes when the registry restarts in between", async () => {
  const registry = await startRegistry();
  let restarted: Promise<void> | undefined;
  const proxy = await startSpoiler(registry.host, (asked) => {
    if (asked.method !== "PATCH" || restarted !== undefined) return undefined;
    restarted = registry.restart();
    return "cut";
  });
  const large = await blob(5000);

  await uploadBlob(
    await openRepository(createClient({ env: {}, backoffMs: 200 }), { host: proxy.host, repository: "bake/oven" }),
    large,
    { chunkBytes: 2000, wholeBytes: 1000 },
  );

  await writeBlob(
    await createLayout(await temporaryFolder()),
    openRemoteBlob(await open(registry.host), large.digest),
    large,
  );
});

test("uploadBlob() stops when the file changes while it is sent, and gives the upload up", async () => {
  const { host } = await startRegistry();
  const proxy = await startSpoiler(host, () => undefined);
  const changed = await blob(3000);
  await writeFile(changed.path, randomBytes(3000));

  await expect(uploadBlob(await open(proxy.host), changed, { chunkBytes: 1000, wholeBytes: 10 })).rejects.toMatchObject(
    { code: "MANIFEST_BLOB_CORRUPT" },
  );

  expect(await findRemoteBlobSize(await open(host), changed.digest)).toBeUndefined();
  expect(proxy.seen.at(-1)).toMatch(/^DELETE /);
});

test("openBlobFile() says which blob is missing or has another size", async () => {
  const { layout, layer } = await writeImage();
  await expect(openBlobFile(layout, { ...layer, size: 1 })).rejects.toMatchObject({
    message: `Blob ${layer.digest} in layout "${layout.dir}" has ${layer.size} bytes, its descriptor says 1`,
  });
  await expect(openBlobFile(layout, { ...layer, digest: `sha256:${"0".repeat(64)}` })).rejects.toMatchObject({
    code: "MANIFEST_BLOB_MISSING",
  });
  expect(blobPath(layout, layer.digest)).toContain(layout.dir);
});

test("openRemoteBlob() goes on after a cut with a Range request", async () => {
  const { host } = await startRegistry();
  const large = await blob(300_000);
  await uploadBlob(await open(host), large);
  let cuts = 0;
  const proxy = await startSpoiler(host, (asked) =>
    asked.method === "GET" && asked.url?.includes("/blobs/") === true && ++cuts < 3 ? "cut" : undefined,
  );

  await writeBlob(
    await createLayout(await temporaryFolder()),
    openRemoteBlob(await open(proxy.host), large.digest),
    large,
  );

  expect(proxy.headers.flatMap((headers) => headers.range ?? [])).toEqual(["bytes=1000-", "bytes=2000-"]);
});

test("a pushed image is the one that skopeo sees", async () => {
  const { host } = await startRegistry();
  const repository = await open(host);
  const { layout, manifest, config, layer } = await writeImage();
  for (const one of [config, layer]) await uploadBlob(repository, await openBlobFile(layout, one));
  const stored = await repositorySource(repository).readBlob(config.digest);
  expect(stored.length).toBe(config.size);

  const bytes = await readFile(blobPath(layout, manifest.digest));
  await putManifest(repository, manifest.digest, { bytes, mediaType: manifest.mediaType });
  expect(await listTags(repository)).toEqual([]);
  await putManifest(repository, "1", { bytes, mediaType: manifest.mediaType });

  expect(await listTags(repository)).toEqual(["1"]);
  expect((await findManifest(repository, "1"))?.digest).toBe(manifest.digest);
  expect(await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/bake/oven:1`])).toBe(
    bytes.toString(),
  );
});

test("probePush() leaves nothing behind, and a read-only registry says so", async () => {
  const { host } = await startRegistry();
  await probePush(await open(host));
  expect(await listTags(await open(host))).toEqual([]);

  const readOnly = await startRegistry({ readOnly: true });
  await expect(probePush(await open(readOnly.host))).rejects.toMatchObject({
    code: "REGISTRY_PUSH_DENIED",
    message: `${readOnly.host} is read-only for "bake/oven" (405)`,
    fix: "Publish to another registry, or let its owner end the read-only mode.",
    exitCode: 1,
  });
});
