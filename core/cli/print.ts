/** Writes to standard output and standard error, to the last byte. Does not know what is said. */
import * as fs from "node:fs";

/** Everything is written before the process ends, even into a slow pipe; a reader that has gone is no crash. */
export function writeText(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += fs.writeSync(descriptor, bytes, offset);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // The pipe is full: give its reader a moment.
    }
  }
}

/** Standard output. */
export function print(text: string): void {
  writeText(1, text);
}

/** Data for machines, on standard output. */
export function printJson(data: object): void {
  print(`${JSON.stringify(data, undefined, 2)}\n`);
}
