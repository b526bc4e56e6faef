/** What other programs see of what bt publishes, and what bt says when it is given something wrong. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { fetchImage, publishGroup, referrers, storeImage, verify } from "../../../plugins/multiarch-manifest/index.ts";
import { createLayout, readEntries, writeBlob } from "../../../plugins/multiarch-manifest/layout.ts";
import { mediaTypes, type Descriptor } from "../../../plugins/multiarch-manifest/oci.ts";
import type { Attachment } from "../../../plugins/multiarch-manifest/referrers.ts";
import { bakery, publishedDigest } from "../../support/bakery.ts";
import { startSpoiler } from "../../support/fake-registry.ts";
import { makeIndex } from "../../support/group.ts";
import { writeImage } from "../../support/image.ts";
import { until } from "../../support/processes.ts";
import { project } from "../../support/project.ts";
import { clientWith, digestAt, send } from "../../support/publish.ts";
import { startRegistry, writeCertificate, writeHtpasswd } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "skopeo", "openssl", "htpasswd");

const adhoc = `import { defineBuilder } from "builderfile";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
export default defineBuilder({ plugins: [multiarchManifest()] });
`;

/** A Docker daemon of this test: no bridge, nothing of the machine's own. */
async function startDocker(): Promise<(...words: string[]) => Promise<string>> {
  const dir = await temporaryFolder();
  const socket = `unix://${dir}/docker.sock`;
  const paths = ["data-root", "exec-root"].flatMap((name) => [`--${name}`, join(dir, name)]);
  const own = [
    "--pidfile",
    join(dir, "pid"),
    "-H",
    socket,
    "--storage-driver",
    "vfs",
    "--config-file",
    join(dir, "none"),
  ];
  fs.writeFileSync(join(dir, "none"), "{}");
  const daemon = spawn("dockerd", ["--bridge=none", "--iptables=false", ...paths, ...own], { stdio: "ignore" });
  onTestFinished(async () => {
    if (daemon.exitCode !== null) return;
    const ended = once(daemon, "exit");
    daemon.kill("SIGTERM");
    await ended;
  });
  await until(() => fs.existsSync(join(dir, "docker.sock")) || daemon.exitCode !== null);
  return (...words) => run("docker", ["-H", socket, ...words], { DOCKER_CONFIG: dir });
}

testWith(
  "docker-registry",
  "dockerd",
  "docker",
)("dockerd pulls the index by digest and gets the image of its platform", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`${host}/bake`);
  await p.bt("manifest:push");
  const docker = await startDocker();
  const reference = `${host}/bake/oven@${publishedDigest(p)}`;

  await docker("pull", "-q", reference);

  const { images } = JSON.parse(p.read(".bt/manifest/digests.json")) as {
    images: { oven: { platforms: Record<string, { imageId: string }> } };
  };
  const arch = (await docker("version", "--format", "{{.Server.Arch}}")).trim();
  const id = (await docker("image", "inspect", "--format", "{{.Id}}", reference)).trim();
  expect(id).toBe(images.oven.platforms[`linux/${arch}`]?.imageId);
});

test("what is attached goes up with the image, its list before the tags; the second time nothing is sent", async () => {
  const { host } = await startRegistry();
  const proxy = await startSpoiler(host, () => undefined);
  const image = await makeIndex("rye");
  const config = { mediaType: mediaTypes.oci.empty, ...(await writeBlob(image.layout, Buffer.from("{}"))) };
  const sbom = { mediaType: "application/spdx+json", ...(await writeBlob(image.layout, Buffer.from('{"spdx":1}'))) };
  const attachment: Attachment = { artifactType: "application/spdx+json", config, layers: [sbom] };
  const item = { name: "rye", image, to: `${proxy.host}/bake/rye:1`, attachments: [attachment] };

  await send([item]);
  const sent = proxy.seen
    .filter((line) => line.startsWith("PUT") && line.includes("/manifests/"))
    .map((line) => line.split("/").at(-1));
  const again = await publishGroup([item], { client: clientWith() });

  const [listed] = await referrers(`${host}/bake/rye:1`, {
    client: clientWith(),
    artifactType: "application/spdx+json",
  });
  expect(listed).toMatchObject({ artifactType: "application/spdx+json" });
  expect(sent.slice(-3)).toEqual([listed?.digest, image.descriptor.digest.replace(":", "-"), "1"]);
  expect(again).toMatchObject([{ status: "unchanged" }]);
});

