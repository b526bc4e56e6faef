/** Mistakes in kernels.json, images.json and what the builderfile adds: each ends bt with 2 before anything starts, and names its place. */
import { expect, test } from "vitest";
import { builderfileWith, family, imagesJson, kernelsJson, told } from "./rig.ts";

const line = (text: string): string => `{ "name": "x.qcow2", ${text} }`;
/** images.json with one more image on line 2. */
const withImage = (text: string): Record<string, string> => ({
  "_data/images.json": imagesJson.replace("[\n", `[\n  ${line(text)},\n`),
});
const withAction = (text: string): Record<string, string> => withImage(`"actions": [${text}]`);
/** kernels.json with one more kernel on line 6. */
const withKernel = (text: string): Record<string, string> => ({
  "_data/kernels.json": kernelsJson.replace(`"kernels": [\n`, `"kernels": [\n    ${text},\n`),
});
const withUrl = (url: string): Record<string, string> => withKernel(`{ "name": "x", "url": "${url}" }`);
const withOption = (option: string): Record<string, string> =>
  withKernel(`{ "name": "x", "url": "https://x.invalid/y", "opts": [${option}] }`);
const withBuilder = (options: string): Record<string, string> => ({ "builderfile.ts": builderfileWith(options) });

const rows: readonly (readonly [
  code: string,
  files: Record<string, string>,
  problem: string,
  at: string,
  fix: string,
])[] = [
  [
    "DATA_MISSING",
    withBuilder(`images: fromLvhJson("_data/image.json"),`),
    `"_data/image.json" cannot be read`,
    "",
    "fromLvhJson",
  ],
  [
    "DATA_SYNTAX",
    { "_data/images.json": `[\n  { "name": "x" }\n  { "name": "y" }\n]\n` },
    `is no JSON`,
    "_data/images.json:3:3",
    "no comma",
  ],
  ["KEY_UNKNOWN", withImage(`"package": []`), `no key "package"`, "_data/images.json:2:24", `Use "packages"`],
  [
    "KEY_UNKNOWN",
    withAction(`{ "type": "mkdir", "op": { "Dri": "/x" } }`),
    `no key "Dri"`,
    "_data/images.json:2",
    `Use "Dir"`,
  ],
  [
    "KEY_MISSING",
    withAction(`{ "type": "link", "op": { "Target": "/x" } }`),
    `the op of "link" has no "Link"`,
    "_data/images.json:2",
    `Add "Link"`,
  ],
  [
    "VALUE_WRONG",
    withImage(`"packages": "less"`),
    `"packages" is not a list of texts`,
    "_data/images.json:2:36",
    "a list of texts",
  ],
  [
    "VALUE_WRONG",
    withKernel(`{ "name": "x", "extra_make_args": [1] }`),
    `"extra_make_args" is not`,
    "_data/kernels.json:6:39",
    "a list of texts",
  ],
  [
    "ACTION_UNKNOWN",
    withAction(`{ "type": "run-comand", "op": { "Cmd": "true" } }`),
    `no action "run-comand"`,
    "_data/images.json:2:",
    `Use "run-command"`,
  ],
  [
    "NAME_TWICE",
    { "_data/images.json": imagesJson.replace("kind.qcow2", "base.qcow2") },
    `two images "base.qcow2"; the first is at _data/images.json:2`,
    "_data/images.json:3",
    "Rename",
  ],
  [
    "NAME_TWICE",
    withKernel(`{ "name": "a", "url": "https://x.invalid/y" }`),
    `two kernels "a"`,
    "_data/kernels.json:7",
    "Rename",
  ],
  [
    "NAME_WRONG",
    { "_data/images.json": imagesJson.replace("base.qcow2", "x/base.qcow2") },
    `"x/base.qcow2" of this image is no file name`,
    "_data/images.json:2:13",
    "letters",
  ],
  [
    "NAME_WRONG",
    withKernel(`{ "name": "git", "url": "https://x.invalid/y" }`),
    `"git" of this kernel is the name of a folder`,
    "_data/kernels.json:6",
    "letters",
  ],
  ["PARENT_CIRCLE", withImage(`"parent": "x.qcow2"`), "x.qcow2 → x.qcow2", "_data/images.json:2:34", `"parent"`],
  [
    "PARENT_CIRCLE",
    {
      "_data/images.json": `[\n{ "name": "a", "parent": "b" },\n{ "name": "b", "parent": "c" },\n{ "name": "c", "parent": "a" },\n{ "name": "kind.qcow2" }, { "name": "base.qcow2" }\n]`,
    },
    "a → b → c → a",
    "_data/images.json:2",
    `"parent"`,
  ],
  [
    "PARENT_MISSING",
    withImage(`"parent": "bas.qcow2"`),
    `no image "bas.qcow2", and no file of that name in "_data/images"`,
    "_data/images.json:2:34",
    `Use "base.qcow2"`,
  ],
  ["SIZE_WRONG", withImage(`"image_size": "8 GB"`), `"8 GB" is no size`, "_data/images.json:2:38", "8G"],
  [
    "SIZE_SMALLER",
    withImage(`"parent": "base.qcow2", "image_size": "4G"`),
    `less than the 8G of the parent "base.qcow2"`,
    "_data/images.json:2",
    "at least 8G",
  ],
  [
    "KERNEL_DIR",
    withAction(`{ "type": "install-kernel", "op": { "KernelInstallDir": "kernels/none" } }`),
    `no folder "kernels/none"`,
    "_data/images.json:2",
    "exactly one",
  ],
  [
    "KERNEL_DIR",
    {
      ...withAction(`{ "type": "install-kernel", "op": { "KernelInstallDir": "k" } }`),
      "_data/k/boot/config-1": "",
    },
    `"k/boot" has no vmlinuz-*`,
    "_data/images.json:2",
    "exactly one",
  ],
  [
    "KERNEL_DIR",
    {
      ...withAction(`{ "type": "install-kernel", "op": { "KernelInstallDir": "k" } }`),
      "_data/k/boot/vmlinuz-1": "",
      "_data/k/boot/vmlinuz-2": "",
    },
    `has 2 of them: vmlinuz-1, vmlinuz-2`,
    "_data/images.json:2",
    "exactly one",
  ],
  [
    "PATH_MISSING",
    withAction(`{ "type": "upload", "op": { "File": "env.sh", "Dest": "/etc/x" } }`),
    `no "env.sh"`,
    "_data/images.json:2",
    "data folder",
  ],
  [
    "URL_WRONG",
    withUrl("http://x.invalid/y"),
    `"http" is none of git, https, file`,
    "_data/kernels.json:6:27",
    "https://HOST",
  ],
  ["URL_WRONG", withUrl("https://x.invalid/y?depth=0"), `depth "0"`, "_data/kernels.json:6:27", "depth=N"],
  ["URL_WRONG", withUrl("https://x.invalid/y?depth=1&depth=2"), "given twice", "_data/kernels.json:6:27", "depth=N"],
  ["URL_WRONG", withUrl("https://x.invalid/y?deep=1"), `not "deep"`, "_data/kernels.json:6:27", "depth=N"],
  ["URL_WRONG", withUrl(""), "it is empty", "_data/kernels.json:6:27", "https://HOST"],
  ["OPTION_WRONG", withOption(`["--enabel", "CONFIG_X"]`), `"--enabel" is none of`, "_data/kernels.json:6", "--enable"],
  [
    "OPTION_WRONG",
    withOption(`["--enable", "X", "Y"]`),
    "no list of an action and a name",
    "_data/kernels.json:6",
    "--enable",
  ],
  ["OPTION_WRONG", withOption(`["--enable", "A B"]`), `"A B" is no name`, "_data/kernels.json:6", "--enable"],
  [
    "OVERRIDE_UNKNOWN",
    withBuilder(`kernels: fromLvhJson("_data/kernels.json", { overrides: { "a|bb": {} } }),`),
    '`overrides` names "bb"',
    "builderfile.ts:",
    `Use "b"`,
  ],
  ["OVERRIDE_UNKNOWN", withBuilder(`configAllow: { d: [] },`), '`configAllow` names "d"', "builderfile.ts:", `Use`],
  [
    "OVERRIDE_UNKNOWN",
    withBuilder(`flavors: { kind: { base: "kin.qcow2", arches: ["amd64"] } },`),
    '`flavors` names "kin.qcow2"',
    "builderfile.ts:",
    `Use "kind.qcow2"`,
  ],
  [
    "PLATFORM_WRONG",
    withBuilder(`kernels: fromLvhJson("_data/kernels.json", { defaults: { platforms: ["linux/sparc"] } }),`),
    `has the platform "linux/sparc"`,
    "builderfile.ts:",
    "linux/amd64",
  ],
];

