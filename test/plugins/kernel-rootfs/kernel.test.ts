/** The steps of a kernel around a make that only does as if: sources, options, architectures. Real kernels are built in slow.test.ts. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import type { Project } from "../../support/project.ts";
import { run } from "../../support/tool.ts";
import { collectOptions, findDiscrepancies } from "../../../plugins/kernel-rootfs/config-option.ts";
import { parseKernelUrl } from "../../../plugins/kernel-rootfs/kernel-url.ts";
import { compareVersions } from "../../../plugins/kernel-rootfs/outline.ts";
import { builderfileWith, family, kernelsJson, nothingRan, stub, told, valuesOf } from "./rig.ts";

test.for([
  ["git://host/linux.git", { url: "git://host/linux.git", branch: "master" }],
  ["https://host/linux.git?depth=1#linux-6.1.y", { url: "https://host/linux.git", branch: "linux-6.1.y", depth: 1 }],
  ["file:///srv/linux#net/next", { url: "file:///srv/linux", branch: "net/next" }],
] as const)("parseKernelUrl() understands %s", ([url, source]) => {
  expect(parseKernelUrl(url)).toEqual({ source: { kind: "git", ...source } });
});

test("versions are compared by number in each part, names come last", () => {
  const names = ["bpf-next", "5.15", "rhel8.10", "4.19", "6.6", "bpf", "5.4", "6.12", "rhel8.9", "bpf-net"];

  expect(names.toSorted(compareVersions)).toEqual([
    "4.19",
    "5.4",
    "5.15",
    "6.6",
    "6.12",
    "bpf",
    "bpf-net",
    "bpf-next",
    "rhel8.9",
    "rhel8.10",
  ]);
});

test("collectOptions() takes the last word on a symbol, with or without its prefix, in the range of its versions", () => {
  const options = collectOptions(
    [
      ["--enable", "CONFIG_A"],
      ["--module", "B"],
      ["--disable", "A"],
      { option: ["--enable", "C"], since: "5.15" },
      { option: ["--enable", "D"], until: "5.4" },
    ],
    "5.10",
  );

  expect(options).toEqual([
    ["--module", "CONFIG_B"],
    ["--disable", "CONFIG_A"],
  ]);
  expect(collectOptions([{ option: ["--enable", "C"], since: "5.15" }], "bpf-next")).toHaveLength(1);
});

test("findDiscrepancies() lists what was not granted, and nothing else", () => {
  const config = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=y\nCONFIG_E=m\n";

  const found = findDiscrepancies(
    [
      ["--enable", "CONFIG_A"],
      ["--disable", "CONFIG_B"],
      ["--module", "CONFIG_C"],
      ["--enable", "CONFIG_D"],
      ["--disable", "CONFIG_D"],
      ["--disable", "CONFIG_E"],
    ],
    config,
  );

  expect(found).toEqual([
    { symbol: "CONFIG_C", wanted: "m", found: "y" },
    { symbol: "CONFIG_D", wanted: "y", found: undefined },
    { symbol: "CONFIG_E", wanted: "n", found: "m" },
  ]);
});

const isOrigin = "user.name=b -c user.email=b@c.invalid".split(" ");

/** A git repository that looks like a kernel. Its `scripts/config` writes options down, and its make believes them. */
async function origin(p: Project): Promise<{ url: string; commit: (text: string) => Promise<string> }> {
  const dir = path.join(p.root, "origin");
  fs.mkdirSync(path.join(dir, "scripts"), { recursive: true });
  const git = async (...args: string[]): Promise<string> => run("git", ["-C", dir, "-c", ...isOrigin, ...args]);
  fs.writeFileSync(
    path.join(dir, "scripts/config"),
    '#!/bin/sh\nfile=$2; shift 2\nwhile [ $# -gt 0 ]; do echo "$2=y" >> $file; shift 2; done\n',
    { mode: 0o755 },
  );
  await run("git", ["init", "-q", "-b", "master", dir]);
  return {
    url: `file://${dir}`,
    commit: async (text) => {
      fs.writeFileSync(path.join(dir, "Makefile"), text);
      await git("add", "-A");
      await git("commit", "-q", "-m", text);
      return (await git("rev-parse", "HEAD")).trim();
    },
  };
}