test("images of another repository of the registry are mounted and never travel", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`${host}/bake`);
  await p.bt("manifest:push");
  const proxy = await startSpoiler(host, () => undefined);
  fs.rmSync(join(p.root, ".bt"), { recursive: true });
  p.write("builderfile.ts", adhoc);

  const result = await p.bt("manifest:push", `IMAGE=${proxy.host}/copy/oven:1`, `SOURCES=${proxy.host}/bake/oven:1`);

  expect(result.exitCode).toBe(0);
  expect(proxy.seen.filter((line) => line.includes("?mount="))).toHaveLength(3);
  expect(proxy.seen.filter((line) => /^(PUT|PATCH) .*\/blobs\//.test(line))).toEqual([]);
  // Two configs and no layer.
  expect(proxy.seen.filter((line) => /^GET .*\/blobs\//.test(line))).toHaveLength(4);
});

test("layers of another registry are sent on; a layout is filled from a registry", async () => {
  const [from, to] = [await startRegistry(), await startRegistry()];
  const p = await bakery(`${from.host}/bake`);
  await p.bt("manifest:push");
  fs.rmSync(join(p.root, ".bt"), { recursive: true });
  p.write("builderfile.ts", adhoc);

  const registry = await p.bt("manifest:push", `IMAGE=${to.host}/copy/oven:1`, `SOURCES=${from.host}/bake/oven:1`);
  const layout = await p.bt("manifest:push", "IMAGE=oci:out:1", `SOURCES=${from.host}/bake/oven:1`);

  expect([registry.exitCode, layout.exitCode]).toEqual([0, 0]);
  const client = clientWith();
  expect((await verify(`${to.host}/copy/oven:1`, { client, deep: true })).findings).toEqual([]);
  expect((await verify(`oci:${p.root}/out:1`, { client, deep: true })).findings).toEqual([]);
});

test("eight jobs export into one layout at once", async () => {
  const sources = await Promise.all(
    Array.from({ length: 8 }, async (_, n) => writeImage({ files: { loaf: `number ${n}` }, name: `${n}` })),
  );
  const into = await createLayout(await temporaryFolder());

  await Promise.all(
    sources.map(({ layout }, n) =>
      fetchImage(`oci:${layout.dir}:${n}`, "amd64", into, { entryName: `${n}`, client: clientWith() }),
    ),
  );

  expect((await readEntries(into)).map((entry) => entry.digest)).toEqual(
    sources.map(({ manifest }) => manifest.digest),
  );
});

test("storeImage() puts an image into engine storage, where its ID is the same", async () => {
  const dir = await temporaryFolder();
  fs.writeFileSync(
    join(dir, "storage.conf"),
    `[storage]\ndriver = "vfs"\ngraphroot = "${dir}/graph"\nrunroot = "${dir}/run"\n`,
  );
  const image = await writeImage();
  const env = { PATH: process.env["PATH"] ?? "", HOME: dir, CONTAINERS_STORAGE_CONF: join(dir, "storage.conf") };

  const id = await storeImage(image.layout, image.manifest.digest, { name: "localhost/bt/test/oven", env });

  const shown = await run("skopeo", ["inspect", "--config", "--raw", "containers-storage:localhost/bt/test/oven"], env);
  expect(id).toBe(image.config.digest);
  expect(JSON.parse(shown)).toMatchObject({ architecture: "amd64" });
});

test("an image of engine storage is published by its bare ID, the engine shown; an unknown one asks no registry", async () => {
  const { host } = await startRegistry();
  const p = await project({ "builderfile.ts": adhoc });
  p.write("storage.conf", `[storage]\ndriver = "vfs"\ngraphroot = "${p.root}/graph"\nrunroot = "${p.root}/run"\n`);
  const store = { CONTAINERS_STORAGE_CONF: `${p.root}/storage.conf` };
  const image = await writeImage();
  await run("skopeo", ["copy", "-q", `oci:${image.layout.dir}:1`, "containers-storage:localhost/oven:1"], store);
  const id = image.config.digest.replace("sha256:", "");
  const dead = { HTTP_PROXY: "http://127.0.0.1:1", HTTPS_PROXY: "http://127.0.0.1:1" };

  const known = await p.btWith(
    { env: store },
    "manifest:push",
    `IMAGE=${host}/bake/oven:1`,
    `SOURCES=containers-storage:${id}`,
  );
  const unknown = await p.btWith(
    { env: { ...store, ...dead } },
    "manifest:create",
    "IMAGE=oci:out:1",
    "SOURCES=containers-storage:quay.io/none:1",
  );

  expect(known.stdout).toContain(`$ skopeo copy --quiet containers-storage:${id} oci:`);
  const { images } = JSON.parse(p.read(".bt/manifest/digests.json")) as {
    images: { oven: { platforms: Record<string, { imageId: string }> } };
  };
  expect(images.oven.platforms["linux/amd64"]?.imageId).toBe(image.config.digest);
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stderr + unknown.stdout).toContain(
    'finds no image "quay.io/none:1" in the local storage; no registry was asked',
  );
});

test("the password of a credential helper is in no command line and no environment, nor in what bt writes", async () => {
  const { host } = await startRegistry({ htpasswd: await writeHtpasswd() });
  const p = await bakery(`${host}/bake`);
  // Looks at all processes while bt waits for it.
  p.write(
    "bin/docker-credential-pantry",
    `#!/bin/sh
cat /proc/[0-9]*/cmdline >> "$HOME/cmdlines" 2>/dev/null
env >> "$HOME/environment"
printf '{"ServerURL":"%s","Username":"baker","Secret":"crumb"}' "$(cat)"
`,
  );
  fs.chmodSync(join(p.root, "bin/docker-credential-pantry"), 0o755);
  p.write("auth.json", JSON.stringify({ credHelpers: { [host]: "pantry" } }));
  const env = { PATH: `${p.root}/bin:${process.env["PATH"] ?? ""}`, REGISTRY_AUTH_FILE: `${p.root}/auth.json` };

  const result = await p.btWith({ env }, "manifest:push");

  expect(result.exitCode).toBe(0);
  const written = fs
    .readdirSync(join(p.root, ".bt"), { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && !entry.parentPath.includes("/blobs/") && !entry.parentPath.endsWith("/builder"),
    )
    .map((entry) => fs.readFileSync(join(entry.parentPath, entry.name), "utf8"));
  const everything = [p.read("cmdlines"), p.read("environment"), result.stdout, result.stderr, ...written].join("\n");
  expect(everything).toContain("manifest:push");
  expect(everything).not.toMatch(/crumb|YmFrZXI6Y3J1bWI/);
});

test("TLS: an unknown CA names both remedies, and both work; TLS_VERIFY=yes forbids plain HTTP on loopback", async () => {
  const tls = await writeCertificate();
  const [secure, plain] = [await startRegistry({ tls }), await startRegistry()];
  const p = await bakery(`${secure.host}/bake`);
  const other = await bakery(`${plain.host}/bake`);

  const refused = await p.bt("manifest:push");
  const unchecked = await p.bt("manifest:push", "TLS_VERIFY=no");
  p.write(`.config/containers/certs.d/${secure.host}/ca.crt`, fs.readFileSync(tls.certificate, "utf8"));
  const trusted = await p.bt("manifest:verify");
  const forbidden = await other.bt("manifest:push", "TLS_VERIFY=yes");

  expect(refused.exitCode).toBe(1);
  expect(refused.stderr + refused.stdout).toContain(
    `bt: The certificate of ${secure.host} is not trusted: self-signed certificate\n`,
  );
  expect(refused.stderr + refused.stdout).toContain(`certs.d/${secure.host}/ca.crt, or set TLS_VERIFY=false.`);
  expect([unchecked.exitCode, trusted.exitCode, forbidden.exitCode]).toEqual([0, 0, 1]);
  expect(forbidden.stderr + forbidden.stdout).toContain(`bt: ${plain.host} does not speak https\n`);
});

test("publish() tasks take TLS_VERIFY from the environment", async () => {
  const { host } = await startRegistry({ tls: await writeCertificate() });
  const p = await bakery("quay.io/bake");
  const builder = p
    .read("builderfile.ts")
    .replaceAll("multiarchManifest", "publish")
    .replace(/const images = .*/, "");
  const release = `publish({ images: build, to: "${host}/bake/rye:1" })`;
  p.write(
    "builderfile.ts",
    builder.replace(/export default .*/, `export default defineBuilder({ tasks: { build, release: ${release} } });`),
  );

  const refused = await p.bt("release");
  const unchecked = await p.btWith({ env: { TLS_VERIFY: "false" } }, "release");

  expect([refused.exitCode, unchecked.exitCode]).toEqual([1, 0]);
  expect(refused.stderr + refused.stdout).toContain("is not trusted");
});

test("whatever is wrong with a platform, the registry stays as it was: a config that its index belies, one missing, unknown or twice", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`${host}/bake`);
  await p.bt("manifest:push");
  const { layout, children } = await makeIndex("rye");
  const [amd64, arm64] = children.map(({ descriptor }) => descriptor) as [Descriptor, Descriptor];
  const manifests = [amd64, { ...amd64, platform: arm64.platform }];
  const text = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.oci.index, manifests });
  const belied = await writeBlob(layout, Buffer.from(text));
  const tags = async (): Promise<unknown> => (await fetch(`http://${host}/v2/bake/oven/tags/list`)).json();
  const before = [await tags(), await digestAt(host, "bake/oven", "1")];
  const one = `oci:${layout.dir}@${amd64.digest}`;

  const results = [];
  for (const words of [
    [`SOURCES=oci:${layout.dir}@${belied.digest}`],
    [`SOURCES=arm64=oci:${layout.dir}@${belied.digest}`],
    [`SOURCES=arm64=${one}`],
    [`SOURCES=${one}`, "PLATFORMS=s390x"],
    [`SOURCES=bogus=${one}`],
    [`SOURCES=amd64=${one},x86_64=${one}`],
  ])
    results.push(await p.bt("manifest:push", `IMAGE=${host}/bake/oven:1`, ...words));

  const mismatch = `@${amd64.digest} is listed as linux/arm64, its config says linux/amd64\n`;
  expect(results.map(({ exitCode }) => exitCode)).toEqual([1, 1, 1, 1, 2, 2]);
  expect(results.map(({ stdout, stderr }) => stdout + stderr)).toEqual(
    [
      mismatch,
      mismatch,
      "has no image for arm64; it has linux/amd64\n",
      'The index "oven" misses s390x\n',
      'There is no architecture "bogus"\n',
      'The index "oven" has two entries for amd64\n',
    ].map((problem) => expect.stringContaining(problem) as string),
  );
  expect([await tags(), await digestAt(host, "bake/oven", "1")]).toEqual(before);
});

