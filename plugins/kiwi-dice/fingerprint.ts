/** All that an image depends on, as named leaves, and what a recipe's status is. Writes nothing and takes no lock. */
import { statSync } from "node:fs";
import { findHolder } from "../../core/index.ts";
import { listSecrets, listSources, type Source } from "./address.ts";
import type { Bench } from "./bench.ts";
import { readDescription, findDescription, type Description } from "./description.ts";
import { showHolder } from "./lock.ts";
import { hash } from "./metadata.ts";
import type { Order } from "./order.ts";
import { diffLeaves, type Leaves } from "./reasons.ts";
import type { DiceStatus } from "./recipe.ts";
import { askRepository, digestFile, type Answers } from "./repository.ts";
import { dicePath, files, loadRunning, type State } from "./state.ts";
import { surveyHost, type Survey } from "./survey.ts";
import { readTree, type Stamps } from "./tree.ts";

/** Whether a build is needed, and all that was seen. */
export interface Verdict {
  readonly state: "UpToDate" | "BuildRequired" | "Unknown";
  /** Sentences; for `UpToDate` empty, or what was not asked. */
  readonly reasons: readonly string[];
  /** Repositories and hosts that could not be asked, each with the reason. */
  readonly problems: readonly string[];
  readonly leaves: Leaves;
  readonly stamps: Stamps;
  /** The repositories that count; empty if none is to be asked. */
  readonly sources: readonly Source[];
  readonly before?: State;
  readonly description: Description;
  readonly arch: string;
}

/** What is known before a recipe is looked at. */
export interface Known {
  readonly answers: Answers;
  /** Absent: never built. */
  readonly before: State | undefined;
}

/** Looks at everything. @throws BtError of what the recipe says wrong */
export async function judge(bench: Bench, order: Order, { answers, before }: Known): Promise<Verdict> {
  const { kiwi, folder, root } = order;
  const file = await findDescription(folder, {
    root,
    ...(kiwi.kiwiFile === undefined ? {} : { kiwiFile: kiwi.kiwiFile }),
  });
  const description = await readDescription(folder, file, root);
  for (const secret of listSecrets(description, kiwi)) if (Buffer.byteLength(secret) >= 4) bench.hide(secret);
  const [survey, own] = [await surveyHost(bench, order, before?.leaves), await readOwn(order, before)];
  const asked = await repositoryLeaves(bench, order, { description, survey, answers });
  const leaves = { ...own.leaves, ...survey.leaves, ...asked.leaves };
  const problems = [...survey.problems, ...asked.problems];
  const { sources } = asked;
  const seen = { problems, leaves, stamps: own.stamps, sources, description, arch: survey.arch };
  const shared = { ...seen, ...(before === undefined ? {} : { before }) };
  if (before === undefined) return { ...shared, state: "BuildRequired", reasons: ["never built by bt"] };
  const changed = diffLeaves(comparable(before.leaves, leaves, { ...asked, survey }), withoutStamp(leaves));
  const lost = await describeResult(folder, before);
  const reasons = [...changed, ...(lost === undefined ? [] : [lost])];
  if (reasons.length > 0) return { ...shared, state: "BuildRequired", reasons: [...reasons, ...problems] };
  if (problems.length > 0) return { ...shared, state: "Unknown", reasons: problems };
  const skipped = order.offline ? ["repositories were not asked"] : [];
  return { ...shared, state: "UpToDate", reasons: skipped };
}

/** What `dice-status` tells, and what it was told by; a recipe that is locked is not looked at. */
export async function findStatus(
  bench: Bench,
  order: Order,
  known: Known,
): Promise<{ readonly status: DiceStatus; readonly verdict?: Verdict }> {
  const { before } = known;
  const more = before === undefined ? {} : { lastBuild: before.lastBuild, result: before.result };
  const holder = findHolder(dicePath(order.folder, files.lock));
  if (holder !== undefined) {
    const state = loadRunning(order.folder) === undefined ? "BuildSystemLocked" : "BuildRunning";
    return { status: { state, reasons: [`locked by ${showHolder(holder)}`], ...more } };
  }
  const verdict = await judge(bench, order, known);
  const { state, reasons } = verdict;
  return { status: { state, reasons, ...more }, verdict };
}

