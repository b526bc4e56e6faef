/** Reaching a registry: TLS, plain HTTP, proxies, registries.conf. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, connect as connectSocket } from "node:net";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import {
  createClient,
  openRepository,
  type ClientOptions,
  type Repository,
} from "../../../plugins/multiarch-manifest/host.ts";
import { listTags } from "../../../plugins/multiarch-manifest/registry.ts";
import { findProxy } from "../../../plugins/multiarch-manifest/proxy.ts";
import { loadRegistriesConf, renderEngineConf } from "../../../plugins/multiarch-manifest/registries-conf.ts";
import { startServer } from "../../support/fake-registry.ts";
import { freePort, startRegistry, writeCertificate } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "openssl", "skopeo");

async function open(host: string, options: ClientOptions = {}): Promise<Repository> {
  return openRepository(createClient({ env: {}, backoffMs: 1, ...options }), { host, repository: "bake/oven" });
}

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
  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === "IPv4" && !one.internal)?.address;
  if (address === undefined) return;
  const registry = await startRegistry();
  const relay = createServer((socket) => {
    const onward = connectSocket(registry.port, "127.0.0.1");
    socket.on("error", () => onward.destroy());
    onward.on("error", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  }).listen(0, address);
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
  await writeFile(
    registriesConf,
    `[[registry]]\nprefix = "quay.io/bake"\nlocation = "${host}/mirror"\n[[registry]]\nlocation = "evil.io"\nblocked = true\n`,
  );
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
      onward.on("error", () => socket.destroy());
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

  expect(["https://localhost", "https://a.bake.test", "https://bake.test", "https://quay.io:444"].map(of)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(["https://quay.io", "https://notbake.test"].map(of)).toEqual(["proxy:3128", "proxy:3128"]);
  expect(findProxy(new URL("http://quay.io"), env)).toBeUndefined();
});

test("engines get a registries.conf that knows the loopback registry, after the user's own text", async () => {
  const registriesConf = join(await temporaryFolder(), "registries.conf");
  await writeFile(
    registriesConf,
    'unqualified-search-registries = ["quay.io"]\n[[registry]]\nlocation = "known.test"\n',
  );
  const { host } = await startRegistry();
  const conf = await loadRegistriesConf({ registriesConf, env: {} });

  const text = renderEngineConf(conf, [host, "known.test"]);
  await writeFile(registriesConf, text);

  expect(text).toBe(
    `unqualified-search-registries = ["quay.io"]\n[[registry]]\nlocation = "known.test"\n\n[[registry]]\nlocation = "${host}"\ninsecure = true\n`,
  );
  // skopeo reaches the registry, which has no such image: that is another failure than a refused connection.
  await expect(
    run("skopeo", ["--registries-conf", registriesConf, "inspect", `docker://${host}/bake/oven:1`]),
  ).rejects.toThrow("manifest unknown");
});

test("registries.conf that is missing or no TOML is named", async () => {
  const registriesConf = join(await temporaryFolder(), "registries.conf");
  await expect(loadRegistriesConf({ env: { CONTAINERS_REGISTRIES_CONF: registriesConf } })).rejects.toMatchObject({
    message: `There is no registries.conf at "${registriesConf}"`,
  });
  await writeFile(registriesConf, "[[registry\n");
  await expect(loadRegistriesConf({ registriesConf, env: {} })).rejects.toMatchObject({
    code: "REGISTRY_CONF_MALFORMED",
  });
});
