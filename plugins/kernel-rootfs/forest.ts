/** Images and their parents: a forest, checked against itself and against the files it copies. Builds nothing. */
import * as fs from "node:fs";
import * as path from "node:path";
import {
  kernelDirWrong,
  nameTwice,
  nameWrong,
  parentCircle,
  parentMissing,
  pathMissing,
  sizeSmaller,
  sizeWrong,
} from "./data-errors.ts";
import type { Findings } from "./json-shape.ts";
import type { Placed } from "./lvh-json.ts";
import type { Action, ImgConf, TargetArch } from "./options.ts";
import { parseSize } from "./size.ts";

/** One image with all that is known about it. */
export interface Image {
  readonly name: string;
  /** Absent: a root image. */
  readonly parent?: string;
  /** The parent is no image of the family, but a file. */
  readonly hasExternalParent: boolean;
  /** Absent: the parent's. */
  readonly size?: string;
  readonly format: "qcow2" | "raw";
  readonly bootable?: boolean;
  readonly packages: readonly string[];
  readonly actions: readonly Action[];
  readonly arches: readonly TargetArch[];
  readonly at: Placed<ImgConf>["at"];
}

interface Surroundings {
  readonly dataDir: string;
  readonly archesOf: (image: string) => readonly TargetArch[];
  /** Whether a folder of install-kernel is made by a kernel of the family. */
  readonly isFamilyKernel: (dir: string) => boolean;
}

/** All images by name, in the order of the file; what is wrong is collected. */
export function checkImages(
  entries: readonly Placed<ImgConf>[],
  surroundings: Surroundings,
  findings: Findings,
): ReadonlyMap<string, Image> {
  const placed = new Map<string, Placed<ImgConf>>();
  for (const one of entries) {
    const { name } = one.entry;
    const first = placed.get(name);
    if (!/^[A-Za-z0-9][\w.+-]*$/.test(name)) findings.mistakes.push(nameWrong(one.placeOf("name"), "image", name));
    if (first === undefined) placed.set(name, one);
    else findings.mistakes.push(nameTwice(one.placeOf("name"), "image", name, first.placeOf("name")));
  }
  const images = new Map([...placed].map(([name, one]) => [name, toImage(one, placed, surroundings)]));
  for (const [name, one] of placed) {
    checkParent(one, { images, placed, surroundings }, findings);
    checkSizes(name, { images, placed }, findings);
    for (const [at, action] of (one.entry.actions ?? []).entries())
      checkAction(action, { one, at, surroundings }, findings);
  }
  return images;
}

function toImage(
  { entry, at }: Placed<ImgConf>,
  known: ReadonlyMap<string, unknown>,
  surroundings: Surroundings,
): Image {
  const { name, parent, image_size: size, bootable, packages = [], actions = [] } = entry;
  const hasParent = parent !== undefined && parent !== "";
  return {
    name,
    ...(hasParent ? { parent } : {}),
    hasExternalParent: hasParent && !known.has(parent),
    ...(size === undefined ? {} : { size }),
    format: name.endsWith(".qcow2") ? "qcow2" : "raw",
    ...(bootable === undefined ? {} : { bootable }),
    packages,
    actions,
    arches: surroundings.archesOf(name),
    at,
  };
}

/** Root first, the image itself last. */
export function chainOf(images: ReadonlyMap<string, Image>, name: string): readonly Image[] {
  const chain: Image[] = [];
  for (let one = images.get(name); one !== undefined && !chain.includes(one); one = images.get(one.parent ?? ""))
    chain.unshift(one);
  return chain;
}

/** The images that are made from one, nearest first. */
export function descendantsOf(images: ReadonlyMap<string, Image>, name: string): readonly string[] {
  const found: string[] = [name];
  for (const one of found)
    found.push(...[...images.values()].filter(({ parent }) => parent === one).map((child) => child.name));
  return found.slice(1);
}

