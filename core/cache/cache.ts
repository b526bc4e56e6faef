/** Results of tasks, taken from caches and put into them. Does not know when a task runs, or what its key is made of. */
import * as path from "node:path";
import { bundledBlobs, type CachedResult } from "../cache-store.ts";
import type { EventBody } from "../event.ts";
import { findStat, hasCode } from "../files.ts";
import { keyText } from "../fingerprint.ts";
import type { Node } from "../graph.ts";
import type { Finished, Hooks } from "../hooks.ts";
import type { Secrets } from "../secrets.ts";
import { digestFile, readChunks } from "./blob.ts";
import { makeBundle } from "./bundle.ts";
import { openCaches, type Caches } from "./caches.ts";
import { openSources, writeTo, type Member, type Sources } from "./chain.ts";
import type { CacheWish } from "./choice.ts";
import { keepFar } from "./far.ts";
import { holdsInputs, limitsOf } from "./keep.ts";
import { createLanes } from "./lanes.ts";
import { differingOutput } from "./local.ts";
import { createResult, packOutputs, type Packed } from "./pack.ts";
import { openStage, stageOf, type Stage } from "./place.ts";
import { sweepWhenDue } from "./sweep.ts";
import { inputsOf, readLog, takeFrom, type CacheJob } from "./take.ts";
import { isWrongBlob } from "./wrong.ts";

export interface CacheOptions {
  /** Project root, absolute. */
  readonly root: string;
  readonly wish: CacheWish;
  readonly hooks: Hooks;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets: Secrets;
  readonly emit: (event: EventBody) => void;
  /** Those that were asked before the run. Absent: none was. */
  readonly caches: Caches | undefined;
  /** Ends everything that waits. */
  readonly signal: AbortSignal;
}

/** A result that is in place now. */
export interface Restored {
  readonly finished: Finished;
  /** Name of the cache it came from. */
  readonly from: string;
  /** How long it took to make. */
  readonly durationMs: number;
}

export interface Cache {
  /**
   * Puts the result of an earlier run in place; `onPlace` is called right before outputs change. Undefined: a miss; the outputs may be half
   * there then.
   */
  readonly take: (job: CacheJob, onPlace: () => void) => Promise<Restored | undefined>;
  /** Keeps the result of a run that has just succeeded; goes on in the background. */
  readonly keep: (job: CacheJob, made: Finished & Made) => void;
  /** Waits for what goes on. */
  readonly end: () => Promise<void>;
}

interface Made {
  readonly durationMs: number;
  /** Absolute; need not be there. */
  readonly logFile: string;
  /** Replaces what a local cache holds under the same key. */
  readonly isForced: boolean;
}

/** What is written into caches: a result, and where its bytes are. */
interface Parcel {
  readonly node: Node;
  readonly result: CachedResult;
  readonly sources: Sources;
  readonly isForced: boolean;
}

