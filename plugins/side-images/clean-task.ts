/** Removes what the plugin keeps: images, indexes, work trees; with `cache` sources and references too. Touches no registry. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { places, type SideContext, type Site } from "./role.ts";

export async function clean({ root, log, params, isDryRun }: SideContext, site: Site): Promise<void> {
  const kept: string[] = params["cache"] === true ? [] : [basename(places.git), basename(places.references)];
  kept.push(basename(places.generation));
  const own = (await readdir(join(root, places.home)).catch((): string[] => [])).filter((name) => !kept.includes(name));
  const { source, graphRoot } = site.options;
  const others = [
    ...(params["cache"] === true && source?.cacheDir !== undefined ? [source.cacheDir] : []),
    ...(graphRoot === undefined ? [] : [graphRoot]),
  ];
  for (const folder of [...own.map((name) => join(places.home, name)), ...others]) {
    log.info(`remove ${folder}`);
    if (!isDryRun) await rm(resolve(root, folder), { recursive: true, force: true, maxRetries: 3 });
  }
  if (isDryRun || own.length === 0) return;
  // What was removed counts as never made: the number is part of every cell's key.
  await writeFile(join(root, places.generation), String(Number(await readGeneration(root)) + 1));
}

/** How often was cleaned. */
export async function readGeneration(root: string): Promise<string> {
  return readFile(join(root, places.generation), "utf8").catch(() => "0");
}
