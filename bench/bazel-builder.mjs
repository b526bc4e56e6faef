/** Measures a builder for three architectures: built and published by bt beside the original's steps, one after the other, in a shell script. Fails above the bars. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { startRegistry } from "./registry.mjs";
import { openStage } from "./stage.mjs";
import { median } from "./table.mjs";

/** `publish`: of the shell script's time. `nothing`: of `node -e 0`, and of that with one question to a registry. */
const bars = { publish: 0.7, nothing: 2 };
const rounds = 3;
const program = fileURLToPath(new URL("../dist/bt.cjs", import.meta.url));
const stage = openStage();
const { folder } = stage;
const project = path.join(folder, "project");
const context = path.join(project, "hack/builder");

/** Half of it can be compressed, as programs can. */
function writeProject() {
  fs.mkdirSync(path.join(context, "tools"), { recursive: true });
  for (let at = 0; at < 40; at++)
    fs.writeFileSync(
      path.join(context, "tools", `tool-${at}`),
      Buffer.concat([randomBytes(256 << 10), Buffer.alloc(256 << 10, at)]),
    );
  fs.writeFileSync(
    path.join(context, "Dockerfile"),
    "FROM scratch\nARG ARCH\nLABEL for=$ARCH\nCOPY tools /opt/tools\n",
  );
  fs.writeFileSync(
    path.join(context, "Dockerfile.cross-compile"),
    'ARG BUILDER_IMAGE\nFROM "${BUILDER_IMAGE}"\nCOPY tools/tool-1 /opt/cross\n',
  );
  fs.writeFileSync(
    path.join(project, "builderfile.ts"),
    `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
import { bazelBuilder } from "builderfile/plugins/bazel-builder";
const engine = process.env["BENCH_ENGINE"] === "buildah" ? { engine: "buildah" as const } : {};
const based = image({ context: "based", platforms: platforms("amd64", "arm64", "s390x") });
export default defineBuilder({ tasks: { based }, plugins: [bazelBuilder({ ...engine, variants: { cs9: { image: "builder", crossImage: "builder-cross", context: "hack/builder" } } })] });
`,
  );
}

/** hack/builder/build.sh and publish.sh, with buildah. */
const script = `set -e
for ARCH in amd64 arm64 s390x; do
  buildah bud --quiet --platform=linux/$ARCH -t $PREFIX/builder:$VERSION-$ARCH --build-arg ARCH=$ARCH -f hack/builder/Dockerfile hack/builder >/dev/null
done
buildah bud --quiet --platform=linux/amd64 -t $PREFIX/builder-cross:$VERSION --build-arg BUILDER_IMAGE=$PREFIX/builder:$VERSION-amd64 -f hack/builder/Dockerfile.cross-compile hack/builder >/dev/null
buildah manifest create l-$VERSION >/dev/null
for ARCH in amd64 arm64 s390x; do
  buildah push --quiet --tls-verify=false $PREFIX/builder:$VERSION-$ARCH
  buildah manifest add --tls-verify=false l-$VERSION docker://$PREFIX/builder:$VERSION-$ARCH >/dev/null
done
buildah manifest push --tls-verify=false --all l-$VERSION docker://$PREFIX/builder:$VERSION >/dev/null
buildah push --quiet --tls-verify=false $PREFIX/builder-cross:$VERSION
`;