test.for(rows)("KERNEL_ROOTFS_%s: %o", async ([, files, problem, at, fix]) => {
  const p = await family(files);

  const result = await p.bt("kernel-rootfs:validate");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(problem);
  if (at !== "") expect(result.stderr).toMatch(new RegExp(`^ +at +${at.replaceAll(".", "\\.")}`, "m"));
  expect(result.stderr).toContain(fix);
});

test("several mistakes are told together", async () => {
  const p = await family({ ...withUrl("ftp://x.invalid/y"), ...withImage(`"image_size": "8 GB"`) });

  const result = await p.bt("kernel-rootfs:validate");

  expect(result.stderr).toContain("_data/kernels.json:6");
  expect(result.stderr).toContain("also at _data/images.json:2");
});

test("a key in another case is taken, with a warning that names its line", async () => {
  const p = await family(withImage(`"Bootable": false`));

  const result = await p.bt("kernel-rootfs:validate");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain(`_data/images.json:2: write "bootable" for "Bootable"`);
});

test("a host name with a dot is taken, with a warning that says what will be seen of it", async () => {
  const p = await family(withAction(`{ "type": "set-hostname", "op": { "Hostname": "kind-6.12" } }`));

  const result = await p.bt("kernel-rootfs:validate");

  expect(result.exitCode).toBe(0);
  expect(told(result)).toContain(`_data/images.json:2: the host name "kind-6.12" shows as "kind-6"`);
});

