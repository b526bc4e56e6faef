/** A plain server of files as a cache: Debian's nginx, and servers that fail. */
import * as fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { startServer } from "../../support/fake-registry.ts";
import { freePort, writeCertificate } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";
import { blobOf, get, openStore, put, resultOf, startNginx } from "./rig.ts";

const test = testWith("nginx", "htpasswd", "openssl");
const write = { env: "BAKER" };
const env = { BAKER: "baker:crumb" };
const files = { "out/bread": "bread", "bin/knife": "knife" };
const bread = resultOf("flour", files);
const { key } = bread.result;
const nobody = "0".repeat(64);
const soon = (): AbortSignal => AbortSignal.timeout(50_000);

test("a result comes back from the server; its bytes go there before its entry", async () => {
  const { url, seen } = await startNginx();

  await put(openStore({ url, write }, env).store, bread);

  expect(await get(openStore({ url }).store, key)).toEqual(files);
  const writes = seen().filter((line) => line.startsWith("PUT"));
  expect(writes.at(-1)).toBe(`PUT /bt/protected/ac/${key} 201`);
  expect(writes).toContain(`PUT /bt/protected/cas/${key} 201`); // The key document.
  expect(writes).toHaveLength(6);
});

test("what the server has is not sent again, and a miss is no error", async () => {
  const { url, seen } = await startNginx();
  const { store } = openStore({ url, write }, env);
  await put(store, bread);
  const before = seen().length;

  await put(store, bread);

  expect(
    seen()
      .slice(before)
      .filter((line) => line.startsWith("PUT")),
  ).toEqual([]);
  expect(await store.findResult(nobody, soon())).toBe(undefined);
  expect(await store.readBlob(blobOf("nothing"), soon())).toBe(undefined);
});

test("without a login to write, or without its variable, the cache is read only", async () => {
  const { url } = await startNginx();

  expect(openStore({ url }, env).store.canWrite).toBe(false);
  expect(openStore({ url, write }).store.canWrite).toBe(false);
  expect(openStore({ url, write }, env).store.canWrite).toBe(true);
});

test("the server knows the writer by user and password, from a variable or a netrc file", async () => {
  const { url, host } = await startNginx({ writers: { protected: "baker:crumb" } });
  const netrc = join(await temporaryFolder(), "netrc");
  fs.writeFileSync(netrc, `machine elsewhere login x password y\nmachine ${host} login baker password crumb\n`);
  const cake = resultOf("sugar", { cake: "cake" });

  await put(openStore({ url, write }, env).store, bread);
  await put(openStore({ url, write: { file: netrc } }).store, cake);

  expect(await get(openStore({ url }).store, key)).toEqual(files);
  expect(await get(openStore({ url }).store, cake.result.key)).toEqual({ cake: "cake" });
});

test("a wrong login is named without being shown", async () => {
  const { url } = await startNginx({ writers: { protected: "baker:crumb" } });
  const { store } = openStore({ url, write }, { BAKER: "baker:planted-secret" });

  await expect(put(store, bread)).rejects.toMatchObject({
    code: "CACHE_REQUEST_FAILED",
    message: expect.stringMatching(/^PUT http:\/\/127\.0\.0\.1:\d+\/bt\/protected\/cas\/[0-9a-f]{64} answered 401$/),
    fix: "Check the login that `read` or `write` of the remote cache names.",
  });
});

test("a token is sent as one", async () => {
  const { host, headers } = await startServer((_, answer) => answer.writeHead(404).end());

  await openStore({ url: `http://${host}`, read: { env: "T" } }, { T: "token" }).store.findResult(key, soon());

  expect(headers[0]).toMatchObject({ authorization: "Bearer token" });
});

test("an https server is trusted by its certificate, and refused without", async () => {
  const tls = await writeCertificate();
  const { url } = await startNginx({ tls });

  await put(openStore({ url, write, ca: tls.certificate }, env).store, bread);

  expect(await get(openStore({ url, ca: tls.certificate }).store, key)).toEqual(files);
  await expect(openStore({ url }).store.findResult(key, soon())).rejects.toThrow(/certificate/);
});

test("an entry or a record that was spoiled is a miss, and is written again", async () => {
  const { url, dir } = await startNginx();
  const { store } = openStore({ url, write }, env);
  for (const spoil of [Buffer.from("no protobuf"), Buffer.alloc(0), Buffer.from([0x12, 0xff, 0xff, 0x7f])]) {
    await put(store, bread);
    fs.writeFileSync(join(dir, "protected/ac", key), spoil);
    expect(await store.findResult(key, soon())).toBe(undefined);
  }
  await put(store, bread);
  const record = fs.readdirSync(join(dir, "protected/cas")).find((name) => {
    return fs.readFileSync(join(dir, "protected/cas", name), "utf8").startsWith(`{"v":1`);
  });
  fs.writeFileSync(join(dir, "protected/cas", record!), "{}");

  expect(await store.findResult(key, soon())).toBe(undefined);
  await put(store, bread);
  expect(await get(store, key)).toEqual(files);
});

