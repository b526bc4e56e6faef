/** SHA-256 of bytes that come in pieces; of many bytes on another thread, so that whoever fetches them need not wait. Does not know what they are. */
import { createHash } from "node:crypto";
import type { Worker } from "node:worker_threads";

export interface Digester {
  /** Pieces that it can have at once. */
  readonly depth: number;
  /** Takes the next piece with its memory, and gives its bytes back when they are digested. */
  readonly update: (piece: Uint8Array) => Promise<Uint8Array>;
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
    depth: 1,
    update: async (piece) => {
      hash.update(piece);
      return piece;
    },
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
  if (isOver) return hashes.delete(number);
  hashes.set(number, hash);
  if (piece === undefined) return parentPort.postMessage({ number, answer: hash.digest("hex") });
  hash.update(piece);
  parentPort.postMessage({ number, answer: piece }, [piece.buffer]);
});
`;

/** A question to the thread: a piece to take, or none for the digest so far. */
interface Question {
  readonly number: number;
  readonly piece?: Uint8Array<ArrayBuffer>;
  /** Nobody waits for an answer any more. */
  readonly isOver?: true;
}

/** The piece, or the digest in hex. */
type Answer = Uint8Array | string;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
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
  const ask = async (question: Question): Promise<Answer> => {
    if (far.failure !== undefined) throw far.failure;
    return await new Promise((resolve, reject) => {
      own.push({ resolve, reject });
      worker.postMessage(question, question.piece === undefined ? [] : [question.piece.buffer]);
    });
  };
  return {
    depth: 8,
    update: async (piece) => (await ask({ number, piece: withOwnMemory(piece) })) as Uint8Array,
    digest: async () => (await ask({ number })) as string,
    close() {
      worker.postMessage({ number, isOver: true } satisfies Question);
      waiting.delete(number);
      if (waiting.size === 0) worker.unref();
    },
  };
}

/** Memory that can go to another thread: nothing else lies in it. */
function withOwnMemory(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = piece;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return isWhole ? new Uint8Array(buffer) : new Uint8Array(piece);
}

async function startHelper(): Promise<Helper> {
  const { Worker } = await import("node:worker_threads");
  const far: Helper = { worker: new Worker(thread, { eval: true }), waiting: new Map() };
  far.worker.on("message", ({ number, answer }: { readonly number: number; readonly answer: Answer }) =>
    far.waiting.get(number)?.shift()?.resolve(answer),
  );
  far.worker.on("error", (error) => {
    far.failure = error;
    helper = undefined;
    for (const all of far.waiting.values()) for (const { reject } of all.splice(0)) reject(error);
  });
  far.worker.unref();
  return far;
}
