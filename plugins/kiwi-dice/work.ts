/** What each task does for one recipe. Does not know how hosts build. */
import { findHolder } from "../../core/index.ts";
import { dice } from "./build.ts";
import type { Bench } from "./bench.ts";
import { cleanupUnsaid, findings, lockLive, statusCode } from "./errors.ts";
import { findStatus } from "./fingerprint.ts";
import { removeLeft } from "./job.ts";
import { listen } from "./log.ts";
import { dropStale, showHolder } from "./lock.ts";
import { checkChoice, findMistakes } from "./preflight.ts";
import type { DiceResult, DiceStatus } from "./recipe.ts";
import { settle } from "./settle.ts";
import type { Setup } from "./setup.ts";
import { dicePath, files, loadHistory, loadState, type Past } from "./state.ts";
import type { StepName } from "./step-name.ts";
import { asLastBuilt, exitCodes, showStatus } from "./status.ts";

/** `dice-build` */
export async function runBuild(bench: Bench, setup: Setup): Promise<DiceResult> {
  listen(bench, setup);
  return await dice(bench, settle(bench, setup), setup);
}

/** `dice-status` */
export async function runStatus(bench: Bench, setup: Setup): Promise<DiceStatus> {
  const asked = settle(bench, setup);
  const before = loadState(asked.folder);
  const order = asLastBuilt(asked, before);
  const { status, verdict } = await findStatus(bench, order, { answers: setup.answers, before });
  if (verdict !== undefined) {
    const wrong = checkChoice(asked, verdict.description);
    if (wrong.length > 0) throw findings(order.name, wrong);
    setup.seen.set(bench.name, { order, verdict });
  }
  showStatus(bench, order, status);
  const code = exitCodes[status.state];
  if (bench.params["exitCode"] === true && code !== 0) throw statusCode(order.name, status.state, code);
  return status;
}

/** `dice-buildlog` */
export async function runLog(bench: Bench, setup: Setup): Promise<void> {
  const { folder } = settle(bench, setup);
  await (await import("./follow.ts")).followLog(bench, folder, { follow: bench.params["show"] !== true });
}

/** `dice-history` */
export async function runHistory(bench: Bench, setup: Setup): Promise<readonly Past[]> {
  const { folder, name } = settle(bench, setup);
  const builds = loadHistory(folder);
  if (builds.length === 0) bench.log.info(`Recipe "${name}" was never built by bt`);
  for (const { time, outcome, duration, host, reasons, sha256 } of builds) {
    const facts = [
      time,
      outcome,
      `${duration} s`,
      `on ${host}`,
      ...(sha256 === undefined ? [] : [`sha256:${sha256.slice(0, 12)}`]),
    ];
    bench.log.info(`${facts.join("  ")}\n${reasons.map((reason) => `  ${reason}`).join("\n")}`);
  }
  return builds;
}

/** `dice-shell` */
export async function runShell(bench: Bench, setup: Setup): Promise<void> {
  await (await import("./shell.ts")).openShell(bench, settle(bench, setup));
}

/** `dice-cleanup` */
export async function runCleanup(bench: Bench, setup: Setup): Promise<void> {
  const { folder, name } = settle(bench, setup);
  const [lock, jobs] = [bench.params["lock"] === true, bench.params["jobFolders"] === true];
  if (!lock && !jobs) throw cleanupUnsaid();
  const path = dicePath(folder, files.lock);
  const holder = lock ? dropStale(path) : findHolder(path);
  if (holder !== undefined) throw lockLive(name, showHolder(holder));
  if (jobs && !(await removeLeft(bench, folder))) bench.log.info(`No job folder was left of recipe "${name}"`);
}

/** `kiwi:prepare` and the like */
export async function runStep(bench: Bench, setup: Setup, step: StepName): Promise<unknown> {
  listen(bench, setup);
  return await (await import("./steps.ts")).takeStep(bench, settle(bench, setup), step);
}

/** `kiwi:doctor` */
export async function runDoctor(bench: Bench, setup: Setup): Promise<{ readonly problems: readonly string[] }> {
  const order = settle(bench, setup);
  const found = await findMistakes(order, process.env["PATH"] ?? "");
  if (found.length === 0) bench.log.info(`Nothing keeps recipe "${order.name}" from being built`);
  for (const mistake of found)
    bench.log.warn([mistake.message, ...mistake.detail.map((line) => `  ${line}`), `  ${mistake.fix}`].join("\n"));
  return { problems: found.map(({ message }) => message) };
}
