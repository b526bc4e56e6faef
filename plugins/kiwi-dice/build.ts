/** One build of one recipe: lock, judge, build, bundle, check, put in place, remember. Does not know how hosts do it. */
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { isBtError } from "../../core/index.ts";
import type { Bench } from "./bench.ts";
import { checkSchema } from "./preflight.ts";
import { diffLeaves, type Leaves } from "./reasons.ts";
import { fillCache, keepPackages } from "./cache.ts";
import { recipeLocked, repositoryUnknown } from "./errors.ts";
import { judge, readOwn, stampOf, type Verdict } from "./fingerprint.ts";
import { kiwiFailed } from "./host-errors.ts";
import { defaultType } from "./description.ts";
import { createJob, removeJob, removeLeft } from "./job.ts";
import { readFailure, startLog, type Logs } from "./log.ts";
import { showHolder, takeLock } from "./lock.ts";
import { hostName, isKept, type Order } from "./order.ts";
import type { DiceResult } from "./recipe.ts";
import type { Answers } from "./repository.ts";
import { listResults, packResult, unpackLayout } from "./result.ts";
import { addHistory, dicePath, files, loadState, makeDice, saveRunning, saveState, type State } from "./state.ts";
import type { Seen } from "./evidence.ts";
import { sayResult } from "./say.ts";
import { showStatus } from "./status.ts";
import type { Stamps } from "./tree.ts";
import type { Job, Workplace } from "./workplace.ts";

/** What builds of one run share. */
export interface Shared {
  readonly logs: Logs;
  readonly answers: Answers;
  /** What tasks have seen, by id. */
  readonly seen: Map<string, Seen>;
}

/** Builds if that is required. The result of the last build if not. */
export async function dice(bench: Bench, order: Order, shared: Shared): Promise<DiceResult> {
  await lockRecipe(bench, order);
  await removeLeft(bench, order.folder);
  if (order.skipMissing) bench.log.warn("DICE_SKIP_MISSING has no effect: packages are not solved before a build");
  if (order.host.kind === "docker") await (await import("./container.ts")).fetchImage(bench, order.host);
  const verdict = await judge(bench, order, { answers: shared.answers, before: loadState(order.folder) });
  shared.seen.set(bench.name, { order, verdict });
  if (verdict.state === "UpToDate" && !order.force && verdict.before !== undefined) {
    const { lastBuild, result } = verdict.before;
    showStatus(bench, order, { state: "UpToDate", reasons: verdict.reasons, lastBuild, result });
    return verdict.before.value;
  }
  if (verdict.state === "Unknown" && !order.force && !order.offline)
    throw repositoryUnknown([order.name], verdict.problems);
  const reasons = verdict.state === "BuildRequired" ? verdict.reasons : ["the build was forced"];
  showStatus(bench, order, { state: "BuildRequired", reasons });
  return await build(bench, order, { verdict, reasons, shared });
}

/** Holds the recipe until the task ends. @throws BtError KIWI_DICE_RECIPE_LOCKED */
export async function lockRecipe(bench: Bench, { folder, name, lockTimeoutMs }: Order): Promise<void> {
  makeDice(folder);
  const taken = await takeLock(dicePath(folder, files.lock), {
    timeoutMs: lockTimeoutMs,
    signal: bench.signal,
    onWait: (holder) => bench.log.info(`Waiting for ${showHolder(holder)}`),
  });
  if ("holder" in taken) throw recipeLocked(name, showHolder(taken.holder));
  bench.defer(taken.release);
}

interface Work {
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly shared: Shared;
}

async function build(bench: Bench, order: Order, { verdict, reasons, shared }: Work): Promise<DiceResult> {
  const started = new Date();
  const seconds = (): number => Math.round((Date.now() - started.getTime()) / 1000);
  const past = { time: started.toISOString(), reasons, host: hostName(order.host) };
  const stopLog = startLog(shared.logs, bench.name, order.folder);
  bench.defer(stopLog);
  const job = createJob(order, verdict.description.file);
  bench.defer((succeeded) => endJob(bench, order, { job, succeeded }));
  try {
    const place = await openPlace(bench, order, job);
    const tooNew = checkSchema(order, verdict.description, place.kiwi);
    if (tooNew !== undefined) throw tooNew;
    const made = await make(bench, order, { place, job });
    const value = await describe(bench, order, { verdict, place, made, job });
    const leaves = { ...verdict.leaves, ...("kiwi" in verdict.leaves ? {} : { kiwi: place.kiwi }) };
    warnOfChange(bench, order, { old: verdict.leaves, now: (await readOwn(order)).leaves });
    const { stamps } = verdict;
    const state = toState(order, { value, leaves, stamps, sha256: made.sha256, time: past.time, seconds: seconds() });
    saveState(order.folder, state);
    addHistory(order.folder, { ...past, outcome: "built", duration: seconds(), sha256: made.sha256 });
    bench.log.info(sayResult(value.bundle));
    return value;
  } catch (error) {
    addHistory(order.folder, {
      ...past,
      outcome: bench.signal.aborted ? "interrupted" : "failed",
      duration: seconds(),
    });
    throw error;
  }
}

