/** The words of a Bazel file, one after the other. Does not know rules. */

/** Reads a text from its start; `at` is where it stands. */
export interface Scanner {
  readonly at: () => number;
  readonly back: (offset: number) => void;
  /** To the end of the last word, before the blanks behind it. */
  readonly backToText: () => void;
  /** Blanks, line ends, continuations and comments. */
  readonly skipBlank: () => void;
  readonly isNext: (text: string) => boolean;
  readonly take: (text: string) => boolean;
  readonly takeName: () => string | undefined;
  /** A string literal. */
  readonly takeText: () => string | undefined;
  /** Up to a comma or closing bracket outside of brackets. */
  readonly takeExpression: () => string;
  readonly isValueEnd: () => boolean;
  /** Up to the end of the line outside of brackets, and the indented lines below it. */
  readonly skipStatement: () => void;
  readonly fail: (expected: string, offset?: number) => Error;
}

const closing: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

export function createScanner(text: string, complain: (expected: string, offset: number) => Error): Scanner {
  let [at, wordEnd] = [0, 0];
  const fail: Scanner["fail"] = (expected, offset = at) => complain(expected, offset);
  const moveTo = (offset: number): void => void ([at, wordEnd] = [offset, offset]);
  const isNext = (word: string): boolean => text.startsWith(word, at);
  const take = (word: string): boolean => isNext(word) && (moveTo(at + word.length), true);
  const skipBlank = (): void => {
    const end = wordEnd;
    for (;;) {
      const [blank = ""] = /^(?:[ \t\r\n]|\\\r?\n|#[^\n]*)+/.exec(text.slice(at, at + 4096)) ?? [];
      if (blank === "") break;
      at += blank.length;
    }
    wordEnd = end;
  };
  const takeText = (): string | undefined => {
    const [start = "", prefix = "", mark = ""] = /^([rRbB]{0,2})("""|'''|"|')/.exec(text.slice(at, at + 5)) ?? [];
    if (start === "") return undefined;
    const from = at;
    for (let to = at + start.length; to < text.length; to++) {
      if (text[to] === "\\") to++;
      else if (text.startsWith(mark, to)) {
        moveTo(to + mark.length);
        const body = text.slice(from + start.length, to);
        return /r/i.test(prefix) ? body : unescape(body);
      } else if (text[to] === "\n" && mark.length === 1) break;
    }
    throw fail(`the text that starts here has no closing ${mark}`, from);
  };
  /** Goes over one character, text, comment or bracket with all in it. */
  const step = (): void => {
    const character = text[at]!;
    if (takeText() !== undefined) return;
    const close = closing[character];
    if (close === undefined) return character === "#" ? skipBlank() : moveTo(at + 1);
    const from = at;
    moveTo(at + 1);
    for (skipBlank(); !take(close); skipBlank()) {
      if (at >= text.length) throw fail(`the "${character}" that stands here is never closed`, from);
      if (/^[)\]}]/.test(text[at]!)) throw fail(`"${close}" is expected instead of "${text[at]}"`);
      step();
    }
  };
  return {
    at: () => at,
    back: moveTo,
    backToText: () => moveTo(wordEnd),
    skipBlank,
    isNext,
    take,
    takeText,
    fail,
    takeName() {
      const [name] = /^[A-Za-z_][\w.]*/.exec(text.slice(at, at + 256)) ?? [];
      if (name !== undefined) moveTo(at + name.length);
      return name;
    },
    takeExpression() {
      const from = at;
      while (at < text.length && !/^[,)\]}]/.test(text[at]!)) {
        step();
        skipBlank();
      }
      if (at >= text.length) throw fail("the file ends in the middle of a value", from);
      if (wordEnd === from) throw fail("a value is expected");
      moveTo(wordEnd);
      return text.slice(from, at);
    },
    isValueEnd: () => /^[,)\]}]/.test(text[at] ?? ""),
    skipStatement() {
      do {
        while (at < text.length && text[at] !== "\n") {
          if (/^[)\]}]/.test(text[at]!)) throw fail(`"${text[at]}" closes nothing`);
          step();
        }
        if (at < text.length) moveTo(at + 1);
      } while (/^(?:[ \t]+[^ \t\r\n]|[ \t]*\r?\n[ \t]+\S)/.test(text.slice(at, at + 4096)));
    },
  };
}

function unescape(body: string): string {
  const plain: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\n": "" };
  return body.replaceAll(/\\(.|\n)/g, (all, character: string) =>
    /["'\\]/.test(character) ? character : (plain[character] ?? all),
  );
}
