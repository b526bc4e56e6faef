/** Reaching a registry: retries, redirects, TLS, proxies, limits; the whole text of what is said when it fails. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, connect as connectSocket } from "node:net";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { digestOf } from "../../../plugins/multiarch-manifest/digest.ts";
import { createClient, openRepository, type ClientOptions, type Repository } from "../../../plugins/multiarch-manifest/host.ts";
import { findHead, findManifest, listTags, openRemoteBlob, putManifest } from "../../../plugins/multiarch-manifest/registry.ts";
import { mediaTypes } from "../../../plugins/multiarch-manifest/oci.ts";
import { findProxy } from "../../../plugins/multiarch-manifest/proxy.ts";
import { probePush } from "../../../plugins/multiarch-manifest/upload.ts";
import { loadRegistriesConf, renderEngineConf } from "../../../plugins/multiarch-manifest/registries-conf.ts";
import { startServer } from "../../support/fake-registry.ts";
import { freePort, startRegistry, writeCertificate } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

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
    detail: ["DENIED: not yours"],
    fix: `Log in with \`skopeo login ${host}\`, or set REGISTRY_AUTH_FILE.`,
  });
  expect(seen).toHaveLength(2);
});

test("a client says when a host is no registry, or does not answer at all", async () => {
  const { host } = await startServer((_, answer) => void answer.writeHead(304).end());
  await expect(listTags(await open(host))).rejects.toMatchObject({ message: `${host} is not a registry: it answers 304 to /v2/` });

  const nobody = `127.0.0.1:${await freePort()}`;
  await expect(listTags(await open(nobody))).rejects.toMatchObject({
    code: "REGISTRY_UNREACHABLE",
    message: `${nobody} cannot be reached: connect ECONNREFUSED ${nobody}`,
  });
});

test("a blob may come from another host, which never sees the login", async () => {
  const other = await startServer((_, answer) => void answer.end("dough"));
  const { host, headers } = await startServer((request, answer) => {
    if (request.headers.authorization === undefined) answer.writeHead(401, { "www-authenticate": 'Basic realm="oven"' }).end();
    else if (request.url === "/v2/") answer.end();
    else answer.writeHead(307, { location: `http://${other.host}/store/dough?token=x` }).end();
  });
  const authFile = join(await temporaryFolder(), "auth.json");
  await writeFile(authFile, JSON.stringify({ auths: { [host]: { auth: Buffer.from("baker:crumb").toString("base64") } } }));

  const chunks: Uint8Array[] = [];
  for await (const chunk of openRemoteBlob(await open(host, { authFile }), digestOf("dough"))) chunks.push(chunk);

  expect(Buffer.concat(chunks).toString()).toBe("dough");
  expect(headers.at(-1)?.authorization).toBeDefined();
  expect(other.headers.map((one) => one.authorization)).toEqual([undefined]);
});

test("manifest requests accept all four types, and a body with another hash is refused", async () => {
  const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests: [] });
  const { host, headers } = await startServer((_, answer) => {
    answer.writeHead(200, { "content-type": mediaTypes.oci.index, "docker-content-digest": digestOf("other") }).end(body);
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

test("putManifest() refuses what registries would refuse for its size", async () => {
  const { host } = await startServer((_, answer) => void answer.end());

  await expect(putManifest(await open(host), "1", { bytes: Buffer.alloc(4194305), mediaType: "x" })).rejects.toMatchObject({
    message: `The manifest for ${host}/bake/oven:1 has 4194305 bytes, registries take 4194304`,
  });
});

test("https is verified with certs.d, refused without, and unverified when asked for", async () => {
  const tls = await writeCertificate();
  const { host } = await startRegistry({ tls });
  const home = await temporaryFolder();
  const folder = join(home, ".config", "containers", "certs.d", host);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "ca.crt"), await readFile(tls.certificate));

  await expect(listTags(await open(host))).rejects.toMatchObject({
    code: "REGISTRY_CERTIFICATE",
    message: `The certificate of ${host} is not trusted: self-signed certificate`,
    fix: `Put its CA into ~/.config/containers/certs.d/${host}/ca.crt, or set TLS_VERIFY=false.`,
  });
  expect(await listTags(await open(host, { env: { HOME: home } }))).toEqual([]);
  expect(await listTags(await open(host, { tlsVerify: false }))).toEqual([]);
});

test("plain http is for loopback, unless it is forbidden", async () => {
  const { host } = await startRegistry();

  expect(await listTags(await open(host))).toEqual([]);
  await expect(listTags(await open(host, { tlsVerify: true }))).rejects.toMatchObject({
    code: "REGISTRY_PLAIN",
    message: `${host} does not speak https`,
    fix: `Add to registries.conf: [[registry]] location = "${host}" insecure = true. Or set TLS_VERIFY=false.`,
  });
});

test("another host may speak plain http when registries.conf says insecure", async () => {
  const address = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal)?.address;
  if (address === undefined) return;
  const registry = await startRegistry();
  const relay = createServer((socket) => void socket.pipe(connectSocket(registry.port, "127.0.0.1")).pipe(socket).on("error", () => undefined)).listen(0, address);
  await once(relay, "listening");
  onTestFinished(() => void relay.close());
  const host = `${address}:${(relay.address() as { port: number }).port}`;
  const registriesConf = join(await temporaryFolder(), "registries.conf");
  await writeFile(registriesConf, `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);

  await expect(listTags(await open(host))).rejects.toMatchObject({ code: "REGISTRY_PLAIN" });
  expect(await listTags(await open(host, { registriesConf }))).toEqual([]);
  expect(await listTags(await open(host, { tlsVerify: false }))).toEqual([]);
});

test("registries.conf moves and blocks repositories", async () => {
  const { host, seen } = await startServer((_, answer) => void answer.end('{"tags":[]}'));
  const registriesConf = join(await temporaryFolder(), "registries.conf");
  await mkdir(dirname(registriesConf), { recursive: true });
  await writeFile(registriesConf, `[[registry]]\nprefix = "quay.io/bake"\nlocation = "${host}/mirror"\n[[registry]]\nlocation = "evil.io"\nblocked = true\n`);
  const client = createClient({ env: {}, registriesConf });

  await listTags(await openRepository(client, { host: "quay.io", repository: "bake/oven" }));

  expect(seen.at(-1)).toBe("GET /v2/mirror/oven/tags/list?n=1000");
  await expect(openRepository(client, { host: "evil.io", repository: "x" })).rejects.toMatchObject({
    message: '"evil.io/x" is blocked by registries.conf (prefix "evil.io")',
  });
});

test("requests go through a proxy: plain ones as a whole, https ones through a tunnel", async () => {
  const tls = await writeCertificate();
  const secure = await startRegistry({ tls });
  const asked: string[] = [];
  const proxy = createServer((socket) => {
    socket.once("data", (data) => {
      const [method = "", target = ""] = data.toString().split(" ");
      asked.push(`${method} ${target}`);
      const onward = connectSocket(secure.port, "127.0.0.1", () => void socket.write("HTTP/1.1 200 OK\r\n\r\n"));
      socket.pipe(onward).pipe(socket);
      socket.on("error", () => onward.destroy());
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close());
  const env = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as { port: number }).port}` };

  expect(await listTags(await open("registry.test:5000", { env, tlsVerify: false }))).toEqual([]);

  expect(asked).toContain("CONNECT registry.test:5000");
  const plain = await startServer((_, answer) => void answer.end('{"tags":["1"]}'));
  const through = { HTTP_PROXY: `http://${plain.host}`, HTTPS_PROXY: `http://127.0.0.1:${await freePort()}` };
  await expect(listTags(await open("registry.test:5000", { env: through, tlsVerify: false }))).resolves.toEqual(["1"]);
  expect(plain.seen).toContain("GET http://registry.test:5000/v2/");
});

test("NO_PROXY names hosts, domains and ports", async () => {
  const env = { HTTPS_PROXY: "proxy:3128", NO_PROXY: "localhost,.bake.test quay.io:444" };
  const of = (url: string): string | undefined => findProxy(new URL(url), env)?.host;

  expect(["https://localhost", "https://a.bake.test", "https://bake.test", "https://quay.io:444"].map(of)).toEqual([undefined, undefined, undefined, undefined]);
  expect(["https://quay.io", "https://notbake.test"].map(of)).toEqual(["proxy:3128", "proxy:3128"]);
  expect(findProxy(new URL("http://quay.io"), env)).toBeUndefined();
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

test("engines get a registries.conf that knows the loopback registry, after the user's own text", async () => {
  const registriesConf = join(await temporaryFolder(), "registries.conf");
  await writeFile(registriesConf, 'unqualified-search-registries = ["quay.io"]\n[[registry]]\nlocation = "known.test"\n');
  const { host } = await startRegistry();
  const conf = await loadRegistriesConf({ registriesConf, env: {} });

  const text = renderEngineConf(conf, [host, "known.test"]);
  await writeFile(registriesConf, text);

  expect(text).toBe(`unqualified-search-registries = ["quay.io"]\n[[registry]]\nlocation = "known.test"\n\n[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
  // skopeo reaches the registry, which has no such image: that is another failure than a refused connection.
  await expect(run("skopeo", ["--registries-conf", registriesConf, "inspect", `docker://${host}/bake/oven:1`])).rejects.toThrow("manifest unknown");
});

test("registries.conf that is missing or no TOML is named", async () => {
  const registriesConf = join(await temporaryFolder(), "registries.conf");
  await expect(loadRegistriesConf({ env: { CONTAINERS_REGISTRIES_CONF: registriesConf } })).rejects.toMatchObject({
    message: `There is no registries.conf at "${registriesConf}"`,
  });
  await writeFile(registriesConf, "[[registry\n");
  await expect(loadRegistriesConf({ registriesConf, env: {} })).rejects.toMatchObject({ code: "REGISTRY_CONF_MALFORMED" });
});
