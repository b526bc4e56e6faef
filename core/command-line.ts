/** Commands as lines of text: taken apart, and shown as a person would type them. Pure; starts nothing. */
import type { Command, Exit } from "./exec.ts";

/** Words that need no shell are started directly; everything else runs with `bash -euo pipefail`. */
export function parseCommand(data: string | readonly string[]): {
  readonly argv: readonly string[];
  readonly shown?: string;
} {
  if (typeof data !== "string") return { argv: data };
  const text = data.trim();
  const words = text.split(/[ \t]+/);
  if (/^[\w@%+:,./ \t=-]+$/.test(text) && !words[0]!.includes("=") && !shellWords.has(words[0]!))
    return { argv: words };
  return { argv: ["bash", "-euo", "pipefail", "-c", data], shown: text };
}

/** Words that only a shell knows. */
const shellWords = new Set(
  ". : alias bg case cd command declare eval exec exit export fg for function hash if jobs let local read readonly return set shift source time trap type ulimit umask unset until wait while".split(
    " ",
  ),
);

/** A command as a person would type it. */
export function commandText({ file, args }: Pick<Command, "file" | "args">): string {
  return [file, ...args]
    .filter((word, at) => at > 0 || word !== "")
    .map((word) => (file === "" && args.length === 1 ? word : quoteWord(word)))
    .join(" ");
}

/** Stays on one line: what is shown can be pasted. */
function quoteWord(word: string): string {
  if (/^[\w@%+:,./=-]+$/.test(word)) return word;
  if (!/[\0-\x1f]/.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const escapes: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "'": "\\'", "\\": "\\\\" };
  return `$'${word.replaceAll(/[\0-\x1f'\\]/g, (character) => escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`)}'`;
}

export function exitText(exit: Exit): string {
  if ("code" in exit) return `exited with ${exit.code}`;
  if ("limitMs" in exit) return `was not done after ${exit.limitMs / 1000} s`;
  return "signal" in exit ? `was ended by ${exit.signal}` : `could not start: ${exit.error.message}`;
}
