/** `bt --doctor`: what is needed, what is there and in which version, and the command that gets the rest, per distribution. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { describeInstall, packagesOf } from "../../core/index.ts";
import { findManager, installAll, installCommand } from "../../core/packages.ts";
import { project, type Project } from "../support/project.ts";

/** A bakery whose tasks need `oven`, and whose plugin looks for others; `programs` are on its PATH. */
async function bakery(programs: Readonly<Record<string, string>>, isRequired: boolean): Promise<Project> {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, definePlugin, describeTool, task } from "builderfile";
const bake = task({ tools: ["oven"], run: "true" });
const kitchen = definePlugin({
  name: "kitchen",
  tasks: {},
  apply: (hooks) => hooks.doctor.tap((known, { env }) => [
    ...known,
    describeTool("mkfs.vfat", { plugin: "kitchen", env, isRequired: ${isRequired}, purpose: "trays" }),
    describeTool("apron", { plugin: "kitchen", env, install: "sew one" }),
  ]),
});
export default defineBuilder({ plugins: [kitchen], tasks: { bake } });
`,
  });
  for (const [name, text] of Object.entries(programs)) {
    p.write(`bin/${name}`, `#!/bin/sh\n${text}\n`);
    fs.chmodSync(path.join(p.root, "bin", name), 0o755);
  }
  return p;
}

const oven = `echo "oven, version 2.1.0-rye (built today)"`;
const ask = (p: Project, ...argv: string[]): ReturnType<Project["bt"]> =>
  p.btWith({ env: { PATH: `${p.root}/bin` } }, ...argv);

test("a doctor's answer has one paragraph a plugin, versions, and ends with the command that gets what is missing", async () => {
  const p = await bakery({ oven }, true);

  const result = await ask(p, "--doctor");

  const tray = describeInstall({ install: packagesOf("mkfs.vfat") });
  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(result.stdout.replaceAll(p.root, "ROOT")).toBe(`builderfile
  ✔ oven               2.1.0-rye  ROOT/bin/oven

kitchen
  ✖ mkfs.vfat (trays)  missing; get it with \`${tray}\`
  ⚠ apron              missing, some tasks need it; sew one

bt: Missing: mkfs.vfat (trays)
  fix  Run \`${tray}\`.
`);
});

test("what only some tasks need fails nothing; a program that tells no version is there all the same", async () => {
  const p = await bakery({ oven: "exit 3", "mkfs.vfat": "echo 4.2" }, false);

  const result = await ask(p, "--doctor", "--json");

  const { requirements } = JSON.parse(result.stdout) as { requirements: { name: string; version?: string }[] };
  expect(result.exitCode).toBe(0);
  expect(requirements.map(({ name, version }) => [name, version])).toEqual([
    ["oven", undefined],
    ["mkfs.vfat (trays)", "4.2"],
    ["apron", undefined],
  ]);
  expect(requirements[2]).toMatchObject({ plugin: "kitchen", isRequired: false, command: "sew one" });
});

test("a dry run of the doctor starts no program", async () => {
  const p = await bakery({ oven: "echo asked > $0.asked" }, false);

  await ask(p, "-n", "--doctor");
  const before = p.exists("bin/oven.asked");
  await ask(p, "--doctor");

  expect([before, p.exists("bin/oven.asked")]).toEqual([false, true]);
});

test.each([
  ["ID=debian\nVERSION_ID=13", "apt"],
  ['ID="ubuntu"\nID_LIKE=debian', "apt"],
  ["ID=linuxmint\nID_LIKE='ubuntu debian'", "apt"],
  ["NAME=Fedora\nID=fedora", "dnf"],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf"],
  ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', "zypper"],
  ['ID="sles"', "zypper"],
  ["ID=alpine", undefined],
  ["", undefined],
] as const)("the package manager of %j is %s", (osRelease, manager) => {
  expect(findManager(osRelease)).toBe(manager);
});

test("each distribution has its own names of packages", () => {
  const managers = ["apt", "dnf", "zypper", undefined] as const;
  const commandsOf = (program: string): string[] =>
    managers.map((manager) => installCommand(packagesOf(program), manager));

  expect(commandsOf("mkfs.btrfs").slice(0, 3)).toEqual([
    "apt-get install btrfs-progs",
    "dnf install btrfs-progs",
    "zypper install btrfsprogs",
  ]);
  expect(commandsOf("powerpc64le-linux-gnu-gcc").slice(0, 3)).toEqual([
    "apt-get install gcc-powerpc64le-linux-gnu",
    "dnf install gcc-powerpc64le-linux-gnu",
    "zypper install cross-ppc64le-gcc13",
  ]);
  expect(commandsOf("skopeo")[3]).toBe("apt-get install skopeo, or dnf install skopeo, or zypper install skopeo");
  expect(commandsOf("aarch64-linux-gnu-gcc").slice(0, 2)).toEqual([
    "apt-get install gcc-aarch64-linux-gnu",
    "dnf install gcc-aarch64-linux-gnu",
  ]);
  expect(commandsOf("x86_64-linux-gnu-g++")[0]).toBe("apt-get install g++-x86-64-linux-gnu");
  expect(commandsOf("bazel")[1]).toBe("https://bazel.build/install");
  expect(installAll([packagesOf("xz"), packagesOf("xz"), "sew one", packagesOf("git")], "apt")).toBe(
    "apt-get install git xz-utils",
  );
});