test("bytes that were cut are missing to whoever writes, and no more than promised are read", async () => {
  const { url, dir } = await startNginx();
  const { store } = openStore({ url, write }, env);
  await put(store, bread);
  const blob = blobOf("bread");
  fs.writeFileSync(join(dir, "protected/cas", blob.digest), "bre");

  expect(await store.findMissing([blob, blobOf("knife")], soon())).toEqual([blob]);

  fs.writeFileSync(join(dir, "protected/cas", blob.digest), "bread and more than that");
  await expect(get(store, key)).rejects.toThrow("is longer than the 5 bytes that it should have");
});

test("a server that never answers is left when the caller's patience ends, or after its own time limit", async () => {
  const { host } = await startServer(() => undefined);
  const url = `http://${host}`;
  const stop = new AbortController();
  const asked = openStore({ url }).store.findResult(key, stop.signal);

  stop.abort();

  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
  await expect(openStore({ url, timeoutMs: 20 }).store.findResult(key, soon())).rejects.toThrow("nothing was heard");
});

test("a server that stops in the middle of an answer is left too", async () => {
  const { host } = await startServer((_, answer) => void answer.writeHead(200, { "content-length": "100" }).write("x"));

  const { store } = openStore({ url: `http://${host}`, timeoutMs: 20 });

  await expect(store.findResult(key, soon())).rejects.toThrow();
});

test("a server that fails or that is not there is an error, never a result", async () => {
  const { host } = await startServer((_, answer) => answer.writeHead(500).end());
  const nobodyThere = await freePort();

  await expect(openStore({ url: `http://${host}/p` }).store.findResult(key, soon())).rejects.toMatchObject({
    code: "CACHE_REQUEST_FAILED",
    message: `GET http://${host}/p/protected/ac/${key} answered 500`,
  });
  await expect(
    openStore({ url: `http://127.0.0.1:${nobodyThere}` }).store.findResult(key, soon()),
  ).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("a connection that the server closed is opened again", async () => {
  let asked = 0;
  const { host } = await startServer((request, answer) => {
    if (++asked === 1) request.socket.destroy();
    else answer.writeHead(404).end();
  });

  expect(await openStore({ url: `http://${host}` }).store.findResult(key, soon())).toBe(undefined);
  expect(asked).toBe(2);
});

test("an entry stays small, however long the list of outputs is", async () => {
  const { url, dir } = await startNginx();
  const { store } = openStore({ url, write }, env);
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`out/${n % 50}/file-${n}`, `bun ${n % 7}`]));
  const buns = resultOf("buns", many);

  await put(store, buns);

  expect(fs.statSync(join(dir, "protected/ac", buns.result.key)).size).toBeLessThan(2048);
  expect(Object.keys((await get(openStore({ url }).store, buns.result.key)) ?? {})).toHaveLength(5000);
});

test("an entry names the bundle of small files, which a server looks for, and not the files in it, which it has not", async () => {
  const { url, dir } = await startNginx();
  const bun = resultOf("dough", { "out/bun": "bun" });
  const bundle = blobOf("bun");
  const bundled = {
    ...bun.result,
    bundle,
    outputs: [{ ...bun.result.outputs[0]!, blob: { ...bundle, digest: nobody } }],
  };

  await put(openStore({ url, write }, env).store, { ...bun, result: bundled });

  const entry = fs.readFileSync(join(dir, "protected/ac", bundled.key), "latin1");
  expect([bundle.digest, nobody].map((digest) => entry.includes(digest))).toEqual([true, false]);
  expect(await openStore({ url }).store.findResult(bundled.key, soon())).toMatchObject({ bundle });
});

test("the first result of a key stays, and who comes later learns what it is", async () => {
  const { url } = await startNginx();
  const { store } = openStore({ url, write }, env);
  await put(store, bread);

  const again = await put(store, { ...bread, result: { ...bread.result, durationMs: 99, madeMs: 100 } });
  const burnt = await put(store, resultOf("flour", { ...files, "out/bread": "coal" }));

  expect(again).toEqual({ kept: bread.result });
  expect(burnt.kept).toEqual(bread.result);
  expect(await get(store, key)).toEqual(files);
});

test("an entry whose bytes the server has thrown away is replaced", async () => {
  const { url, dir } = await startNginx();
  const { store } = openStore({ url, write }, env);
  await put(store, resultOf("flour", { "out/bread": "old bread" }));
  fs.rmSync(join(dir, "protected/cas", blobOf("old bread").digest));

  await put(store, bread);

  expect(await get(store, key)).toEqual(files);
});

test("links, modes and empty folders are told as they are", async () => {
  const { url } = await startNginx();
  const outputs = [
    ...bread.result.outputs,
    { path: "out/loaf", kind: "link" as const, mode: 0o777, target: "bread" },
    { path: "out/crumbs", kind: "folder" as const, mode: 0o700 },
  ];
  const result = { ...bread.result, outputs, value: { loaves: 2 } };

  await put(openStore({ url, write }, env).store, { ...bread, result });

  expect(await openStore({ url }).store.findResult(key, soon())).toEqual(result);
});
