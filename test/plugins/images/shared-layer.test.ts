/** Layers that images of one process have in common: written once, and again when a file or the store has changed meanwhile. */
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { blobPath, createLayout } from "../../../plugins/multiarch-manifest/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { build, layersOf, seeLayer, writeContext } from "./rig.ts";

const files = { Dockerfile: "FROM scratch\nARG OVEN\nENV OVEN=$OVEN\nCOPY bread /bread\n", bread: "rye" };

test("images for several architectures share the layers that have the same files", async () => {
  const layout = await createLayout(join(await temporaryFolder(), "layout"));
  const context = await writeContext(files);
  const options = { context, dockerfile: join(context, "Dockerfile"), layout };

  const [first, second] = await Promise.all([
    build({}, { ...options, platform: "arm64" }),
    build({}, { ...options, platform: "s390x" }),
  ]);

  expect(first.image.digest).not.toBe(second.image.digest);
  expect(await layersOf(layout, first.image.digest)).toEqual(await layersOf(layout, second.image.digest));
  expect(await readdir(join(layout.dir, "blobs/sha256"))).toHaveLength(5);
});

test("a file that changes between two images of one process, or a layer that goes, is written again", async () => {
  const layout = await createLayout(join(await temporaryFolder(), "layout"));
  const context = await writeContext(files);
  const options = { context, dockerfile: join(context, "Dockerfile"), layout };
  const before = await build({}, options);
  const [layer = ""] = await layersOf(layout, before.image.digest);

  await rm(blobPath(layout, layer));
  await build({}, { ...options, args: { OVEN: "hot" } });
  const again = await seeLayer(layout, layer);
  await writeFile(join(context, "bread"), "oat");
  const changed = await build({}, options);

  expect([...again.keys()]).toEqual(["bread"]);
  expect(await layersOf(layout, changed.image.digest)).not.toEqual([layer]);
});
