/** The tasks about the data itself: says what was found, and writes it as a builderfile. */
import * as path from "node:path";
import { replaceFile, type Context } from "../../core/index.ts";
import { readImagesFile, readKernelsFile } from "./lvh-json.ts";
import type { Findings } from "./json-shape.ts";
import type { Shop } from "./shop.ts";

/** Everything was checked before the task started; this tells what there is. */
export async function validate({ log }: Context, shop: Shop): Promise<void> {
  const { kernels, images, flavors, warnings } = await shop.family();
  for (const warning of warnings) log.warn(warning);
  const options = [...kernels.values()].reduce((sum, kernel) => sum + kernel.options.length, 0);
  log.info(
    `${kernels.size} kernels with ${options} options, ${images.size} images, ${Object.keys(flavors).length} flavors`,
  );
}

/** The entries of both files as TypeScript, to be edited from then on. */
export async function importLvh(context: Context, { options }: Shop): Promise<void> {
  const { out } = context.params as { readonly out?: string };
  const findings: Findings = { mistakes: [], warnings: [] };
  const kernels = "kind" in options.kernels ? readKernelsFile(options.kernels.file, findings) : undefined;
  const images = "kind" in options.images ? readImagesFile(options.images.file, findings) : undefined;
  const common = kernels?.commonOptions ?? [];
  const text = [
    `import { defineBuilder } from "builderfile";`,
    `import { kernelRootfs } from "builderfile/plugins/kernel-rootfs";`,
    "",
    `const common = ${render(common)} as const;`,
    "",
    "export default defineBuilder({",
    "  plugins: [",
    "    kernelRootfs({",
    `      kernels: [${(kernels?.kernels ?? []).map(({ entry: { opts = [], ...entry } }) => renderKernel(entry, opts)).join("")}`,
    "      ],",
    `      images: ${render(images?.map(({ entry }) => entry) ?? options.images)},`,
    "    }),",
    "  ],",
    "});",
    "",
  ].join("\n");
  if (out === undefined) {
    context.log.info(text);
    return;
  }
  replaceFile(path.resolve(context.root, out), text);
  context.log.info(`${out} holds what is in the files; run \`bt -f ${out} --check\``);
}

function renderKernel(entry: object, options: readonly unknown[]): string {
  const own = options.map((one) => JSON.stringify(one)).join(", ");
  const head = render(entry).slice(0, -1).trimEnd();
  return `\n        ${head}${head.endsWith(",") || head === "{" ? "" : ","} opts: [...common${own === "" ? "" : `, ${own}`}] },`;
}

function render(value: unknown): string {
  return JSON.stringify(value);
}
