/** Many small files in a cache: they lie there as one blob, and come back each as it was. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { landBundle, makeBundle } from "../../core/cache/bundle.ts";
import type { CachedOutput } from "../../core/index.ts";
import { project, withTasks, type Project } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** Files of all kinds: more than one chunk long together, equal ones, empty ones at the end, modes that no new file gets, one that is too large for a bundle. */
const fill = [
  `const fs = require("node:fs");`,
  `for (let n = 10; n < 40; n++) fs.writeFileSync("tray/" + n, Buffer.alloc(n * 1000, n), { mode: n % 2 ? 0o755 : 0o644 });`,
  `for (let n = 0; n < 3; n++) fs.writeFileSync("tray/wide" + n, Buffer.alloc(200000, 65 + n));`,
  `fs.writeFileSync("tray/large", Buffer.alloc(300000, "l"));`,
  `fs.writeFileSync("tray/edge", Buffer.alloc(262144, "e"));`,
  `for (const name of ["zy", "zz"]) fs.writeFileSync("tray/" + name, "");`,
  `for (const name of ["38", "39"]) fs.chmodSync("tray/" + name, 0o666);`,
  `fs.writeFileSync("tray/twin", Buffer.alloc(10000, 10), { mode: 0o600 });`,
  `fs.mkdirSync("tray/empty"); fs.mkdirSync("tray/deep"); fs.writeFileSync("tray/deep/one", "one"); fs.symlinkSync("10", "tray/link");`,
].join(" ");

async function bakery(): Promise<Project> {
  return await project({
    "builderfile.ts": withTasks({
      bake: 'task({ inputs: ["flour"], outputs: ["tray/"], run: "node fill.cjs" })',
    }),
    "fill.cjs": fill,
    flour: "rye",
  });
}

/** Path to kind, mode and digest. */
function describe(p: Project): Record<string, string> {
  const tray = path.join(p.root, "tray");
  const names = fs.readdirSync(tray, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const file = path.join(tray, name);
      const stat = fs.lstatSync(file);
      if (stat.isSymbolicLink()) return [name, `link ${fs.readlinkSync(file)}`];
      const mode = (stat.mode & 0o7777).toString(8);
      return [name, stat.isDirectory() ? `folder ${mode}` : `${mode} ${digestOf(fs.readFileSync(file))}`];
    }),
  );
}

const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Files below the cache's folder for blobs. */
const blobs = (p: Project): string[] => {
  const folder = path.join(p.root, ".bt/cache/cas");
  return fs.readdirSync(folder).map((name) => path.join(folder, name));
};

const forget = (p: Project): void => fs.rmSync(path.join(p.root, "tray"), { recursive: true });

/** The blob of the small files: the largest. */
const bundleOf = (p: Project): string => blobs(p).reduce((a, b) => (fs.statSync(a).size > fs.statSync(b).size ? a : b));

test("many small files are kept as one blob, and come back as they were", async () => {
  const p = await bakery();
  await p.bt("bake");
  const before = describe(p);
  forget(p);

  const { stdout } = await p.bt("bake");

  expect(stdout).toContain("✔ bake restored in");
  expect(describe(p)).toEqual(before);
  expect(Object.keys(before)).toHaveLength(42);
  // The bundle, the large file, the key document.
  expect(blobs(p)).toHaveLength(3);
  for (const file of blobs(p)) expect(digestOf(fs.readFileSync(file))).toBe(path.basename(file));
});

