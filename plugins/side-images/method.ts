/** How a cell gets its image: the first of four files, unless the builderfile says otherwise. Looks at names only; reads no content. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Arch } from "../../core/index.ts";
import { findArch, suffixOf } from "./arch.ts";
import type { SideImagesOptions } from "./options.ts";

/** A method and where it stands. */
export type Method =
  | { readonly kind: "image"; readonly file: string }
  /** The builderfile's own reference. */
  | { readonly kind: "image"; readonly reference: string }
  | { readonly kind: "dockerfile"; readonly file: string };

/** Names that are looked for, in order. */
export function methodNames(suffix: string): readonly string[] {
  return [`ImageSource.${suffix}`, `Dockerfile.${suffix}`, "ImageSource", "Dockerfile"];
}

/** Files are relative to the project root. Undefined: nothing says how. */
export function findMethod(
  root: string,
  options: SideImagesOptions,
  { component, arch }: { readonly component: string; readonly arch: Arch },
): Method | undefined {
  const folder = join(options.dir, "components", component);
  const given = options.overrides?.[component]?.method ?? {};
  const own = Object.entries(given).find(([name]) => name !== "default" && findArch(name) === arch)?.[1];
  const override = own ?? given.default;
  if (override !== undefined) {
    return "imageSource" in override
      ? { kind: "image", reference: override.imageSource }
      : { kind: "dockerfile", file: join(folder, override.dockerfile) };
  }
  const name = methodNames(suffixOf(arch)).find((one) => existsSync(join(root, folder, one)));
  if (name === undefined) return undefined;
  const file = join(folder, name);
  return name.startsWith("ImageSource") ? { kind: "image", file } : { kind: "dockerfile", file };
}
