/** Measures side images beside a shell script with the same buildah commands: 4 components, 4 architectures. `--rounds N`, `--json FILE`. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { startRegistry } from "./registry.mjs";
import { openStage } from "./stage.mjs";
import { median } from "./table.mjs";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, json: { type: "string" } },
});
const bars = { ratio: 0.6, nothingSeconds: 2 };
const arches = ["amd64", "arm64", "ppc64le", "riscv64"];
const engine = "buildah";
const repository = path.join(import.meta.dirname, "..");
const bt = [process.execPath, path.join(repository, "dist/bt.cjs")];
const stage = openStage();
const { folder } = stage;
const project = path.join(folder, "project");
const env = {
  PATH: `${folder}/bin:${process.env.PATH}`,
  HOME: folder,
  NO_COLOR: "1",
  BUILDAH_ISOLATION: "chroot",
  CONTAINERS_STORAGE_CONF: path.join(folder, "storage.conf"),
};

/** What build.sh does, one after the other, with the images of this run as bases. */
const script = `set -e
cd images/components
for c in base-image pause server tool; do
  buildah manifest rm localhost/ms/$c:T >/dev/null 2>&1 || :
  buildah manifest create localhost/ms/$c:T >/dev/null
  for a in ${arches.join(" ")}; do
    image=localhost/ms/$c:T-$a
    if [ -f $c/ImageSource ]; then
      id=$(buildah pull --quiet --tls-verify=false --arch $a "$UPSTREAM/pause:3.9"); buildah tag $id $image
    else
      if [ -x $c/build_binaries ]; then (cd $c; ./build_binaries $a); fi
      file=$c/Dockerfile; [ ! -f $c/Dockerfile.$a ] || file=$c/Dockerfile.$a
      case $c in server) from="--from localhost/ms/base-image:T-$a";; tool) from="--from localhost/ms/server:T-$a";; *) from=;; esac
      buildah build-using-dockerfile --quiet --pull=never --timestamp 0 --platform linux/$a $from --build-arg TARGETARCH=$a \\
        --build-arg REGISTRY=localhost/ms --build-arg RELEASE_TAG=T -f $file -t $image $c >/dev/null
    fi
    buildah manifest add localhost/ms/$c:T $image >/dev/null
  done
done
`;

await main();

async function main() {
  const tools = [
    "buildah",
    "docker-registry",
    "skopeo",
    ...["as", "aarch64-linux-gnu-as", "powerpc64le-linux-gnu-as", "riscv64-linux-gnu-as"],
  ];
  const missing = tools.filter((tool) => spawnSync("which", [tool]).status !== 0);
  if (missing.length > 0) throw new Error(`Not installed: ${missing.join(", ")}`);
  prepare();
  const { host } = await startRegistry(stage);
  writeUpstream(host);
  fs.mkdirSync(path.join(folder, ".config/bt"), { recursive: true });
  fs.writeFileSync(
    path.join(folder, ".config/bt/config.json"),
    JSON.stringify({ mirrors: { "registry.k8s.io": host } }),
  );
  const times = { script: [], bt: [], buildah: [], nothing: [], one: [] };
  const calls = path.join(folder, "calls");
  for (let round = 0; round < Number(options.rounds); round++) {
    clean();
    times.script.push(time(["sh", "-c", script], { UPSTREAM: host }));
    clean();
    times.bt.push(time([...bt, "side-images"]));
    fs.rmSync(calls, { force: true });
    times.nothing.push(time([...bt, "side-images"]));
    if (fs.existsSync(calls)) throw new Error(`An engine was called: ${fs.readFileSync(calls, "utf8")}`);
    fs.appendFileSync(path.join(project, "images/components/tool/notes.txt"), `${round}\n`);
    times.one.push(time([...bt, "side-images"]));
    clean();
    times.buildah.push(time([...bt, "side-images", "ENGINE=buildah"]));
  }
  const medians = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
  const rows = [
    { name: "shell script with buildah", seconds: medians.script },
    { name: "bt", seconds: medians.bt, bar: bars.ratio * medians.script },
    { name: "bt with ENGINE=buildah", seconds: medians.buildah },
    { name: "bt, nothing changed", seconds: medians.nothing, bar: bars.nothingSeconds },
    { name: "bt, one component changed", seconds: medians.one },
  ].map((row) => (row.bar === undefined ? row : { ...row, isMet: row.seconds <= row.bar }));
  console.log(
    `4 components × ${arches.length} architectures · ${os.cpus().length} CPUs · ${process.version} · medians of ${options.rounds}`,
  );
  for (const { name, seconds, bar, isMet } of rows) {
    const ratio = `${(seconds / medians.script).toFixed(2)} ×`.padStart(8);
    const verdict = bar === undefined ? "" : `   bar ${bar.toFixed(2)} s ${isMet ? "met" : "MISSED"}`;
    console.log(`${name.padEnd(28)} ${seconds.toFixed(2).padStart(7)} s ${ratio}${verdict}`);
  }
  if (options.json !== undefined)
    fs.writeFileSync(options.json, `${JSON.stringify({ version: 1, rows }, undefined, 2)}\n`);
  if (rows.some(({ isMet }) => isMet === false)) process.exitCode = 1;
}

function prepare() {
  const example = path.join(repository, "examples/microshift-side-images");
  fs.cpSync(example, project, { recursive: true, filter: (name) => !/\/(\.bt|bin)$/.test(name) });
  const roots = `graphroot="${folder}/graph"\nrunroot="${folder}/run"`;
  fs.writeFileSync(env.CONTAINERS_STORAGE_CONF, `[storage]\ndriver="overlay"\n${roots}\n`);
  fs.mkdirSync(path.join(folder, "bin"));
  const real = execFileSync("which", [engine], { encoding: "utf8" }).trim();
  fs.writeFileSync(path.join(folder, "bin/buildah"), `#!/bin/sh\necho "$@" >> ${folder}/calls\nexec ${real} "$@"\n`, {
    mode: 0o755,
  });
}

function clean() {
  spawnSync(engine, ["rmi", "--all", "--force"], { env, stdio: "ignore" });
  for (const name of [".bt", "images/components/server/bin"])
    fs.rmSync(path.join(project, name), { recursive: true, force: true });
}

function time(words, more = {}) {
  const started = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(words[0], words.slice(1), {
    cwd: project,
    env: { ...env, ...more },
    encoding: "utf8",
  });
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (status !== 0) throw new Error(`${words.slice(0, 3).join(" ")}: ${stdout}${stderr}`);
  return seconds;
}

/** A list whose images hold one file each. */
function writeUpstream(host) {
  const context = path.join(folder, "upstream");
  fs.mkdirSync(context);
  fs.writeFileSync(path.join(context, "pause"), "pause\n");
  fs.writeFileSync(path.join(context, "Dockerfile"), 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n');
  const buildah = (...words) => execFileSync(engine, words, { env, stdio: ["ignore", "ignore", "inherit"] });
  buildah("manifest", "create", "localhost/up");
  for (const arch of arches)
    buildah("bud", "--quiet", "--platform", `linux/${arch}`, "--manifest", "localhost/up", context);
  buildah("manifest", "push", "--quiet", "--all", "--tls-verify=false", "localhost/up", `docker://${host}/pause:3.9`);
}
