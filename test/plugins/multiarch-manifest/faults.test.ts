/** Publishing with bt while the registry fails: nothing is visible or everything is, and the next run completes. */
import type { IncomingMessage } from "node:http";
import { expect } from "vitest";
import { bakery, publishedDigest } from "../../support/bakery.ts";
import { startSpoiler, type Fault, type TestServer } from "../../support/fake-registry.ts";
import { digestAt } from "../../support/publish.ts";
import { startRegistry, writeAuthFile, writeHtpasswd } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "htpasswd");

const isBlob = ({ method = "", url = "" }: IncomingMessage): boolean =>
  /^(PUT|PATCH)$/.test(method) && url.includes("/blobs/");

/** Blobs that have arrived: an upload is finished by a PUT. */
function uploads(server: TestServer): number {
  return server.seen.filter((line) => line.startsWith("PUT") && line.includes("/blobs/uploads/")).length;
}

test.for<[string, (asked: IncomingMessage, first: boolean) => Fault | Promise<Fault>]>([
  [
    "every connection is cut once in the middle of a blob",
    (asked, first) => (isBlob(asked) && first ? "cut" : undefined),
  ],
  ["every request is answered with 500 once", (_, first) => (first ? 500 : undefined)],
  ["it is slow", async () => (await new Promise((resolve) => setImmediate(resolve)), undefined)],
])("a publish succeeds when %s", async ([, spoil]) => {
  const { host } = await startRegistry();
  const seen = new Set<string>();
  const proxy = await startSpoiler(host, (asked) => {
    const key = `${asked.method} ${asked.url?.replace(/\?.*/, "").replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "UUID")}`;
    const isFirst = !seen.has(key);
    seen.add(key);
    return spoil(asked, isFirst);
  });
  const p = await bakery(`${proxy.host}/bake`);

  const result = await p.bt("manifest:push");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await digestAt(host, "bake/oven", "latest")).toBe(publishedDigest(p));
});

test("a full registry ends the publish; when there is room again, only what is missing is sent", async () => {
  const { host } = await startRegistry();
  let [puts, isFull] = [0, true];
  const proxy = await startSpoiler(host, (asked) => (isBlob(asked) && isFull && ++puts > 2 ? 507 : undefined));
  const p = await bakery(`${proxy.host}/bake`);

  const full = await p.bt("manifest:push");
  const before = [await digestAt(host, "bake/oven", "1"), uploads(proxy)];
  isFull = false;
  const again = await p.bt("manifest:push");

  expect(full.exitCode).toBe(1);
  expect(full.stderr + full.stdout).toMatch(
    /has no room for sha256:\w{64} with its \d+ bytes \(507\); no tag was moved/,
  );
  expect(before[0]).toBeUndefined();
  expect(again.exitCode).toBe(0);
  // Three blobs: one layer that both platforms share, two configs. Each was refused or sent once, and none of those sent again.
  expect(uploads(proxy)).toBe(Number(before[1]) + 3 - 2);
  expect(await digestAt(host, "bake/oven", "1")).toBe(publishedDigest(p));
});

test("refused credentials: the file is named, the password is nowhere, nothing is sent", async () => {
  const { host } = await startRegistry({ htpasswd: await writeHtpasswd() });
  const file = await writeAuthFile(host, "baker:wrong-crumb");
  const p = await bakery(`${host}/bake`);

  const anonymous = await p.bt("manifest:push");
  const wrong = await p.btWith({ env: { REGISTRY_AUTH_FILE: file } }, "manifest:push");
  const right = await p.bt("manifest:push", `REGISTRY_AUTH_FILE=${await writeAuthFile(host)}`);

  expect(anonymous.exitCode).toBe(1);
  expect(anonymous.stderr + anonymous.stdout).toContain(
    `bt: ${host} refuses "bake/oven" without credentials (401); wanted repository:bake/oven:pull\n`,
  );
  expect(anonymous.stderr + anonymous.stdout).toContain(
    `Log in with \`skopeo login ${host}\`, or set REGISTRY_AUTH_FILE.`,
  );
  expect(anonymous.stderr + anonymous.stdout).toContain(
    `no login for ${host} in ${p.root}/.config/containers/auth.json\n`,
  );
  expect(wrong.exitCode).toBe(1);
  expect(wrong.stderr + wrong.stdout).toContain(`with the credentials of "${file}" (401)`);
  expect(wrong.stderr + wrong.stdout + JSON.stringify(wrong)).not.toContain("wrong-crumb");
  expect(right).toMatchObject({ exitCode: 0 });
});

