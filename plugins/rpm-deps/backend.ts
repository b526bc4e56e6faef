/** The command lines of the solver, those of the original. Pure but for the search of the program; starts nothing. */
import { findTool, hostPlatform } from "../../core/index.ts";
import { backendMissing } from "./solve-errors.ts";
import type { BackendOptions } from "./options.ts";
import type { Tree } from "./tree.ts";

/** How the solver is called. */
export interface Backend {
  readonly launcher: "direct" | "bazel";
  /** Words before the arguments of the solver. */
  readonly prefix: readonly string[];
  /** Values of `--config`; empty for `direct`. */
  readonly configs: readonly string[];
  readonly bin: string;
}

/** The original's default architecture counts for the solver too: it is never written out. */
const defaultArch = "x86_64";

/** `bin` beats the builderfile: a variable gives it. */
export function createBackend(options: BackendOptions = {}, bin?: string): Backend {
  const { launcher = "direct", target = "//:bazeldnf" } = options;
  if (launcher === "direct") {
    const program = bin ?? options.bin ?? "bazeldnf";
    return { launcher, bin: program, prefix: [program], configs: [] };
  }
  const program = options.bin ?? "bazel";
  const configs = options.configs ?? [hostPlatform().bazel];
  return { launcher, bin: program, configs, prefix: [program, "run", ...configs.map(toConfig), target, "--"] };
}

/** @throws BtError RPM_DEPS_BACKEND_MISSING */
export function checkBackend({ bin, launcher }: Backend, env: Readonly<Record<string, string | undefined>>): string {
  const found = findTool(bin, env["PATH"] ?? "");
  if (found === undefined) throw backendMissing(bin, launcher);
  return found;
}

/** `fetch --repofile …`. */
export function fetchArgs(repofiles: readonly string[]): readonly string[] {
  return ["fetch", ...repofileArgs(repofiles)];
}

/** `rpmtree --public --nobest --name …`; `versions` are the full versions by package name. */
export function rpmtreeArgs(
  tree: Tree,
  repofiles: readonly string[],
  { nobest, versions }: { readonly nobest: boolean; readonly versions: (name: string) => string | undefined },
): readonly string[] {
  return [
    "rpmtree",
    "--public",
    ...(nobest ? ["--nobest"] : []),
    "--name",
    tree.name,
    ...(tree.arch === defaultArch ? [] : ["--arch", tree.arch]),
    "--basesystem",
    tree.basesystem,
    ...tree.ignore.flatMap((pattern) => ["--force-ignore-with-dependencies", pattern]),
    ...repofileArgs(repofiles),
    ...tree.packages.map(({ name, pin }) => {
      const version = pin === undefined ? undefined : versions(name);
      return version === undefined ? name : `${name}-${version}`;
    }),
  ];
}

/** `bazel run --config=… //rpm:ldd_…`: only for the launcher `bazel`. */
export function lddTargetArgs(
  { configs }: Backend,
  target: string,
  { stream }: { readonly stream: string },
): readonly string[] {
  return ["run", ...configs.map(toConfig), toConfig(stream), target];
}

function toConfig(name: string): string {
  return `--config=${name}`;
}

function repofileArgs(files: readonly string[]): readonly string[] {
  return files.flatMap((file) => ["--repofile", file]);
}
