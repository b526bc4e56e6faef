/** Takes a result out of a cache: found, checked, proven, put in place. What a cache says is believed only as far as it can be proven. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { CachedResult } from "../cache-store.ts";
import { hasCode, removePath } from "../files.ts";
import type { KeyDocument } from "../fingerprint.ts";
import type { Node } from "../graph.ts";
import type { Finished } from "../hooks.ts";
import { copyBlob, isWrongBlob, landBlob, readChunks } from "./blob.ts";
import type { Member } from "./chain.ts";
import { blobsOf } from "./local.ts";
import { findStranger, makeOutputs, placeOutputs, type Land } from "./unpack.ts";

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
      const land = landFrom(member, { result, limit });
      fs.mkdirSync(tree, { recursive: true });
      await makeOutputs(result.outputs, tree, land);
      if (result.log !== undefined) await land(result.log, path.join(folder, "log"), 0o600);
      return true;
    }, sizeBytes);
    if (isMade === undefined) return undefined;
    onPlace();
    return { result, outputs: placeOutputs({ root, node: job.node, inputs: inputsOf(job) }, result.outputs, tree) };
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

/** Files after which others get a turn. */
const breath = 64;

function landFrom(
  { store, local }: Member,
  { result, limit }: { readonly result: CachedResult; readonly limit: AbortSignal },
): Land {
  let count = 0;
  return async (blob, to, mode) => {
    limit.throwIfAborted();
    if (local === undefined) {
      const bytes = await store.readBlob(blob, limit);
      if (bytes === undefined) throw new Error(`it has no ${blob.digest}`);
      return await landBlob(blob, bytes, to, { mode, signal: limit });
    }
    if (++count % breath === 0) await new Promise((resolve) => setImmediate(resolve));
    try {
      await copyBlob(blob, local.fileOf(blob), to, { mode, signal: limit });
    } catch (error) {
      if (!isWrongBlob(error) && !hasCode(error, "ENOENT")) throw error;
      await local.dropWrong(result);
      throw isWrongBlob(error) ? error : new Error(`it has no ${blob.digest}`);
    }
  };
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
