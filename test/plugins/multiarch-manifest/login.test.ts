/** Logging in: basic, tokens, helpers, auth files; and that secrets stay secret. */
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "vitest";
import { parseChallenge, parseToken } from "../../../plugins/multiarch-manifest/auth.ts";
import { findCredentials } from "../../../plugins/multiarch-manifest/credentials.ts";
import {
  createClient,
  openRepository,
  type ClientOptions,
  type Repository,
} from "../../../plugins/multiarch-manifest/host.ts";
import { createLayout, writeBlob } from "../../../plugins/multiarch-manifest/layout.ts";
import { listTags } from "../../../plugins/multiarch-manifest/registry.ts";
import { probePush } from "../../../plugins/multiarch-manifest/upload-session.ts";
import { openBlobFile, uploadBlob } from "../../../plugins/multiarch-manifest/upload.ts";
import { startServer } from "../../support/fake-registry.ts";
import { startRegistry, writeAuthFile, writeCertificate, writeHtpasswd } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { startTokenServer, type TokenServerFacts } from "../../support/token-server.ts";
import { testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "htpasswd", "openssl");

async function open(host: string, options: ClientOptions = {}, repository = "bake/oven"): Promise<Repository> {
  return openRepository(createClient({ env: {}, backoffMs: 1, ...options }), { host, repository });
}

async function startWithTokens(
  facts: Partial<TokenServerFacts> = {},
): Promise<{ host: string; asked: readonly string[]; log: () => string }> {
  const tls = await writeCertificate();
  const server = await startTokenServer({ ...tls, ...facts });
  const token = {
    realm: `http://${server.host}/token`,
    service: "oven",
    issuer: "bt",
    rootcertbundle: tls.certificate,
  };
  const registry = await startRegistry({ token });
  return { host: registry.host, asked: server.seen, log: registry.log };
}

test("basic login: right, wrong, none", async () => {
  const { host } = await startRegistry({ htpasswd: await writeHtpasswd() });
  const wrong = await writeAuthFile(host, "baker:stone");

  expect(await listTags(await open(host, { authFile: await writeAuthFile(host) }))).toEqual([]);
  await expect(listTags(await open(host, { authFile: wrong }))).rejects.toMatchObject({
    code: "REGISTRY_DENIED",
    message: `${host} refuses "bake/oven" with the credentials of "${wrong}" (401); wanted repository:bake/oven:pull`,
    fix: `Log in again with \`skopeo login --authfile ${wrong} ${host}\`, or ask for the right to do this.`,
  });
  await expect(listTags(await open(host, { env: { HOME: "/nowhere" } }))).rejects.toMatchObject({
    message: `${host} refuses "bake/oven" without credentials (401); wanted repository:bake/oven:pull`,
  });
});

test("auth files: the namespace that fits best wins, and nothing of it is in an error", async () => {
  const { host } = await startRegistry({ htpasswd: await writeHtpasswd() });
  const authFile = join(await temporaryFolder(), "auth.json");
  const auth = (text: string): object => ({ auth: Buffer.from(text).toString("base64") });
  await writeFile(
    authFile,
    JSON.stringify({ auths: { [host]: auth("baker:stone-secret"), [`${host}/bake`]: auth("baker:crumb") } }),
  );

  expect(await listTags(await open(host, { authFile }))).toEqual([]);
  const failure: unknown = await listTags(await open(host, { authFile }, "other/oven")).catch(
    (error: unknown) => error,
  );

  expect(inspect(failure, { depth: 9 })).not.toMatch(/stone-secret|c3RvbmU|YmFrZXI6/);
});

test("tokens: fetched once for many requests, and again when they end", async () => {
  const { host, asked, log } = await startWithTokens({ login: "baker:crumb", lifetime: (n) => (n === 1 ? -100 : 300) });
  const repository = await open(host, { authFile: await writeAuthFile(host) });

  await probePush(repository);
  await probePush(repository);

  // The first token has ended on arrival; giving an upload up needs one of its own.
  const scopes = ["pull,push", "pull,push", "pull,push,delete"].map((rights) =>
    encodeURIComponent(`repository:bake/oven:${rights}`),
  );
  expect(asked).toEqual(scopes.map((scope) => `GET /token?service=oven&scope=${scope}`));
  expect(log()).toContain("token not to be used after");
});

test("tokens: anonymous works where it may, a refusal names the server and the scope", async () => {
  const free = await startWithTokens();
  expect(await listTags(await open(free.host))).toEqual([]);

  const { host } = await startWithTokens({ login: "baker:crumb" });
  const authFile = await writeAuthFile(host, "baker:stone");
  await expect(probePush(await open(host, { authFile }))).rejects.toMatchObject({
    code: "REGISTRY_TOKEN",
    message: expect.stringMatching(
      new RegExp(
        `^The token server http://127.0.0.1:\\d+/token of ${host} answered 401; wanted repository:bake/oven:pull,push$`,
      ),
    ),
  });
});

test("tokens: a mount asks for both repositories in scopes of their own", async () => {
  const { host, asked } = await startWithTokens();
  const layout = await createLayout(await temporaryFolder());
  const blob = await openBlobFile(layout, await writeBlob(layout, Buffer.from("dough")));
  await uploadBlob(await open(host), blob);

  expect(await uploadBlob(await open(host, {}, "bake/other"), blob, { mountFrom: ["bake/oven"] })).toBe("mounted");

  expect(asked.at(-1)).toBe(
    "GET /token?service=oven&scope=repository%3Abake%2Fother%3Apull%2Cpush&scope=repository%3Abake%2Foven%3Apull",
  );
});

