/** The work of the steps of a root filesystem. What actions mean is in action.ts, how disks are made in disk.ts. */
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { findDisk } from "./disk-image.ts";
import { makeDisk } from "./disk.ts";
import { chainOf, defaultSize, findVmlinuz, type Image } from "./forest.ts";
import type { Action } from "./options.ts";
import type { RootfsValues } from "./params.ts";
import { hostNameOf } from "./names.ts";
import { imageDir, treeFile } from "./places.ts";
import type { BuiltKernel, RootfsImage, RootfsTree } from "./result.ts";
import { changesOf, debootstrap, targetOf, valuesOf } from "./rootfs-step.ts";
import type { Shop } from "./shop.ts";
import { changeTree, createTree, packTree, starterFor, unpackDisk, unpackTree } from "./tree.ts";
import { kernelDirWrong } from "./data-errors.ts";

async function imageOf(context: Context, shop: Shop): Promise<Image> {
  return (await shop.family()).images.get(context.cell["image"] ?? "")!; // Cells are the images of the family.
}

/** Packages of a root image. A kernel is one of them unless the image says that it does not boot. */
export async function bootstrap(context: Context, shop: Shop): Promise<RootfsTree> {
  const image = await imageOf(context, shop);
  const target = targetOf(context);
  const tar = treeFile(shop, target, `${image.name}.bootstrap`);
  if (image.parent !== undefined) return { tar, bytes: 0 };
  const bytes = await debootstrap(context, shop, image, tar);
  return { tar, bytes };
}

/** The parent's files with the image's packages and actions. */
export async function customize(context: Context, shop: Shop): Promise<RootfsTree> {
  const image = await imageOf(context, shop);
  const target = targetOf(context);
  const tar = treeFile(shop, target, image.name);
  const before =
    (context.needs["tree"] as RootfsTree | undefined)?.tar ??
    treeFile(shop, target, image.parent ?? `${image.name}.bootstrap`); // Of the step before; absent in a dry run.
  const tree = await createTree(context);
  if (image.hasExternalParent)
    await unpackDisk(context, path.join(context.root, shop.dataDir, "images", image.parent ?? ""), tree);
  else await unpackTree(context, path.join(context.root, before), tree);
  const start = await starterFor(context, valuesOf(context).targetArch);
  await changeTree(context, tree, { ...changesOf(context, shop, image), start });
  const bytes = await packTree(context, tree, tar);
  return { tar, bytes };
}

/** A disk with the files of the image. */
export async function pack(context: Context, shop: Shop): Promise<RootfsImage> {
  const image = await imageOf(context, shop);
  const file = path.join(imageDir(shop, targetOf(context)), image.name);
  if (valuesOf(context).rootfsBackend !== "mke2fs")
    return await (await import("./whole-disk.ts")).makeWholeImage(context, shop, { image, file });
  const family = await shop.family();
  const chain = chainOf(family.images, image.name);
  const size = chain.findLast((one) => one.size !== undefined)?.size ?? defaultSize;
  const tar = (context.needs["tree"] as RootfsTree | undefined)?.tar ?? treeFile(shop, targetOf(context), image.name); // Of rootfs:customize; absent in a dry run.
  const tree = await createTree(context);
  await unpackTree(context, path.join(context.root, tar), tree);
  const hasKernel =
    chain[0]?.bootable !== false || chain.some(({ actions }) => actions.some(({ type }) => type === "install-kernel"));
  return await makeDisk(context, { tree, file, format: image.format, size, hasKernel });
}

/** What a derived image with a kernel is made of. */
export interface DerivedImage {
  /** Image of the family, or a disk. */
  readonly base: string;
  /** Absent: the base is a disk. */
  readonly baseTree?: string;
  /** Of a base of the family, for backends that make no trees. */
  readonly baseDisk?: string;
  /** Folder with `boot/vmlinuz-*`, absolute. */
  readonly kernelDir: string;
  readonly hostName?: string;
  /** Relative to the project root. */
  readonly file: string;
}

interface InstallValues extends RootfsValues {
  readonly image: string;
  readonly kernel: string;
  readonly out: string | undefined;
}

export async function installKernel(context: Context, shop: Shop): Promise<RootfsImage> {
  const { image, kernel, out } = context.params as unknown as InstallValues; // As tasks.ts declares them.
  const built = context.needs["kernel:btf"] ?? context.needs["kernel"];
  const dir = (built as BuiltKernel | undefined)?.dir ?? kernel; // A kernel of the family, or a folder.
  const stem = path.basename(image, ".qcow2");
  const name = out ?? `${stem}_${path.basename(kernel)}.qcow2`;
  const target = targetOf(context);
  const isOfFamily = (await shop.family()).images.has(image);
  const tree = context.needs["tree"] as RootfsTree | undefined; // Of rootfs:customize; absent in a dry run.
  return await makeDerived(context, shop, {
    base: image,
    ...(isOfFamily
      ? { baseTree: tree?.tar ?? treeFile(shop, target, image), baseDisk: path.join(imageDir(shop, target), image) }
      : {}),
    kernelDir: path.resolve(context.root, dir),
    file: out === undefined ? path.join(imageDir(shop, target), name) : out,
    hostName: hostNameOf(stem, path.basename(kernel)),
  });
}

/** The files of an image, with a kernel and a host name. */
export async function makeDerived(context: Context, shop: Shop, derived: DerivedImage): Promise<RootfsImage> {
  const { base, baseTree, baseDisk, kernelDir: dir, hostName, file } = derived;
  const { images } = await shop.family();
  const { rootfsBackend, targetArch } = valuesOf(context);
  if (!context.isDryRun) checkKernelDir(dir);
  const actions: readonly Action[] = [
    { type: "install-kernel", op: { KernelInstallDir: dir } },
    ...(hostName === undefined ? [] : [{ type: "set-hostname", op: { Hostname: hostName } } as const]),
  ];
  const format = file.endsWith(".qcow2") ? "qcow2" : "raw";
  if (rootfsBackend !== "mke2fs") {
    const facts = { arches: [], packages: [], hasExternalParent: true, at: { where: "IMAGE" } } as const;
    const image = { ...facts, name: path.basename(file), parent: path.basename(base), format, actions } as const;
    const parent = baseDisk ?? (await findDisk(context, base, targetArch)).file;
    return await (await import("./whole-disk.ts")).makeWholeImage(context, shop, { image, file, parent });
  }
  const tree = await createTree(context);
  if (baseTree !== undefined) await unpackTree(context, path.join(context.root, baseTree), tree);
  else {
    const disk = await findDisk(context, base, targetArch);
    await unpackDisk(context, path.resolve(context.root, disk.file), tree);
  }
  const start = await starterFor(context, targetArch);
  await changeTree(context, tree, { ...changesOf(context, shop, { parent: base, packages: [], actions }), start });
  const size = chainOf(images, base).findLast((one) => one.size !== undefined)?.size ?? defaultSize;
  return await makeDisk(context, { tree, file, format, size, hasKernel: true });
}

function checkKernelDir(dir: string): void {
  let found: readonly string[] | undefined;
  try {
    found = findVmlinuz(dir);
  } catch {
    found = undefined;
  }
  if (found?.length !== 1) throw kernelDirWrong({ where: "KERNEL" }, dir, found);
}
