/** Fills in manifests in a folder of its own and puts it in place when every template has succeeded. Does not know what is in them. */
import { cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { hostPlatform, isBtError, type Context } from "../../core/index.ts";
import { buildProgram } from "./bazel.ts";
import { templateFailed, templatesMissing } from "./errors.ts";
import type { ManifestsOptions, Shop } from "./options.ts";
import { pushIdle, warnIdle } from "./params.ts";

const ending = ".yaml.in";

/** Resolves to the manifests, relative to the folder of the result. @throws BtError BAZEL_BUILDER_TEMPLATE, BAZEL_BUILDER_TEMPLATES */
export async function renderManifests(context: Context, shop: Shop): Promise<readonly string[]> {
  const { root, params, log, isDryRun } = context;
  const options = shop.options.manifests!; // The task is there only with it.
  const { sources = "manifests", out = "_out/manifests" } = options;
  const generated = options.generated ?? join(sources, "generated");
  warnIdle(context, pushIdle);
  const { tag = shop.options.push?.tag ?? "latest" } = params as { readonly tag?: string }; // As tagParam() declares it.
  if (params["tag"] === undefined) log.warn(`DOCKER_TAG is not set: the manifests name images with the tag "${tag}"`);
  const templates = await findTemplates(resolve(root, sources), resolve(root, generated));
  if (templates.length === 0) throw templatesMissing(sources);
  const words = await findTemplator(context, shop, options);
  const folder = isDryRun ? "<temporary folder>" : await context.tempDir();
  const [included, result] = [join(folder, "included"), join(folder, "result")];
  const csv = csvVersion(params, tag);
  const flags = varFlags(params, { vars: options.vars ?? {}, tag, csv, bundle: join(result, "release/olm/bundle") });
  const failed: { file: string; said: string }[] = [];
  await inParallel(templates, async (template) => {
    const file = join(sources, template);
    try {
      const first = [
        "--process-files",
        `--generated-manifests-dir=${resolve(root, generated)}/`,
        `--input-file=${resolve(root, file)}`,
      ];
      const middle = join(included, `${template}.tmp`);
      const one = await runTemplator(context, words, first);
      if (!isDryRun) await writeInto(middle, `${one}\n`);
      const second = await runTemplator(context, words, ["--process-vars", `--input-file=${middle}`, ...flags]);
      if (isDryRun) return;
      // The original cuts the last line if it is empty.
      await writeInto(join(result, outName(template, csv)), `${second.replace(/\n$/, "")}\n`);
    } catch (error) {
      if (!isBtError(error)) throw error;
      failed.push({ file, said: error.detail.at(-1) ?? error.message });
    }
  });
  if (failed.length > 0) throw templateFailed(failed.sort((a, b) => (a.file < b.file ? -1 : 1)));
  const names = templates.map((template) => outName(template, csv));
  if (isDryRun) log.info(`write   ${out}: ${names.length} manifests`);
  else await swapIn(result, resolve(root, out));
  if (!isDryRun) log.info(`${out}: ${names.length} manifests`);
  return names;
}

/** Templates below a folder, sorted; includes are none. */
async function findTemplates(folder: string, generated: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith(ending) && !resolve(folder, name).startsWith(`${generated}/`)).sort();
}

/** Words before the templator's options. */
async function findTemplator(
  context: Context,
  shop: Shop,
  { templator }: ManifestsOptions,
): Promise<readonly string[]> {
  if (!("bazel" in templator)) return templator;
  const { params, root, exec, isDryRun } = context;
  if (params["noBazel"] !== true) {
    const stream = params["stream"] as string | undefined; // As streamParam() declares it.
    const file = await buildProgram(context, shop, { label: templator.bazel, arch: hostPlatform().arch, stream });
    return [isDryRun ? file : resolve(root, file)];
  }
  const program = join(isDryRun ? "<temporary folder>" : await context.tempDir(), "templator");
  const folder = templator.go ?? templator.bazel.replace(/^\/\//, "").replace(/:.*$/, "");
  await exec("go", ["build", "-mod=vendor", "-o", program, "."], { cwd: folder, env: { GOPROXY: "off" } });
  return [program];
}

async function runTemplator(
  { exec, isDryRun }: Context,
  words: readonly string[],
  flags: readonly string[],
): Promise<string> {
  const [program = "", ...before] = words;
  return (await exec(program, [...before, ...flags], { show: isDryRun })).stdout;
}

function varFlags(
  params: Context["params"],
  {
    vars,
    tag,
    csv,
    bundle,
  }: {
    readonly vars: Readonly<Record<string, string>>;
    readonly tag: string;
    readonly csv: string;
    readonly bundle: string;
  },
): readonly string[] {
  const value = (name: string): string => textOf(params, name);
  const own: Readonly<Record<string, string>> = {
    "bundle-out-dir": bundle,
    "cdi-namespace": "cdi",
    "container-prefix": value("prefix"),
    "container-tag": tag,
    "csv-namespace": "placeholder",
    "csv-version": csv,
    "feature-gates": value("featureGates"),
    "gs-sha": value("gsSha"),
    "image-prefix": value("imagePrefix"),
    "image-pull-policy": value("imagePullPolicy"),
    "infra-replicas": value("infraReplicas"),
    "test-image-replicas": value("testReplicas"),
    "kubevirt-logo-path": "assets/kubevirt_logo.png",
    namespace: value("namespace"),
    "package-name": value("packageName"),
    "quay-repository": value("quayRepository"),
    "runbook-url-template": value("runbookUrl"),
    verbosity: value("verbosity"),
    hypervisor: value("hypervisor"),
    ...vars,
  };
  const extra = params["extraFlags"] as readonly string[]; // A list, as manifestParams declares it.
  return [...Object.entries(own).map(([name, text]) => `--${name}=${text}`), ...extra];
}

/** The tag without its leading v; `latest` and `devel` are no versions. */
function csvVersion(params: Context["params"], tag: string): string {
  const given = textOf(params, "csvVersion");
  if (given !== "") return given;
  return tag.replace("latest", "0.0.0").replace("devel", "0.0.0").replace(/^v/, "");
}

function textOf(params: Context["params"], name: string): string {
  const value = params[name];
  return typeof value === "string" ? value : "";
}

function outName(template: string, csv: string): string {
  const name = basename(template, ".in").replace("VERSION", csv);
  return join(dirname(template), name);
}

async function writeInto(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function inParallel<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const workers = Array.from({ length: Math.min(all.length, availableParallelism()) }, async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  });
  await Promise.all(workers);
}

/** Two renames in the folder of the result: whoever looks sees the old manifests, for a moment none, or the new ones. */
async function swapIn(made: string, out: string): Promise<void> {
  const staged = `${out}.bt-${process.pid}`;
  const old = `${staged}-old`;
  await mkdir(dirname(out), { recursive: true });
  try {
    await cp(made, staged, { recursive: true });
    await rename(out, old).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
    try {
      await rename(staged, out);
    } catch (error) {
      await rename(old, out).catch(() => undefined);
      throw error;
    }
  } finally {
    await rm(staged, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}
