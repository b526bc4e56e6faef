/** Finds text that a program has broken into lines, as `base64` and `openssl` do. Pure; does not know what it is or why it is looked for. */

/** Where something stands, as offsets. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A line break and the indentation after it: as it is, or as JSON and shells write it. */
const lineBreak = /(?:\r?\n|(?:\\r)?\\n)[ \t]{0,16}/g;
/** What may become a line break. */
const halfBreak = /(?:\r|\\r\\|\\r|\\)$/;

/** So many characters of a text that goes on behind a line break are told from chance; fewer are not waited for. */
const fewest = 4;

/** Where the texts stand with one line break in them or more. */
export function findWrapped(bytes: string, texts: Iterable<string>): Span[] {
  const lines = unwrap(bytes);
  if (lines === undefined) return [];
  const found: Span[] = [];
  for (const text of texts) {
    for (let at = lines.text.indexOf(text); at !== -1; at = lines.text.indexOf(text, at + 1)) {
      const start = lines.offsetOf(at);
      const end = lines.offsetOf(at + text.length - 1) + 1;
      if (end - start > text.length) found.push({ start, end });
    }
  }
  return found;
}

/** Where the longest tail begins that is the start of one of the texts, with a line break in it. Undefined: there is none. */
export function findWrappedTail(bytes: string, texts: Iterable<string>): number | undefined {
  const lines = unwrap(bytes.replace(halfBreak, "\n"));
  if (lines === undefined) return undefined;
  let longest = fewest - 1;
  for (const text of texts) {
    for (let length = Math.min(text.length - 1, lines.text.length); length > longest; length--)
      if (lines.text.endsWith(text.slice(0, length)) && isBroken(lines, length, bytes)) longest = length;
  }
  return longest < fewest ? undefined : lines.offsetOf(lines.text.length - longest);
}

function isBroken(lines: Lines, length: number, bytes: string): boolean {
  return bytes.length - lines.offsetOf(lines.text.length - length) > length;
}

/** A text without its line breaks. */
interface Lines {
  readonly text: string;
  /** Where a character of it stood before. */
  readonly offsetOf: (at: number) => number;
}

/** Undefined: it has no line breaks. */
function unwrap(bytes: string): Lines | undefined {
  const ends: number[] = []; // Of each line, in the text without breaks.
  const shifts: number[] = [0]; // What was left out before each line.
  let text = "";
  let from = 0;
  for (const { 0: gap, index } of bytes.matchAll(lineBreak)) {
    text += bytes.slice(from, index);
    from = index + gap.length;
    ends.push(text.length);
    shifts.push(from - text.length);
  }
  if (ends.length === 0) return undefined;
  text += bytes.slice(from);
  const offsetOf = (at: number): number => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return at + shifts[low]!;
  };
  return { text, offsetOf };
}
