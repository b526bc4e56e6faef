/** Who may place what, and who takes it: pull requests, trust domains, signatures. */
import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Signature } from "../../../plugins/remote-cache/index.ts";
import { startServer } from "../../support/fake-registry.ts";
import { testWith } from "../../support/tool.ts";
import { get, openStore, put, resultOf, startNginx } from "./rig.ts";

const withNginx = testWith("nginx", "htpasswd");
const write = { env: "BAKER" };
const env = { BAKER: "baker:crumb" };
const pullRequest = { ...env, GITHUB_EVENT_NAME: "pull_request", GITHUB_REF: "refs/pull/7/merge" };
const hmac: Signature = { kind: "hmac", key: { env: "BT_KEY" } };
const signing = { BT_KEY: "a key that nobody can guess" };
const good = resultOf("flour", { bread: "bread" });
const evil = resultOf("flour", { bread: "backdoor" });
const { key } = good.result;

describe("how a pull request is told", () => {
  const url = "http://127.0.0.1:9/bt";
  test.each<[system: string, env: Record<string, string>, canWrite: boolean]>([
    ["nothing", {}, true],
    ["GitHub, a push", { GITHUB_EVENT_NAME: "push", GITHUB_REF: "refs/heads/main" }, true],
    ["GitHub, a comment on one", { GITHUB_EVENT_NAME: "issue_comment", GITHUB_REF: "refs/heads/main" }, false],
    ["GitHub, after one", { GITHUB_EVENT_NAME: "workflow_run" }, false],
    ["GitHub, with its rights", { GITHUB_EVENT_NAME: "pull_request_target", GITHUB_REF: "refs/heads/main" }, false],
    ["GitLab", { CI_PIPELINE_SOURCE: "merge_request_event" }, false],
    ["Prow, a batch", { JOB_TYPE: "batch" }, false],
    ["Prow, after the merge", { JOB_TYPE: "postsubmit" }, true],
    ["Azure", { BUILD_REASON: "PullRequest" }, false],
    ["Travis, a push", { TRAVIS_PULL_REQUEST: "false" }, true],
  ])("%s", (_, more, canWrite) => {
    expect(openStore({ url, write }, { ...env, ...more }).store.canWrite).toBe(canWrite);
  });

  withNginx.each<[system: string, env: Record<string, string>]>([
    ["GitHub", { GITHUB_EVENT_NAME: "pull_request", GITHUB_REF: "refs/pull/7/merge" }],
    ["GitLab", { CI_MERGE_REQUEST_ID: "999", CI_MERGE_REQUEST_IID: "7" }],
    ["Prow", { JOB_TYPE: "presubmit", PULL_NUMBER: "7" }],
    ["Jenkins", { CHANGE_ID: "7" }],
    ["CircleCI", { CIRCLE_PULL_REQUEST: "https://example.com/oven/pull/7" }],
    ["Travis", { TRAVIS_PULL_REQUEST: "7" }],
    ["Buildkite", { BUILDKITE_PULL_REQUEST: "7" }],
  ])("%s, and what it writes is its own", async (_, more) => {
    const { url, dir } = await startNginx();

    await put(openStore({ url, write }, { ...env, ...more }).store, good);

    expect(fs.readdirSync(dir)).toEqual(["pr"]);
    expect(fs.readdirSync(join(dir, "pr"))).toEqual(["7"]);
  });
});

withNginx("what a pull request has placed is never restored by the protected branch", async () => {
  const { url } = await startNginx();

  await put(openStore({ url, write }, pullRequest).store, evil);

  expect(await get(openStore({ url }).store, key)).toBe(undefined);
  expect(await get(openStore({ url }, { ...pullRequest, GITHUB_REF: "refs/pull/8/merge" }).store, key)).toBe(undefined);
});