test("a read-only registry is left alone", async () => {
  const { host } = await startRegistry({ readOnly: true });
  const p = await bakery(`${host}/bake`);

  const result = await p.bt("manifest:push");

  expect(result.exitCode).toBe(1);
  expect(result.stderr + result.stdout).toContain(`${host} is read-only for "bake/oven" (405)`);
  expect(await digestAt(host, "bake/oven", "1")).toBeUndefined();
});

test.for<[string, string, string]>([
  ["IMAGE=quay.io/Foo/bar:1 SOURCES=oci:x", "IMAGE", 'has upper-case letters in its repository, at character 9: "Foo"'],
  ["IMAGE=quay.io/bar: SOURCES=oci:x", "IMAGE", 'ends with an empty tag, at character 12: ":"'],
  [
    "IMAGE=quay.io/bar:a+b SOURCES=oci:x",
    "IMAGE",
    'has a tag with characters that are not allowed, at character 13: "a+b"',
  ],
  ["IMAGE=quay.io/bar SOURCES=oci:x", "", 'The image "bar" has no tags'],
  ["IMAGE=containers-storage:bar SOURCES=oci:x", "", "is the storage of container engines"],
  ["IMAGE=quay.io/bar:1 SOURCES=armhfp=oci:x", "SOURCES", 'There is no architecture "armhfp"'],
  ["IMAGE=quay.io/bar:1 SOURCES=x86=oci:x", "SOURCES", 'There is no architecture "x86"'],
  [
    "IMAGE=quay.io/bar:1 SOURCES=oci-archive:x.tar",
    "SOURCES",
    '"oci-archive:" in "oci-archive:x.tar" is none of the transports',
  ],
  ["IMAGE=quay.io/bar:1 SOURCES=arm64=oci:x,aarch64=oci:y", "SOURCES", 'The index "bar" has two entries for arm64'],
  ["IMAGE=quay.io/bar:1 SOURCES=oci:x PLATFORMS=arm46", "PLATFORMS", 'There is no architecture "arm46"'],
  ["IMAGE=quay.io/bar:1 SOURCES=oci:x TAGS=-a", "TAGS", 'The tag "-a" of image'],
  ["IMAGE=quay.io/bar:1 SOURCES=oci:x ALLOW_MISSING=sparc", "ALLOW_MISSING", 'There is no architecture "sparc"'],
  ["IMAGE=quay.io/bar:1 SOURCES=oci:x TLS_VERIFY=perhaps", "", "perhaps"],
  ["SOURCES=oci:x", "SOURCES", "nothing says its name"],
  ["IMAGE=oven", "IMAGE", '"oven" is none of the images: the builderfile declares none'],
  ["", "", "The builderfile declares no images"],
])("bad input: %s", async ([words, where, problem]) => {
  const p = await project({ "builderfile.ts": adhoc });

  const result = await p.bt("manifest:push", ...words.split(" ").filter((word) => word !== ""));

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(problem);
  if (where !== "") expect(result.stderr).toContain(`  at   ${where}\n`);
  expect(result.stderr).toContain("\n  fix  ");
});