interface Checked {
  readonly images: ReadonlyMap<string, Image>;
  readonly placed: ReadonlyMap<string, Placed<ImgConf>>;
}

function checkParent(
  { entry, placeOf }: Placed<ImgConf>,
  { images, surroundings }: Checked & { readonly surroundings: Surroundings },
  { mistakes }: Findings,
): void {
  const { name, parent } = images.get(entry.name)!; // Made from the same entries.
  if (parent === undefined) return;
  if (!images.has(parent)) {
    const folder = path.join(surroundings.dataDir, "images");
    if (!fs.existsSync(path.join(folder, parent)))
      mistakes.push(parentMissing(placeOf("parent"), parent, folder, [...images.keys()]));
    return;
  }
  const chain = [name];
  for (let next: string | undefined = parent; next !== undefined; next = images.get(next)?.parent) {
    chain.push(next);
    if (next === name) {
      // A circle is told once, by the member that comes first.
      if ([...images.keys()].find((one) => chain.includes(one)) === name)
        mistakes.push(parentCircle(placeOf("parent"), chain));
      return;
    }
    if (chain.indexOf(next) !== chain.length - 1) return;
  }
}

function checkSizes(name: string, { images, placed }: Checked, { mistakes }: Findings): void {
  const { size } = images.get(name)!; // Made from the same entries.
  if (size === undefined) return;
  const at = placed.get(name)!.placeOf("image_size");
  const bytes = parseSize(size);
  if (bytes === undefined) {
    mistakes.push(sizeWrong(at, size));
    return;
  }
  const ancestors = chainOf(images, name).slice(0, -1);
  const sized = ancestors.findLast((one) => one.size !== undefined || one.parent === undefined);
  if (sized === undefined || sized.hasExternalParent) return;
  const parentSize = sized.size ?? defaultSize;
  if (bytes < (parseSize(parentSize) ?? 0n))
    mistakes.push(sizeSmaller(at, size, { name: ancestors.at(-1)!.name, size: parentSize }));
}

/** Of a root image. */
export const defaultSize = "8G";

function checkAction(
  action: Action,
  {
    one,
    at,
    surroundings,
  }: { readonly one: Placed<ImgConf>; readonly at: number; readonly surroundings: Surroundings },
  { mistakes, warnings }: Findings,
): void {
  const place = one.placeOf("actions", at);
  if (action.type === "set-hostname" && action.op.Hostname.includes("."))
    warnings.push(
      `${place.where}${place.line === undefined ? "" : `:${place.line}`}: the host name "${action.op.Hostname}" shows as "${action.op.Hostname.replace(/\..*/, "")}"`,
    );
  const local = localPathOf(action);
  if (local === undefined) return;
  const file = path.resolve(surroundings.dataDir, local);
  if (action.type !== "install-kernel") {
    if (!fs.existsSync(file)) mistakes.push(pathMissing(place, local));
    return;
  }
  const hasBoot = fs.existsSync(path.join(file, "boot"));
  if (!hasBoot && surroundings.isFamilyKernel(local)) return;
  const found = hasBoot ? findVmlinuz(file) : undefined;
  if (found?.length !== 1) mistakes.push(kernelDirWrong(place, local, found));
}

/** What an action copies from the data folder. */
export function localPathOf(action: Action): string | undefined {
  switch (action.type) {
    case "copy-in":
      return action.op.LocalPath;
    case "upload":
      return action.op.File;
    case "tar-in":
      return action.op.TarFile;
    case "install-kernel":
      return action.op.KernelInstallDir;
    case "run-command":
    case "set-hostname":
    case "mkdir":
    case "chmod":
    case "append-line":
    case "link":
      return undefined;
  }
}

/** Regular files `boot/vmlinuz-*`. */
export function findVmlinuz(dir: string): readonly string[] {
  return fs
    .readdirSync(path.join(dir, "boot"), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.startsWith("vmlinuz-"))
    .map(({ name }) => name)
    .sort();
}