test("a source that lacks a blob ends the publish before anything is sent", async () => {
  const { host } = await startRegistry();
  const proxy = await startSpoiler(host, () => undefined);
  const p = await bakery(`${proxy.host}/bake`);
  await p.bt("manifest:create");
  const { images } = { images: p.read(".bt/manifest/oven/index.json") };
  expect(images).toContain("oven");
  const builder = p.read("builderfile.ts").replace(/entries: build/, `entries: { amd64: { layout: "broken" } }`);
  p.write("builderfile.ts", builder);
  p.write("broken/oci-layout", '{"imageLayoutVersion":"1.0.0"}');
  p.write("broken/index.json", images);

  const result = await p.bt("manifest:push");

  expect(result.exitCode).toBe(1);
  expect(result.stderr + result.stdout).toMatch(/There is no blob sha256:\w{64} in layout "\S*broken"/);
  expect(proxy.seen).toEqual([]);
});

test("two runs of bt publish one tag: the later one says which digest it found, and the tag is the other's", async () => {
  const { host } = await startRegistry();
  const theirs = await bakery(`${host}/bake`, "theirs");
  let other: ReturnType<typeof theirs.bt> | undefined;
  const proxy = await startSpoiler(host, async (asked) => {
    // The index goes up by digest when phase 2 has read the tags.
    if (asked.method === "PUT" && asked.url?.includes("/manifests/sha256") === true)
      await (other ??= theirs.bt("manifest:push"));
    return undefined;
  });
  const mine = await bakery(`${proxy.host}/bake`, "mine");

  const result = await mine.bt("manifest:push");

  expect((await other)?.exitCode).toBe(0);
  expect(result.exitCode).toBe(1);
  expect(result.stderr + result.stdout).toContain(
    `${proxy.host}/bake/oven:1 was published by somebody else meanwhile: it stood for nothing and is ${publishedDigest(theirs)} now`,
  );
  expect(await digestAt(host, "bake/oven", "1")).toBe(publishedDigest(theirs));
});

test("SIGTERM while blobs are sent leaves nothing visible; the next run completes", async () => {
  const { host } = await startRegistry();
  let stop: (() => void) | undefined;
  const proxy = await startSpoiler(host, (asked) => (isBlob(asked) && (stop?.(), undefined), undefined));
  const p = await bakery(`${proxy.host}/bake`);
  const running = p.start({}, "manifest:push");
  stop = () => void running.child.kill("SIGTERM");

  const ended = await running.ended;
  const visible = await digestAt(host, "bake/oven", "1");
  stop = undefined;
  const again = await p.bt("manifest:push");

  expect([ended.signal ?? ended.exitCode, visible]).toEqual(["SIGTERM", undefined]);
  expect(again.exitCode).toBe(0);
});

test("SIGTERM while tags move puts the moved one back", async () => {
  const { host } = await startRegistry();
  const old = await bakery(`${host}/bake`, "old");
  await old.bt("manifest:push");
  let stop: (() => void) | undefined;
  const isTag = ({ method, url = "" }: IncomingMessage): boolean => method === "PUT" && url.endsWith("/manifests/1");
  const proxy = await startSpoiler(host, (asked) => (isTag(asked) && (stop?.(), undefined), undefined));
  const p = await bakery(`${proxy.host}/bake`, "new");
  const running = p.start({}, "manifest:push");
  stop = () => void running.child.kill("SIGTERM");

  const ended = await running.ended;

  expect(ended.signal ?? ended.exitCode).toBe("SIGTERM");
  expect(proxy.seen.filter((line) => line.startsWith("PUT /v2/bake/oven/manifests/1"))).toHaveLength(2);
  expect([await digestAt(host, "bake/oven", "1"), await digestAt(host, "bake/oven", "latest")]).toEqual([
    publishedDigest(old),
    publishedDigest(old),
  ]);
});
