/** Makes a disk from the files of an image: ext4, qcow2 or raw, and its compressed copy. Needs no appliance and no loop device. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import type { RootfsImage } from "./result.ts";
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
  const { tree, file, format, size } = request;
  const raw = isDryRun ? "/tmp/bt/disk.img" : path.join(await context.tempDir(), "disk.img");
  const features = await findFeatures(context);
  await exec("mke2fs", ["-q", "-t", "ext4", ...features, "-L", "root", "-d", tree, raw, size]);
  await writeWhole({ root, isDryRun }, file, async (partial) => {
    await exec("qemu-img", ["convert", "-f", "raw", "-O", format, raw, partial]);
  });
  const bytes = await writeWhole({ root, isDryRun }, `${file}.zst`, async (partial) => {
    await exec("zstd", ["-q", "-f", "-T0", "-o", partial, path.join(root, file)]);
  });
  const boot = isDryRun || !request.hasKernel ? {} : copyKernel(tree, { root, file });
  log.info(`${file}.zst, ${Math.ceil(bytes / 1e6)} MB`);
  return { file: `${file}.zst`, bytes, size, ...boot };
}

async function findFeatures({ exec, isDryRun }: Context): Promise<readonly string[]> {
  if (isDryRun) return [];
  const { stderr } = await exec("mke2fs", ["-V"], { show: false });
  const [, major, minor] = /mke2fs (\d+)\.(\d+)/.exec(stderr) ?? [];
  const isNew = Number(major) > newFeatures.since[0] || Number(minor) >= newFeatures.since[1];
  return isNew ? ["-O", newFeatures.off] : [];
}

/** The kernel that `/vmlinuz` names, or the only one in `/boot`. */
function copyKernel(
  tree: string,
  { root, file }: { readonly root: string; readonly file: string },
): Pick<RootfsImage, "vmlinuz" | "initrd"> {
  const find = (link: string, prefix: string): string | undefined => {
    for (const name of [link, path.join("boot", link)]) {
      const stat = fs.lstatSync(path.join(tree, name), { throwIfNoEntry: false });
      if (stat?.isSymbolicLink() !== true) continue;
      const to = fs.readlinkSync(path.join(tree, name));
      const target = path.join(tree, to.startsWith("/") ? to : path.join(path.dirname(name), to));
      if (fs.existsSync(target)) return target;
    }
    const boot = path.join(tree, "boot");
    const names = fs.existsSync(boot) ? fs.readdirSync(boot).filter((name) => name.startsWith(prefix)) : [];
    return names.length === 1 ? path.join(boot, names[0]!) : undefined;
  };
  const copy = (source: string | undefined, end: string): string | undefined => {
    if (source === undefined) return undefined;
    fs.copyFileSync(source, path.join(root, `${file}.${end}.partial`));
    fs.renameSync(path.join(root, `${file}.${end}.partial`), path.join(root, `${file}.${end}`));
    return `${file}.${end}`;
  };
  const vmlinuz = copy(find("vmlinuz", "vmlinuz-"), "vmlinuz");
  const initrd = vmlinuz === undefined ? undefined : copy(find("initrd.img", "initrd.img-"), "initrd");
  return { ...(vmlinuz === undefined ? {} : { vmlinuz }), ...(initrd === undefined ? {} : { initrd }) };
}
