/** A bash script in its commands and words. Runs nothing; does not know what commands do. */

/** A piece of a word. */
export type Piece =
  | { readonly kind: "text"; readonly text: string; readonly isQuoted: boolean }
  /** `$name`, `${name}`, `${name:-fallback}`. */
  | { readonly kind: "variable"; readonly name: string; readonly fallback?: string; readonly isQuoted: boolean }
  /** `$(…)` and whatever else only a shell can answer. */
  | { readonly kind: "unknown"; readonly text: string };

/** One simple command. */
export interface ShellCommand {
  /** 1-based. */
  readonly line: number;
  readonly words: readonly (readonly Piece[])[];
  /** What stands behind it: a line end or `;`, `&&`, `||`, `|`. */
  readonly end: "line" | "and" | "or" | "pipe";
}

/** The commands of a script in order. Texts without an end reach to the end of the script. */
export function splitCommands(text: string): readonly ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: Piece[][] = [];
  let word: Piece[] | undefined;
  let [line, start] = [1, 1];
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (end: ShellCommand["end"]): void => {
    endWord();
    if (words.length > 0) commands.push({ line: start, words, end });
    words = [];
  };
  const add = (piece: Piece): void => {
    if (words.length === 0 && word === undefined) start = line;
    (word ??= []).push(piece);
  };
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at, at + 2);
    const from = at;
    const character = text[at]!;
    if (rest === "\\\n") at += 2;
    else if (character === "#" && word === undefined) at = lineEnd(text, at);
    else if (character === " " || character === "\t") {
      endWord();
      at++;
    } else if (rest === "&&" || rest === "||") {
      endCommand(rest === "&&" ? "and" : "or");
      at += 2;
    } else if (character === "|") {
      endCommand("pipe");
      at++;
    } else if (character === "\n" || character === ";") {
      endCommand("line");
      at++;
    } else if (character === "'") {
      const to = endOf(text, "'", at + 1);
      add({ kind: "text", text: text.slice(at + 1, to), isQuoted: true });
      at = to + 1;
    } else if (character === '"') at = readQuoted(text, at + 1, add);
    else if (character === "$") at = readDollar(text, at, false, add);
    else if (character === "\\") {
      add({ kind: "text", text: text[at + 1] ?? "", isQuoted: true });
      at += 2;
    } else {
      const [plain = character] = /^[^\s#;&|'"$\\]+/.exec(text.slice(at, at + 500)) ?? [];
      add({ kind: "text", text: plain, isQuoted: false });
      at += plain.length;
    }
    line += text.slice(from, at).split("\n").length - 1;
  }
  endCommand("line");
  return commands;
}

function lineEnd(text: string, at: number): number {
  return endOf(text, "\n", at);
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at;
}

/** Up to the closing quote; an empty text is a word too. */
function readQuoted(text: string, from: number, add: (piece: Piece) => void): number {
  let [at, plain] = [from, ""];
  const flush = (): void => {
    add({ kind: "text", text: plain, isQuoted: true });
    plain = "";
  };
  while (at < text.length && text[at] !== '"') {
    if (text[at] === "\\") {
      plain += /["$\\`]/.test(text[at + 1] ?? "") ? text[at + 1]! : text.slice(at, at + 2);
      at += 2;
    } else if (text[at] === "$") {
      flush();
      at = readDollar(text, at, true, add);
    } else plain += text[at++]!;
  }
  flush();
  return at + 1;
}

function readDollar(text: string, at: number, isQuoted: boolean, add: (piece: Piece) => void): number {
  const [whole, name] = /^\$([A-Za-z_]\w*)/.exec(text.slice(at, at + 200)) ?? [];
  if (whole !== undefined && name !== undefined) {
    add({ kind: "variable", name, isQuoted });
    return at + whole.length;
  }
  const close = { "{": "}", "(": ")" }[text[at + 1] ?? ""];
  if (close === undefined) {
    add({ kind: "text", text: "$", isQuoted });
    return at + 1;
  }
  const to = matching(text, at + 1, close);
  const inside = text.slice(at + 2, to);
  const [, plain, fallback] = /^([A-Za-z_]\w*)(?::-([^]*))?$/.exec(inside) ?? [];
  if (close === "}" && plain !== undefined)
    add({ kind: "variable", name: plain, isQuoted, ...(fallback === undefined ? {} : { fallback }) });
  else add({ kind: "unknown", text: text.slice(at, to + 1) });
  return to + 1;
}

/** Of a bracket; those inside count. */
function matching(text: string, from: number, close: string): number {
  const open = text[from]!;
  for (let at = from, depth = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === open) depth++;
    else if (text[at] === close && --depth === 0) return at;
  }
  return text.length;
}
