/** A container registry as a cache: Debian's docker-registry, read by skopeo too. */
import * as fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { startServer } from "../../support/fake-registry.ts";
import { startRegistry, writeAuthFile, writeHtpasswd } from "../../support/registry.ts";
import { run, testWith } from "../../support/tool.ts";
import { blobOf, get, openStore, put, resultOf } from "./rig.ts";

const test = testWith("docker-registry", "skopeo", "htpasswd");
const write = { env: "BAKER" };
const env = { BAKER: "baker:crumb" };
const files = { "out/bread": "bread", "bin/knife": "knife", "out/same": "bread" };
const bread = resultOf("flour", files);
const { key } = bread.result;
const soon = (): AbortSignal => AbortSignal.timeout(50_000);
const nobody = "0".repeat(64);

async function manifestOf(image: string): Promise<Record<string, unknown>> {
  return JSON.parse(await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${image}`])) as never;
}

test("a result is one artifact, and comes back", async () => {
  const { host } = await startRegistry();
  const registry = `${host}/team/cache`;

  expect(await put(openStore({ registry, write }, env).store, bread)).toEqual({ kept: bread.result });

  expect(await get(openStore({ registry }).store, key)).toEqual(files);
  const manifest = await manifestOf(`${registry}:protected-${key}`);
  expect(manifest).toMatchObject({
    artifactType: "application/vnd.bt.task.v1",
    config: { mediaType: "application/vnd.bt.task.result.v1+json" },
    annotations: { "org.opencontainers.image.title": "bake" },
  });
  expect(manifest["layers"]).toEqual([
    { mediaType: "application/vnd.bt.task.key.v1+json", digest: `sha256:${key}`, size: 5 },
    { mediaType: "text/plain", digest: `sha256:${blobOf("baked\n").digest}`, size: 6 },
    { mediaType: "application/octet-stream", digest: `sha256:${blobOf("bread").digest}`, size: 5 },
    { mediaType: "application/octet-stream", digest: `sha256:${blobOf("knife").digest}`, size: 5 },
  ]);
});

test("a miss is no error, neither in a repository that does not exist nor for bytes that are not there", async () => {
  const { host } = await startRegistry();
  const { store } = openStore({ registry: `${host}/team/cache`, write }, env);

  expect(await store.findResult(nobody, soon())).toBe(undefined);

  await put(store, bread);
  expect(await store.findResult(nobody, soon())).toBe(undefined);
  expect(await store.findMissing([blobOf("bread"), blobOf("other")], soon())).toEqual([blobOf("other")]);
});

test("the login comes from a variable or from an auth file", async () => {
  const { host } = await startRegistry({ htpasswd: await writeHtpasswd() });
  const registry = `${host}/team/cache`;
  const file = await writeAuthFile(host);
  const cake = resultOf("sugar", { cake: "cake" });

  await put(openStore({ registry, write }, env).store, bread);
  await put(openStore({ registry, write: { file } }).store, cake);

  expect(await get(openStore({ registry }, { REGISTRY_AUTH_FILE: file }).store, key)).toEqual(files);
  await expect(openStore({ registry }).store.findResult(key, soon())).rejects.toMatchObject({
    code: "REGISTRY_DENIED",
  });
  const wrong = openStore({ registry, write }, { BAKER: "baker:planted-secret" }).store;
  await expect(put(wrong, bread)).rejects.toMatchObject({
    message: expect.not.stringContaining("planted-secret"),
    fix: expect.not.stringContaining("planted-secret"),
  });
});

test("the first result of a key stays, and who comes later learns what it is", async () => {
  const { host } = await startRegistry();
  const { store } = openStore({ registry: `${host}/cache`, write }, env);
  await put(store, bread);

  const burnt = await put(store, resultOf("flour", { ...files, "out/bread": "coal" }));

  expect(burnt.kept).toEqual(bread.result);
  expect(await get(store, key)).toEqual(files);
});

test("pull requests write into a repository of their own, which nobody else reads", async () => {
  const { host } = await startRegistry();
  const registry = `${host}/team/cache`;
  const evil = resultOf("flour", { "out/bread": "backdoor" });
  const options = { registry, write };
  const pullRequest = { ...env, CI_MERGE_REQUEST_ID: "999", CI_MERGE_REQUEST_IID: "7" };

  const [trusted] = await Promise.allSettled([
    put(openStore(options, env).store, bread),
    put(openStore(options, pullRequest).store, evil),
  ]);

  expect(trusted.status).toBe("fulfilled");
  expect(await get(openStore({ registry }).store, key)).toEqual(files);
  expect(await get(openStore({ registry }, pullRequest).store, key)).toEqual({ "out/bread": "backdoor" });
  expect(JSON.parse(await run("skopeo", ["list-tags", "--tls-verify=false", `docker://${registry}-pr`]))).toMatchObject(
    { Tags: [`pr-7-${key}`] },
  );
});