test.for([
  ["a byte is another", (bytes: Buffer) => (bytes.writeUInt8(bytes.readUInt8(400_000) ^ 1, 400_000), bytes)],
  ["the last byte is missing", (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
  ["there is one byte more", (bytes: Buffer) => Buffer.concat([bytes, Buffer.from("!")])],
  ["nothing is left", () => Buffer.alloc(0)],
] as const)("a bundle in which %s is a miss, and is kept anew", async ([, change]) => {
  const p = await bakery();
  await p.bt("bake");
  const before = describe(p);
  const file = bundleOf(p);
  const changed = change(fs.readFileSync(file));
  fs.rmSync(file);
  fs.writeFileSync(file, changed);
  forget(p);

  const again = await p.bt("bake");
  forget(p);
  const restored = await p.bt("bake");

  expect(again.stdout).toContain(`Cache "local" `);
  expect(again.stdout).toContain("1 ran");
  expect(restored.stdout).toContain("✔ bake restored in");
  expect(describe(p)).toEqual(before);
});

test("a bundle of other files than the result says is a miss: what a file is called counts, not what the bundle is called", async () => {
  const p = await bakery();
  await p.bt("bake");
  forget(p);
  const [entry = ""] = fs.readdirSync(path.join(p.root, ".bt/cache/ac"));
  const file = path.join(p.root, ".bt/cache/ac", entry);
  const [, body = ""] = fs.readFileSync(file, "utf8").split("\n");
  const result = JSON.parse(body) as { bundle: { digest: string; size: number } };
  const bytes = fs.readFileSync(bundleOf(p));
  bytes.reverse();
  const digest = digestOf(bytes);
  fs.writeFileSync(path.join(p.root, ".bt/cache/cas", digest), bytes);
  const lie = JSON.stringify({ ...result, bundle: { digest, size: bytes.length } });
  fs.rmSync(file);
  fs.writeFileSync(file, `bt-cache 1 ${digestOf(Buffer.from(lie))}\n${lie}\n`);

  const { stdout } = await p.bt("bake");

  expect(stdout).toMatch(/Cache "local" gave bytes that are not [0-9a-f]{64}/);
  expect(stdout).toContain("1 ran");
});

test.for([
  ["edited", (file: string) => fs.writeFileSync(file, "7!")],
  ["longer", (file: string) => fs.appendFileSync(file, "!")],
  ["cut", (file: string) => fs.truncateSync(file)],
  ["gone", (file: string) => fs.rmSync(file)],
] as const)("no bundle is made when a file has been %s since the task ended", async ([, change]) => {
  const folder = await temporaryFolder();
  const files = new Map<string, string>();
  const outputs = Array.from({ length: 20 }, (_, n): CachedOutput => {
    const bytes = Buffer.from(`${n}.`);
    const file = path.join(folder, `${n}`);
    fs.writeFileSync(file, bytes);
    files.set(digestOf(bytes), file);
    return { path: `${n}`, kind: "file", mode: 0o644, blob: { digest: digestOf(bytes), size: bytes.length } };
  });
  const whole = Buffer.concat(outputs.map((_, n) => Buffer.from(`${n}.`)));
  expect(await makeBundle(outputs, files)).toEqual({ digest: digestOf(whole), size: whole.length });

  change(path.join(folder, "7"));

  await expect(makeBundle(outputs, files)).rejects.toThrow(/bytes that are not|ENOENT/);
});

test.for([
  ["all", ["01", "2"], undefined],
  ["all, in other pieces", ["0", "", "12"], undefined],
  ["one byte more", ["012", "!"], /bytes that are not/],
  ["one byte less", ["01"], /bytes that are not/],
  ["others", ["021"], /bytes that are not/],
] as const)("the files of a bundle are written when it holds %s", async ([, chunks, problem]) => {
  const folder = await temporaryFolder();
  const blobOf = (text: string) => ({ digest: digestOf(Buffer.from(text)), size: text.length });
  const wanted = ["0", "1", "2", ""].map((text) => ({
    blob: blobOf(text),
    to: path.join(folder, `f${text}`),
    mode: 0o640,
  }));
  const source = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();

  const landing = landBundle(blobOf("012"), source, { wanted, signal: new AbortController().signal });

  if (problem !== undefined) return await expect(landing).rejects.toThrow(problem);
  await landing;
  expect(wanted.map(({ to }) => fs.readFileSync(to, "utf8"))).toEqual(["0", "1", "2", ""]);
});
