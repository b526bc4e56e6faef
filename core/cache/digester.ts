/** SHA-256 of bytes that come in pieces; of many bytes on another thread, so that whoever fetches them need not wait. Does not know what they are. */
import { createHash } from "node:crypto";
import type { Worker } from "node:worker_threads";

export interface Digester {
  /** Memory for pieces. Bytes. */
  readonly createRoom: (size: number) => Uint8Array;
  /** Takes the next piece, which lies in such a room and stays as it is until this settles. */
  readonly update: (piece: Uint8Array) => Promise<void>;
  /** Hex, of all pieces. */
  readonly digest: () => Promise<string>;
  /** To be called at the end, however it comes. */
  readonly close: () => void;
}

/** Below this a thread costs more than it gives. Bytes. */
const many = 32 << 20;

/** A digester for about so many bytes. */
export async function createDigester(size: number): Promise<Digester> {
  return size < many ? createOwnDigester() : await createFarDigester();
}

function createOwnDigester(): Digester {
  const hash = createHash("sha256");
  return {
    createRoom: (size) => Buffer.allocUnsafe(size),
    update: async (piece) => void hash.update(piece),
    digest: async () => hash.digest("hex"),
    close: () => {},
  };
}

/** What the thread does: a digest for each number, an answer for each question, in their order. */
const thread = `
const { parentPort } = require("node:worker_threads");
const { createHash } = require("node:crypto");
const hashes = new Map();
parentPort.on("message", ({ number, piece, isOver }) => {
  const hash = hashes.get(number) ?? createHash("sha256");
  hashes.set(number, hash);
  if (piece !== undefined) hash.update(piece);
  else hashes.delete(number);
  if (!isOver) parentPort.postMessage({ number, digest: piece === undefined ? hash.digest("hex") : "" });
});
`;

/** A question to the thread: a piece to take, or none for the digest so far. */
interface Question {
  readonly number: number;
  readonly piece?: Uint8Array;
  /** Nobody waits for an answer any more. */
  readonly isOver?: true;
}

interface Waiting {
  readonly resolve: (digest: string) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread for all digesters; it ends with bt. */
interface Helper {
  readonly worker: Worker;
  /** Who waits for answers, by number, in the order of the questions. */
  readonly waiting: Map<number, Waiting[]>;
  /** Why it has ended. */
  failure?: Error;
}
let helper: Promise<Helper> | undefined;
let count = 0;

async function createFarDigester(): Promise<Digester> {
  const far = await (helper ??= startHelper());
  const { worker, waiting } = far;
  const number = (count += 1);
  const own: Waiting[] = [];
  waiting.set(number, own);
  worker.ref();
  const ask = async (question: Question): Promise<string> => {
    if (far.failure !== undefined) throw far.failure;
    return await new Promise((resolve, reject) => {
      own.push({ resolve, reject });
      worker.postMessage(question);
    });
  };
  return {
    createRoom: (size) => new Uint8Array(new SharedArrayBuffer(size)),
    update: async (piece) => void (await ask({ number, piece })),
    digest: () => ask({ number }),
    close() {
      worker.postMessage({ number, isOver: true } satisfies Question);
      waiting.delete(number);
      if (waiting.size === 0) worker.unref();
    },
  };
}

async function startHelper(): Promise<Helper> {
  const { Worker } = await import("node:worker_threads");
  const far: Helper = { worker: new Worker(thread, { eval: true }), waiting: new Map() };
  far.worker.on("message", ({ number, digest }: { readonly number: number; readonly digest: string }) =>
    far.waiting.get(number)?.shift()?.resolve(digest),
  );
  far.worker.on("error", (error) => {
    far.failure = error;
    helper = undefined;
    for (const all of far.waiting.values()) for (const { reject } of all.splice(0)) reject(error);
  });
  far.worker.unref();
  return far;
}