async function openPlace(bench: Bench, order: Order, job: Job): Promise<Workplace> {
  const { host, kiwi } = order;
  switch (host.kind) {
    case "local":
    case "box": {
      const { findKiwi } = await import("./version.ts");
      const { askVersion } = await import("./survey.ts");
      const found = findKiwi(kiwi.bin, bench.env["PATH"] ?? "");
      const version = found?.version ?? (await askVersion(found?.file ?? kiwi.bin));
      return (await import("./local.ts")).openLocal(bench, order, job, version);
    }
    case "docker":
      return await (await import("./container.ts")).openContainer(bench, order, job, host);
    case "ssh": {
      const { openRemote, prepareSsh } = await import("./ssh.ts");
      return await openRemote(bench, order, job, await prepareSsh(bench, host));
    }
    case "vagrant":
      return await (await import("./vagrant.ts")).openVagrant(bench, order, job, host);
  }
}

interface Made {
  readonly type: string;
  readonly files: DiceResult["files"];
  readonly sha256: string;
}

/** Runs KIWI, checks what it says it made, and puts the archive in place. */
async function make(bench: Bench, order: Order, { place, job }: { place: Workplace; job: Job }): Promise<Made> {
  const { sharedCache } = order.kiwi;
  const [own, shared] = [
    join(job.folder, "cache"),
    sharedCache === undefined ? undefined : resolve(order.root, sharedCache),
  ];
  if (shared !== undefined) fillCache(shared, own);
  await explain(bench, order, place.build);
  if (shared !== undefined) keepPackages(own, shared);
  const results = await listResults(order, place);
  if (order.bundle === false) await place.pick(results.filter(({ inBundle }) => inBundle).map(({ name }) => name));
  else await explain(bench, order, place.bundle);
  await place.collect();
  const packed = await packResult(bench, order, join(job.folder, "bundle"));
  return { type: order.kiwi.type ?? "", ...packed };
}

/** KIWI's failure with the end of its log and its own words. */
async function explain(bench: Bench, order: Order, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (bench.signal.aborted || !isBtError(error) || error.code !== "COMMAND_FAILED") throw error;
    const log = relative(order.root, dicePath(order.folder, files.log));
    const { tail, said } = readFailure(order.folder);
    const how = /`\s*(?:in "[^"]*" )?([^`]+)$/.exec(error.message)?.[1] ?? "it failed";
    throw kiwiFailed({ recipe: order.name, how, log, tail, said });
  }
}

interface Facts {
  readonly verdict: Verdict;
  readonly place: Workplace;
  readonly made: Made;
  readonly job: Job;
}

async function describe(bench: Bench, order: Order, { verdict, place, made, job }: Facts): Promise<DiceResult> {
  const { description, arch } = verdict;
  const { kiwi, folder, root } = order;
  const type = kiwi.type ?? defaultType(description, { profiles: kiwi.profiles, arch }) ?? "";
  const archive = made.files.find(({ name }) => /\.oci(\.tar)?(\.\w+)?$/.test(name));
  const layout =
    type === "oci" && archive !== undefined
      ? await unpackLayout(bench, order, join(job.folder, "bundle", archive.name))
      : undefined;
  return {
    recipe: relative(root, folder),
    type,
    arch,
    kiwiVersion: place.kiwi,
    files: made.files,
    bundle: relative(root, dicePath(folder, files.result)),
    ...(layout === undefined ? {} : { layout }),
  };
}

function warnOfChange(bench: Bench, order: Order, { old, now }: { readonly old: Leaves; readonly now: Leaves }): void {
  const own = Object.entries(old).filter(([name]) => /^(file|option) /.test(name));
  const changed = diffLeaves(Object.fromEntries(own), now);
  if (changed.length > 0)
    bench.log.warn(
      `Recipe "${order.name}" changed while it was built; the result is of its old state: ${changed.join(", ")}`,
    );
}

function toState(
  order: Order,
  facts: { value: DiceResult; leaves: Leaves; stamps: Stamps; sha256: string; time: string; seconds: number },
): State {
  const { value, leaves, stamps, sha256, time, seconds } = facts;
  const { type, profiles } = order.kiwi;
  return {
    version: 1,
    leaves,
    stamps,
    asked: { ...(type === undefined ? {} : { type }), profiles },
    lastBuild: { time, duration: seconds, host: hostName(order.host), kiwi: value.kiwiVersion },
    result: { file: value.bundle, sha256, files: value.files },
    stamp: stampOf(dicePath(order.folder, files.result)) ?? "",
    value,
  };
}

/** Removes the job's folder, unless somebody wants to look at it. */
async function endJob(bench: Bench, order: Order, { job, succeeded }: { job: Job; succeeded: boolean }): Promise<void> {
  const root = join(job.folder, "build/build/image-root");
  if (isKept(order, succeeded) && existsSync(root)) {
    const size = (await bench.exec("du", ["-sh", root], { show: false })).stdout.split("\t", 1)[0] ?? "";
    bench.log.info(`The unpacked image is kept in ${root} (${size})`);
  } else removeJob(job.folder);
  saveRunning(order.folder);
}
