/** What the command line, the settings and the builderfile say of caches; and collecting them by hand. Does not know how they work. */
import * as fs from "node:fs";
import { findCacheChoice, cacheWords, usualWish, type CacheWish } from "../cache/choice.ts";
import { optionWrong, settingsWrong } from "../errors/request.ts";
import type { Event, Reporter } from "../event.ts";
import { settingsFiles } from "../find.ts";
import type { Project } from "../load.ts";
import { renderSize } from "../size.ts";
import type { Options } from "./args.ts";
import { print } from "./print.ts";
import type { World } from "./world.ts";

const gib = 1024 ** 3;
const dayMs = 24 * 3600 * 1000;

/** The command line beats the person's settings, and those the builderfile. @throws BtError OPTION_WRONG, SETTINGS_WRONG */
export function readCacheWish(
  options: Pick<Options, "cache" | "replayLog">,
  { settings, builder }: Pick<Project, "settings" | "builder">,
  { env, version }: Pick<World, "env" | "version">,
): CacheWish {
  const given = options.cache === undefined ? undefined : findCacheChoice(options.cache);
  if (options.cache !== undefined && given === undefined) throw optionWrong("--cache", options.cache, cacheWords);
  const set = settings.cache === undefined ? undefined : findCacheChoice(settings.cache);
  const wrong = (name: string, found: unknown, allowed: string): Error =>
    settingsWrong(settingsFiles(env).find((file) => fs.existsSync(file)) ?? "", {
      kind: "value",
      name,
      found: JSON.stringify(found),
      allowed,
    });
  if (settings.cache !== undefined && set === undefined) throw wrong("cache", settings.cache, cacheWords);
  for (const name of ["cacheGib", "cacheDays", "cacheWaitSeconds"] as const)
    if (!(Number(settings[name] ?? 1) > 0)) throw wrong(name, settings[name], "a number above 0");
  const { cacheDir: folder, cacheGib, cacheDays, cacheWaitSeconds } = settings;
  const own = builder.cache === undefined ? undefined : findCacheChoice(builder.cache);
  return {
    ...usualWish,
    by: version,
    isReplayed: options.replayLog !== "none",
    choice: given ?? set ?? own ?? usualWish.choice,
    ...(folder === undefined ? {} : { folder }),
    ...(cacheGib === undefined ? {} : { sizeBytes: cacheGib * gib }),
    ...(cacheDays === undefined ? {} : { ageMs: cacheDays * dayMs }),
    ...(cacheWaitSeconds === undefined ? {} : { waitMs: cacheWaitSeconds * 1000 }),
  };
}

/** `--cache-gc`: removes from the local cache what is too old or too much, and says what is left. */
export async function collectCache(wish: CacheWish, project: Project, { env }: World): Promise<number> {
  const { findCachePlace } = await import("../cache/place.ts");
  const { sweepCache } = await import("../cache/sweep.ts");
  const { folder } = findCachePlace(project.root, env, wish.folder);
  const { results, sizeBytes, removedResults, removedBytes } = await sweepCache(folder, wish);
  const count = (number: number): string => (number === 1 ? "1 result" : `${number} results`);
  print(
    `bt: ${count(removedResults)} removed (${renderSize(removedBytes)}), ${count(results)} kept (${renderSize(sizeBytes)}) in ${folder}\n`,
  );
  return 0;
}

/**
 * The reporter, without what earlier runs have printed, when `--replay-log` says so: `failed` shows nothing, because what has failed is never
 * restored. The task's log has it, unless it is `none`.
 * @throws BtError OPTION_WRONG
 */
export function withReplayed(reporter: Reporter, said = "all"): Reporter {
  const words = ["all", "failed", "none"];
  if (!words.includes(said)) throw optionWrong("--replay-log", said, `one of ${words.join(", ")}`, words);
  if (said === "all") return reporter;
  const isOld = (event: Event): boolean => event.kind === "task-output" && event.replayed === true;
  return { ...reporter, event: (event) => (isOld(event) ? undefined : reporter.event(event)) };
}
