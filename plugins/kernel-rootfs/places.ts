/** Where files of kernels and images are, relative to the project root. Pure. */
import * as path from "node:path";
import { hostArch } from "./params.ts";
import type { Shop } from "./shop.ts";

type Data = Pick<Shop, "dataDir">;
type Images = Pick<Shop, "dataDir" | "suite">;

/** Source tree of a kernel that bt fetches. */
export function sourceDir({ dataDir }: Data, kernel: string): string {
  return path.join(dataDir, "kernels", kernel);
}

/** What is built from it: .config, objects, tar-install. */
export function outDir({ dataDir }: Data, kernel: string, arch: string): string {
  return path.join(dataDir, "kernels", "out", kernel, arch);
}

/** `boot/` and `lib/modules/` of a kernel that was built. */
export function installDir(data: Data, kernel: string, arch: string): string {
  return path.join(outDir(data, kernel, arch), "tar-install");
}

/** What an image is made for. */
export interface Target {
  /** Debian suite. */
  readonly suite: string;
  readonly arch: string;
}

/** Images of the ordinary suite and this machine's architecture lie in `images/` itself, others in a folder of their own. */
export function imageDir({ dataDir, suite: ordinary }: Images, { suite, arch }: Target): string {
  const isOrdinary = suite === ordinary && arch === hostArch();
  return path.join(dataDir, "images", ...(isOrdinary ? [] : [`${suite}-${arch}`]));
}

/** Files of a root filesystem, kept between steps. */
export function treeFile(data: Images, target: Target, name: string): string {
  return path.join(imageDir(data, target), "tree", `${name}.tar`);
}

/** Images of all tasks, by digest. */
export const store = ".bt/oci";