export function openCache(options: CacheOptions): Cache {
  const { root, wish, secrets, emit, signal } = options;
  const said = new Set<string>();
  const warn = (text: string, fix?: string): void => {
    if (!said.has(text)) emit({ kind: "warning", text: secrets.hide(text), ...(fix === undefined ? {} : { fix }) });
    said.add(text);
  };
  const caches = options.caches ?? openCaches({ ...options, mayConnect: true });
  caches.hear(warn);
  caches.heed(signal);
  const { place, local, members } = caches;
  const readers = members.filter(({ canRead }) => canRead);
  const writers = members.filter(({ canWrite }) => canWrite);
  let stage: Stage | undefined;
  const onError = (error: unknown): void => warn(`A result was not kept: ${textOf(error)}`);
  const near = createLanes(onError); // Writes to this machine.
  const far = createLanes(onError);

  const take: Cache["take"] = async (job, onPlace) => {
    if (holdsInputs(job.node, inputsOf(job))) return undefined;
    for (const member of readers) {
      try {
        const folder = (stage ??= openStage(stageOf(root))).next();
        const nearer = writers.filter((one) => members.indexOf(one) < members.indexOf(member));
        const taken = await takeFrom(member, job, { root, folder, warn, onPlace });
        if (taken === undefined) continue;
        const { result, outputs } = taken;
        const logFile = path.join(folder, "log");
        if (result.log !== undefined && wish.isReplayed)
          await readLog(logFile, (text) => emit(replayed(job.node, secrets.hide(text))));
        if (nearer.length > 0) {
          const sources = listSources(root, job, { result, logFile });
          write(nearer, { node: job.node, result, sources, isForced: false });
        }
        const { durationMs, value } = result;
        return { finished: { outputs, value }, from: member.store.name, durationMs };
      } catch (error) {
        signal.throwIfAborted();
        warn(`Task "${job.node.id}" could not be restored: ${textOf(error)}`);
        return undefined;
      }
    }
    return undefined;
  };

  const write = (to: readonly Member[], parcel: Parcel): void => {
    for (const member of to) (member.local === undefined ? far : near).add(() => writeOne(member, parcel));
  };

  const writeOne = async (member: Member, { node, result, sources, isForced }: Parcel): Promise<void> => {
    const answer = await writeTo(member, result, { open: openSources(sources, member), isForced });
    if (answer?.kept === undefined) return;
    const output = differingOutput(answer.kept, result) ?? "result";
    const what = output === "result" ? "its result" : `output "${output}"`;
    warn(
      `Task "${node.id}" is not reproducible: ${what} differs from what cache "${member.store.name}" holds for the same key`,
      "Find what it depends on besides its inputs, such as the time, or set `cache: false`.",
    );
  };

  const keep: Cache["keep"] = (job, made) => {
    const { node } = job;
    if (writers.length === 0 || holdsInputs(node, inputsOf(job))) return;
    const packed = packOutputs(root, node, made.outputs, limitsOf(node, wish.sizeBytes));
    if ("unfit" in packed) {
      if (node.task.cache === true) warn(`Task "${node.id}" is not kept in a cache: ${packed.unfit}`);
      return;
    }
    const madeMs = Date.now();
    near.add(async () => {
      const leak = await findLeak(secrets, packed.files);
      if (leak !== undefined)
        return warn(
          `Task "${node.id}" is not kept in a cache: there is a secret in "${path.relative(root, leak)}"`,
          "Set `cache: false`, or keep the secret out of the output.",
        );
      const parcel = await pack(job, { ...made, packed, madeMs }).catch(orUndefined);
      if (parcel === undefined) return;
      const text = JSON.stringify(parcel.result);
      if (secrets.hide(text) !== text)
        return warn(`Task "${node.id}" is not kept in a cache: there is a secret in its paths or its result`);
      write(writers, parcel);
    });
  };

  const pack = async (
    job: CacheJob,
    { packed, logFile, isForced, ...made }: Finished & Made & { readonly packed: Packed; readonly madeMs: number },
  ): Promise<Parcel> => {
    const stat = findStat(logFile);
    const log = stat === undefined ? undefined : { digest: await digestFile(logFile, signal), size: stat.size };
    const { durationMs, madeMs, value } = made;
    const { key, document } = job;
    const bundle = await makeBundle(packed.outputs, packed.files);
    const facts = { key, document, packed, bundle, value, log, durationMs, madeMs, by: wish.by };
    const result = createResult(job.node, facts);
    return { node: job.node, result, sources: listSources(root, job, { result, logFile }), isForced };
  };

  const end = async (): Promise<void> => {
    await near.end();
    const left = await far.end({ ms: wish.waitMs, signal });
    if (left > 0 && !signal.aborted)
      warn(`${left === 1 ? "A result was" : `${left} results were`} not uploaded: ${wish.waitMs / 1000} s were over`);
    await caches.close();
    stage?.close();
    if (!writers.some((member) => member.local !== undefined)) return;
    keepFar(caches);
    await sweepWhenDue(place.folder, wish, local.written()).catch((error: unknown) =>
      warn(`The local cache could not be tidied: ${textOf(error)}`),
    );
  };

  return { take, keep, end };
}

function replayed(node: Node, text: string): EventBody {
  return { kind: "task-output", task: node.id, stream: "stdout", text, replayed: true };
}

/** Where the bytes of a result are when its outputs are in place. */
function listSources(
  root: string,
  { document }: CacheJob,
  { result, logFile }: { readonly result: CachedResult; readonly logFile: string },
): Sources {
  const { outputs, bundle, log } = result;
  const files = new Map(
    outputs.flatMap(({ blob, path: file }) => (blob === undefined ? [] : [[blob.digest, [path.join(root, file)]]])),
  );
  const bundled = bundledBlobs(outputs).flatMap(({ digest }) => files.get(digest) ?? []);
  return new Map<string, Buffer | readonly string[]>([
    ...files,
    ...(bundle === undefined ? [] : [[bundle.digest, bundled] as const]),
    ...(log === undefined ? [] : [[log.digest, [logFile]] as const]),
    [result.document.digest, Buffer.from(keyText(document))],
  ]);
}

/** The first file that a secret stands in. */
async function findLeak(secrets: Secrets, files: ReadonlyMap<string, string>): Promise<string | undefined> {
  for (const file of secrets.createDetector() === undefined ? [] : files.values()) {
    const hasSecret = secrets.createDetector();
    for await (const chunk of readChunks(file)) if (hasSecret?.(chunk) === true) return file;
  }
  return undefined;
}

/** What was to be kept is not there any more as it was. */
function orUndefined(error: unknown): undefined {
  if (!isWrongBlob(error) && !hasCode(error, "ENOENT")) throw error;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