test("an artifact without the signature that is asked for is a miss with a warning", async () => {
  const { host } = await startRegistry();
  const registry = `${host}/team/cache`;
  const signature = { kind: "hmac", key: { env: "BT_KEY" } } as const;
  const signing = { ...env, BT_KEY: "a key that nobody can guess" };
  await put(openStore({ registry, write }, env).store, resultOf("flour", { "out/bread": "backdoor" }));
  const { store, warnings } = openStore({ registry, write, signature }, signing);

  expect(await get(store, key)).toBe(undefined);

  expect(warnings).toEqual([`The entry ${key.slice(0, 12)} of ${registry} is not signed; it is not used`]);
  await put(store, bread);
  expect(await get(openStore({ registry, signature }, signing).store, key)).toEqual(files);
});

test("an artifact of somebody else under the tag is no result", async () => {
  const { host } = await startRegistry();
  const registry = `${host}/cache`;
  const { store } = openStore({ registry, write }, env);
  await put(store, bread);
  const tag = (of: string): string => `docker://${registry}:protected-${of}`;

  await run("skopeo", ["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", tag(key), tag(nobody)]);

  expect(await store.findResult(nobody, soon())).toBe(undefined);
});

test("a record that was spoiled in the registry is a miss", async () => {
  const { host, dir } = await startRegistry();
  const { store } = openStore({ registry: `${host}/cache`, write }, env);
  await put(store, bread);
  const manifest = (await manifestOf(`${host}/cache:protected-${key}`)) as { config: { digest: string } };
  const digest = manifest.config.digest.replace("sha256:", "");
  fs.writeFileSync(join(dir, `docker/registry/v2/blobs/sha256/${digest.slice(0, 2)}/${digest}/data`), "{}");

  expect(await store.findResult(key, soon())).toBe(undefined);
});

test("a result with more files than fit into one manifest is held by several", async () => {
  const sizes = new Map<string, number>();
  const { host } = await startServer((request, answer) => {
    const tag = /\/manifests\/(.+)$/.exec(request.url ?? "")?.[1];
    let size = 0;
    request.on("data", (chunk: Buffer) => (size += chunk.length));
    request.on("end", () => {
      if (request.method === "PUT" && tag !== undefined) sizes.set(tag, size);
      if (request.url === "/v2/") answer.end();
      else if (request.method === "PUT") answer.writeHead(201).end();
      else if (request.method === "POST") answer.writeHead(202, { location: "/v2/cache/blobs/uploads/1" }).end();
      else answer.writeHead(404).end();
    });
  });
  const many = Object.fromEntries(Array.from({ length: 25_000 }, (_, n) => [`out/file-${n}`, `bun ${n}`]));
  const { result } = resultOf("buns", many);

  await openStore({ registry: `${host}/cache`, write }, env).store.writeResult(result, soon());

  const tag = `protected-${result.key}`;
  expect([...sizes.keys()]).toEqual([`${tag}-1`, `${tag}-2`, tag]);
  expect(Math.max(...sizes.values())).toBeLessThan(4 << 20);
});

test("a registry that is not there is an error, and a name with a tag is refused", async () => {
  const { host, stop } = await startRegistry();
  await stop();

  await expect(openStore({ registry: `${host}/cache` }).store.findResult(key, soon())).rejects.toMatchObject({
    code: "REGISTRY_UNREACHABLE",
  });
  await expect(openStore({ registry: "oci:folder" }).store.findResult(key, soon())).rejects.toMatchObject({
    code: "CACHE_REGISTRY",
  });
});
