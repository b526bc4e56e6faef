/** The work of the steps of a kernel. What is decided about options is in config-option.ts. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { findTool, type Context } from "../../core/index.ts";
import { findDiscrepancies, renderDiscrepancy } from "./config-option.ts";
import { configUnapplied } from "./errors.ts";
import type { Kernel } from "./family.ts";
import { withHints } from "./hint.ts";
import { bootTarget, configCalls, makeArguments, type KernelTarget } from "./kernel-make.ts";
import { fetchKernel } from "./kernel-source.ts";
import type { KernelValues } from "./params.ts";
import { installDir, outDir, sourceDir } from "./places.ts";
import type { BuiltKernel, ConfiguredKernel, FetchedKernel } from "./result.ts";
import type { Shop } from "./shop.ts";
import { kernelTools, needTools } from "./tools.ts";

const valuesOf = (context: Context): KernelValues => context.params as unknown as KernelValues; // As params.ts declares them.

async function kernelOf(context: Context, shop: Shop): Promise<Kernel> {
  return (await shop.family()).kernels.get(context.cell["kernel"] ?? "")!; // Cells are the kernels of the family.
}

export async function hasSource(context: Context, shop: Shop): Promise<boolean> {
  const { source, name } = await kernelOf(context, shop);
  const dir = source?.kind === "local-dir" ? source.path : sourceDir(shop, name);
  return fs.existsSync(path.resolve(context.root, dir, "Makefile"));
}

export async function fetch(context: Context, shop: Shop): Promise<FetchedKernel> {
  const kernel = await kernelOf(context, shop);
  return await withHints(context, async () => await fetchKernel(context, kernel, shop));
}

/** Applies the options to the base configuration and compares what the kernel made of them. */
export async function configure(context: Context, shop: Shop): Promise<ConfiguredKernel> {
  const { root, exec, log, isDryRun, needs } = context;
  const fetched = needs["source"] as FetchedKernel | undefined; // Of kernel:fetch; absent in a dry run.
  const target = await targetOf(context, shop, fetched?.dir);
  const origin = [fetched?.commit, fetched?.state].filter((one) => one !== undefined).join(" ");
  const { kernel, arch, source, out } = target;
  if (!isDryRun) {
    needTools(context, ...kernelTools(arch)); // Before make says it in its own way.
    fs.mkdirSync(out, { recursive: true });
  }
  // A tree that was built in place, by another tool, cannot be built elsewhere as well.
  if (kernel.source?.kind !== "local-dir" && fs.existsSync(path.join(root, source, ".config")))
    await exec("make", ["-C", source, "mrproper"]);
  const config = path.join(out, ".config");
  await exec("make", makeArguments(target, kernel.baseConfig));
  for (const call of configCalls(kernel.options, config))
    await exec(path.resolve(root, source, "scripts/config"), call);
  await exec("make", makeArguments(target, "olddefconfig"));
  if (isDryRun) return { out, source, origin, arch, unapplied: [] };
  const allowed = shop.options.configAllow?.[kernel.name] ?? [];
  const unapplied = checkConfig(kernel, fs.readFileSync(config, "utf8"), allowed);
  for (const symbol of unapplied.unused)
    log.warn(`configAllow: ${symbol} of kernel "${kernel.name}" is applied or not asked for`);
  if (unapplied.refused.length > 0 && valuesOf(context).configCheck === "strict")
    throw configUnapplied(kernel.name, unapplied.refused);
  for (const line of unapplied.refused) log.warn(line);
  return {
    out: outDir(shop, kernel.name, arch),
    source,
    origin,
    arch,
    unapplied: [...unapplied.refused, ...unapplied.allowed],
  };
}

