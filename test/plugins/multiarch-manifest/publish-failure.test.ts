/** The publish barrier: all or nothing, whatever fails, whoever else publishes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { expect } from "vitest";
import { readBlob } from "../../../plugins/multiarch-manifest/layout.ts";
import { putManifest } from "../../../plugins/multiarch-manifest/registry.ts";
import { startSpoiler } from "../../support/fake-registry.ts";
import { makeIndex } from "../../support/group.ts";
import { startRegistry } from "../../support/registry.ts";
import { clientWith, digestAt, open, send } from "../../support/publish.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "skopeo");

test("publish() changes nothing, or everything, whichever request is the first that fails", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  await send([{ name: "rye", image: old, to: `${host}/bake/rye:1` }]);
  let outcome = "failed";

  for (let k = 1; outcome === "failed"; k++) {
    const proxy = await startSpoiler(host, (_, n) => (n >= k ? 500 : undefined));
    outcome = await send([{ name: "rye", image: fresh, to: `${proxy.host}/bake/rye:1` }]).then(
      () => "done",
      () => "failed",
    );
    const written = proxy.seen.slice(0, k - 1).some((line) => line === "PUT /v2/bake/rye/manifests/1");
    expect([k, await digestAt(host, "bake/rye", "1")]).toEqual([k, (written ? fresh : old).descriptor.digest]);
    if (written && outcome === "failed") await send([{ name: "rye", image: old, to: `${host}/bake/rye:1` }]);
  }

  expect(await digestAt(host, "bake/rye", "1")).toBe(fresh.descriptor.digest);
}, 600_000);

test("publish() moves no tag when the registry does not have what it has taken", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  await send([{ name: "rye", image: old, to: `${host}/bake/rye:1` }]);
  const own = `/v2/bake/rye/manifests/${fresh.descriptor.digest}`;
  const proxy = await startSpoiler(host, ({ method, url }) => (method !== "PUT" && url === own ? 404 : undefined));

  const sent = send([{ name: "rye", image: fresh, to: `${proxy.host}/bake/rye:1` }]);

  await expect(sent).rejects.toBeDefined();
  expect(proxy.seen).toContain(`PUT ${own}`);
  expect(await digestAt(host, "bake/rye", "1")).toBe(old.descriptor.digest);
});

test("publish() does not put a tag back that somebody else has published meanwhile", async () => {
  const { host } = await startRegistry();
  const [old, fresh, theirs] = [await makeIndex("old"), await makeIndex("new"), await makeIndex("theirs")];
  await send([{ name: "rye", image: old, to: `${host}/bake/rye:1`, alsoTags: ["latest"] }]);
  const proxy = await startSpoiler(host, async ({ method, url }) => {
    if (method !== "PUT" || url !== "/v2/bake/rye/manifests/latest") return undefined;
    await send([{ name: "rye", image: theirs, to: `${host}/bake/rye:1` }]);
    return 400;
  });

  const sent = send([{ name: "rye", image: fresh, to: `${proxy.host}/bake/rye:1`, alsoTags: ["latest"] }]);

  await expect(sent).rejects.toMatchObject({ code: "MANIFEST_ROLLED_BACK" });
  expect(await digestAt(host, "bake/rye", "1")).toBe(theirs.descriptor.digest);
  expect(await digestAt(host, "bake/rye", "latest")).toBe(old.descriptor.digest);
});

test("publish() puts tags back when a later one fails", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  await send([
    { name: "rye", image: old, to: `${host}/bake/rye:1`, alsoTags: ["latest"] },
    { name: "spelt", image: old, to: `${host}/bake/spelt:1` },
  ]);
  const proxy = await startSpoiler(host, (asked) =>
    asked.method === "PUT" && asked.url === "/v2/bake/spelt/manifests/1" ? 400 : undefined,
  );
  const group = [
    { name: "rye", image: fresh, to: `${proxy.host}/bake/rye:1`, alsoTags: ["latest"] },
    { name: "spelt", image: fresh, to: `${proxy.host}/bake/spelt:1` },
  ];

  await expect(send(group)).rejects.toMatchObject({
    code: "MANIFEST_ROLLED_BACK",
    message: `${proxy.host}/bake/spelt:1 and what belongs to it could not be published: every tag is as it was before`,
    detail: [`PUT http://${proxy.host}/v2/bake/spelt/manifests/1 answered 400`],
    fix: "Publish again when the cause is gone.",
  });

  const digests = [
    await digestAt(host, "bake/rye", "1"),
    await digestAt(host, "bake/rye", "latest"),
    await digestAt(host, "bake/spelt", "1"),
  ];
  expect(digests).toEqual(Array(3).fill(old.descriptor.digest));
});

test("publish() lists tags that a registry cannot remove again", async () => {
  const { host } = await startRegistry();
  const image = await makeIndex("rye");
  const proxy = await startSpoiler(host, (asked) =>
    asked.method === "PUT" && asked.url?.endsWith("/latest") === true ? 400 : undefined,
  );

  await expect(
    send([{ name: "rye", image, to: `${proxy.host}/bake/rye:1`, alsoTags: ["latest"] }]),
  ).rejects.toMatchObject({
    message: `${proxy.host}/bake/rye:latest and what belongs to it could not be published: some tags could not be put back`,
    detail: [
      expect.any(String),
      `${proxy.host}/bake/rye:1: stands for ${image.descriptor.digest} and this registry cannot remove tags`,
    ],
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

  const results = await Promise.allSettled(
    images.map((image) => send([{ name: "rye", image, to: `${host}/bake/rye:1` }], { lockFolder, beforeTags })),
  );

  expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(results.find((result) => result.status === "rejected")).toMatchObject({
    reason: { code: "MANIFEST_TAG_MOVED" },
  });
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
    const child = spawn(
      process.execPath,
      [program, JSON.stringify({ name: "rye", image, to: spoilt, alsoTags: ["latest"] }), phase, journal],
      { stdio: "inherit" },
    );
    expect([phase, (await once(child, "exit"))[1]]).toEqual([phase, "SIGKILL"]);
    const now = [await digestAt(host, `bake/${phase}`, "1"), await digestAt(host, `bake/${phase}`, "latest")];
    const moved = { between: [image, old], "read-back": [image, image] }[phase] ?? [old, old];
    expect([phase, now]).toEqual([phase, moved.map((one) => one.descriptor.digest)]);

    await send([{ name: "rye", image, to, alsoTags: ["latest"] }], { journal });

    expect(await digestAt(host, `bake/${phase}`, "1")).toBe(image.descriptor.digest);
    expect(await digestAt(host, `bake/${phase}`, "latest")).toBe(image.descriptor.digest);
  }
}, 600_000);

test("publish() leaves a read-only registry alone", async () => {
  const { host } = await startRegistry({ readOnly: true });
  const proxy = await startSpoiler(host, () => undefined);

  await expect(
    send([{ name: "rye", image: await makeIndex("rye"), to: `${proxy.host}/bake/rye:1` }]),
  ).rejects.toMatchObject({
    code: "REGISTRY_PUSH_DENIED",
    exitCode: 1,
  });

  expect(proxy.seen.filter((line) => /^(PUT|PATCH)/.test(line))).toEqual([]);
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

  await expect(
    send([{ name: "rye", image: fresh, to: `${proxy.host}/bake/rye:1`, alsoTags: ["latest"] }], { client }),
  ).rejects.toMatchObject({ name: "AbortError" });

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
  const moves = ["1", "latest"].map((tag) => ({
    reference: `${host}/bake/rye:${tag}`,
    from: old.descriptor.digest,
    to: digest,
  }));
  await send([{ name: "rye", image: fresh, to }]);
  await writeFile(journal, JSON.stringify({ schema: 1, phase: "tags", moves }));
  const sentences: string[] = [];

  await send([{ name: "rye", image: fresh, to, alsoTags: ["latest"] }], {
    journal,
    onStep: (_, sentence) => void sentences.push(sentence),
  });

  expect(sentences).toContain(`an interrupted run may have moved some of ${host}/bake/rye:1, ${host}/bake/rye:latest`);
  expect(await digestAt(host, "bake/rye", "latest")).toBe(digest);
  await expect(readFile(journal)).rejects.toMatchObject({ code: "ENOENT" });
});
