/** Native mode of the tasks of the Makefile: names, joins and publishes what the steps have made. */
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import {
  assemble,
  closeClient,
  createLayout,
  openClient,
  publishGroup,
  type Assembled,
  type ImageResult,
} from "../multiarch-manifest/index.ts";
import { archUnsupported } from "./errors.ts";
import type { Family } from "./family.ts";
import { hostNameOf, renderName, repositoryOf, rootImagesTag } from "./names.ts";
import { packFiles } from "./pack.ts";
import type { MakeValues } from "./params.ts";
import { imageDir, store } from "./places.ts";
import type { BuiltKernel, NamedImage, RootfsImage, RootfsTree } from "./result.ts";
import { makeDerived } from "./rootfs-task.ts";
import type { Shop } from "./shop.ts";
import { builderTools, needTools } from "./tools.ts";

export async function makeNative(context: Context, shop: Shop, what: string): Promise<NamedImage> {
  const values = context.params as unknown as MakeValues; // As params.ts declares them.
  const family = await shop.family();
  const tools = builderTools[what];
  if (tools !== undefined) return checkTools(context, what, tools);
  const { kernel, suite } = context.cell;
  const tag = kernel ?? rootImagesTag(values.rootImagesTag, suite ?? shop.suite);
  const ref = renderName({ repository: repositoryOf(values, what, shop.ciSuffix), tag });
  const images: ImageResult[] = [];
  for (const arch of values.targetArch) {
    if (what === "kernel-images") {
      const packed = context.needs[arch] as ImageResult | undefined; // Of kernel:pack; absent in a dry run.
      if (packed !== undefined) images.push(packed);
    } else if (what === "root-images") images.push(await packRootImages(context, shop, arch));
    else images.push(await makeFlavor(context, shop, { flavor: what, kernel: kernel ?? "", arch, family }));
  }
  if (context.isDryRun) return { ref };
  return await nameImages(context, { ref, images, isPushed: values.push });
}

function checkTools(context: Context, what: string, tools: readonly string[]): NamedImage {
  needTools(context, ...tools);
  context.log.info(`${what}: ${tools.join(" ")} are there`);
  return { ref: "" };
}

/** All disks of an architecture as one image with `/data/images`, each with what boots it. */
async function packRootImages(context: Context, shop: Shop, arch: string): Promise<ImageResult> {
  const disks = Object.entries(context.needs)
    .filter(([as]) => as.startsWith(`${arch} `))
    .map(([, disk]) => disk as RootfsImage); // Of rootfs:pack.
  const from = imageDir(shop, { suite: context.cell["suite"] ?? shop.suite, arch });
  const names = disks.flatMap(namesOf).sort();
  const labels = { "org.opencontainers.image.title": "root images" };
  return await packFiles(context, { from, names, to: "data/images", arch, labels, isCompressed: true });
}

/** The disk, and the kernel and ramdisk beside it: without a boot loader nobody could boot what is pulled. */
function namesOf({ file, vmlinuz, initrd }: RootfsImage): readonly string[] {
  return [file, vmlinuz, initrd].flatMap((one) => (one === undefined ? [] : [path.basename(one)]));
}

/** A flavor's base with the kernel in it: `/data/images/kind_6.12.qcow2.zst`. */
async function makeFlavor(
  context: Context,
  shop: Shop,
  {
    flavor,
    kernel,
    arch,
    family,
  }: { readonly flavor: string; readonly kernel: string; readonly arch: string; readonly family: Family },
): Promise<ImageResult> {
  const { base, arches } = family.flavors[flavor]!; // The caller's task is made from the flavor.
  if (!arches.some((one) => one === arch)) throw archUnsupported(flavor, arch, arches);
  const built = context.needs[`${arch} kernel`] as BuiltKernel | undefined; // Of kernel:btf; absent in a dry run.
  const tree = context.needs[`${arch} tree`] as RootfsTree | undefined; // Of rootfs:customize; absent in a dry run.
  const suite = family.kernels.get(kernel)?.pkgRepo ?? shop.suite;
  const from = imageDir(shop, { suite, arch });
  const name = `${flavor}_${kernel}.qcow2`;
  // The task's own context, for one of its architectures.
  const own = Object.create(context, {
    params: { value: { ...context.params, targetArch: arch, pkgRepo: suite } },
  }) as Context;
  const disk = await makeDerived(own, shop, {
    base,
    baseTree: tree?.tar ?? `${from}/tree/${base}.tar`,
    baseDisk: path.join(from, base),
    kernelDir: path.join(context.root, built?.dir ?? ""),
    hostName: hostNameOf(flavor, kernel),
    file: path.join(from, name),
  });
  return await packFiles(context, {
    from,
    names: namesOf(disk),
    to: "data/images",
    arch,
    labels: { "org.opencontainers.image.title": `${flavor} ${kernel}` },
    isCompressed: true,
  });
}

/** One index over the architectures, under its name in the store, and in the registry when it is asked for. */
async function nameImages(
  context: Context,
  {
    ref,
    images,
    isPushed,
  }: { readonly ref: string; readonly images: readonly ImageResult[]; readonly isPushed: boolean },
): Promise<NamedImage> {
  const { root, signal, publishing, log, name } = context;
  const layout = await createLayout(path.join(root, store));
  const entries = images.map(({ platform, digest }) => ({ platform, digest, layout }));
  const image: Assembled = await assemble({ name: ref, entries, entryName: ref }, layout);
  const { digest } = image.descriptor;
  log.info(`${ref}@${digest}  ${images.map(({ platform }) => platform).join(" ")}`);
  if (!isPushed) return { ref, digest };
  const client = await openClient({ signal });
  try {
    await publishGroup([{ name: ref, image, to: ref }], {
      client,
      journal: path.join(root, ".bt", "publish", `${encodeURIComponent(name)}.json`),
      beforeTags: publishing,
    });
  } finally {
    await closeClient(client);
  }
  return { ref, digest };
}
