/** Takes a result out of a cache: found, checked, proven, put in place. What a cache says is believed only as far as it can be proven. */
import { setMaxListeners } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { blobsOf, isBundled, type Blob, type CachedResult } from "../cache-store.ts";
import { hasCode } from "../files.ts";
import { removePath } from "../remove.ts";
import type { KeyDocument } from "../fingerprint.ts";
import type { Node } from "../graph.ts";
import type { Finished } from "../hooks.ts";
import { copyBlob, readChunks } from "./blob.ts";
import { landBundle } from "./bundle.ts";
import type { Member } from "./chain.ts";
import { landBlob, type Wanted } from "./land.ts";
import { findStranger, makeFrame, placeOutputs } from "./unpack.ts";
import { isWrongBlob } from "./wrong.ts";

/** A task that is about to run, or has run. */
export interface CacheJob {
  readonly node: Node;
  readonly key: string;
  readonly document: KeyDocument;
}

export interface TakeOptions {
  /** Project root, absolute. */
  readonly root: string;
  /** A folder that is not there yet. What the task printed is left in it, as `log`. */
  readonly folder: string;
  readonly warn: (text: string) => void;
  /** Called right before outputs change. */
  readonly onPlace: () => void;
}

/** A result that is in place now. */
export interface Taken {
  readonly result: CachedResult;
  readonly outputs: Finished["outputs"];
}

/** Undefined: a miss, and no output has changed. @throws when outputs could not be put in place; they may be half there */
export async function takeFrom(member: Member, job: CacheJob, options: TakeOptions): Promise<Taken | undefined> {
  const { root, folder, onPlace } = options;
  const result = await findSound(member, job, options.warn);
  if (result === undefined) return undefined;
  const tree = path.join(folder, "tree");
  const sizeBytes = blobsOf(result).reduce((sum, { size }) => sum + size, 0);
  try {
    const isMade = await member.ask(async (limit) => {
      fs.mkdirSync(tree, { recursive: true });
      await makeFiles(member, result, { folder, limit });
      return true;
    }, sizeBytes);
    if (isMade === undefined) return undefined;
    onPlace();
    const outputs = placeOutputs({ root, node: job.node, inputs: inputsOf(job) }, result.outputs, tree);
    return { result, outputs };
  } finally {
    removePath(tree);
  }
}

export function inputsOf({ document }: CacheJob): readonly string[] {
  return document.inputs.map((fact) => fact.path);
}

/** What a cache says that a key gave, if this task can have made it. */
async function findSound(
  { ask, store, local }: Member,
  { node, key }: CacheJob,
  warn: TakeOptions["warn"],
): Promise<CachedResult | undefined> {
  const result = await ask((limit) => store.findResult(key, limit));
  if (result === undefined) {
    if (local?.isDamaged(key) !== true) return undefined;
    local.drop(key);
    warn(`Cache "${store.name}" had a damaged result for task "${node.id}"; it is removed`);
    return undefined;
  }
  const isRight = result.v === 1 && result.key === key && result.document.digest === key;
  const strange = isRight ? findStranger(node, result) : "a result of another key";
  if (strange === undefined) return result;
  local?.drop(key);
  warn(`Cache "${store.name}" gave ${strange} for task "${node.id}"`);
  return undefined;
}

/** Blobs that are on their way from another machine at the same time. */
const width = 8;

/** Makes all files of a result, and what it printed, below `folder`. @throws when a cache has not all of it */
async function makeFiles(
  { store, local }: Member,
  result: CachedResult,
  { folder, limit }: { readonly folder: string; readonly limit: AbortSignal },
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([limit, over.signal]);
  setMaxListeners(0, signal); // One for each that is on its way.
  const open = async (blob: Blob): Promise<AsyncIterable<Uint8Array>> => {
    const bytes = await store.readBlob(blob, signal);
    if (bytes === undefined) throw missingBlob(blob);
    return bytes;
  };
  const land = async ({ blob, to, mode }: Wanted): Promise<void> =>
    local === undefined
      ? await landBlob(blob, await open(blob), { to, mode, signal })
      : await copyBlob(blob, local.fileOf(blob), { to, mode, signal });
  const { bundle, log } = result;
  const files = makeFrame(result.outputs, path.join(folder, "tree"));
  const wanted = files.filter(({ blob }) => isBundled(result, blob));
  const loose = files.filter(({ blob }) => !isBundled(result, blob));
  if (log !== undefined) loose.push({ blob: log, to: path.join(folder, "log"), mode: 0o600 });
  const landings = loose.map((one) => async () => await land(one));
  if (bundle !== undefined)
    landings.unshift(async () => await landBundle(bundle, await open(bundle), { wanted, signal }));
  const queue = landings.values();
  const work = async (): Promise<void> => {
    for (const landNext of queue) {
      signal.throwIfAborted();
      await landNext();
    }
  };
  const workers = Array.from({ length: local === undefined ? width : 1 }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    if (isWrongBlob(error) || hasCode(error, "ENOENT")) await local?.dropWrong(result);
    throw error;
  } finally {
    over.abort(new Error("another blob could not be fetched"));
    await Promise.allSettled(workers);
  }
}

function missingBlob({ digest }: Blob): Error {
  return Object.assign(new Error(`it has no ${digest}`), { code: "ENOENT" });
}

/** Passes on what a task printed, in pieces of whole lines without the last newline. */
export async function readLog(file: string, say: (text: string) => void): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of readChunks(file)) {
    const text = rest + decoder.decode(chunk, { stream: true });
    const at = text.lastIndexOf("\n");
    if (at !== -1) say(text.slice(0, at));
    rest = text.slice(at + 1);
  }
  if (rest !== "") say(rest);
}
