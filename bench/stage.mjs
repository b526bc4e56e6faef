/** A folder for one measurement, and what has to end with it. Does not know what is measured. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/**
 * Both go however the program ends, but for KILL: what was given to `atEnd` is called first, the last one first.
 * @returns {{ folder: string, atEnd: (end: () => void) => void }}
 */
export function openStage() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-bench-"));
  const ends = [];
  process.once("exit", () => {
    for (const end of ends.reverse()) end();
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  return { folder, atEnd: (end) => void ends.push(end) };
}