withNginx("nor when both race, and whatever the pull request's builderfile says", async () => {
  const { url } = await startNginx();
  const options = { url, write };

  const [trusted] = await Promise.allSettled([
    put(openStore(options, env).store, good),
    put(openStore({ ...options, domain: "protected" }, pullRequest).store, evil),
    put(openStore({ ...options, domain: ["release", "protected"] }, pullRequest).store, evil),
  ]);

  expect(trusted).toEqual({ status: "fulfilled", value: { kept: good.result } });
  expect(await get(openStore({ url }).store, key)).toEqual({ bread: "bread" });
});

withNginx("the server keeps pull requests out by their login alone", async () => {
  const { url } = await startNginx({ writers: { protected: "baker:crumb", pr: "guest:flour" } });
  const guest = { BAKER: "guest:flour" };

  await put(openStore({ url, write }, { ...pullRequest, ...guest }).store, evil);

  // A pull request that says it is none.
  await expect(put(openStore({ url, write }, guest).store, evil)).rejects.toMatchObject({
    code: "CACHE_REQUEST_FAILED",
  });
  expect(await get(openStore({ url }).store, key)).toBe(undefined);
});

withNginx("a pull request takes what the protected branch has made, after its own", async () => {
  const { url } = await startNginx();
  await put(openStore({ url, write }, env).store, good);
  const { store } = openStore({ url, write }, pullRequest);

  expect(await get(store, key)).toEqual({ bread: "bread" });

  await put(store, evil);
  expect(await get(store, key)).toEqual({ bread: "backdoor" });
});

withNginx("a branch reads the domains that it names, and nobody reads downwards", async () => {
  const { url } = await startNginx();
  const nightly = { url, write, domain: ["nightly", "protected"] };
  await put(openStore(nightly, env).store, good);

  expect(await get(openStore(nightly, env).store, key)).toEqual({ bread: "bread" });
  expect(await get(openStore({ url }, env).store, key)).toBe(undefined);
});

