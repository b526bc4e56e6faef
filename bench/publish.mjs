/** Measures publishing beside buildah and skopeo against a registry on loopback. `--quick`, `--json FILE`, `--size MIB`. */
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { canTellMemory, interleave, peakMemory } from "./measure.mjs";
import { startRegistry } from "./registry.mjs";
import { openStage } from "./stage.mjs";
import { toRow } from "./table.mjs";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    size: { type: "string", default: "50" },
  },
});
const bt = [process.execPath, path.join(import.meta.dirname, "../dist/bt.cjs")];
const arches = ["amd64", "arm64", "s390x", "ppc64le"];
const patience = { rounds: options.quick ? 3 : 11, budgetMs: Infinity, limitMs: 120_000 };

const stage = openStage();
const { folder } = stage;
const env = {
  ...Object.fromEntries(["PATH", "LANG"].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
  HOME: folder,
  NO_COLOR: "1",
  CONTAINERS_STORAGE_CONF: path.join(folder, "storage.conf"),
  TMPDIR: folder,
};
await main();

async function main() {
  const missing = ["docker-registry", "buildah", "skopeo"].filter((tool) => !isInstalled(tool));
  if (missing.length > 0) throw new Error(`Not installed: ${missing.join(", ")}`);
  const { host } = await startRegistry(stage);
  writeImages(Number(options.size) * 1024 * 1024);
  writeProject(host);
  const rows = [...(await measureIndex(host)), ...(await measurePush(host))];
  console.log(`${arches.length} platforms of ${options.size} MiB · ${os.cpus().length} CPUs · ${process.version}`);
  for (const row of rows) console.log(renderRow(row));
  if (!canTellMemory()) console.log("No MiB: GNU time is not installed.");
  const missed = rows.flatMap((row) => row.bars ?? []).filter(({ isMet }) => !isMet).length;
  if (missed > 0) console.log(`Bars missed: ${missed}.`);
  if (options.json !== undefined)
    fs.writeFileSync(options.json, `${JSON.stringify({ version: 1, rows }, undefined, 2)}\n`);
}

/**
 * Everything is in the registry already; only the tag is new. buildah has the images in its storage, bt in a layout. `buildah` is a
 * fresh machine, such as a CI runner: nothing remembers which blobs the registry has. `buildah warm` has pushed them from here before.
 */
async function measureIndex(host) {
  const lines = [
    "set -e",
    "buildah manifest create bench >/dev/null",
    ...arches.map((arch) => `buildah manifest add bench localhost/bench:${arch} >/dev/null`),
    `buildah manifest push --all --tls-verify=false bench docker://${host}/bench/buildah:latest`,
    "buildah manifest rm bench",
  ];
  for (const arch of arches)
    execFileSync("skopeo", ["copy", "-q", `oci:images:${arch}`, `containers-storage:localhost/bench:${arch}`], {
      cwd: folder,
      env,
      stdio: "ignore",
    });
  const shell = (argv, more) => ({ argv: [...argv, "bash", "-c", [...more, ...lines].join("\n")], cwd: folder, env });
  // What containers remember of registries is kept for root in this folder, whatever the storage.
  const fresh = shell(["unshare", "-m"], ["mount -t tmpfs none /var/lib/containers/cache"]);
  let round = 0;
  const arms = [
    { name: "buildah", command: fresh },
    { name: "buildah warm", command: shell([], []) },
    {
      name: "bt",
      // A tag of its own for each round: bt would find everything done.
      get command() {
        return push(`${host}/bench/bt`, `TAGS=r${++round}`);
      },
    },
  ];
  for (const { command } of arms) execFileSync(command.argv[0], command.argv.slice(1), { ...command, stdio: "ignore" });
  return measure("index-4", arms, { base: "buildah", ratio: 0.25, peakMiB: 200 });
}

/** The registry is empty. */
async function measurePush(host) {
  const empty = () => execFileSync("rm", ["-rf", path.join(folder, "store/docker")]);
  const skopeo = ["skopeo", "copy", "-q", "--all", "--dest-tls-verify=false", "oci:index:all"];
  const arms = [
    {
      name: "skopeo",
      before: empty,
      command: { argv: [...skopeo, `docker://${host}/bench/skopeo:1`], cwd: folder, env },
    },
    { name: "bt", before: empty, command: push(`${host}/bench/bt`, "TAGS=1") },
  ];
  return measure("push-4", arms, { base: "skopeo", ratio: 1, peakMiB: 200 });
}

async function measure(name, arms, bar) {
  const measured = await interleave(arms, patience);
  const rows = [];
  for (const own of measured) {
    const arm = arms.find((one) => one.name === own.name);
    arm.before?.();
    const peakMiB = own.problem === undefined ? await peakMemory(arm.command, patience.limitMs) : undefined;
    rows.push(toRow(name, own, measured, peakMiB, own.name === "bt" ? bar : undefined));
  }
  return rows;
}

function push(place, tags) {
  return { argv: [...bt, "manifest:push", tags], cwd: path.join(folder, "project"), env: { ...env, PLACE: place } };
}

function renderRow(row) {
  const head = `${row.case.padEnd(8)} ${row.tool.padEnd(12)}`;
  if (row.problem !== undefined) return `${head} ${row.problem}`;
  const ratio = Object.entries(row.ratios).map(([base, { wall }]) => `${wall.toFixed(2)} × ${base}`);
  const bars = (row.bars ?? []).map(({ bar, isMet }) => `${bar} ${isMet ? "✓" : "✗"}`);
  const numbers = [
    `${row.wallMs.toFixed(0)} ms`,
    `cpu ${row.cpuMs.toFixed(0)} ms`,
    `${row.peakMiB?.toFixed(0) ?? "?"} MiB`,
  ];
  return [head, ...numbers, ...ratio, ...bars].join("  ");
}

/** One image a platform, with one layer of bytes that do not compress; as single entries, and as an index called `all`. */
function writeImages(size) {
  const entries = arches.map((arch) => ({ arch, manifest: writeImage(arch, size) }));
  const manifests = entries.map(({ arch, manifest }) => ({
    ...manifest,
    platform: { architecture: arch, os: "linux" },
  }));
  const type = "application/vnd.oci.image.index.v1+json";
  const index = { mediaType: type, ...writeBlob(JSON.stringify({ schemaVersion: 2, mediaType: type, manifests })) };
  writeLayout(
    "images",
    entries.map(({ arch, manifest }) => named(manifest, arch)),
  );
  writeLayout("index", [named(index, "all")]);
  fs.cpSync(path.join(folder, "blobs"), path.join(folder, "index/blobs"), { recursive: true });
  fs.renameSync(path.join(folder, "blobs"), path.join(folder, "images/blobs"));
}

function writeImage(arch, size) {
  const name = Buffer.alloc(512);
  name.write("loaf");
  name.write("0000644\0", 100);
  name.write("0000000\x000000000\0", 108);
  name.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  name.write("00000000000\0        0", 136);
  name.write("ustar\x0000", 257);
  name.write(
    `${name
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
  );
  const tar = Buffer.concat([name, randomBytes(size), Buffer.alloc(1024 + ((512 - (size % 512)) % 512))]);
  const layer = writeBlob(gzipSync(tar, { level: 1 }));
  const diff = `sha256:${createHash("sha256").update(tar).digest("hex")}`;
  const config = writeBlob(
    JSON.stringify({ architecture: arch, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [diff] } }),
  );
  const oci = "application/vnd.oci.image";
  const manifest = {
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config: { mediaType: `${oci}.config.v1+json`, ...config },
    layers: [{ mediaType: `${oci}.layer.v1.tar+gzip`, ...layer }],
  };
  return { mediaType: manifest.mediaType, ...writeBlob(JSON.stringify(manifest)) };
}

function writeBlob(data) {
  const hex = createHash("sha256").update(data).digest("hex");
  fs.mkdirSync(path.join(folder, "blobs/sha256"), { recursive: true });
  fs.writeFileSync(path.join(folder, "blobs/sha256", hex), data);
  return { digest: `sha256:${hex}`, size: Buffer.byteLength(data) };
}

function named(entry, name) {
  return { ...entry, annotations: { "org.opencontainers.image.ref.name": name } };
}

function writeLayout(name, manifests) {
  fs.mkdirSync(path.join(folder, name));
  fs.writeFileSync(path.join(folder, name, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  fs.writeFileSync(path.join(folder, name, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

function writeProject() {
  const entries = arches.map((arch) => `${arch}: { layout: "../images", ref: "${arch}" }`).join(", ");
  fs.mkdirSync(path.join(folder, "project"));
  fs.writeFileSync(
    path.join(folder, "project/builderfile.ts"),
    `import { defineBuilder } from "builderfile";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
const images = { bench: { name: process.env.PLACE ?? "", tags: ["1"], entries: { ${entries} } } };
export default defineBuilder({ plugins: [multiarchManifest({ images })] });
`,
  );
  fs.writeFileSync(
    path.join(folder, "storage.conf"),
    `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/graph"\nrunroot = "${folder}/run"\n`,
  );
}

function isInstalled(tool) {
  return (process.env.PATH ?? "").split(path.delimiter).some((dir) => fs.existsSync(path.join(dir, tool)));
}
