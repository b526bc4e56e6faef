/** Makes a disk from the files of an image: ext4, qcow2 or raw, and its compressed copy. Needs no appliance and no loop device. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { withHints } from "./hint.ts";
import type { RootfsImage } from "./result.ts";
import { diskTools, needTools } from "./tools.ts";
import { writeWhole } from "./tree.ts";

export interface DiskRequest {
  /** Folder with the files. */
  readonly tree: string;
  /** Disk to make, relative to the project root. */
  readonly file: string;
  readonly format: "qcow2" | "raw";
  readonly size: string;
  /** Kernel and initrd are put beside the disk. */
  readonly hasKernel: boolean;
}

/** Features that kernels before 6.1 do not know; this and newer versions of mke2fs may set them. */
const newFeatures = { since: [1, 47], off: "^metadata_csum_seed,^orphan_file" } as const;

export async function makeDisk(context: Context, request: DiskRequest): Promise<RootfsImage> {
  const { exec, root, isDryRun, log } = context;
  needTools(context, ...diskTools.mke2fs);
  const { tree, file, format, size } = request;
  const raw = isDryRun ? "/tmp/bt/disk.img" : path.join(await context.tempDir(), "disk.img");
  const features = await findFeatures(context);
  await withHints(
    context,
    async () => {
      await exec("mke2fs", ["-q", "-t", "ext4", ...features, "-L", "root", "-d", tree, raw, size]);
    },
    { size },
  );
  await writeWhole(context, file, async (partial) => {
    await exec("qemu-img", ["convert", "-f", "raw", "-O", format, raw, partial]);
  });
  const bytes = await writeWhole(context, `${file}.zst`, async (partial) => {
    await exec("zstd", ["-q", "-f", "-T0", "-o", partial, path.join(root, file)]);
  });
  const boot = isDryRun || !request.hasKernel ? {} : copyKernel(tree, { root, file });
  if (!isDryRun) log.info(`${file}.zst, ${Math.ceil(bytes / 1e6)} MB`);
  return { file: `${file}.zst`, bytes, size, ...boot };
}

async function findFeatures({ exec, isDryRun }: Context): Promise<readonly string[]> {
  if (isDryRun) return [];
  const { stderr } = await exec("mke2fs", ["-V"], { show: false });
  const [, major, minor] = /mke2fs (\d+)\.(\d+)/.exec(stderr) ?? [];
  const isNew = Number(major) > newFeatures.since[0] || Number(minor) >= newFeatures.since[1];
  return isNew ? ["-O", newFeatures.off] : [];
}

/** The kernel that `/vmlinuz` names, or the only one in `/boot`; and the initrd of that very kernel. */
function copyKernel(
  tree: string,
  { root, file }: { readonly root: string; readonly file: string },
): Pick<RootfsImage, "vmlinuz" | "initrd"> {
  const names = fs.existsSync(path.join(tree, "boot")) ? fs.readdirSync(path.join(tree, "boot")) : [];
  const kernels = names.filter((name) => name.startsWith("vmlinuz-"));
  const link = ["vmlinuz", "boot/vmlinuz"].find((name) => isLink(path.join(tree, name)));
  const named = link === undefined ? undefined : path.basename(fs.readlinkSync(path.join(tree, link)));
  const kernel = named !== undefined && kernels.includes(named) ? named : kernels.length === 1 ? kernels[0] : undefined;
  if (kernel === undefined) return {};
  const initrd = `initrd.img-${kernel.slice("vmlinuz-".length)}`;
  const copy = (name: string, end: string): string => {
    const target = path.join(root, `${file}.${end}`);
    fs.copyFileSync(path.join(tree, "boot", name), `${target}.partial`);
    fs.renameSync(`${target}.partial`, target);
    return `${file}.${end}`;
  };
  return { vmlinuz: copy(kernel, "vmlinuz"), ...(names.includes(initrd) ? { initrd: copy(initrd, "initrd") } : {}) };
}

function isLink(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
