/** What the steps of a root filesystem share: its values, mmdebstrap, and what an image changes. Does not know disks. */
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { kernelOfDir } from "./family.ts";
import type { Image } from "./forest.ts";
import { withHints } from "./hint.ts";
import { hostArch, type RootfsValues } from "./params.ts";
import { installDir, type Target } from "./places.ts";
import type { BuiltKernel } from "./result.ts";
import type { Shop } from "./shop.ts";
import { bootstrapTools, needTools } from "./tools.ts";
import { starterFor, writeWhole, type Changes } from "./tree.ts";

export const valuesOf = (context: Context): RootfsValues => context.params as unknown as RootfsValues; // As params.ts declares them.

export function targetOf(context: Context): Target {
  const { pkgRepo, targetArch } = valuesOf(context);
  return { suite: pkgRepo, arch: targetArch };
}

/** One call of mmdebstrap; its mounts and processes end with it. */
export async function debootstrap(context: Context, shop: Shop, image: Image, tar: string): Promise<number> {
  const { isDryRun } = context;
  needTools(context, ...bootstrapTools);
  const { suite, arch } = targetOf(context);
  const { variant, mirror } = shop.options.debian ?? {};
  const start = await starterFor(context, valuesOf(context).targetArch);
  const packages = [...(image.bootable === false ? [] : [`linux-image-${arch}`]), ...image.packages];
  return await writeWhole(context, tar, async (partial) => {
    const args = [
      ...(variant === undefined ? [] : [`--variant=${variant}`]),
      "--format=tar",
      `--architectures=${arch}`,
      ...(arch === hostArch() ? [] : ["--skip=check/qemu"]), // Programs of it are made to run here, without arch-test.
      ...(packages.length === 0 ? [] : [`--include=${packages.join(",")}`]),
      suite,
      partial,
      ...(mirror === undefined ? [] : [mirror]),
    ];
    const env = isDryRun ? {} : { TMPDIR: await context.tempDir() };
    const command = {
      file: "unshare",
      args: ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "mmdebstrap", ...args],
      env,
    };
    await withHints(context, async () => await start(command), { mirror });
  });
}

export function changesOf(
  context: Context,
  shop: Shop,
  image: Pick<Image, "parent" | "packages" | "actions">,
): Changes {
  const { arch } = targetOf(context);
  return {
    packages: image.parent === undefined ? [] : image.packages,
    actions: image.actions,
    place: {
      dataDir: path.join(context.root, shop.dataDir),
      kernelDir: (dir) => kernelDir(context, shop, dir, arch),
      lineOf: (type, op) => shop.options.extend?.actionTypes?.[type]?.(op),
    },
  };
}

/** The folder itself, or the one that a kernel of the family was built into. */
function kernelDir(context: Context, shop: Shop, dir: string, arch: string): string {
  const own = kernelOfDir(dir);
  const built = own === undefined ? undefined : (context.needs[`kernel ${own}`] as BuiltKernel | undefined); // Of kernel:btf.
  if (built !== undefined) return path.join(context.root, built.dir);
  if (own !== undefined && context.isDryRun) return installDir(shop, own, arch);
  return path.resolve(context.root, shop.dataDir, dir);
}
