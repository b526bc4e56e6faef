/** Prints a build's log, and goes on while it is written. Does not know what is built. */
import { closeSync, openSync, readSync, existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { findHolder } from "../../core/index.ts";
import type { Bench } from "./bench.ts";
import { dicePath, files } from "./state.ts";

/** Milliseconds between two looks at a log that is being written. */
const pauseMs = 200;

export async function followLog(bench: Bench, recipe: string, { follow }: { readonly follow: boolean }): Promise<void> {
  const path = dicePath(recipe, files.log);
  if (!existsSync(path)) {
    bench.log.info("There is no log yet");
    return;
  }
  const log = openSync(path, "r");
  try {
    let rest = "";
    for (let isLast = false; !isLast;) {
      isLast = !follow || findHolder(dicePath(recipe, files.lock)) === undefined; // Asked before reading: what came until then is read.
      const lines = `${rest}${readOn(log)}`.split("\n");
      rest = lines.pop() ?? "";
      if (lines.length > 0) bench.log.info(lines.join("\n"));
      if (!isLast) await wait(pauseMs, undefined, { signal: bench.signal });
    }
    if (rest !== "") bench.log.info(rest);
  } finally {
    closeSync(log);
  }
}

function readOn(log: number): string {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(1 << 16);
    const size = readSync(log, chunk);
    if (size === 0) return Buffer.concat(chunks).toString("utf8");
    chunks.push(chunk.subarray(0, size));
  }
}
