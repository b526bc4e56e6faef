/** How many columns a text takes in a terminal, and cutting it to fit. Knows no colours but how to skip them. */

/** Sequences that move or colour: CSI, OSC, and the short ones. */
const sequences = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[ -/]*[0-~])/g;
const plainText = /^[\u0020-\u007E]*$/;
const zeroWidth = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;
const doubleWidth =
  /^[\p{Emoji_Presentation}\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{1B000}-\u{1B2FF}\u{20000}-\u{3FFFD}]$/u;

/** The text as one line without colours, tabs and control characters; of lines overwritten by `\r` the last. */
export function flatten(text: string): string {
  if (plainText.test(text)) return text;
  const overwritten = text.replaceAll(sequences, "").replaceAll("\t", " ").trimEnd().split("\r");
  return (overwritten.at(-1) ?? "").replaceAll(/\p{Cc}/gu, "");
}

/** Columns of a line; colours take none. */
export function measure(text: string): number {
  if (plainText.test(text)) return text.length;
  let columns = 0;
  for (const character of text.replaceAll(sequences, "")) columns += widthOf(character);
  return columns;
}

/** The start of a text without colours, at most so many columns, with `…` when something is missing. */
export function fit(text: string, columns: number): string {
  if (columns <= 0) return "";
  if (measure(text) <= columns) return text;
  let taken = "";
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns - 1) break;
    taken += character;
  }
  return `${taken.trimEnd()}…`;
}

function widthOf(character: string): number {
  if (plainText.test(character)) return 1;
  if (zeroWidth.test(character)) return 0;
  return doubleWidth.test(character) ? 2 : 1;
}
