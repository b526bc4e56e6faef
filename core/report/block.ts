/** The lines of one task's output, kept until they are shown. Does not know where. */

/** Ends of long outputs are kept; the log file has the rest. */
export interface Block {
  readonly add: (text: string) => void;
  /** Without newlines. */
  readonly lines: () => readonly string[];
  /** How many lines at the start were dropped. */
  readonly dropped: () => number;
}

/** Keeps at least the last `most` lines. Default: 10000. */
export function createBlock(most = 10_000): Block {
  let lines: string[] = [];
  let dropped = 0;
  return {
    add(text) {
      for (const line of text.split("\n")) lines.push(line);
      if (lines.length < 2 * most) return;
      dropped += lines.length - most;
      lines = lines.slice(-most);
    },
    lines: () => lines,
    dropped: () => dropped,
  };
}

/** The lines of a block, each with a newline; says when there were more. */
export function renderBlock(block: Block, log: string | undefined, indent = ""): string {
  const more =
    block.dropped() === 0 ? [] : [`(${block.dropped()} lines before${log === undefined ? "" : `, all in ${log}`})`];
  return [...more, ...block.lines()].map((line) => `${indent}${line}\n`).join("");
}