/** Stands for the kernel's make: makes the files that its targets would make. */
const make = `case "$*" in *defconfig*|*tinyconfig*) o=$(printf '%s\\n' "$@" | sed -n s/^O=//p); touch "$o/.config";; esac
case "$*" in *dir-pkg*) o=$(printf '%s\\n' "$@" | sed -n s/^O=//p); mkdir -p "$o/tar-install/boot" "$o/include/config"; echo 6.1.0 > "$o/include/config/kernel.release"; echo k > "$o/tar-install/boot/vmlinuz-6.1.0";; esac`;
const tools = ["make", "gcc", "flex", "bison", "bc", "aarch64-linux-gnu-gcc"];

const withUrl = (url: string, more = ""): string =>
  kernelsJson.replace(`"https://kernel.invalid/linux.git?depth=1#linux-a"`, `"${url}"${more}`);

test.for(["", "?depth=1"])(
  "a new commit is checked out by the next fetch, and nothing is fetched twice (%s)",
  async (depth) => {
    const p = await family();
    const { url, commit } = await origin(p);
    await commit("one");
    p.write("_data/kernels.json", withUrl(`${url}${depth}`));
    const first = await p.bt("kernel:fetch:a");
    const idle = await p.bt("kernel:fetch:a");
    const two = await commit("two");

    const second = await p.bt("--json", "kernel:fetch:a");

    expect(first.exitCode, told(first)).toBe(0);
    expect(idle.stdout).toContain("Nothing to do");
    expect(valuesOf(second)["kernel:fetch:a"]).toEqual({ dir: "_data/kernels/a", commit: two });
    expect(p.read("_data/kernels/a/Makefile")).toBe("two");
  },
);

test("kernels without a depth share the objects of one repository", async () => {
  const p = await family();
  const { url, commit } = await origin(p);
  await commit("one");
  p.write("_data/kernels.json", withUrl(url).replace("https://kernel.invalid/linux.git?depth=1#linux-b", url));

  const result = await p.bt("kernel:fetch", "KERNEL_VERSIONS=a b");

  expect(result.exitCode, told(result)).toBe(0);
  expect(fs.statSync(path.join(p.root, "_data/kernels/a/.git")).isFile()).toBe(true);
  expect(fs.readdirSync(path.join(p.root, "_data/kernels/git/worktrees")).sort()).toEqual(["a", "b"]);
});

test("every make gets the architecture and the arguments of its kernel", async () => {
  const p = await family();
  const { url, commit } = await origin(p);
  await commit("one");
  p.write("_data/kernels.json", withUrl(`${url}?depth=1`, `, "extra_make_args": ["LLVM=1"]`));
  const { env, calls } = stub(p, tools, make);

  const result = await p.btWith({ env }, "kernel:build:a", "TARGET_ARCH=arm64");

  expect(result.exitCode, told(result)).toBe(0);
  const cross = "ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- LLVM=1";
  const makes = calls()
    .filter((line) => line.startsWith("make ") && line.includes(" -C "))
    .map((line) => line.replace(/-j\d+ /, "").replaceAll(p.root, ""));
  const at = "make -C _data/kernels/a O=/_data/kernels/out/a/arm64";
  expect(makes).toEqual([
    `${at} defconfig ${cross}`,
    `${at} olddefconfig ${cross}`,
    `${at} Image.gz modules ${cross}`,
    `${at} dir-pkg ${cross}`,
  ]);
  expect(p.exists("_data/kernels/out/a/arm64/tar-install/boot/vmlinuz-6.1.0")).toBe(true);
});

test("a changed option builds that kernel again, no other, and -n says so", async () => {
  const p = await family();
  const { url, commit } = await origin(p);
  await commit("one");
  const json = withUrl(`${url}?depth=1`).replace("https://kernel.invalid/linux.git?depth=1#linux-b", url);
  p.write("_data/kernels.json", json);
  const { env } = stub(p, tools, make);
  const build = ["kernel:build", "KERNEL_VERSIONS=a b"];
  const first = await p.btWith({ env }, ...build);
  const idle = await p.btWith({ env }, ...build);
  p.write("_data/kernels.json", json.replace(`depth=1" }`, `depth=1", "opts": [["--enable", "NEW"]] }`));

  const dry = await p.btWith({ env }, "-n", ...build);
  const why = await p.btWith({ env }, "--why", "kernel:configure:a");
  const second = await p.btWith({ env }, ...build);

  expect(first.exitCode, told(first)).toBe(0);
  expect(idle.stdout).toContain("Nothing to do");
  expect(dry.stdout).toContain("kernel:configure:a");
  expect(dry.stdout).not.toContain("kernel:configure:b");
  expect(why.stdout).toContain("option CONFIG_NEW changed: (absent) → enable");
  expect(second.stdout).toContain("kernel:build:a");
  expect(second.stdout).not.toContain("kernel:build:b");
});

