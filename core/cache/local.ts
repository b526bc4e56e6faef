/** The cache on this machine: `cas/SHA256` and `ac/KEY`, made beside and renamed in, results last. Does not know what tasks are. */
import * as fs from "node:fs";
import * as path from "node:path";
import { blobsOf, type Blob, type CachedResult, type CacheStore } from "../cache-store.ts";
import { findText, hasCode, hashText, makeFolder } from "../files.ts";
import { stableJson } from "../fingerprint.ts";
import { digestFile, readChunks } from "./blob.ts";
import { landBlob } from "./land.ts";
import { openStage, type CachePlace, type Stage } from "./place.ts";

/** The local store, and what only bt itself asks of it. */
export interface LocalStore extends CacheStore {
  /** Where a blob is, or would be. */
  readonly fileOf: (blob: Blob) => string;
  /** The result, if it and all its blobs are there; nothing is read but the result, and nothing is changed. */
  readonly peekResult: (key: string) => CachedResult | undefined;
  /** Whether a result is there that cannot be read. */
  readonly isDamaged: (key: string) => boolean;
  /** Forgets a result. */
  readonly drop: (key: string) => void;
  /** Forgets a result, and those of its blobs that are not what they are called. */
  readonly dropWrong: (result: CachedResult) => Promise<void>;
  /** Puts a result in the place of another. */
  readonly replaceResult: (result: CachedResult) => Promise<void>;
  /** Bytes of disk that were written. */
  readonly written: () => number;
}

interface Source {
  readonly source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** Names of the folders in a local cache. */
export const resultFolder = "ac";
export const blobFolder = "cas";

const header = "bt-cache 1";
const isDigest = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

export function openLocalStore({ folder, stage: stageFolder }: CachePlace): LocalStore {
  let stage: Stage | undefined;
  let written = 0;
  const resultFile = (key: string): string => path.join(folder, resultFolder, key);
  const fileOf = ({ digest }: Blob): string => path.join(folder, blobFolder, digest);
  const stagePath = (): string => {
    if (stage === undefined) {
      for (const name of [resultFolder, blobFolder]) makeFolder(path.join(folder, name));
      stage = openStage(stageFolder);
    }
    return stage.next();
  };
  const isThere = (blob: Blob): boolean => isDigest(blob.digest) && sizeOf(fileOf(blob)) === blob.size;

  const land = async (file: string, blob: Blob, { source, signal }: Source): Promise<void> => {
    const to = stagePath();
    try {
      await landBlob(blob, source, { to, mode: 0o444, sync: true, ...(signal === undefined ? {} : { signal }) });
      fs.renameSync(to, file);
      written += Math.ceil(blob.size / 4096) * 4096;
    } catch (error) {
      fs.rmSync(to, { force: true });
      throw error;
    }
  };

  const replaceResult: LocalStore["replaceResult"] = async (result) => {
    const bytes = Buffer.from(encodeResult(result));
    const digest = hashText(bytes.toString());
    await land(resultFile(result.key), { digest, size: bytes.length }, { source: [bytes] });
  };

  return {
    name: "local",
    canWrite: true,
    fileOf,
    written: () => written,
    async findResult(key) {
      const result = readResult(resultFile(key), key);
      if (result !== undefined) touch(resultFile(key)); // Used: it is collected later than others.
      return result;
    },
    peekResult(key) {
      const result = readResult(resultFile(key), key);
      return result !== undefined && blobsOf(result).every(isThere) ? result : undefined;
    },
    isDamaged: (key) => fs.existsSync(resultFile(key)) && readResult(resultFile(key), key) === undefined,
    readBlob: async (blob) => (isThere(blob) ? readChunks(fileOf(blob)) : undefined),
    async findMissing(blobs) {
      return blobs.filter((blob) => {
        if (!isThere(blob)) return true;
        touch(fileOf(blob)); // Somebody counts on it from now on.
        return false;
      });
    },
    async writeBlob(blob, open, signal) {
      if (!isDigest(blob.digest)) throw new Error(`"${blob.digest}" is no digest`);
      await land(fileOf(blob), blob, { source: open(), signal });
    },
    async writeResult(result) {
      const kept = readResult(resultFile(result.key), result.key);
      if (kept !== undefined && blobsOf(kept).every(isThere)) {
        touch(resultFile(result.key));
        return { kept };
      }
      await replaceResult(result);
      return {};
    },
    replaceResult,
    drop: (key) => fs.rmSync(resultFile(key), { force: true }),
    async dropWrong(result) {
      fs.rmSync(resultFile(result.key), { force: true });
      for (const blob of blobsOf(result).filter(isThere))
        if ((await digestFile(fileOf(blob))) !== blob.digest) fs.rmSync(fileOf(blob), { force: true });
    },
    close: async () => stage?.close(),
  };
}

/** The first output in which two results differ; `result` for the value that the action returned. Undefined: both restore the same. */
export function differingOutput(a: CachedResult, b: CachedResult): string | undefined {
  const describe = ({ kind, mode, blob, target }: CachedResult["outputs"][number]): string =>
    JSON.stringify([kind, mode, blob?.digest, target]);
  const [left, right] = [a, b].map(({ outputs }) => new Map(outputs.map((output) => [output.path, describe(output)])));
  const paths = [...new Set([...left!.keys(), ...right!.keys()])].sort();
  return (
    paths.find((name) => left!.get(name) !== right!.get(name)) ??
    (stableJson(a.value) === stableJson(b.value) ? undefined : "result")
  );
}

/** A damaged file reads as none. */
export function readResult(file: string, key: string): CachedResult | undefined {
  let text: string | undefined;
  try {
    text = findText(file);
  } catch {
    return undefined;
  }
  const [first = "", body = ""] = text?.split("\n", 2) ?? [];
  if (first !== `${header} ${hashText(body)}`) return undefined;
  const result = JSON.parse(body) as CachedResult; // The checksum says that a bt wrote it.
  return result.key === key ? result : undefined;
}

/** A line with the checksum of the rest. */
export function encodeResult(result: CachedResult): string {
  const body = JSON.stringify(result);
  return `${header} ${hashText(body)}\n${body}\n`;
}

function sizeOf(file: string): number | undefined {
  try {
    return fs.statSync(file).size;
  } catch {
    return undefined; // Not there.
  }
}

/** A cache that may only be read is not told of its use. */
function touch(file: string): void {
  try {
    const now = new Date();
    fs.utimesSync(file, now, now);
  } catch (error) {
    if (!hasCode(error, "ENOENT") && !hasCode(error, "EACCES") && !hasCode(error, "EPERM") && !hasCode(error, "EROFS"))
      throw error;
  }
}
