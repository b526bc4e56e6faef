/** What the key of a task holds of the data: only what its own result depends on. Pure. */
import { createHash } from "node:crypto";
import type { Leaf, Node } from "../../core/index.ts";
import type { Family } from "./family.ts";
import type { Shop } from "./shop.ts";

export function leavesOf(
  key: string,
  { cell }: Pick<Node, "cell">,
  { shop, family }: { readonly shop: Shop; readonly family: Family },
): readonly Leaf[] {
  const kernel = family.kernels.get(cell["kernel"] ?? "");
  const image = family.images.get(cell["image"] ?? "");
  const { options } = shop;
  switch (key) {
    case "kernel:fetch":
      return [
        leaf("source", kernel?.source),
        ...(kernel?.source?.kind === "own"
          ? [leaf("line of its source", options.extend?.sourceKinds?.[kernel.source.type]?.(kernel.source.op))]
          : []),
        leaf("patches", kernel?.patches),
      ];
    case "kernel:configure":
      return [
        ...(kernel?.options ?? []).map(([action, symbol]): Leaf => ({
          name: `option ${symbol}`,
          value: action.slice(2),
        })),
        leaf("base configuration", kernel?.baseConfig),
        leaf("make arguments", kernel?.makeArgs),
        leaf("allowed", options.configAllow?.[cell["kernel"] ?? ""]),
      ];
    case "kernel:build":
      return [leaf("make arguments", kernel?.makeArgs)];
    case "rootfs:bootstrap":
      return [leaf("packages", [image?.packages, image?.bootable]), leaf("debian", options.debian)];
    case "rootfs:customize":
      return [
        leaf("actions", [
          image?.actions,
          image?.actions.map(({ type, op }) => options.extend?.actionTypes?.[type]?.({ ...op })),
        ]),
        ...(image?.parent === undefined ? [] : [leaf("packages", image.packages)]),
      ];
    case "rootfs:pack":
      return [leaf("disk", [image?.size, image?.format, image?.bootable, image?.packages, image?.actions])];
    default:
      return [];
  }
}

/** Short texts as they are, others as their digest. */
function leaf(name: string, value: unknown): Leaf {
  const text = JSON.stringify(value ?? null);
  return { name, value: text.length <= 60 ? text : createHash("sha256").update(text).digest("hex").slice(0, 16) };
}
