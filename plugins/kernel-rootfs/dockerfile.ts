/** Dockerfiles of the family: their FROM lines name the images of this run, and the engine can read them. Builds nothing. */
import * as fs from "node:fs";
import * as path from "node:path";
import { BtError, type Context } from "../../core/index.ts";
import { engineWrong, heredocUnsupported } from "./errors.ts";
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

/** First version that reads heredocs. */
const heredocSince = { buildah: [1, 33], podman: [4, 8] } as const;

interface Wish {
  readonly build: EngineBuild;
  readonly engine: Engine;
  readonly program: string;
  readonly values: MakeValues;
}

/** The dockerfile to build with: the project's own, or a copy whose FROM lines name the images of this run. */
export async function prepareDockerfile(context: Context, wish: Wish, { ciSuffix }: Shop): Promise<string> {
  const { build, engine, values } = wish;
  const file = path.join(context.root, build.dockerfile);
  const text = readDockerfile(file, build.dockerfile);
  const line = text.split("\n").findIndex((one) => /^\s*(COPY|ADD|RUN)\b.*<<-?["']?\w/i.test(one));
  if (line !== -1 && engine !== "docker")
    await checkHeredoc(context, wish, { where: build.dockerfile, line: line + 1, source: text.split("\n")[line]! });
  const { replaced, changes } = replaceBases(text, (name) => repositoryOf(values, name, ciSuffix), ciSuffix);
  if (changes.length === 0) return build.dockerfile;
  for (const change of changes) context.log.info(`${build.dockerfile}: ${change}`);
  const copy = path.join(".bt", "kernel-rootfs", "dockerfiles", context.name.replaceAll(/[^\w.-]/g, "-"));
  if (context.isDryRun) return copy;
  const target = path.join(context.root, copy);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.writeFileSync(`${target}.partial`, replaced);
  fs.renameSync(`${target}.partial`, target);
  return copy;
}

function readDockerfile(file: string, shown: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new BtError("KERNEL_ROOTFS_DOCKERFILE_MISSING", `There is no dockerfile "${shown}"`, {
      cause: error,
      fix: "Create it, name another one as `dockerfile` of the kernel, or use BUILD_MODE=native.",
    });
  }
}

/** FROM lines that name an image of the family by its last part. */
export function replaceBases(
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

async function checkHeredoc(
  { exec, isDryRun }: Context,
  { engine, program }: Wish,
  at: { readonly where: string; readonly line: number; readonly source: string },
): Promise<void> {
  if (isDryRun || engine === "docker") return;
  const { stdout } = await exec(program, ["--version"], { show: false });
  const version = /(\d+)\.(\d+)[\w.]*/.exec(stdout);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  const [sinceMajor, sinceMinor] = heredocSince[engine];
  if (version !== null && (major < sinceMajor || (major === sinceMajor && minor < sinceMinor)))
    throw heredocUnsupported(at, engine, version[0]);
}