test.for([
  ["IMAGE_MISSING", ["vm:check", "IMAGE=kin.qcow2"], `no image "kin.qcow2"`, `Use "kind.qcow2"`],
  ["IMAGE_MISSING", ["rootfs:install-kernel", "IMAGE=bas.qcow2", "KERNEL=a"], `no image "bas.qcow2"`, "base.qcow2"],
  ["KERNEL_MISSING", ["vm:run", "IMAGE=none", "KERNEL=aa"], `no kernel "aa"`, `Use "a"`],
  ["KERNEL_MISSING", ["rootfs:install-kernel", "IMAGE=base.qcow2", "KERNEL=d"], `no kernel "d"`, "known: a b c"],
  ["REFRESH_UNKNOWN", ["kernel:fetch", "REFRESH=kernl:a"], `REFRESH names "kernl:a"`, `Use "kernel:a"`],
] as const)("KERNEL_ROOTFS_%s: %o is told before anything starts", async ([, words, problem, fix]) => {
  const result = await (await family()).bt(...words);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(problem);
  expect(result.stderr).toContain(fix);
});

test("KERNEL_ROOTFS_BOOTABLE: a boot loader needs libguestfs", async () => {
  const p = await family(withImage(`"bootable": true`));

  const result = await p.bt("-n", "rootfs:pack:x.qcow2");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain("Use ROOTFS_BACKEND=libguestfs");
});

test("KERNEL_ROOTFS_URL_MISSING: a kernel without a url cannot be fetched, and may be there", async () => {
  const p = await family(withKernel(`{ "name": "x" }`));

  const fine = await p.bt("kernel-rootfs:validate");
  const result = await p.bt("kernel:fetch:x");

  expect(fine.exitCode).toBe(0);
  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatch(/source of kernel "x"[^]*_data\/kernels\.json:6/);
});

test("KERNEL_ROOTFS_ARCH: a kernel is built for its platforms only", async () => {
  const p = await family({
    "builderfile.ts": builderfileWith(
      `kernels: fromLvhJson("_data/kernels.json", { defaults: { platforms: ["amd64"] } }),`,
    ),
  });

  const result = await p.bt("-n", "kernel:build:a", "TARGET_ARCH=aarch64");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`"a" is made for amd64, not for arm64`);
});

test("kernel-rootfs:import-lvh writes a builderfile that says the same", async () => {
  const p = await family();

  await p.bt("kernel-rootfs:import-lvh", "OUT=typed.ts");
  const before = await p.bt("-n", "kernel:configure:b");
  const after = await p.bt("-f", "typed.ts", "-n", "kernel:configure:b");

  expect(after.exitCode).toBe(0);
  expect(after.stdout).toBe(before.stdout);
});
