/** Stages on top of images and of each other: layers, whiteouts, triggers, platforms. */
import { gzipSync } from "node:zlib";
import { pack, type Header } from "tar-stream";
import { expect, test } from "vitest";
import { hostPlatform, type Arch } from "../../../core/index.ts";
import {
  createLayout,
  mediaTypes,
  writeBlob,
  type Descriptor,
  type Layout,
} from "../../../plugins/multiarch-manifest/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { build, buildAndSee, seeImage, seeLayer } from "./rig.ts";

test("a base image keeps its layers and config; its whiteouts, links and names count", async () => {
  const base = await writeBase([
    [
      { name: "./", type: "directory", mode: 0o755 },
      { name: "usr/bin/", type: "directory", mode: 0o755 },
      { name: "bin", type: "symlink", linkname: "usr/bin" },
      { name: "etc/passwd", text: "baker:x:70:71::/:/bin/sh\n" },
      { name: "gone/file", text: "1" },
      { name: "opaque/old", text: "1" },
      { name: "usr/bin/mix", text: "first", mode: 0o755, uid: 3, gid: 4 },
    ],
    [
      { name: "opaque/new", text: "2" },
      { name: "opaque/.wh..wh..opq", text: "" },
      { name: "gone/.wh.file", text: "" },
      { name: "usr/bin/stir", type: "link", linkname: "usr/bin/mix" },
    ],
  ]);

  const { image } = await build(
    {
      Dockerfile:
        'FROM shop/base:1 AS base\nCOPY --chown=baker bread /bin/\nENTRYPOINT ["mix"]\nFROM scratch\nCOPY --from=base / /all/\nCOPY --from=shop/base:1 /bin/s* /opaque /picked/\n',
      bread: "rye",
    },
    { layout: base.layout, resolveBase: base.resolve },
  );
  const based = await build(
    { Dockerfile: 'FROM shop/base:1\nCOPY --chown=baker bread /bin/\nENTRYPOINT ["mix"]\n', bread: "rye" },
    { layout: base.layout, resolveBase: base.resolve },
  );

  expect((await seeImage(base.layout, image.digest)).files).toEqual([
    "all directory 755 0:0",
    "all/bin symlink 777 0:0 -> usr/bin",
    "all/etc directory 755 0:0",
    'all/etc/passwd file 644 0:0 "baker:x:70:71::/:/bin/sh\\n"',
    "all/gone directory 755 0:0",
    "all/opaque directory 755 0:0",
    'all/opaque/new file 644 0:0 "2"',
    "all/usr directory 755 0:0",
    "all/usr/bin directory 755 0:0",
    'all/usr/bin/bread file 644 70:71 "rye"',
    'all/usr/bin/mix file 755 3:4 "first"',
    'all/usr/bin/stir file 755 3:4 "first"',
    "picked directory 755 0:0",
    'picked/new file 644 0:0 "2"',
    'picked/stir file 755 3:4 "first"',
  ]);
  const seen = await seeImage(base.layout, based.image.digest);
  expect(seen.layers.map(({ mediaType }) => mediaType)).toEqual(
    Array.from({ length: 3 }, () => mediaTypes.oci.layerGzip),
  );
  expect([...(await seeLayer(base.layout, seen.layers[2]!.digest)).keys()]).toEqual(["usr/bin/bread"]);
  expect(seen.config).toEqual({ Env: ["FLOUR=rye"], Entrypoint: ["mix"] });
  expect(seen.document.history).toHaveLength(4);
  expect(base.asked).toEqual(["shop/base:1 amd64", "shop/base:1 amd64"]);
});

test("triggers of a stage run in the stage on top of it, once", async () => {
  const seen = await buildAndSee({
    Dockerfile:
      "FROM scratch AS base\nARG N=1\nONBUILD COPY bread /bread\nONBUILD ENV BAKED=yes\nFROM base AS next\nFROM next\nLABEL a=$BAKED\n",
    bread: "rye",
  });

  expect(seen.files).toEqual(['bread file 644 0:0 "rye"']);
  expect(seen.layers).toHaveLength(1);
  expect(seen.config["OnBuild"]).toBeUndefined();
  expect(seen.config["Labels"]).toEqual({ a: "yes" });
});

test("the platform decides arguments, config and base; a stage for the build platform stays one", async () => {
  const base = await writeBase([[{ name: "tool", text: "x" }]]);
  const { image } = await build(
    {
      Dockerfile:
        "FROM --platform=$BUILDPLATFORM shop/base:1 AS tools\nFROM scratch\nARG TARGETPLATFORM\nARG TARGETARCH\nARG TARGETVARIANT\nARG TARGETOS\nCOPY --from=tools tool /\nLABEL p=$TARGETPLATFORM a=$TARGETARCH v=$TARGETVARIANT o=$TARGETOS\n",
    },
    { layout: base.layout, resolveBase: base.resolve, platform: "arm/v7" },
  );
  const { document } = await seeImage(base.layout, image.digest);

  expect(base.asked).toEqual([`shop/base:1 ${hostPlatform().goarch}`]);
  expect(image.platform).toBe("linux/arm/v7");
  expect(document).toMatchObject({
    architecture: "arm",
    variant: "v7",
    os: "linux",
    config: { Labels: { p: "linux/arm/v7", a: "arm", v: "v7", o: "linux" } },
  });
});

interface BaseEntry extends Partial<Header> {
  readonly name: string;
  readonly text?: string;
}

interface Base {
  readonly layout: Layout;
  readonly asked: string[];
  readonly resolve: (reference: string, platform: Arch) => Promise<Descriptor>;
}

/** An image in Docker's format, for this machine's platform, that `shop/base:1` names. */
async function writeBase(layers: readonly (readonly BaseEntry[])[]): Promise<Base> {
  const layout = await createLayout(await temporaryFolder());
  const written: Descriptor[] = [];
  const diffIds: string[] = [];
  for (const entries of layers) {
    const archive = pack();
    for (const { text, ...header } of entries) archive.entry({ mtime: new Date(0), ...header }, text ?? "");
    archive.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of archive) chunks.push(chunk as Buffer);
    diffIds.push((await writeBlob(layout, Buffer.concat(chunks))).digest);
    written.push({
      mediaType: mediaTypes.v2s2.layerGzip,
      ...(await writeBlob(layout, gzipSync(Buffer.concat(chunks)))),
    });
  }
  const architecture = hostPlatform().goarch;
  const document = {
    architecture,
    os: "linux",
    config: { Env: ["FLOUR=rye"], Cmd: ["old"] },
    rootfs: { type: "layers", diff_ids: diffIds },
    history: layers.map(() => ({ created_by: "oven" })),
  };
  const config = {
    mediaType: mediaTypes.v2s2.config,
    ...(await writeBlob(layout, Buffer.from(JSON.stringify(document)))),
  };
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.v2s2.manifest, config, layers: written };
  const descriptor = {
    mediaType: mediaTypes.v2s2.manifest,
    ...(await writeBlob(layout, Buffer.from(JSON.stringify(manifest)))),
  };
  const asked: string[] = [];
  const resolve: Base["resolve"] = async (reference, platform) => {
    asked.push(`${reference} ${platform}`);
    return descriptor;
  };
  return { layout, asked, resolve };
}
