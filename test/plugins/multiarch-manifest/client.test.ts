/** Asking a registry: retries, redirects, limits; the whole text of what is said when it fails. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { digestOf } from "../../../plugins/multiarch-manifest/digest.ts";
import {
  createClient,
  openRepository,
  type ClientOptions,
  type Repository,
} from "../../../plugins/multiarch-manifest/host.ts";
import {
  findHead,
  findManifest,
  listTags,
  openRemoteBlob,
  putManifest,
} from "../../../plugins/multiarch-manifest/registry.ts";
import { createLayout, writeBlob } from "../../../plugins/multiarch-manifest/layout.ts";
import { mediaTypes } from "../../../plugins/multiarch-manifest/oci.ts";
import { openBlobFile, uploadBlob } from "../../../plugins/multiarch-manifest/upload.ts";
import { probePush } from "../../../plugins/multiarch-manifest/upload-session.ts";
import { startServer } from "../../support/fake-registry.ts";
import { freePort } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "openssl", "skopeo");

async function open(host: string, options: ClientOptions = {}): Promise<Repository> {
  return openRepository(createClient({ env: {}, backoffMs: 1, ...options }), { host, repository: "bake/oven" });
}

test("a client waits as long as Retry-After says", async () => {
  let asked = 0;
  const { host } = await startServer((request, answer) => {
    if (request.url === "/v2/") answer.end();
    else if (++asked < 3) answer.writeHead(429, { "retry-after": "1" }).end();
    else answer.end('{"tags":["1"]}');
  });
  const started = Date.now();

  expect(await listTags(await open(host))).toEqual(["1"]);

  expect(Date.now() - started).toBeGreaterThanOrEqual(1990);
});

test("a client gives up after five tries and says what the registry said, without the query", async () => {
  const { host, seen } = await startServer((request, answer) => {
    if (request.url === "/v2/") answer.end();
    else answer.writeHead(503).end('{"errors":[{"code":"BUSY","message":"the oven is full"}]}');
  });

  await expect(listTags(await open(host))).rejects.toMatchObject({
    code: "REGISTRY_FAILED",
    message: `GET http://${host}/v2/bake/oven/tags/list answered 503`,
    detail: ["BUSY: the oven is full"],
    fix: "Run it again, or ask the registry's owner if it stays so.",
  });
  expect(seen.filter((line) => line.includes("tags"))).toHaveLength(5);
});

test("a client does not repeat what was refused", async () => {
  const { host, seen } = await startServer((request, answer) => {
    if (request.url === "/v2/") answer.end();
    else answer.writeHead(403).end('{"errors":[{"code":"DENIED","message":"not yours"}]}');
  });

  await expect(listTags(await open(host))).rejects.toMatchObject({
    code: "REGISTRY_DENIED",
    message: `${host} refuses "bake/oven" without credentials (403); wanted repository:bake/oven:pull`,
    detail: expect.arrayContaining(["DENIED: not yours", expect.stringContaining(`no login for ${host} in `)]),
    fix: `Log in with \`skopeo login ${host}\`, or set REGISTRY_AUTH_FILE.`,
  });
  expect(seen).toHaveLength(2);
});

test("a client says when a host is no registry, or does not answer at all", async () => {
  const { host } = await startServer((_, answer) => void answer.writeHead(304).end());
  await expect(listTags(await open(host))).rejects.toMatchObject({
    message: `${host} is not a registry: it answers 304 to /v2/`,
  });

  const nobody = `127.0.0.1:${await freePort()}`;
  await expect(listTags(await open(nobody))).rejects.toMatchObject({
    code: "REGISTRY_UNREACHABLE",
    message: `${nobody} cannot be reached: connect ECONNREFUSED ${nobody}`,
  });
});

test("a blob may come from another host, which never sees the login", async () => {
  const other = await startServer((_, answer) => void answer.end("dough"));
  const { host, headers } = await startServer((request, answer) => {
    if (request.headers.authorization === undefined)
      answer.writeHead(401, { "www-authenticate": 'Basic realm="oven"' }).end();
    else if (request.url === "/v2/") answer.end();
    else answer.writeHead(307, { location: `http://${other.host}/store/dough?token=x` }).end();
  });
  const authFile = join(await temporaryFolder(), "auth.json");
  await writeFile(
    authFile,
    JSON.stringify({ auths: { [host]: { auth: Buffer.from("baker:crumb").toString("base64") } } }),
  );

  const chunks: Uint8Array[] = [];
  for await (const chunk of openRemoteBlob(await open(host, { authFile }), digestOf("dough"))) chunks.push(chunk);

  expect(Buffer.concat(chunks).toString()).toBe("dough");
  expect(headers.at(-1)?.authorization).toBeDefined();
  expect(other.headers.map((one) => one.authorization)).toEqual([undefined]);
});

test("manifest requests accept all four types, and a body with another hash is refused", async () => {
  const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests: [] });
  const { host, headers } = await startServer((_, answer) => {
    answer
      .writeHead(200, { "content-type": mediaTypes.oci.index, "docker-content-digest": digestOf("other") })
      .end(body);
  });

  await expect(findManifest(await open(host), "1")).rejects.toMatchObject({
    message: `${host}/bake/oven:1 answered ${digestOf(body)}, ${digestOf("other")} was expected`,
  });
  expect(headers.at(-1)?.accept?.split(", ")).toHaveLength(4);
});

test("findHead() reads the manifest when the registry does not say its digest", async () => {
  const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests: [] });
  const { host, seen } = await startServer((request, answer) => {
    answer.writeHead(200, { "content-type": mediaTypes.oci.index }).end(request.method === "HEAD" ? undefined : body);
  });

  expect(await findHead(await open(host), "1")).toEqual({ digest: digestOf(body), mediaType: mediaTypes.oci.index });
  expect(seen.slice(1)).toEqual(["HEAD /v2/bake/oven/manifests/1", "GET /v2/bake/oven/manifests/1"]);
});

test("listTags() follows links", async () => {
  const { host } = await startServer((request, answer) => {
    if (request.url?.includes("last=b") === true) answer.end('{"tags":["c"]}');
    else answer.writeHead(200, { link: '</v2/bake/oven/tags/list?last=b>; rel="next"' }).end('{"tags":["b","a"]}');
  });

  expect(await listTags(await open(host))).toEqual(["a", "b", "c"]);
});

test("an upload location may be relative and on another path", async () => {
  const { host, seen } = await startServer((request, answer) => {
    if (request.method === "POST") answer.writeHead(202, { location: "../../../../../elsewhere/1?state=x" }).end();
    else answer.writeHead(request.method === "DELETE" ? 204 : 200).end();
  });

  await probePush(await open(host));

  expect(seen.at(-1)).toBe("DELETE /elsewhere/1?state=x");
});

test("uploadBlob() goes where the latest answer says, which is relative and another place each time", async () => {
  const sent = new Map<string, string>();
  const { host, seen } = await startServer((request, answer) => {
    const { method = "", url = "" } = request;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      if (body !== "") sent.set(url, body);
      if (method === "HEAD") answer.writeHead(404).end();
      else if (method === "POST") answer.writeHead(202, { location: "/first/1?state=a" }).end();
      else if (method === "PATCH")
        answer.writeHead(202, { location: `../next/${sent.size}?state=b`, range: "0-1" }).end();
      else answer.writeHead(method === "PUT" ? 201 : 200).end();
    });
  });
  const layout = await createLayout(await temporaryFolder());
  const blob = await openBlobFile(layout, await writeBlob(layout, Buffer.from("dough")));

  await uploadBlob(await open(host), blob, { chunkBytes: 3, wholeBytes: 1 });

  expect([...sent]).toEqual([
    ["/first/1?state=a", "dou"],
    ["/next/1?state=b", "gh"],
  ]);
  expect(seen.at(-1)).toBe(`PUT /next/2?state=b&digest=${encodeURIComponent(digestOf("dough"))}`);
});

test("putManifest() refuses what registries would refuse for its size", async () => {
  const { host } = await startServer((_, answer) => void answer.end());

  await expect(
    putManifest(await open(host), "1", { bytes: Buffer.alloc(4194305), mediaType: "x" }),
  ).rejects.toMatchObject({
    message: `The manifest for ${host}/bake/oven:1 has 4194305 bytes, registries take 4194304`,
  });
});

test("a client keeps to its number of requests at a time, and an abort ends all of them", async () => {
  let now = 0;
  let most = 0;
  const { host } = await startServer((request, answer) => {
    if (request.url === "/v2/") return void answer.end();
    most = Math.max(most, ++now);
    answer.on("close", () => now--);
    if (now === 2) controller.abort();
  });
  const controller = new AbortController();
  const repository = await open(host, { concurrency: 2, signal: controller.signal });

  const results = await Promise.allSettled([1, 2, 3, 4, 5].map(() => listTags(repository)));

  expect(most).toBe(2);
  expect(results.map((one) => one.status)).toEqual(Array(5).fill("rejected"));
});
