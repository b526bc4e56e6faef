/** What actions do past their context: errors that nothing waits for, warnings of Node, text written straight to the terminal. Does not know which task it was. */
import type { Mask, Secrets } from "./secrets.ts";

export interface Strays {
  /** Aborted by the first error that nothing waits for; it is the reason. Node itself would end bt at once. */
  readonly failed: AbortSignal;
  readonly release: () => void;
}

/** Takes them until `release`; nothing of them is shown with a secret in it. */
export function watchStrays(secrets: Secrets, warn: (text: string) => void): Strays {
  const failed = new AbortController();
  const onError = (error: unknown): void => failed.abort(error);
  process.on("uncaughtException", onError); // Also for promises: they come as such.
  const releases = [
    () => process.off("uncaughtException", onError),
    takeWarnings((text) => warn(secrets.hide(text))),
    maskStream(process.stdout, secrets),
    maskStream(process.stderr, secrets),
  ];
  return { failed: failed.signal, release: () => releases.forEach((release) => release()) };
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
    const bytes = typeof chunk === "string" ? Buffer.from(chunk, encodingOf(encoding)) : Buffer.from(chunk);
    return write.call(stream, mask.write(bytes), done as never);
  };
  stream.write = masked;
  return () => {
    if (stream.write === masked) stream.write = write; // Else somebody has taken the stream in between, and gives it back later.
    const rest = mask.end();
    if (rest.length > 0) write.call(stream, rest);
  };
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8";
}
