/** Layouts on disk: strict reading, staged writing, no lost entry. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { processName } from "../../../core/index.ts";
import { digestOf } from "../../../plugins/multiarch-manifest/digest.ts";
import {
  blobPath,
  createLayout,
  findBlobSize,
  hasBlob,
  linkBlob,
  openBlob,
  openLayout,
  putEntries,
  readBlob,
  readEntries,
  writeBlob,
} from "../../../plugins/multiarch-manifest/layout.ts";
import { mediaTypes, refNameAnnotation, type Descriptor } from "../../../plugins/multiarch-manifest/oci.ts";
import { temporaryFolder } from "../../support/temporary.ts";

function entry(text: string, name?: string): Descriptor {
  const descriptor = { mediaType: mediaTypes.oci.manifest, digest: digestOf(text), size: text.length };
  return name === undefined ? descriptor : { ...descriptor, annotations: { [refNameAnnotation]: name } };
}

async function names(dir: string): Promise<(string | undefined)[]> {
  return (await readEntries({ dir })).map((one) => one.annotations?.[refNameAnnotation]);
}

test("createLayout() opens a layout that is there and keeps its entries", async () => {
  const dir = await temporaryFolder();
  await putEntries(await createLayout(dir), [entry("bread", "1")]);

  await createLayout(dir);

  expect(await names(dir)).toEqual(["1"]);
  expect(await readFile(join(dir, "oci-layout"), "utf8")).toBe('{"imageLayoutVersion":"1.0.0"}');
});

test("createLayout() gives one layout to many callers at once", async () => {
  const dir = join(await temporaryFolder(), "deep", "layout");

  await Promise.all(Array.from({ length: 8 }, () => createLayout(dir)));

  expect(await readEntries(await openLayout(dir))).toEqual([]);
});

test("openLayout() says what is missing, unreadable or too new, each in its own words", async () => {
  const dir = await temporaryFolder();
  await expect(openLayout(dir)).rejects.toMatchObject({
    code: "MANIFEST_LAYOUT_MISSING",
    message: `"${dir}" is no OCI layout: it has no file "oci-layout"`,
  });
  await writeFile(join(dir, "oci-layout"), '{"imageLayoutVersion":"2.0.0"}');
  await expect(openLayout(dir)).rejects.toMatchObject({
    code: "MANIFEST_LAYOUT_VERSION",
    message: `The layout "${dir}" has version "2.0.0", bt reads 1.x`,
  });
  await writeFile(join(dir, "oci-layout"), "oven");
  await expect(openLayout(dir)).rejects.toMatchObject({ code: "MANIFEST_LAYOUT_MALFORMED" });
});

test("writeBlob() stores bytes and streams under their hash and leaves nothing else", async () => {
  const layout = await createLayout(await temporaryFolder());

  const whole = await writeBlob(layout, Buffer.from("dough"));
  const streamed = await writeBlob(
    layout,
    (async function* () {
      yield Buffer.from("do");
      yield Buffer.from("ugh");
    })(),
  );

  expect(whole).toEqual({ digest: digestOf("dough"), size: 5 });
  expect(streamed).toEqual(whole);
  expect(await readBlob(layout, whole.digest)).toEqual(Buffer.from("dough"));
  expect(await (await openBlob(layout, whole.digest)).toArray()).toEqual([Buffer.from("dough")]);
  expect(await findBlobSize(layout, whole.digest)).toBe(5);
  expect(await readdir(join(layout.dir, ".staged"))).toEqual([]);
});

test("writeBlob() keeps nothing when the bytes are not the expected ones", async () => {
  const layout = await createLayout(await temporaryFolder());

  const digest = digestOf("dough");
  await expect(writeBlob(layout, Buffer.from("sand"), { digest })).rejects.toMatchObject({
    code: "MANIFEST_BLOB_CORRUPT",
  });
  await expect(writeBlob(layout, Buffer.from("dough"), { digest, size: 6 })).rejects.toMatchObject({
    code: "MANIFEST_BLOB_SIZE",
  });

  expect(await hasBlob(layout, digest)).toBe(false);
  expect(await readdir(join(layout.dir, ".staged"))).toEqual([]);
});

test("readBlob() refuses bytes that were changed on disk, and says which blob is missing", async () => {
  const layout = await createLayout(await temporaryFolder());
  const { digest } = await writeBlob(layout, Buffer.from("dough"));
  await writeFile(blobPath(layout, digest), "stone");

  await expect(readBlob(layout, digest)).rejects.toMatchObject({
    message: `The bytes of blob ${digest} in layout "${layout.dir}" hash to ${digestOf("stone")}`,
  });
  await rm(blobPath(layout, digest));
  await expect(readBlob(layout, digest)).rejects.toMatchObject({
    message: `There is no blob ${digest} in layout "${layout.dir}"`,
  });
  await expect(readBlob(layout, "sha256:../../secret")).rejects.toMatchObject({ code: "MANIFEST_DIGEST_MALFORMED" });
});

test("linkBlob() shares a blob between layouts", async () => {
  const from = await createLayout(await temporaryFolder());
  const into = await createLayout(await temporaryFolder());
  const { digest } = await writeBlob(from, Buffer.from("dough"));

  await linkBlob(from, into, digest);

  expect(await readBlob(into, digest)).toEqual(Buffer.from("dough"));
});

test("putEntries() replaces by name, nameless ones by digest, and keeps the rest in order", async () => {
  const layout = await createLayout(await temporaryFolder());
  await putEntries(layout, [entry("rye", "b"), entry("corn", "a"), entry("malt")]);

  await putEntries(layout, [entry("wheat", "b"), entry("malt")]);

  expect(await readEntries(layout)).toEqual([entry("malt"), entry("corn", "a"), entry("wheat", "b")]);
});

test("putEntries() loses no entry of eight writers in this process", async () => {
  const layout = await createLayout(await temporaryFolder());

  await Promise.all(Array.from({ length: 8 }, (_, n) => putEntries(layout, [entry(`loaf ${n}`, `n${n}`)])));

  expect(await names(layout.dir)).toEqual(["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"]);
});

test("putEntries() loses no entry of three processes, also when a fourth was killed while it held the lock", async () => {
  const layout = await createLayout(await temporaryFolder());
  const dead = spawn("true");
  await once(dead, "exit");
  await symlink(processName().replace(/^\d+-\w+/, `${dead.pid}-1`), join(layout.dir, ".lock"));
  const program = join(await temporaryFolder(), "put-entries.cjs");
  const source = new URL("../../support/put-entries.ts", import.meta.url).pathname;
  await build({ entryPoints: [source], bundle: true, platform: "node", outfile: program, logLevel: "error" });

  const runs = ["a", "b", "c"].map((name) =>
    spawn(process.execPath, [program, layout.dir, name], { stdio: "inherit" }),
  );
  await Promise.all(runs.map((run) => once(run, "exit")));

  expect((await names(layout.dir)).length).toBe(30);
});

test("readEntries() names what is wrong with index.json", async () => {
  const dir = await temporaryFolder();
  await mkdir(join(dir, "blobs"));
  await writeFile(join(dir, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await expect(readEntries({ dir })).rejects.toMatchObject({
    message: `The layout "${dir}" cannot be read: it has no file "index.json"`,
  });
  await writeFile(join(dir, "index.json"), '{"manifests":[{"digest":"x"}]}');
  await expect(readEntries({ dir })).rejects.toMatchObject({
    message: `The layout "${dir}" cannot be read: an entry of "index.json" lacks mediaType, digest or size`,
  });
});

test("createLayout() completes a layout whose making was killed, and takes no other folder for one", async () => {
  const [begun, other] = [await temporaryFolder(), await temporaryFolder()];
  await createLayout(begun);
  await rm(join(begun, "oci-layout"));
  await writeFile(join(other, "index.json"), "{}");

  await expect(createLayout(begun)).resolves.toEqual({ dir: begun });
  await expect(createLayout(other)).rejects.toMatchObject({ code: "MANIFEST_LAYOUT_MISSING" });
});