test("identity tokens are exchanged by POST and never in a URL", async () => {
  let form = "";
  const server = await startServer((request, answer) => {
    if (request.url === "/token") {
      request.on("data", (data: Buffer) => (form += data.toString()));
      request.on("end", () => answer.end('{"access_token":"fresh"}'));
    } else if (request.headers.authorization === "Bearer fresh") answer.end('{"tags":["1"]}');
    else
      answer
        .writeHead(401, { "www-authenticate": `Bearer realm="http://${request.headers.host}/token",service="oven"` })
        .end();
  });
  const authFile = join(await temporaryFolder(), "auth.json");
  await writeFile(authFile, JSON.stringify({ auths: { [server.host]: { identitytoken: "long-secret" } } }));

  expect(await listTags(await open(server.host, { authFile }))).toEqual(["1"]);

  expect(new URLSearchParams(form).get("refresh_token")).toBe("long-secret");
  expect(server.seen.join()).not.toContain("long-secret");
});

test("credential helpers get the host on stdin; a failing one is named", async () => {
  const dir = await temporaryFolder();
  const helper = join(dir, "docker-credential-oven");
  await writeFile(
    helper,
    `#!/bin/sh\necho "$*" > ${dir}/argv\nread host\ncase $host in\n  quay.io) echo '{"ServerURL":"quay.io","Username":"baker","Secret":"crumb"}';;\n  empty.io) echo 'credentials not found in native keychain'; exit 1;;\n  *) exit 3;;\nesac\n`,
  );
  await chmod(helper, 0o755);
  const authFile = join(dir, "config.json");
  await writeFile(
    authFile,
    JSON.stringify({
      credHelpers: { "quay.io": "oven", "empty.io": "oven", "broken.io": "oven" },
      credsStore: "absent",
    }),
  );
  const options = { authFile, env: { PATH: `${dir}:${process.env["PATH"]}` } };

  expect(await findCredentials("quay.io", "bake/oven", options)).toEqual({
    kind: "password",
    user: "baker",
    secret: "crumb",
    file: authFile,
    helper: "docker-credential-oven",
  });
  expect(await readFile(join(dir, "argv"), "utf8")).toBe("get\n");
  expect(await findCredentials("empty.io", "bake/oven", options)).toBeUndefined();
  await expect(findCredentials("broken.io", "bake/oven", options)).rejects.toMatchObject({
    message: 'The credential helper `docker-credential-oven` ended with 3 when asked for "broken.io"',
  });
  await expect(findCredentials("other.io", "bake/oven", options)).rejects.toMatchObject({
    message: 'The credential helper `docker-credential-absent` cannot be started when asked for "other.io"',
  });
});

test("auth files are looked for in order, and Docker Hub has its old key", async () => {
  const home = await temporaryFolder();
  const auth = Buffer.from("baker:docker").toString("base64");
  await mkdir(join(home, ".docker"));
  await writeFile(
    join(home, ".docker", "config.json"),
    JSON.stringify({ auths: { "https://index.docker.io/v1/": { auth }, "https://quay.io/v2/": { auth } } }),
  );
  const env = { HOME: home };
  expect(await findCredentials("registry-1.docker.io", "library/fedora", { env })).toMatchObject({ secret: "docker" });
  expect(await findCredentials("quay.io", "bake/oven", { env })).toMatchObject({ secret: "docker" });

  await mkdir(join(home, "run", "containers"), { recursive: true });
  await writeFile(
    join(home, "run", "containers", "auth.json"),
    JSON.stringify({ auths: { "quay.io": { auth: Buffer.from("baker:run").toString("base64") } } }),
  );

  expect(
    await findCredentials("quay.io", "bake/oven", { env: { ...env, XDG_RUNTIME_DIR: join(home, "run") } }),
  ).toMatchObject({ secret: "run" });
  expect(await findCredentials("other.io", "bake/oven", { env })).toBeUndefined();
});

test("a named auth file must exist and be JSON; its content is not shown", async () => {
  const file = join(await temporaryFolder(), "auth.json");
  await expect(findCredentials("quay.io", "x", { env: { REGISTRY_AUTH_FILE: file } })).rejects.toMatchObject({
    message: `REGISTRY_AUTH_FILE names the file "${file}", which does not exist`,
  });
  await writeFile(file, "top-secret");

  const failure: unknown = await findCredentials("quay.io", "x", { authFile: file, env: {} }).catch(
    (error: unknown) => error,
  );

  expect(failure).toMatchObject({ code: "REGISTRY_AUTH_FILE_MALFORMED" });
  expect(inspect(failure, { depth: 9 })).not.toContain("top-secret");
});

test("parseChallenge() reads what registries send", () => {
  expect(
    parseChallenge('Bearer realm="https://auth.test/token",service="oven",scope="repository:a:pull repository:b:pull"'),
  ).toEqual({
    kind: "bearer",
    realm: "https://auth.test/token",
    service: "oven",
    scopes: ["repository:a:pull", "repository:b:pull"],
  });
  expect(parseChallenge('Basic realm="x"')).toEqual({ kind: "basic" });
  expect(parseChallenge('Basic realm="x", Bearer realm="https://a/t"')).toMatchObject({
    kind: "bearer",
    realm: "https://a/t",
  });
  expect(parseChallenge("Negotiate")).toBeUndefined();
});

test("parseToken() takes 60 seconds when the server does not say", () => {
  expect(parseToken('{"access_token":"x"}', 1000)).toEqual({ value: "x", endsAt: 1000 + 60_000 - 5000 });
  expect(parseToken("{}", 0)).toBeUndefined();
});