const pair = generateKeyPairSync("ed25519", {
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const ed25519: Signature = { kind: "ed25519", publicKeys: [pair.publicKey], privateKey: { env: "BT_KEY" } };

describe.each<[kind: string, signature: Signature, key: Record<string, string>, reader: Record<string, string>]>([
  ["hmac", hmac, signing, signing],
  ["ed25519", ed25519, { BT_KEY: pair.privateKey }, {}],
])("%s", (_, signature, ownKey, reader) => {
  withNginx("a signed entry is taken", async () => {
    const { url } = await startNginx();

    await put(openStore({ url, write, signature }, { ...env, ...ownKey }).store, good);

    const { store, warnings } = openStore({ url, signature }, reader);
    expect(await get(store, key)).toEqual({ bread: "bread" });
    expect(warnings).toEqual([]);
  });

  withNginx("an entry without a signature is a miss with a warning, and is replaced by who can sign", async () => {
    const { url } = await startNginx();
    await put(openStore({ url, write }, env).store, evil);
    const { store, warnings } = openStore({ url, write, signature }, { ...env, ...ownKey });

    expect(await get(store, key)).toBe(undefined);

    expect(warnings).toEqual([`The entry ${key.slice(0, 12)} of ${url}/protected is not signed; it is not used`]);
    expect(await put(store, good)).toEqual({ kept: good.result });
    expect(await get(store, key)).toEqual({ bread: "bread" });
  });

  withNginx("an entry that somebody has signed with another key is a miss with a warning", async () => {
    const { url } = await startNginx();
    const other: Signature = { kind: "hmac", key: { env: "BT_KEY" } };
    const foreign = { ...env, BT_KEY: "the key of somebody else" };
    await put(openStore({ url, write, signature: other }, foreign).store, evil);
    const { store, warnings } = openStore({ url, signature }, reader);

    expect(await get(store, key)).toBe(undefined);

    expect(warnings).toEqual([
      `The entry ${key.slice(0, 12)} of ${url}/protected has a wrong signature; it is not used`,
    ]);
  });

  withNginx("a signature holds for one domain and one key only", async () => {
    const { url, dir } = await startNginx();
    const options = { url, write, signature, domain: ["nightly", "protected"] };
    await put(openStore(options, { ...env, ...ownKey }).store, good);

    fs.renameSync(join(dir, "nightly"), join(dir, "protected"));

    const { store, warnings } = openStore({ url, signature }, reader);
    expect(await get(store, key)).toBe(undefined);
    expect(warnings).toHaveLength(1);
    fs.copyFileSync(join(dir, "protected/ac", key), join(dir, "protected/ac", "0".repeat(64)));
    expect(await get(store, "0".repeat(64))).toBe(undefined);
  });
});

test("who cannot sign does not write where signatures are asked for", () => {
  const url = "http://127.0.0.1:9/bt";

  expect(openStore({ url, write, signature: hmac }, env).store.canWrite).toBe(false);
  expect(openStore({ url, write, signature: hmac }, { ...env, ...signing }).store.canWrite).toBe(true);
  expect(openStore({ url, write, signature: { kind: "ed25519", publicKeys: [] } }, env).store.canWrite).toBe(false);
});

withNginx("who cannot check a signature takes nothing", async () => {
  const { url } = await startNginx();
  await put(openStore({ url, write, signature: hmac }, { ...env, ...signing }).store, good);
  const { store, warnings } = openStore({ url, signature: hmac });

  expect(await get(store, key)).toBe(undefined);
  expect(warnings).toEqual([
    `No signature in ${url}/protected can be checked, because BT_KEY is not set; nothing of it is used`,
  ]);
});

withNginx.for([
  ["to check with", ed25519],
  ["at all", hmac],
] as const)("a pull request needs no key for its own domain, nor one %s", async ([, signature]) => {
  const { url } = await startNginx();
  const { store } = openStore({ url, write, signature }, pullRequest);

  await put(store, good);

  expect(await get(store, key)).toEqual({ bread: "bread" });
});

test("a pull request whose domain fails takes what the protected one says, and asks for its own no more", async () => {
  const { host, seen } = await startServer(({ url }, answer) =>
    answer.writeHead(url?.startsWith("/pr/") === true ? 500 : 404).end(),
  );
  const { store, warnings } = openStore({ url: `http://${host}` }, pullRequest);

  for (let n = 0; n < 2; n++) expect(await store.findResult(key, AbortSignal.timeout(50_000))).toBe(undefined);

  expect(warnings).toEqual([`GET http://${host}/pr/7/ac/${key} answered 500; pr/7 is not asked again`]);
  expect(seen.filter((line) => line.includes("/pr/7/"))).toHaveLength(1);
});

test("of two who write at once, the one whose result is lost learns what is kept", async () => {
  const files = new Map<string, Buffer>();
  const entry = `/protected/ac/${key}`;
  let later: Buffer | undefined; // What somebody else writes there right after.
  const { host } = await startServer((request, answer) => {
    const { url = "", method } = request;
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (method === "PUT") files.set(url, (url === entry ? later : undefined) ?? Buffer.concat(parts));
      answer.writeHead(files.has(url) ? 200 : 404).end(method === "GET" ? files.get(url) : undefined);
    });
  });
  const { store } = openStore({ url: `http://${host}`, write }, env);
  await put(store, evil);
  later = files.get(entry);
  files.delete(entry);

  expect(await put(store, good)).toEqual({ kept: evil.result });
});

test.each<[name: string, signature: Signature, key: string, problem: string]>([
  ["short", hmac, "short", "The signature key BT_KEY has 5 bytes, at least 16 are needed"],
  ["no PEM", ed25519, "no key", "The signature key BT_KEY is no key in PEM form"],
])("CACHE_SIGNATURE_KEY: %s", async (_, signature, text, message) => {
  const { store } = openStore({ url: "http://127.0.0.1:9", signature }, { BT_KEY: text });

  await expect(store.findResult(key, AbortSignal.timeout(50_000))).rejects.toMatchObject({
    code: "CACHE_SIGNATURE_KEY",
    message,
  });
});
