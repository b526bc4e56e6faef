/** Shows what became of a kernel's options, or how the configurations of two kernels differ. Changes nothing. */
import * as fs from "node:fs";
import * as path from "node:path";
import { BtError, type Context } from "../../core/index.ts";
import { parseConfig } from "./config-option.ts";
import type { KernelValues } from "./params.ts";
import { outDir } from "./places.ts";
import type { Shop } from "./shop.ts";

export async function showConfig(context: Context, shop: Shop): Promise<void> {
  const { targetArch, other } = context.params as unknown as KernelValues & { readonly other?: string }; // As tasks.ts declares them.
  const name = context.cell["kernel"] ?? "";
  const own = readConfig(context, shop, name, targetArch);
  if (other !== undefined) {
    const theirs = readConfig(context, shop, other, targetArch);
    const symbols = [...new Set([...own.keys(), ...theirs.keys()])].sort();
    for (const symbol of symbols)
      if (own.get(symbol) !== theirs.get(symbol))
        context.log.info(`${symbol}: ${own.get(symbol) ?? "absent"} → ${theirs.get(symbol) ?? "absent"}`);
    return;
  }
  const { options } = (await shop.family()).kernels.get(name)!; // Cells are the kernels of the family.
  for (const [action, symbol] of options)
    context.log.info(`${symbol}: ${action.slice(2)}, is ${own.get(symbol) ?? "absent"}`);
}

function readConfig({ root }: Context, shop: Shop, kernel: string, arch: string): ReadonlyMap<string, string> {
  const file = path.join(outDir(shop, kernel, arch), ".config");
  try {
    return parseConfig(fs.readFileSync(path.join(root, file), "utf8"));
  } catch (error) {
    throw new BtError("KERNEL_ROOTFS_CONFIG_MISSING", `Kernel "${kernel}" has no "${file}" yet`, {
      cause: error,
      fix: `Run \`bt kernel:configure:${kernel}\`.`,
    });
  }
}
