/** What is wrong with the values of a command line, before anything starts. Reads the version table; starts nothing. */
import * as fs from "node:fs";
import * as path from "node:path";
import { planCi } from "./ci-plan.ts";
import { planRelease } from "./ci-release.ts";
import { engineOf } from "./dockerfile.ts";
import { nowWrong, refreshUnknown } from "./errors.ts";
import type { Family } from "./family.ts";
import { forwardsOf } from "./qemu.ts";
import type { Shop } from "./shop.ts";
import { checkKey, readVersions } from "./version-store.ts";
import { imageMissing, kernelMissing, patternWrong } from "./vm-errors.ts";

type Values = Readonly<Record<string, unknown>>;

/** How labels are read, with what the builderfile leaves out. */
export function selectOf({ options }: Pick<Shop, "options">): Parameters<typeof planCi>[0]["select"] {
  const {
    kernelPrefix = "gha-builds/kernel/",
    none = "gha-builds/just-dont",
    dryRun = "gha-builds/dry-run",
  } = options.select ?? {};
  return { kernelPrefix, none, dryRun };
}

export function lockOf({ options }: Pick<Shop, "options">): string {
  return options.lock ?? "versions/";
}

interface Surroundings {
  readonly shop: Shop;
  readonly family: Family;
  readonly root: string;
  /** Nothing in this run makes files that this task could mean. */
  readonly isLast: boolean;
}

/** @throws BtError KERNEL_ROOTFS_… */
export function checkRequest(key: string, values: Values, { shop, family, root, isLast }: Surroundings): void {
  checkRefresh(values["refresh"] as readonly string[] | undefined, family); // A list, as params.ts declares it.
  if (isLast && (key.startsWith("vm:") || key === "rootfs:install-kernel")) checkNames(values, { family, root });
  if (typeof values["docker"] === "string" && values["buildMode"] !== "native") engineOf(values["docker"]);
  if (key === "ci:plan") checkPlan(values, { shop, family, root });
  if (key === "ci:release")
    planRelease({
      family,
      versions: readVersions(root, lockOf(shop)),
      registry: String(values["ociorg"]),
      ciSuffix: shop.ciSuffix,
      name: String(values["name"]),
      ...(typeof values["to"] === "string" ? { to: values["to"] } : {}),
    });
  if (key === "versions:set") checkKey(String(values["key"]), family);
  if (key.startsWith("vm:")) forwardsOf(values["port"] as readonly string[]); // A list, as params.ts declares it.
  if (typeof values["expect"] === "string" && key === "vm:check") parsePattern(values["expect"]);
}

/** @throws BtError KERNEL_ROOTFS_REFRESH_UNKNOWN */
function checkRefresh(words: readonly string[] = [], { kernels, images }: Family): void {
  if (words.length === 0) return;
  const named = (kind: string, names: Iterable<string>): string[] => [...names].map((name) => `${kind}:${name}`);
  const known = ["all", ...named("kernel", kernels.keys()), ...named("rootfs", images.keys())];
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) throw refreshUnknown(unknown, known);
}

/** @throws BtError KERNEL_ROOTFS_IMAGE_MISSING, KERNEL_ROOTFS_KERNEL_MISSING */
function checkNames(
  { image, kernel }: Values,
  { family, root }: { readonly family: Family; readonly root: string },
): void {
  if (typeof image === "string" && image !== "none" && !family.images.has(image) && isMissing(root, image))
    throw imageMissing(image, [...family.images.keys()]);
  if (typeof kernel === "string" && !family.kernels.has(kernel) && !fs.existsSync(path.resolve(root, kernel)))
    throw kernelMissing(kernel, [...family.kernels.keys()]);
}

/** Whether this means a file that is not there: anything but the name of an image in a registry. */
export function isMissing(root: string, image: string): boolean {
  if (fs.existsSync(path.resolve(root, image))) return false;
  return !/[/:]/.test(image) || /^[./]/.test(image) || /\.(qcow2|img|raw|zst)$/.test(image);
}

/** Without CHANGED only git knows what is built, so a missing version is told when the task runs. */
function checkPlan(values: Values, { shop, family, root }: Omit<Surroundings, "isLast">): void {
  parseNow(values["now"] as string | undefined); // A text, as ci-tasks.ts declares it.
  planCi({
    family,
    select: selectOf(shop),
    registry: "",
    ciSuffix: shop.ciSuffix,
    dataDir: shop.dataDir,
    labels: values["labels"] as readonly string[], // A list, as ci-tasks.ts declares it.
    changed: values["changed"] as readonly string[], // The same.
    tag: "T",
    versions: readVersions(root, lockOf(shop)),
    stale: [],
    by: "diff",
  });
}

/** @throws BtError KERNEL_ROOTFS_NOW_WRONG */
export function parseNow(text: string | undefined): Date {
  const now = text === undefined ? new Date() : new Date(text);
  if (Number.isNaN(now.getTime())) throw nowWrong(text ?? "");
  return now;
}

/** @throws BtError KERNEL_ROOTFS_EXPECT_WRONG */
export function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text, "m");
  } catch (error) {
    throw patternWrong(text, error);
  }
}