test.for<[string, string]>([
  [
    `name: "quay.io/bake/oven:1", tags: ["1"], entries: { amd64: { ref: "quay.io/a/b:1" } }`,
    'The name of image "oven" has a tag or a digest',
  ],
  [`name: "quay.io/bake/oven", tags: [], entries: { amd64: { ref: "quay.io/a/b:1" } }`, 'The image "oven" has no tags'],
  [
    `name: "quay.io/bake/oven", tags: ["a b"], entries: { amd64: { ref: "quay.io/a/b:1" } }`,
    'The tag "a b" of image "oven"',
  ],
  [
    `name: "quay.io/bake/oven", tags: ["1"], entries: { amd64: { ref: "quay.io/A/b:1" } }`,
    "has upper-case letters in its repository, at character 9",
  ],
  [
    `name: "quay.io/bake/oven", tags: ["1"], entries: { armhf7: { ref: "quay.io/a/b:1" } }`,
    'There is no architecture "armhf7"',
  ],
  [
    `name: "quay.io/bake/oven", tags: ["1"], entries: { amd64: { ref: "quay.io/a/b:1" }, x86_64: { ref: "quay.io/a/b:1" } }`,
    'The index "oven" has two entries for amd64',
  ],
  [`name: "quay.io/bake/oven", tags: ["1"], entries: []`, 'The index "oven" has no entries'],
])("bad builderfile: %s", async ([spec, problem]) => {
  const p = await project({ "builderfile.ts": adhoc.replace("()]", `({ images: { oven: { ${spec} } } })]`) });

  const result = await p.bt("manifest:push");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(problem);
  expect(result.stderr).toContain("  at   builderfile.ts:3:");
});

