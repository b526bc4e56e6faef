/** How things of a builder are called: variants, repositories, needs. Pure. */
import type { Arch, Context } from "../../core/index.ts";
import type { Shop, Variant } from "./options.ts";

/** The variant that a task works on. */
export function variantOf(shop: Shop, params: Context["params"], fixed?: Variant): Variant {
  return fixed ?? shop.variants.find(({ name }) => name === params["variant"]) ?? shop.variants[0]!; // VARIANT is one of them.
}

/** `quay.io/kubevirt/builder`. */
export function repositoryOf(variant: Variant, params: Context["params"], part: "image" | "cross" = "image"): string {
  const own = part === "image" ? variant.image : variant.cross?.image;
  const name = params[variant.variables[part]];
  return `${String(params["prefix"])}/${typeof name === "string" ? name : own}`;
}

/** `cs9 amd64`, `cs9 cross`: names of the images of a builder in the needs of its build. */
export function needName(variant: string, part: Arch | "cross"): string {
  return `${variant} ${part}`;
}
