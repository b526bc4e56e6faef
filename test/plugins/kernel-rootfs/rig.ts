/** A small family of kernels and images in a project of its own, and programs that only write down how they are called. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { parseEvents } from "../../support/outcome.ts";
import { project, type Project, type Result } from "../../support/project.ts";

/** Kernels: `a` for both platforms and sid, `b` for both and bookworm, `c` for amd64 and bookworm. */
export const kernelsJson = `{
  "common_opts": [
    ["--enable", "CONFIG_BPF"]
  ],
  "kernels": [
    { "name": "a", "url": "https://kernel.invalid/linux.git?depth=1#linux-a" },
    { "name": "b", "url": "https://kernel.invalid/linux.git?depth=1#linux-b" },
    { "name": "c", "url": "https://kernel.invalid/linux.git?depth=1#linux-c" }
  ]
}
`;

export const imagesJson = `[
  { "name": "base.qcow2", "bootable": false, "packages": ["less"], "actions": [] },
  { "name": "kind.qcow2", "bootable": false, "packages": ["jq", "wget"], "actions": [
    { "type": "copy-in", "op": { "LocalPath": "bootstrap", "RemoteDir": "/" } }
  ] }
]
`;

export const builderfile: string = builderfileWith(`
  kernels: fromLvhJson("_data/kernels.json", {
    overrides: { "b|c": { pkgRepo: "bookworm" } },
  }),
`).replace(
  `"b|c": { pkgRepo: "bookworm" }`,
  `b: { pkgRepo: "bookworm" }, c: { pkgRepo: "bookworm", platforms: ["linux/amd64"] }`,
);

/** A builderfile with these options, and those of the family for what they leave out. */
export function builderfileWith(options: string): string {
  const kernels = /\bkernels:/.test(options) ? "" : `kernels: fromLvhJson("_data/kernels.json"),`;
  const images = /\bimages:/.test(options) ? "" : `images: fromLvhJson("_data/images.json"),`;
  return `import { defineBuilder } from "builderfile";
import { debianSource, fromLvhJson, git, kernelRootfs, localDir, ownSource, srcRpm, tarball } from "builderfile/plugins/kernel-rootfs";

export default defineBuilder({
  plugins: [
    kernelRootfs({
      registry: "quay.io/lvh-images",
      flavors: {
        kind: { base: "kind.qcow2", arches: ["amd64", "arm64"] },
        "complexity-test": { base: "base.qcow2", arches: ["amd64"] },
      },
      ${images}
      ${kernels}
      ${options}
    }),
  ],
});
`;
}

/** One action of each type but install-kernel. */
export const actions = [
  { type: "run-command", op: { Cmd: "echo one > /etc/one; rm -f /usr/share/doc/*/copyright" } },
  { type: "mkdir", op: { Dir: "/opt/a/b" } },
  { type: "copy-in", op: { LocalPath: "boot strap", RemoteDir: "/opt" } },
  { type: "upload", op: { File: "init", Dest: "/sbin/init" } },
  { type: "chmod", op: { Permissions: "0750", File: "/sbin/init" } },
  { type: "append-line", op: { File: "/etc/one", Line: "PATH=/bin:$HOME:a=b 'c'" } },
  { type: "link", op: { Target: "/etc/one", Link: "/opt/one" } },
  { type: "set-hostname", op: { Hostname: "oven" } },
  { type: "tar-in", op: { TarFile: "more.tar", RemoteDir: "/opt" } },
] as const;

export const installKernel = { type: "install-kernel", op: { KernelInstallDir: "k" } } as const;

const dockerfiles = [
  "kernel-builder",
  "root-builder",
  "root-images",
  "kernel-images",
  "kind-images",
  "complexity-test-images",
];

const familyFiles: Readonly<Record<string, string>> = {
  "builderfile.ts": builderfile,
  "_data/kernels.json": kernelsJson,
  "_data/images.json": imagesJson,
  "_data/bootstrap/go.sh": "#!/bin/sh\n",
  ...Object.fromEntries(dockerfiles.map((name) => [`dockerfiles/${name}`, "FROM scratch\nCOPY builderfile.ts /\n"])),
};

/** The family as a project, with some files changed. */
export async function family(files: Readonly<Record<string, string>> = {}): Promise<Project> {
  return project({ ...familyFiles, ...files });
}

/** A folder for PATH with programs of these names. Each appends its arguments to `calls`, then runs `script`. */
export function stub(
  p: Project,
  names: readonly string[],
  script = "exit 0",
): { readonly env: Record<string, string>; readonly calls: () => string[] } {
  const bin = path.join(p.root, ".stub");
  const log = path.join(p.root, ".calls");
  fs.mkdirSync(bin, { recursive: true });
  for (const name of names)
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\nprintf '%s\\n' "${name} $*" >> "${log}"\n${script}\n`, {
      mode: 0o755,
    });
  const calls = (): string[] => (fs.existsSync(log) ? fs.readFileSync(log, "utf8").trimEnd().split("\n") : []);
  return { env: { PATH: `${bin}:${process.env["PATH"] ?? ""}` }, calls };
}

/** What the targets of a run with \`--json\` returned, by name. */
export function valuesOf({ stdout }: Result): Readonly<Record<string, unknown>> {
  return parseEvents(stdout).find((event) => event.kind === "run-finished")?.values ?? {};
}

/** A run that has looked at this machine and started none of its tasks. */
export const nothingRan: object = { exitCode: 2, stdout: expect.stringMatching(/^bt: Nothing ran in .*\n$/) };

/** All that bt has said. */
export function told({ stdout, stderr }: Result): string {
  return `${stdout}${stderr}`;
}