test("bad builderfile: two images at one reference", async () => {
  const spec = `{ name: "quay.io/bake/oven", tags: ["1"], entries: { amd64: { ref: "quay.io/a/b:1" } } }`;
  const images = `({ images: { oven: ${spec}, stove: ${spec} } })]`;
  const p = await project({ "builderfile.ts": adhoc.replace("()]", images) });

  const result = await p.bt("manifest:push");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain('The images "oven" and "stove" are both published as quay.io/bake/oven:1');
});

test("bad builderfile: a group with an unknown image, a platform nobody has, a task that builds no image", async () => {
  const images = `images: { oven: { name: "oci:out", tags: ["1"], entries: { amd64: { task: build } } } }`;
  const text = (options: string): string =>
    adhoc
      .replace(`import { defineBuilder }`, "import { defineBuilder, task }")
      .replace(
        "export default defineBuilder({ plugins: [multiarchManifest()] })",
        `const build = task({ run: () => "bread" }) as never;\nexport default defineBuilder({ plugins: [multiarchManifest(${options})], tasks: { build } })`,
      );
  const [group, platform] = [
    await project({ "builderfile.ts": text(`{ publishGroup: [["ovn"]], ${images} }`) }),
    await project({ "builderfile.ts": text(`{ ${images} }`) }),
  ];

  const whole = await project({
    "builderfile.ts": text(`{ images: { oven: { name: "oci:out", tags: ["1"], entries: build } } }`),
  });

  const uncut = await whole.bt("manifest:push");
  const unknown = await group.bt("manifest:push");
  const unoffered = await platform.bt("manifest:push", "manifest:create:oven.PLATFORMS=s390x");
  const noImage = await platform.bt("manifest:push");

  expect(uncut).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('The index "oven" is made of a task without a cell for each platform\n'),
  });
  expect(unknown.stderr).toMatch(/publishGroup names "ovn", which is none of the images\n[^]*Use "oven"\./);
  expect(unoffered).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('The image "oven" has no entry for s390x'),
  });
  expect(noImage.stderr + noImage.stdout).toContain('source of linux/amd64 in image "oven" has built no image for it');
});
