/** The bytes that bt has taken from a pool of job slots, one for each running task beside the first. Does not know which task is ready. */
import { Socket } from "node:net";
import { startGuard, type Guard } from "./guard.ts";
import type { Pool } from "./jobserver.ts";
import type { Slots } from "./slots.ts";

export interface Tokens extends Slots {
  readonly held: () => number;
  /** Gives everything back; nothing is taken any more. */
  readonly close: () => void;
}

/**
 * Takes bytes when they are wanted, one at a time, and gives them back as soon as they are not needed.
 * `own`: bytes that count as taken from the start, from a pool of our own. Such a pool ends with us and needs no guard.
 */
export function createTokens(pool: Pool, own?: { readonly bytes: readonly number[] }): Tokens {
  const held: number[] = [...(own?.bytes ?? [])];
  let isWanted = false;
  let isClosed = false;
  let socket: Socket | undefined;
  let guard: Guard | undefined;
  let grown: () => void = () => {};

  const give = (byte: number): void => {
    guard?.hold(held);
    if (!pool.give(byte)) isClosed = true;
  };
  const onByte = (byte: number): boolean => {
    held.push(byte);
    if (!isWanted || isClosed) {
      held.pop();
      pool.give(byte); // It came when nobody was waiting any more.
      return false;
    }
    guard?.hold(held);
    grown();
    return isWanted;
  };
  const listen = (): void => {
    if (socket !== undefined) {
      socket.resume();
      return;
    }
    // Before the first byte comes: starting it takes longer than anything between a byte and its note.
    if (own === undefined) guard = startGuard(pool.writer);
    const options = {
      fd: pool.openReader(),
      readable: true,
      writable: false,
      // One byte: a larger buffer would take what belongs to others.
      onread: {
        buffer: Buffer.alloc(1),
        callback: (size: number, buffer: Uint8Array) => size === 1 && onByte(buffer[0] ?? 0),
      },
    };
    socket = new Socket(options);
    const stop = (): void => void (isClosed = true);
    socket.on("error", stop).on("end", stop);
    socket.unref();
  };
  return {
    allowed: () => 1 + held.length,
    held: () => held.length,
    settle({ running, wants }) {
      isWanted = wants && !isClosed;
      while (held.length > Math.max(0, running - 1)) give(held.pop()!); // The loop has just counted them.
      if (isWanted) listen();
      else socket?.pause();
    },
    watch: (callback) => void (grown = callback),
    close() {
      isWanted = false;
      isClosed = true;
      socket?.destroy();
      const rest = held.splice(0);
      guard?.release();
      for (const byte of rest) pool.give(byte);
    },
  };
}
