/** Finds the disk that IMAGE means: a file, a compressed file, or one in an OCI image; unpacked into the project's state. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { isBtError, type Arch, type Context } from "../../core/index.ts";
import { blobPath, createLayout, fetchImage, readJson, type Manifest } from "../multiarch-manifest/index.ts";
import { imageDamaged } from "./errors.ts";
import { store } from "./places.ts";
import { isMissing } from "./request.ts";
import { imageMissing } from "./vm-errors.ts";

export interface DiskImage {
  /** Relative to the root, or absolute. */
  readonly file: string;
  readonly format: "qcow2" | "raw";
  readonly vmlinuz?: string;
  readonly initrd?: string;
}

/** @throws BtError KERNEL_ROOTFS_IMAGE_MISSING, KERNEL_ROOTFS_IMAGE_DAMAGED, REGISTRY_… */
export async function findDisk(context: Context, image: string, arch: Arch): Promise<DiskImage> {
  const { root, isDryRun } = context;
  const isFile = fs.existsSync(path.resolve(root, image));
  if (isMissing(root, image)) {
    if (isDryRun) return describe(context, image.replace(/\.zst$/, ""), image);
    throw imageMissing(image);
  }
  const packed = isFile ? image : await pullDisk(context, image, arch);
  const file = packed.endsWith(".zst") ? await unpack(context, packed) : packed;
  if (!isDryRun) await checkDisk(context, file);
  return describe(context, file, packed);
}

function describe({ root }: Context, file: string, packed: string): DiskImage {
  const beside = (end: string): string | undefined =>
    [`${packed.replace(/\.zst$/, "")}.${end}`].find((one) => fs.existsSync(path.resolve(root, one)));
  const [vmlinuz, initrd] = [beside("vmlinuz"), beside("initrd")];
  return {
    file,
    format: file.endsWith(".qcow2") ? "qcow2" : "raw",
    ...(vmlinuz === undefined ? {} : { vmlinuz }),
    ...(initrd === undefined ? {} : { initrd }),
  };
}

function stateFolder(key: string): string {
  return path.join(".bt", "kernel-rootfs", "disks", createHash("sha256").update(key).digest("hex").slice(0, 16));
}

async function unpack({ root, exec, isDryRun, signal }: Context, packed: string): Promise<string> {
  const { size, mtimeMs } = isDryRun ? { size: 0, mtimeMs: 0 } : fs.statSync(path.resolve(root, packed));
  const folder = stateFolder(`${packed} ${size} ${mtimeMs}`);
  const file = path.join(folder, path.basename(packed, ".zst"));
  if (fs.existsSync(path.join(root, file))) return file;
  if (!isDryRun) fs.mkdirSync(path.join(root, folder), { recursive: true });
  try {
    await exec("zstd", ["-q", "-d", "-f", "--sparse", "-o", `${file}.partial`, packed]);
  } catch (error) {
    fs.rmSync(path.join(root, `${file}.partial`), { force: true });
    if (signal.aborted || !isBtError(error) || !error.detail.some((line) => /zst|Decod|corrupt|frame/i.test(line)))
      throw error;
    throw imageDamaged(packed, lastLine(error.detail));
  }
  if (!isDryRun) fs.renameSync(path.join(root, `${file}.partial`), path.join(root, file));
  return file;
}

/** The file below `/data/images` of an OCI image. */
async function pullDisk(context: Context, reference: string, arch: Arch): Promise<string> {
  const { root, exec, isDryRun, tempDir } = context;
  if (isDryRun) return path.join(".bt", "kernel-rootfs", "disks", "DISK.qcow2.zst");
  const layout = await createLayout(path.join(root, store));
  const { digest } = await fetchImage(reference, arch, layout);
  const folder = stateFolder(digest);
  const target = path.join(root, folder);
  if (!fs.existsSync(target)) {
    const manifest = await readJson<Manifest>(layout, digest); // fetchImage has checked it.
    const files = path.join(await tempDir(), "files");
    fs.mkdirSync(files);
    for (const layer of manifest.layers)
      await exec("tar", ["-x", "-C", files, "--wildcards", "-f", blobPath(layout, layer.digest), "data/images/*"], {
        allowedCodes: [0, 2],
      });
    const images = path.join(files, "data/images");
    if (!fs.existsSync(images)) throw imageDamaged(reference, "it has nothing below /data/images");
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.cpSync(images, `${target}.partial`, { recursive: true });
    fs.renameSync(`${target}.partial`, target);
  }
  const disk = fs.readdirSync(target).find((name) => /\.(qcow2|img|raw)(\.zst)?$/.test(name));
  if (disk === undefined) throw imageDamaged(reference, "it has no disk below /data/images");
  return path.join(folder, disk);
}

/** qemu-img says 3 for space that is only wasted, and 63 for formats it cannot check. */
async function checkDisk({ exec, signal }: Context, file: string): Promise<void> {
  if (!file.endsWith(".qcow2")) return;
  try {
    await exec("qemu-img", ["check", "-q", "-f", "qcow2", file], { show: false, allowedCodes: [0, 3, 63] });
  } catch (error) {
    if (signal.aborted || !isBtError(error) || error.code !== "COMMAND_FAILED") throw error;
    throw imageDamaged(file, lastLine(error.detail));
  }
}

function lastLine(lines: readonly string[]): string {
  return lines.findLast((line) => line.trim() !== "")?.trim() ?? "qemu-img refuses it";
}