test("KERNEL_ROOTFS_CONFIG_UNAPPLIED: all options that were not taken are named; the allow list and CONFIG_CHECK=warn let them pass", async () => {
  const p = await family();
  const { url, commit } = await origin(p);
  await commit("one");
  const opts = `, "opts": [["--disable", "X"], ["--module", "Y"], ["--enable", "Z"]]`; // The script above enables whatever it is told.
  p.write("_data/kernels.json", withUrl(`${url}?depth=1`, opts));
  const { env } = stub(p, tools, make);

  const strict = await p.btWith({ env }, "kernel:configure:a");
  const warned = await p.btWith({ env }, "kernel:configure:a", "CONFIG_CHECK=warn");
  p.write("builderfile.ts", builderfileWith(`configAllow: { a: ["X", "CONFIG_Y", "CONFIG_Z"] },`));
  const allowed = await p.btWith({ env }, "kernel:configure:a");

  expect(strict.exitCode).toBe(1);
  expect(told(strict)).toMatch(/2 options of kernel "a"[^]*CONFIG_X: wanted n, is y[^]*CONFIG_Y: wanted m, is y/);
  expect(warned.exitCode).toBe(0);
  expect(allowed.exitCode, told(allowed)).toBe(0);
  expect(told(allowed)).toContain("configAllow: CONFIG_Z");
});

