/** Moving tags of the real registry to what it holds already. skopeo judges the result. */
import { expect } from "vitest";
import { findImage, retag } from "../../../plugins/multiarch-manifest/index.ts";
import { startSpoiler } from "../../support/fake-registry.ts";
import { makeIndex } from "../../support/group.ts";
import { startRegistry } from "../../support/registry.ts";
import { clientWith, digestAt, send } from "../../support/publish.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "skopeo");

/** Two indexes in one repository: `:1` of rye, `:2` of spelt. */
async function twoLoaves(host: string): Promise<{ readonly rye: string; readonly spelt: string }> {
  const rye = await makeIndex("rye", ["amd64", "arm/v7"]);
  const spelt = await makeIndex("spelt", ["amd64", "arm64"]);
  await send([{ name: "rye", image: rye, to: `docker://${host}/bake/bread:1` }]);
  await send([{ name: "spelt", image: spelt, to: `docker://${host}/bake/bread:2` }]);
  return { rye: rye.descriptor.digest, spelt: spelt.descriptor.digest };
}

test("retag() makes other tags stand for the same bytes, and sends nothing else", async () => {
  const { host } = await startRegistry();
  const { spelt, rye } = await twoLoaves(host);
  const proxy = await startSpoiler(host, () => undefined);
  const place = `${proxy.host}/bake/bread`;
  const asked: string[] = [];

  const digest = await retag(`${place}@${spelt}`, [`${place}:1`, `${place}:2`, `docker://${place}:new`], {
    client: clientWith(),
    beforeTags: async (references) => void asked.push(...references),
  });

  expect(digest).toBe(spelt);
  expect(asked).toEqual([`${place}:1`, `${place}:new`]);
  expect(proxy.seen.filter((line) => /^(POST|PUT|PATCH|DELETE)/.test(line))).toEqual([
    "PUT /v2/bake/bread/manifests/1",
    "PUT /v2/bake/bread/manifests/new",
  ]);
  const raw = (tag: string): Promise<string> =>
    run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/bake/bread:${tag}`]);
  expect(await raw("1")).toBe(await raw("2"));
  expect(await raw("new")).toBe(await raw("2"));
  expect(await digestAt(host, "bake/bread", rye)).toBe(rye);
});

test("retag() puts the first tag back when the second one is refused", async () => {
  const { host } = await startRegistry();
  const { spelt, rye } = await twoLoaves(host);
  const proxy = await startSpoiler(host, ({ method, url }) =>
    method === "PUT" && url?.endsWith("/manifests/latest") === true ? 403 : undefined,
  );
  const place = `${proxy.host}/bake/bread`;

  const moving = retag(`${place}:2`, [`${place}:1`, `${place}:latest`], {
    client: clientWith(),
    lockFolder: await temporaryFolder(),
  });

  await expect(moving).rejects.toMatchObject({ code: "MANIFEST_ROLLED_BACK" });
  expect(await digestAt(host, "bake/bread", "1")).toBe(rye);
  expect(await digestAt(host, "bake/bread", "2")).toBe(spelt);
  expect(await digestAt(host, "bake/bread", "latest")).toBeUndefined();
});

test("retag() refuses another repository, a digest as a name, and an image that is not there", async () => {
  const { host } = await startRegistry();
  await twoLoaves(host);
  const from = `${host}/bake/bread:1`;
  const options = { client: clientWith() };

  await expect(retag(from, [`${host}/bake/cake:1`], options)).rejects.toMatchObject({
    code: "MANIFEST_RETAG",
    message: `"${host}/bake/cake:1" is no tag beside ${from}: only names of one repository can be moved`,
  });
  await expect(retag(from, [`${host}/bake/bread@sha256:${"0".repeat(64)}`], options)).rejects.toMatchObject({
    code: "MANIFEST_DESTINATION",
  });
  await expect(retag("oci:out:1", [from], options)).rejects.toMatchObject({
    code: "MANIFEST_REGISTRY_WANTED",
    message: '"oci:out:1" is no image of a registry',
  });
  await expect(retag(`${host}/bake/bread:9`, [from], options)).rejects.toMatchObject({
    code: "REGISTRY_MANIFEST_MISSING",
  });
});

test("findImage() tells an index, an image and nothing apart", async () => {
  const { host } = await startRegistry();
  const { rye } = await twoLoaves(host);
  const options = { client: clientWith() };
  const place = `${host}/bake/bread`;

  const index = await findImage(`${place}:1`, options);
  const { manifests } = JSON.parse(
    await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${place}:1`]),
  ) as { manifests: { digest: string }[] };

  expect(index).toEqual({
    digest: rye,
    mediaType: "application/vnd.oci.image.index.v1+json",
    kind: "index",
    platforms: ["linux/amd64", "linux/arm/v7"],
  });
  expect(await findImage(`${place}@${manifests[1]!.digest}`, options)).toMatchObject({
    kind: "image",
    platforms: ["linux/arm/v7"],
  });
  expect(await findImage(`${place}:9`, options)).toBeUndefined();
});