/** Milliseconds. */
function time(file, args, env = {}) {
  const started = performance.now();
  const { status, stderr, stdout } = spawnSync(file, args, {
    cwd: project,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${file} ${args.join(" ")}: ${status}\n${stdout}\n${stderr}`);
  return { ms: performance.now() - started, stdout };
}

const bt = (...words) => time(process.execPath, [program, ...words], engineEnv);
let engineEnv = {};
const least = (run) => Math.min(...[1, 2, 3, 4, 5].map(() => run().ms));

/** The shortest program that asks a registry on this machine what a tag stands for: with TLS first, as every client does. */
const ask = (repository, tag) => `
const ask = (scheme, otherwise) => require(scheme).request(scheme + "://${repository.replace("/", "/v2/")}/manifests/${tag}",
  { method: "HEAD", headers: { accept: "application/vnd.oci.image.index.v1+json" } }, () => process.exit()).on("error", otherwise).end();
ask("https", () => ask("http", console.error));`;

function writeBased(base) {
  fs.mkdirSync(path.join(project, "based"), { recursive: true });
  fs.writeFileSync(path.join(project, "based/Dockerfile"), `FROM ${base}\nCOPY Dockerfile /recipe\n`);
}

/** Each round has an empty registry of its own, and nothing from the round before. */
async function measureRound(round) {
  const registry = await startRegistry(stage, `registry-${round}`);
  const prefix = `${registry.host}/kv`;
  const result = {};
  try {
    const stores = { STORAGE_DRIVER: "vfs", BUILDAH_ISOLATION: "chroot" };
    const roots = ["--root", path.join(folder, `store-${round}`), "--runroot", path.join(folder, `run-${round}`)];
    const own = script.replaceAll("buildah ", `buildah ${roots.join(" ")} `);
    result.shell = time("sh", ["-c", own], { ...stores, PREFIX: `${prefix}-shell`, VERSION: `${round}` }).ms;
    for (const engine of ["embedded", "buildah"]) {
      fs.rmSync(path.join(project, ".bt"), { recursive: true, force: true });
      engineEnv = { BENCH_ENGINE: engine, ...(engine === "buildah" ? { STORAGE_DRIVER: "vfs" } : {}) };
      const values = [`DOCKER_PREFIX=${prefix}-${engine}`, `VERSION=${round}`];
      result[engine] = bt("builder-publish", ...values).ms;
      const again = bt("builder-publish", ...values);
      if (/builder-image|builder-cross-image/.test(again.stdout)) throw new Error("publish has built something");
      bt("builder-build", ...values);
      result[`${engine}Nothing`] = least(() => bt("builder-build", ...values));
    }
    writeBased(`${prefix}-embedded/builder:${round}`);
    bt("based");
    await new Promise((resolve) => setTimeout(resolve, 2500)); // Stamps distrust files that are younger.
    bt("based");
    result.basedNothing = least(() => bt("based"));
    result.node = least(() => time(process.execPath, ["-e", "0"]));
    result.asking = least(() => time(process.execPath, ["-e", ask(`${prefix}-embedded/builder`, `${round}`)]));
  } finally {
    registry.stop();
  }
  return result;
}

writeProject();
const results = [];
for (let round = 1; round <= rounds; round++) results.push(await measureRound(round));
const of = (name) => median(results.map((one) => one[name]));
const ratio = (name, base) => median(results.map((one) => one[name] / one[base]));
const based = median(results.map(({ basedNothing, asking, node }) => (basedNothing - (asking - node)) / node));
const rows = [
  ["build and publish, shell script", of("shell"), 1, undefined],
  ["build and publish, bt", of("embedded"), ratio("embedded", "shell"), bars.publish],
  ["build and publish, bt with buildah", of("buildah"), ratio("buildah", "shell"), undefined],
  ["node -e 0", of("node"), 1, undefined],
  ["build with nothing to do, bt", of("embeddedNothing"), ratio("embeddedNothing", "node"), bars.nothing],
  ["node, one question to the registry", of("asking"), ratio("asking", "node"), undefined],
  // The registry's round trips come on top of the bar.
  ["the same with a base image, bt", of("basedNothing"), based, bars.nothing],
];
for (const [name, ms, part, bar] of rows)
  console.log(
    `${name.padEnd(36)} ${ms.toFixed(0).padStart(6)} ms  ${part.toFixed(2).padStart(5)}${bar === undefined ? "" : `  (bar ${bar})`}`,
  );
if (rows.some(([, , part, bar]) => bar !== undefined && part > bar)) process.exitCode = 1;