test("a changed patch is applied to the source as it was, and the kernel is built again", async () => {
  const p = await family();
  const { url, commit } = await origin(p);
  await commit("one\n");
  const patch = (text: string): string => `--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-one\n+${text}\n`;
  const added = `--- /dev/null\n+++ b/added.c\n@@ -0,0 +1 @@\n+int x;\n`;
  p.write("_data/kernels.json", withUrl(`${url}?depth=1`));
  p.write(
    "builderfile.ts",
    builderfileWith(`kernels: fromLvhJson("_data/kernels.json", { overrides: { a: { patches: "p/*.patch" } } }),`),
  );
  p.write("p/1.patch", patch("two") + added);
  const { env } = stub(p, tools, make);
  const first = await p.btWith({ env }, "kernel:build:a");
  const idle = await p.btWith({ env }, "kernel:build:a");
  p.write("p/1.patch", patch("three") + added);

  const second = await p.btWith({ env }, "kernel:build:a");

  expect(first.exitCode, told(first)).toBe(0);
  expect(idle.stdout).toContain("Nothing to do");
  expect(second.exitCode, told(second)).toBe(0);
  expect(p.read("_data/kernels/a/Makefile")).toBe("three\n");
  expect(second.stdout).toMatch(/kernel:build:a (in|\()/);
});

test("KERNEL_ROOTFS_TOOL_MISSING: all that a run lacks is told before its first step; what is up to date lacks nothing", async () => {
  const p = await family({ "linux/Makefile": "", "linux/scripts/config": "#!/bin/sh\nexit 0\n" });
  fs.chmodSync(path.join(p.root, "linux/scripts/config"), 0o755);
  p.write(
    "builderfile.ts",
    builderfileWith(`kernels: [{ name: "a", source: localDir({ path: "linux" }) }], flavors: {},`),
  );
  const { env, calls } = stub(p, tools, make);
  const [some = ""] = (env["PATH"] ?? "").split(":");
  const guest = ["vm:check", "IMAGE=none", "KERNEL=a", "QEMU_ARCH=arm64", "ACCEL=tcg"];

  const lacking = await p.btWith({ env: { PATH: some } }, ...guest);
  const before = calls();
  fs.rmSync(path.join(some, "bc"));
  const more = await p.btWith({ env: { PATH: some } }, ...guest);
  stub(p, ["bc"], make);
  const built = await p.btWith({ env }, "kernel:build:a", "TARGET_ARCH=arm64");
  const idle = await p.btWith({ env: { PATH: p.root } }, "kernel:build:a", "TARGET_ARCH=arm64");

  expect(lacking).toMatchObject(nothingRan);
  expect(lacking.stderr).toContain("apt-get install qemu-system-arm");
  expect(before).toEqual([]);
  expect(more.stderr).toMatch(/needs "bc"[^]*also: Task "vm:check" needs "qemu-system-aarch64"/);
  expect(built.exitCode, told(built)).toBe(0);
  expect(idle.stdout).toContain("Nothing to do");
});

test("a new commit builds the kernel again, even if its options stay", async () => {
  const p = await family();
  const { url, commit } = await origin(p);
  await commit("one");
  p.write("_data/kernels.json", withUrl(`${url}?depth=1`).replace(`["--enable", "CONFIG_BPF"]`, ""));
  const { env } = stub(p, tools, make);
  await p.btWith({ env }, "kernel:build:a");
  await commit("two");

  const result = await p.btWith({ env }, "kernel:build:a");

  expect(result.exitCode, told(result)).toBe(0);
  expect(result.stdout).toMatch(/kernel:build:a (in|\()/);
});

test("a folder that is the source is built again when a file of it changes; maxAge makes it look again", async () => {
  const p = await family({ "linux/Makefile": "", "linux/scripts/config": "#!/bin/sh\nexit 0\n" });
  fs.chmodSync(path.join(p.root, "linux/scripts/config"), 0o755);
  p.write(
    "builderfile.ts",
    builderfileWith(`kernels: [{ name: "a", source: localDir({ path: "linux" }), maxAge: 0 }], flavors: {},`),
  );
  const { env } = stub(p, tools, make);
  const first = await p.btWith({ env }, "kernel:build:a");
  p.write("linux/new.c", "int x;");

  const second = await p.btWith({ env }, "kernel:build:a");
  const third = await p.btWith({ env }, "kernel:build:a");

  expect(first.exitCode, told(first)).toBe(0);
  expect(second.stdout).toMatch(/kernel:build:a (in|\()/);
  expect(third.stdout).toMatch(/kernel:fetch:a (in|\()/);
  expect(third.stdout).not.toMatch(/kernel:build:a (in|\()/);
});

test("a kernel with debug information gets its BTF in a file of its own, and the version of pahole is told", async () => {
  const p = await family();
  const { url, commit } = await origin(p);
  await commit("one");
  p.write("_data/kernels.json", withUrl(`${url}?depth=1`));
  const debug = `case "$*" in *dir-pkg*) echo CONFIG_DEBUG_INFO=y > "$o/tar-install/boot/config-6.1.0";; esac`;
  const { env } = stub(p, tools, `${make}\n${debug}`);
  const pahole = `#!/bin/sh\ncase "$1" in --version) echo v1.24;; *) echo btf > "\${1#*=}";; esac\n`;
  p.write("tools/pahole", pahole);
  fs.chmodSync(path.join(p.root, "tools/pahole"), 0o755);
  const PATH = `${path.join(p.root, "tools")}:${env["PATH"]}`;

  const result = await p.btWith({ env: { PATH } }, "--json", "kernel:btf:a", "TARGET_ARCH=amd64");

  expect(result.exitCode, told(result)).toBe(0);
  expect(valuesOf(result)["kernel:btf:a"]).toMatchObject({ release: "6.1.0", btf: { pahole: "v1.24" } });
  expect(p.read("_data/kernels/out/a/amd64/tar-install/boot/btf-6.1.0")).toBe("btf\n");
});

test("a project adds options to a kernel; kernel:diff-config says what became of them", async () => {
  const p = await family({ "_data/kernels/out/a/amd64/.config": "CONFIG_BPF=y\n" });
  const extend = `extend: { kernelOptions: (kernel, options) => [...options, ["--module", "OVEN_" + kernel.toUpperCase()]] },`;
  p.write("builderfile.ts", builderfileWith(extend));

  const result = await p.bt("kernel:diff-config:a", "TARGET_ARCH=amd64");

  expect(result.stdout).toContain("CONFIG_BPF: enable, is y");
  expect(result.stdout).toContain("CONFIG_OVEN_A: module, is absent");
});

test("REFRESH makes a kernel again that is up to date", async () => {
  const p = await family();
  const { url, commit } = await origin(p);
  await commit("one");
  p.write("_data/kernels.json", withUrl(`${url}?depth=1`));
  await p.bt("kernel:fetch:a");

  const result = await p.bt("kernel:fetch:a", "REFRESH=kernel:a");

  expect(result.stdout).toContain("kernel:fetch:a (it is forced)");
});

test("KERNEL_ROOTFS_DIGEST_WRONG: a tarball is what it says, or nothing is unpacked", async () => {
  const p = await family({
    "linux/Makefile": "all:\n",
    "builderfile.ts": builderfileWith(
      `kernels: [{ name: "a", source: tarball({ from: "linux.tar", sha256: "SUM" }) }],`,
    ),
  });
  await run("tar", ["-C", p.root, "-cf", path.join(p.root, "linux.tar"), "linux"]);

  const wrong = await p.bt("kernel:fetch:a");
  const [sum] = (await run("sha256sum", [path.join(p.root, "linux.tar")])).split(" ");
  p.write("builderfile.ts", p.read("builderfile.ts").replace("SUM", sum ?? ""));
  const right = await p.bt("kernel:fetch:a");

  expect(wrong.exitCode).toBe(1);
  expect(told(wrong)).toMatch(/"linux.tar" has the SHA-256 [0-9a-f]{64}, and SUM is expected/);
  expect(right.exitCode, told(right)).toBe(0);
  expect(p.read("_data/kernels/a/Makefile")).toBe("all:\n");
});

test("a source of the project's own kind is a shell line; one that is not described is told", async () => {
  const own = (type: string, line: string): string =>
    builderfileWith(`
      kernels: [{ name: "a", source: ownSource({ type: "${type}", op: { from: "one" } }) }],
      flavors: {},
      extend: { sourceKinds: { letter: ({ from }) => "${line}" + from + " > Makefile" } },
    `);
  const p = await family({ "builderfile.ts": own("letter", "echo ") });

  const first = await p.bt("kernel:fetch:a");
  p.write("builderfile.ts", own("letter", "echo not "));
  const second = await p.bt("kernel:fetch:a");
  const made = p.read("_data/kernels/a/Makefile");
  p.write("builderfile.ts", own("leter", "echo "));
  const unknown = await p.bt("kernel:fetch:a");

  expect(first.exitCode, told(first)).toBe(0);
  expect(second.exitCode, told(second)).toBe(0);
  expect(made).toBe("not one\n");
  expect(unknown).toMatchObject({ exitCode: 2, stdout: "" });
  expect(unknown.stderr).toMatch(/`ownSource` names "leter"[^]*Use "letter"/);
});

test("-n shows where a kernel will be, all the way", async () => {
  const result = await (await family()).bt("-n", "kernel:pack:a", "TARGET_ARCH=amd64");

  const boot = "_data/kernels/out/a/amd64/tar-install/boot";
  expect(result.stdout).toContain(`pahole --btf_encode_detached=${boot}/btf-VERSION ${boot}/vmlinux-VERSION`);
});

test("KERNEL_ROOTFS_CONFIG_MISSING: kernel:diff-config shows two kernels' difference once they are configured", async () => {
  const p = await family({ "_data/kernels/out/a/amd64/.config": "CONFIG_A=y\nCONFIG_B=m\n" });

  const missing = await p.bt("kernel:diff-config:a", "OTHER=b", "TARGET_ARCH=amd64");
  p.write("_data/kernels/out/b/amd64/.config", "CONFIG_A=y\n");
  const shown = await p.bt("kernel:diff-config:a", "OTHER=b", "TARGET_ARCH=amd64");

  expect(told(missing)).toContain(`Run \`bt kernel:configure:b\``);
  expect(shown.stdout).toContain("CONFIG_B: m → absent");
  expect(shown.stdout).not.toContain("CONFIG_A");
});

test("KERNEL_ROOTFS_SOURCE_FOREIGN: a source rpm is built by its dockerfile only", async () => {
  const p = await family({
    "builderfile.ts": builderfileWith(
      `kernels: [{ name: "a", source: srcRpm({ repo: "pub", ver: "9", kver: "5" }) }],`,
    ),
  });

  const result = await p.bt("kernel:fetch:a");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain("BUILD_MODE=container");
});
