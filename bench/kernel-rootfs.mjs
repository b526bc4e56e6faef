/** Measures kernel-rootfs on a family as large as little-vm-helper-images: 14 kernels with 250 options each. Nothing is built; fails above the bars. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

/** Milliseconds. `nothing`: an image and a kernel that are up to date. `dry`: `bt -n kind`. `plan`: `bt ci:plan`. */
const bars = { nothing: 2000, dry: 2000, plan: 2000 };
const rounds = 5;
const program = fileURLToPath(new URL("../dist/bt.cjs", import.meta.url));
const project = fs.mkdtempSync(path.join(os.tmpdir(), "bt-bench-kernel-"));
const names = "4.19 5.4 5.10 5.15 6.1 6.6 6.12 6.18 bpf bpf-net bpf-next rt mainline stable".split(" ");

function writeProject() {
  const write = (file, text, mode) => {
    fs.mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    fs.writeFileSync(path.join(project, file), text, { mode });
  };
  const common = Array.from({ length: 250 }, (_, at) => ["--enable", `CONFIG_OPTION_${at}`]);
  const origin = path.join(project, "origin");
  write(
    "_data/kernels.json",
    JSON.stringify(
      { common_opts: common, kernels: names.map((name) => ({ name, url: `file://${origin}` })) },
      undefined,
      2,
    ),
  );
  write("_data/images.json", JSON.stringify([{ name: "base.qcow2", bootable: false }]));
  for (const name of ["kernel-builder", "root-builder", "root-images", "kernel-images", "kind-images"])
    write(`dockerfiles/${name}`, "FROM scratch\n");
  write(
    "builderfile.ts",
    `import { defineBuilder } from "builderfile";
import { fromLvhJson, kernelRootfs } from "builderfile/plugins/kernel-rootfs";
export default defineBuilder({ plugins: [kernelRootfs({
  kernels: fromLvhJson("_data/kernels.json"), images: fromLvhJson("_data/images.json"),
  flavors: { kind: { base: "base.qcow2", arches: ["amd64", "arm64"] } },
})] });
`,
  );
  write("origin/Makefile", "all:\n");
  write(
    "origin/scripts/config",
    '#!/bin/sh\nfile=$2; shift 2\nwhile [ $# -gt 0 ]; do echo "$2=y" >> $file; shift 2; done\n',
    0o755,
  );
  const git = (...args) =>
    execFileSync("git", ["-C", origin, "-c", "user.name=b", "-c", "user.email=b@c.invalid", ...args]);
  execFileSync("git", ["init", "-q", "-b", "master", origin]);
  git("add", "-A");
  git("commit", "-q", "-m", "one");
  // Stands for the kernel's make, which is not what is measured.
  for (const tool of ["make", "gcc", "flex", "bison", "bc"])
    write(
      `bin/${tool}`,
      `#!/bin/sh\ncase "$*" in *defconfig*) o=$(printf '%s\\n' "$@" | sed -n s/^O=//p); touch "$o/.config";; esac\n`,
      0o755,
    );
}

const env = { ...process.env, PATH: `${path.join(project, "bin")}:${process.env.PATH}`, NO_COLOR: "1" };

function measure(...words) {
  const times = Array.from({ length: rounds }, () => {
    const started = performance.now();
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
      cwd: project,
      env,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`bt ${words.join(" ")} ended with ${status}\n${stdout}${stderr}`);
    return performance.now() - started;
  });
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)];
}

try {
  writeProject();
  measure("kernel:configure"); // All 14 of them, so that the next call has nothing to do.
  const results = {
    nothing: measure("kernel:configure"),
    dry: measure("-n", "kind"),
    plan: measure("ci:plan", "CHANGED=dockerfiles/kernel-builder dockerfiles/root-builder dockerfiles/root-images"),
  };
  let isGood = true;
  for (const [name, time] of Object.entries(results)) {
    const isBelow = time <= bars[name];
    isGood &&= isBelow;
    process.stdout.write(
      `${isBelow ? "ok  " : "SLOW"} ${name.padEnd(8)} ${time.toFixed(0)} ms, bar ${bars[name]} ms\n`,
    );
  }
  process.exitCode = isGood ? 0 : 1;
} finally {
  fs.rmSync(project, { recursive: true, force: true });
}
