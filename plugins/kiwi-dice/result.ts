/** What a build has made: KIWI's own list, and the archive that takes the place of the last one. Does not know who built. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { chmodSync, chownSync, lstatSync } from "node:fs";
import { basename, join, relative } from "node:path";
import type { Bench } from "./bench.ts";
import { resultMissing } from "./host-errors.ts";
import type { Order } from "./order.ts";
import type { ResultFile } from "./recipe.ts";
import { digestFile } from "./repository.ts";
import { dicePath, files, findUser, giveToUser } from "./state.ts";
import type { Workplace } from "./workplace.ts";

/** One entry of `kiwi.result.json`. */
export interface KiwiFile {
  readonly key: string;
  /** Without folder. */
  readonly name: string;
  readonly inBundle: boolean;
}

/** The files that KIWI says it made, all of which are there. @throws BtError KIWI_DICE_RESULT_MISSING */
export async function listResults(order: Order, place: Workplace): Promise<readonly KiwiFile[]> {
  const log = relative(order.root, dicePath(order.folder, files.log));
  const refuse = (missing: string): never => {
    throw resultMissing({ recipe: order.name, missing, log });
  };
  const text = (await place.read("build/kiwi.result.json")) ?? refuse("kiwi.result.json");
  const found = parseResult(text) ?? refuse("kiwi.result.json");
  const [missing] = await place.findMissing(found.map(({ name }) => `build/${name}`));
  if (missing !== undefined) refuse(basename(missing));
  return found.length === 0 ? refuse("any file") : found;
}

function parseResult(text: string): readonly KiwiFile[] | undefined {
  try {
    const entries = Object.entries(
      JSON.parse(text) as Record<string, { readonly filename?: string; readonly use_for_bundle?: boolean }>, // KIWI's format.
    );
    return entries.flatMap(([key, { filename, use_for_bundle: inBundle = true }]) =>
      filename === undefined ? [] : [{ key, name: basename(filename), inBundle }],
    );
  } catch {
    return undefined;
  }
}

/** Puts the archive of `folder` in the place of the last one, which stays until then. Returns what it holds and its digest. */
export async function packResult(
  bench: Bench,
  order: Order,
  folder: string,
): Promise<{ readonly files: readonly ResultFile[]; readonly sha256: string }> {
  const target = dicePath(order.folder, files.result);
  const staged = `${target}.new`;
  bench.defer(() => rmSync(staged, { force: true }));
  const words = [
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mode=go-w",
    "-C",
    folder,
    "-cf",
    staged,
    ".",
  ];
  await bench.exec("tar", words);
  sync(staged);
  const sha256 = await digestFile(staged);
  const made = await describeFiles(folder);
  if (order.resultDir !== undefined) placeFiles(order, folder, order.resultDir);
  renameSync(staged, target);
  giveToUser(order.folder, files.result);
  return { files: made, sha256 };
}

async function describeFiles(folder: string): Promise<readonly ResultFile[]> {
  const names = readdirSync(folder).sort();
  return await Promise.all(
    names.map(async (name) => ({
      name,
      sha256: await digestFile(join(folder, name)),
      size: statSync(join(folder, name)).size,
    })),
  );
}

function placeFiles(order: Order, folder: string, target: string): void {
  mkdirSync(target, { recursive: true });
  const user = findUser(order.folder);
  for (const name of readdirSync(folder)) {
    const staged = join(target, `${name}.new`);
    copyFileSync(join(folder, name), staged);
    chmodSync(staged, lstatSync(staged).mode & 0o755);
    if (user !== undefined) chownSync(staged, user.uid, user.gid);
    sync(staged);
    renameSync(staged, join(target, name));
  }
}

/** Unpacks an image of type oci into a layout that publishing tasks read; the last one stays until then. */
export async function unpackLayout(bench: Bench, order: Order, archive: string): Promise<string> {
  const target = dicePath(order.folder, "oci");
  const staged = `${target}.new`;
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged);
  bench.defer(() => rmSync(staged, { recursive: true, force: true }));
  await bench.exec("tar", ["-C", staged, "-xf", archive]);
  if (existsSync(target)) renameSync(target, `${staged}.old`);
  renameSync(staged, target);
  rmSync(`${staged}.old`, { recursive: true, force: true });
  const user = findUser(order.folder);
  if (user !== undefined) await bench.exec("chown", ["-R", `${user.uid}:${user.gid}`, target], { show: false });
  return relative(order.root, target);
}

function sync(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