/** Wishes that were not granted, and entries of the allow list that nothing needs. */
function checkConfig(
  { options }: Kernel,
  config: string,
  allow: readonly string[],
): { readonly refused: readonly string[]; readonly allowed: readonly string[]; readonly unused: readonly string[] } {
  const names = allow.map((name) => (name.startsWith("CONFIG_") ? name : `CONFIG_${name}`));
  const found = findDiscrepancies(options, config);
  return {
    refused: found.filter(({ symbol }) => !names.includes(symbol)).map(renderDiscrepancy),
    allowed: found.filter(({ symbol }) => names.includes(symbol)).map(renderDiscrepancy),
    unused: names.filter((name) => !found.some(({ symbol }) => symbol === name)),
  };
}

export async function build(context: Context, shop: Shop): Promise<BuiltKernel> {
  const { exec, needs, isDryRun, root } = context;
  const target = await targetOf(context, shop, (needs["configured"] as ConfiguredKernel | undefined)?.source); // Of kernel:configure.
  const { kernel, arch, out } = target;
  const { sourceDateEpoch } = valuesOf(context);
  const env = sourceDateEpoch === undefined ? {} : { KBUILD_BUILD_TIMESTAMP: `@${sourceDateEpoch}` };
  await withHints(context, async () => {
    const jobs = `-j${os.availableParallelism()}`;
    await exec("make", [jobs, ...makeArguments(target, bootTarget(arch), "modules")], { env });
    await exec("make", [jobs, ...makeArguments(target, "dir-pkg")], { env });
  });
  const dir = installDir(shop, kernel.name, arch);
  if (isDryRun) return { dir, release: "", arch, bytes: 0 };
  const release = fs.readFileSync(path.join(out, "include/config/kernel.release"), "utf8").trim();
  const bytes = sizeOf(path.join(root, dir));
  context.log.info(`${kernel.name} is ${release}, ${Math.ceil(bytes / 1e6)} MB`);
  return { dir, release, arch, bytes };
}

async function targetOf(context: Context, shop: Shop, source: string | undefined): Promise<KernelTarget> {
  const kernel = await kernelOf(context, shop);
  const arch = valuesOf(context).targetArch;
  const own = kernel.source?.kind === "local-dir" ? kernel.source.path : sourceDir(shop, kernel.name);
  return { kernel, arch, source: source ?? own, out: path.join(context.root, outDir(shop, kernel.name, arch)) };
}

function sizeOf(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
}

export function hasBtf({ root, previous }: Context): boolean {
  const built = previous as BuiltKernel | undefined; // Its own last result.
  if (built?.btf === undefined || "skipped" in built.btf) return true;
  return fs.existsSync(path.join(root, built.dir, "boot", `btf-${built.release}`));
}

/** Needs pahole and a kernel with debug information; without one of them the step says so and is done. */
export async function writeBtf(context: Context, shop: Shop): Promise<BuiltKernel> {
  const { root, exec, env, log, needs } = context;
  const { targetArch: arch } = valuesOf(context);
  const planned: BuiltKernel = {
    dir: installDir(shop, context.cell["kernel"] ?? "", arch),
    release: "VERSION",
    arch,
    bytes: 0,
  };
  const built = (needs["built"] as BuiltKernel | undefined) ?? planned; // Of kernel:build; absent in a dry run.
  const vmlinux = path.join(built.dir, "boot", `vmlinux-${built.release}`);
  const skip = (skipped: string): BuiltKernel => {
    log.info(`no BTF: ${skipped}`);
    return { ...built, btf: { skipped } };
  };
  if (findTool("pahole", env["PATH"] ?? "") === undefined)
    return skip("pahole is not installed (apt-get install pahole)");
  const config = path.join(root, built.dir, "boot", `config-${built.release}`);
  const hasDebug = fs.existsSync(config) && /^CONFIG_DEBUG_INFO=y$/m.test(fs.readFileSync(config, "utf8"));
  if (!context.isDryRun && !hasDebug) return skip("the kernel is built without CONFIG_DEBUG_INFO");
  const { stdout } = await exec("pahole", ["--version"], { show: false });
  await exec("pahole", [`--btf_encode_detached=${path.join(built.dir, "boot", `btf-${built.release}`)}`, vmlinux]);
  return { ...built, btf: { pahole: stdout.trim() } };
}