/** Files and options. Files that are as at the last build are not read again. */
export async function readOwn(
  order: Order,
  before?: Pick<State, "leaves" | "stamps">,
): Promise<{ readonly leaves: Leaves; readonly stamps: Stamps }> {
  const { kiwi, bundle, host, folder } = order;
  const { leaves = {}, stamps: known } = before ?? {};
  const { tree, stamps } = readTree(folder, {
    withVagrantfile: host.kind === "vagrant",
    ...(known === undefined ? {} : { before: { tree: (path) => leaves[`file ${path}`], stamps: known } }),
  });
  const { bin: _, sharedCache: __, signingKeys = [], ...choices } = kiwi;
  const keys = await Promise.all(
    signingKeys.map(
      async (key) => `${key} ${(await digestFile(`${order.root}/${key}`).catch(() => "missing")).slice(0, 12)}`,
    ),
  );
  const options = { ...choices, ...(bundle === false ? { bundle: "no" } : prefixed(bundle)), signingKeys: keys };
  return {
    stamps,
    leaves: {
      ...Object.fromEntries(Object.entries(tree).map(([path, what]) => [`file ${path}`, what])),
      ...Object.fromEntries(
        Object.entries(options).flatMap(([name, value]) => {
          const text = optionText(value);
          return text === "" ? [] : [[`option ${name}`, text] as const];
        }),
      ),
    },
  };
}

function prefixed(bundle: { readonly id: string; readonly compress?: boolean }): Record<string, unknown> {
  return { "bundle.id": bundle.id, "bundle.compress": bundle.compress };
}

/** Passwords stay out of state and reasons: what has one is a digest. */
function optionText(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /:\/\/[^/"]*@/.test(text) ? hash(text) : text;
}

async function repositoryLeaves(
  bench: Bench,
  { offline, kiwi, folder }: Order,
  facts: { readonly description: Description; readonly survey: Survey; readonly answers: Answers },
): Promise<{
  leaves: Leaves;
  problems: readonly string[];
  unread: readonly string[] | "all";
  sources: readonly Source[];
}> {
  if (offline) return { leaves: {}, problems: [], unread: "all", sources: [] };
  const { description, survey, answers } = facts;
  const { profiles, setRepo, addRepos } = kiwi;
  const sources = listSources(description, { profiles, arch: survey.arch, folder, setRepo, addRepos });
  const asked = await Promise.all(
    sources.map(async (source) => ({
      label: source.label,
      answer: await askRepository(source, survey.arch, { answers, signal: bench.signal }),
    })),
  );
  bench.signal.throwIfAborted();
  return {
    sources,
    leaves: Object.fromEntries(
      asked.flatMap(({ label, answer }) =>
        "digest" in answer ? [[`repository ${label}`, answer.digest] as const] : [],
      ),
    ),
    problems: asked.flatMap(({ label, answer }) =>
      "problem" in answer ? [`repository ${label} cannot be read: ${answer.problem}`] : [],
    ),
    unread: asked.flatMap(({ label, answer }) => ("problem" in answer ? [`repository ${label}`] : [])),
  };
}

/** What was not asked this time is no difference; a container's KIWI tells its version only in a build. */
function comparable(
  before: Leaves,
  now: Leaves,
  { unread, survey }: { readonly unread: readonly string[] | "all"; readonly survey: Survey },
): Leaves {
  const kept = Object.entries(before).filter(([name]) => {
    if (name === "stamp") return false;
    if (name === "kiwi") return Object.hasOwn(now, name);
    if (name === "image") return survey.problems.length === 0;
    return !name.startsWith("repository ") || (unread !== "all" && !unread.includes(name));
  });
  return Object.fromEntries(kept);
}

/** The stamp only stands for KIWI's version. */
function withoutStamp(leaves: Leaves): Leaves {
  return Object.fromEntries(Object.entries(leaves).filter(([name]) => name !== "stamp"));
}

/** Size and times: while they are the same, nobody has written into the file. */
export function stampOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? undefined : [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(" ");
}

async function describeResult(recipe: string, { result, stamp }: State): Promise<string | undefined> {
  const path = dicePath(recipe, files.result);
  const now = stampOf(path);
  if (now === undefined) return "result is missing";
  return now === stamp || (await digestFile(path)) === result.sha256 ? undefined : "result changed";
}
