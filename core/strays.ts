/** What actions do past their context: errors that nothing waits for, warnings of Node, text written straight to the terminal. Does not know tasks. */
import { AsyncLocalStorage } from "node:async_hooks";
import { createOutput, type Output } from "./output.ts";
import type { Mask, Secrets } from "./secrets.ts";

export interface Strays {
  /** Aborted by the first error that nothing waits for; it is the reason. Node itself would end bt at once. */
  readonly failed: AbortSignal;
  /** Tells what is written while `act` goes on, by it and by what it has begun, as masked, whole lines; afterwards as of nobody. */
  readonly overhear: <T>(say: OnLines, act: () => Promise<T>) => Promise<T>;
  readonly release: () => void;
}

export type OnLines = (stream: "stdout" | "stderr", text: string) => void;

export interface StrayOptions {
  readonly warn: (text: string) => void;
  /** Whether listeners are being told something now: what they write is theirs. */
  readonly isTelling: () => boolean;
}

/** Takes them until `release`; nothing of them is shown with a secret in it. */
export function watchStrays(secrets: Secrets, { warn, isTelling }: StrayOptions): Strays {
  const failed = new AbortController();
  const onError = (error: unknown): void => failed.abort(error);
  process.on("uncaughtException", onError); // Also for promises: they come as such.
  const speakers = new AsyncLocalStorage<Speaker>();
  const masks = [maskStream(process.stdout, secrets), maskStream(process.stderr, secrets)];
  const findSpeaker = (): Speaker | undefined => (isTelling() ? undefined : speakers.getStore());
  const releases = [
    () => process.off("uncaughtException", onError),
    takeWarnings((text) => warn(secrets.hide(text))),
    hearStream("stdout", findSpeaker),
    hearStream("stderr", findSpeaker),
    ...masks,
  ];
  return {
    failed: failed.signal,
    async overhear(say, act) {
      const speaker: Speaker = { output: createOutput(secrets, say) };
      try {
        return await speakers.run(speaker, act);
      } finally {
        speaker.output?.end();
        speaker.output = undefined;
      }
    },
    release: () => releases.forEach((release) => release()),
  };
}

/** Who writes: an action, as long as it goes on. */
interface Speaker {
  output: Output | undefined;
}

/** What Node or an action warns of is told like any warning, with secrets hidden, instead of being printed as it is. */
function takeWarnings(say: (text: string) => void): () => void {
  const before = process.listeners("warning");
  const onWarning = ({ name, message }: Error): void => say(name === "Warning" ? message : `${name}: ${message}`);
  process.removeAllListeners("warning").on("warning", onWarning);
  return () => {
    process.off("warning", onWarning);
    for (const listener of before) process.on("warning", listener);
  };
}

/** What somebody writes is told; what nobody does goes where it went. */
function hearStream(name: "stdout" | "stderr", findSpeaker: () => Speaker | undefined): () => void {
  const stream = process[name];
  const write = stream.write;
  const heard = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | (() => void),
    done = typeof encoding === "function" ? encoding : undefined,
  ): boolean => {
    const output = findSpeaker()?.output;
    if (output === undefined) return write.call(stream, bytesOf(chunk, encoding), done as never);
    output.write(name, bytesOf(chunk, encoding));
    if (done !== undefined) process.nextTick(done);
    return true;
  };
  stream.write = heard;
  return () => {
    if (stream.write === heard) stream.write = write;
  };
}

/** `console.log` and the like write here. A terminal is not kept waiting for the rest of a secret: the live view draws on it. */
function maskStream(stream: NodeJS.WriteStream, secrets: Secrets): () => void {
  const write = stream.write;
  const mask: Mask = stream.isTTY
    ? { write: (chunk) => Buffer.from(secrets.hide(chunk.toString())), end: () => Buffer.alloc(0) }
    : secrets.createMask();
  const masked = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | (() => void),
    done = typeof encoding === "function" ? encoding : undefined,
  ): boolean => {
    return write.call(stream, mask.write(bytesOf(chunk, encoding)), done as never);
  };
  stream.write = masked;
  return () => {
    if (stream.write === masked) stream.write = write; // Else somebody has taken the stream in between, and gives it back later.
    const rest = mask.end();
    if (rest.length > 0) write.call(stream, rest);
  };
}

function bytesOf(chunk: string | Uint8Array, encoding: unknown): Buffer {
  if (typeof chunk !== "string") return Buffer.from(chunk);
  return Buffer.from(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
}
