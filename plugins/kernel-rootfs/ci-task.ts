/** The work of the CI tasks: asks git, reads the table, prints and copies. What is decided is in ci-plan.ts and ci-release.ts. */
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { planCi, toMatrix } from "./ci-plan.ts";
import { planRelease, renderRelease, type Release } from "./ci-release.ts";
import { contentHash, findStale } from "./content.ts";
import { diffFailed } from "./errors.ts";
import type { Plan } from "./plan.ts";
import { lockOf, parseNow, selectOf } from "./request.ts";
import type { Shop } from "./shop.ts";
import { checkKey, compareKeys, readVersions, writeVersion, type Versions } from "./version-store.ts";

/** `20260131.120000`, UTC. */
export function renderTag(now: Date): string {
  return now
    .toISOString()
    .replaceAll(/[-:]|\..*/g, "")
    .replace("T", ".");
}

interface PlanValues {
  readonly ociorg: string;
  readonly labels: readonly string[];
  readonly base: string | undefined;
  readonly changed: readonly string[];
  readonly now: string | undefined;
  readonly by: "diff" | "content";
}

export async function planRun(context: Context, shop: Shop): Promise<Plan> {
  const values = context.params as unknown as PlanValues; // As ci-tasks.ts declares them.
  const { options, ciSuffix, dataDir } = shop;
  const family = await shop.family();
  const now = parseNow(values.now);
  const versions = readVersions(context.root, lockOf(shop));
  const changed = values.changed.length > 0 ? values.changed : await findChanged(context, values.base ?? "origin/main");
  const own = planCi({
    family,
    select: selectOf(shop),
    registry: values.ociorg,
    ciSuffix,
    dataDir,
    labels: values.labels,
    changed,
    tag: options.tag?.({ now }) ?? renderTag(now),
    versions,
    stale: await findStale({ root: context.root, dataDir, family, versions, now }, context),
    by: values.by,
  });
  const changedPlan = options.extend?.plan?.(own) ?? own;
  const plan = changedPlan === own ? own : { ...changedPlan, matrix: toMatrix(changedPlan.builds ?? []) };
  for (const line of renderPlan(plan)) context.log.info(line);
  return plan;
}

/** The net difference since the branch left its base. @throws BtError KERNEL_ROOTFS_DIFF_FAILED */
async function findChanged({ exec }: Context, base: string): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await exec("git", ["diff", "--name-only", "--no-renames", `${base}...HEAD`], {
    show: false,
    allowedCodes: [0, 1, 128, 129],
  });
  if (exitCode !== 0) throw diffFailed(base, stderr.split("\n")[0] ?? "");
  return stdout.split("\n").filter((line) => line !== "");
}

function renderPlan(plan: Plan): readonly string[] {
  if (!plan.run) return ["nothing: the labels say so"];
  const { builds = [], stale = [], uses = {} } = plan;
  return [
    `tag ${plan.tag}${plan.dryRun === true ? ", dry run" : ""}; kernels ${plan.kernels?.join(" ")}`,
    ...(builds.length === 0 ? ["nothing to build"] : []),
    ...builds.map(({ image, platforms, reason }) => `build  ${image}  ${platforms.join(",")}  (${reason})`),
    ...Object.entries(uses).map(([key, tag]) => `use    ${key} ${tag}`),
    ...stale.map(({ key, why }) => `stale  ${key}: ${why}`),
  ];
}

interface ReleaseValues {
  readonly ociorg: string;
  readonly name: string;
  readonly to: string | undefined;
  readonly plan: boolean;
}

export async function release(context: Context, shop: Shop): Promise<Release> {
  const { ociorg, name, to, plan: isOnlyPlan } = context.params as unknown as ReleaseValues; // As ci-tasks.ts declares them.
  const planned = planRelease({
    family: await shop.family(),
    versions: readVersions(context.root, lockOf(shop)),
    registry: ociorg,
    ciSuffix: shop.ciSuffix,
    name,
    ...(to === undefined ? {} : { to }),
  });
  for (const line of renderRelease(planned)) context.log.info(line);
  if (!isOnlyPlan && !context.isDryRun) await (await import("./copy-tags.ts")).copyTags(context, planned);
  return planned;
}

export async function showVersions(context: Context, shop: Shop): Promise<Readonly<Record<string, string>>> {
  const versions = readVersions(context.root, lockOf(shop));
  const width = Math.max(0, ...[...versions.keys()].map((key) => key.length));
  for (const [key, { tag }] of versions) context.log.info(`${key.padEnd(width)}  ${tag}`);
  return tagsOf(versions);
}

interface SetValues {
  readonly key: string;
  readonly value: string;
  readonly expect: string | undefined;
}

export async function setVersion(context: Context, shop: Shop): Promise<void> {
  const { key, value, expect } = context.params as unknown as SetValues; // As ci-tasks.ts declares them.
  const { root, log, isDryRun } = context;
  const { dataDir } = shop;
  const family = await shop.family();
  checkKey(key, family);
  log.info(`${path.join(lockOf(shop), key)} := ${value}`);
  if (isDryRun) return;
  const versions = readVersions(root, lockOf(shop));
  const inputs = contentHash(key, { root, dataDir, family, versions });
  writeVersion(root, lockOf(shop), {
    key,
    version: { tag: value, inputs, builtAt: new Date().toISOString() },
    ...(expect === undefined ? {} : { expect }),
  });
}

type Difference = Readonly<Record<string, { readonly before?: string; readonly now?: string }>>;

export async function diffVersions(context: Context, shop: Shop): Promise<Difference> {
  const { base } = context.params as unknown as { readonly base: string }; // As ci-tasks.ts declares it.
  const store = lockOf(shop).replace(/\/$/, "");
  const before = await readVersionsAt(context, base, store);
  const now = tagsOf(readVersions(context.root, store));
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort(compareKeys);
  const changed = keys.filter((key) => before[key] !== now[key]);
  for (const key of changed) context.log.info(`${key}: ${before[key] ?? "(none)"} → ${now[key] ?? "(none)"}`);
  return Object.fromEntries(
    changed.map((key) => [
      key,
      {
        ...(before[key] === undefined ? {} : { before: before[key] }),
        ...(now[key] === undefined ? {} : { now: now[key] }),
      },
    ]),
  );
}

async function readVersionsAt(
  { exec }: Context,
  base: string,
  store: string,
): Promise<Readonly<Record<string, string>>> {
  const git = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await exec("git", args, { show: false, allowedCodes: [0, 1, 128] });
    if (exitCode !== 0) throw diffFailed(base, stderr.split("\n")[0] ?? "");
    return stdout;
  };
  if (store.endsWith(".json")) {
    const { images } = JSON.parse(await git("show", `${base}:./${store}`)) as {
      images: Record<string, { tag: string }>;
    }; // Written by bt.
    return Object.fromEntries(Object.entries(images).map(([key, { tag }]) => [key, tag]));
  }
  const names = (await git("ls-tree", "-r", "--name-only", base, "--", `${store}/`)).split("\n").filter(Boolean);
  const found: Record<string, string> = {};
  for (const name of names.filter((one) => !one.endsWith("README.md")))
    found[name.slice(store.length + 1)] = (await git("show", `${base}:./${name}`)).trim();
  return found;
}

function tagsOf(versions: Versions): Readonly<Record<string, string>> {
  return Object.fromEntries([...versions].map(([key, { tag }]) => [key, tag]));
}
