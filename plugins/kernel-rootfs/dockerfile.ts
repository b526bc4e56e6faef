/** Dockerfiles of the family: their FROM lines name the images of this run. Builds nothing. */
import * as fs from "node:fs";
import * as path from "node:path";
import { BtError, replaceFile, type Context } from "../../core/index.ts";
import { engineWrong } from "./errors.ts";
import type { EngineBuild } from "./engine-build.ts";
import { builderNames, type MakeValues } from "./params.ts";
import { repositoryOf } from "./names.ts";
import type { Shop } from "./shop.ts";

export type Engine = "docker" | "podman" | "buildah";

/** @throws BtError KERNEL_ROOTFS_ENGINE_WRONG */
export function engineOf(program: string): Engine {
  const name = path.basename(program);
  if (name === "docker" || name === "podman" || name === "buildah") return name;
  throw engineWrong(program);
}

interface Wish {
  readonly build: EngineBuild;
  readonly values: MakeValues;
}

/** The dockerfile to build with: the project's own, or a copy whose FROM lines name the images of this run. */
export function prepareDockerfile(context: Context, { build, values }: Wish, { ciSuffix }: Shop): string {
  const text = readDockerfile(context.root, build.dockerfile);
  const { replaced, changes } = replaceBases(text, (name) => repositoryOf(values, name, ciSuffix), ciSuffix);
  if (changes.length === 0) return build.dockerfile;
  for (const change of changes) context.log.info(`${build.dockerfile}: ${change}`);
  const copy = path.join(".bt", "kernel-rootfs", "dockerfiles", context.name.replaceAll(/[^\w.-]/g, "-"));
  if (context.isDryRun) return copy;
  replaceFile(path.join(context.root, copy), replaced);
  return copy;
}

/** @throws BtError KERNEL_ROOTFS_DOCKERFILE_MISSING */
export function readDockerfile(root: string, shown: string): string {
  try {
    return fs.readFileSync(path.join(root, shown), "utf8");
  } catch (error) {
    throw new BtError("KERNEL_ROOTFS_DOCKERFILE_MISSING", `There is no dockerfile "${shown}"`, {
      cause: error,
      fix: "Create it, name another one as `dockerfile` of the kernel, or use BUILD_MODE=native.",
    });
  }
}

/** FROM lines that name an image of the family by its last part. */
function replaceBases(
  text: string,
  repository: (name: string) => string,
  ciSuffix: string,
): { readonly replaced: string; readonly changes: readonly string[] } {
  const changes: string[] = [];
  const lines = text.split("\n").map((line) => {
    const [, head, base, tail] = /^(FROM\s+(?:--\S+\s+)*)([^\s:"]+)(:.*)$/i.exec(line) ?? [];
    const last = base?.slice(base.lastIndexOf("/") + 1);
    const name = builderNames.find((one) => `${one}${ciSuffix}` === last);
    if (head === undefined || name === undefined || repository(name) === base) return line;
    changes.push(`${base} → ${repository(name)}`);
    return `${head}${repository(name)}${tail}`;
  });
  return { replaced: lines.join("\n"), changes };
}
