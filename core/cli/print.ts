/** Writes to standard output and standard error, to the last byte. Does not know what is said. */
import * as fs from "node:fs";

/** Everything is written before the process ends, even into a slow pipe; a reader that has gone is no crash. */
export function writeText(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += fs.writeSync(descriptor, bytes, offset);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (typeof code === "string" && diskCodes.includes(code)) failAtEnd(code);
      if (code !== "EAGAIN") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // The pipe is full: give its reader a moment.
    }
  }
}

/** The disk refuses the file that standard output goes into. */
const diskCodes = ["ENOSPC", "EDQUOT", "EFBIG"];
let isFailed = false;

/** A run goes on; but nobody may take what was written for the whole. */
function failAtEnd(code: string): void {
  if (isFailed) return;
  isFailed = true;
  process.once("exit", () => (process.exitCode ||= 1));
  writeText(2, `bt: What bt prints cannot be written (${code})\n  fix  Make room where its output goes.\n`);
}

/** Standard output. */
export function print(text: string): void {
  writeText(1, text);
}

/** From now on what is printed here is all that comes to standard output: what others write to it goes to standard error. */
export function reserveOutput(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr);
}

/** Data for machines, on standard output. */
export function printJson(data: object): void {
  print(`${JSON.stringify(data, undefined, 2)}\n`);
}
