/** Cuts the text of a Dockerfile into statements with their positions. Only importer of dockerfile-ast; does not know what an instruction means. */
import { DockerfileParser } from "dockerfile-ast";
import type { Place } from "../../core/index.ts";

/** A file whose content stands in the Dockerfile itself: `COPY <<EOF /path`. */
export interface Heredoc {
  readonly name: string;
  readonly content: string;
  /** Whether variables in the content are replaced: the name is not in quotes. */
  readonly expands: boolean;
}

/** One instruction as it is written: comments gone, continued lines joined. */
export interface Statement {
  /** Upper case: `COPY`. */
  readonly keyword: string;
  /** What follows the keyword, without space around it. */
  readonly text: string;
  /** In the order of their operators in `text`. Empty: none. */
  readonly heredocs: readonly Heredoc[];
  readonly at: Place;
}

/** A Dockerfile as a list of statements. */
export interface StatementList {
  /** The character that continues lines and takes away a meaning: `\`, or `` ` `` by the parser directive. */
  readonly escape: string;
  readonly statements: readonly Statement[];
}

/** Reads the statements of a Dockerfile. `file` is how messages call it. */
export function parseStatements(text: string, file: string): StatementList {
  const source = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const lines = source.split("\n");
  const parsed = DockerfileParser.parse(source);
  const escape = parsed.getEscapeCharacter();
  const statements = parsed.getInstructions().map((instruction): Statement => {
    const { start, end } = instruction.getRange();
    const { line, character } = instruction.getInstructionRange().start;
    const raw = cut(lines, { from: start, to: end });
    const { logical, rest } = joinLines(raw, escape);
    const keyword = instruction.getKeyword();
    const argument = logical.slice(instruction.getInstruction().length).trim();
    const at: Place = { where: file, line: line + 1, column: character + 1, source: lines[line] ?? "" };
    return { keyword, text: argument, heredocs: readHeredocs(keyword, argument, rest), at };
  });
  return { escape, statements };
}

interface Span {
  readonly from: { readonly line: number; readonly character: number };
  readonly to: { readonly line: number; readonly character: number };
}

function cut(lines: readonly string[], { from, to }: Span): readonly string[] {
  const found = lines.slice(from.line, to.line + 1);
  const last = found.length - 1;
  // The end first: on a single line both cuts hit the same text.
  found[last] = found[last]!.slice(0, to.line === from.line ? to.character : undefined);
  found[0] = found[0]!.slice(from.character);
  return found;
}

/** The first logical line, and the lines after it, which only heredocs have. */
function joinLines(lines: readonly string[], escape: string): { logical: string; rest: readonly string[] } {
  const continued = new RegExp(`${escape === "\\" ? "\\\\" : escape}[ \\t]*$`);
  let logical = "";
  for (const [number, line] of lines.entries()) {
    if (number > 0 && /^\s*(#|$)/.test(line)) continue;
    logical += line.replace(continued, "");
    if (!continued.test(line)) return { logical, rest: lines.slice(number + 1) };
  }
  return { logical, rest: [] };
}

function readHeredocs(keyword: string, text: string, lines: readonly string[]): readonly Heredoc[] {
  if (keyword !== "COPY" && keyword !== "ADD") return [];
  const heredocs: Heredoc[] = [];
  let next = 0;
  for (const word of text.split(/\s+/)) {
    const operator = parseHeredocWord(word);
    if (operator === undefined) continue;
    const body: string[] = [];
    for (; next < lines.length; next++) {
      const line = operator.stripsTabs ? lines[next]!.replace(/^\t+/, "") : lines[next]!;
      if (line === operator.name) break;
      body.push(line);
    }
    next++;
    heredocs.push({
      name: operator.name,
      expands: operator.expands,
      content: body.map((line) => `${line}\n`).join(""),
    });
  }
  return heredocs;
}

/** What `<<-"EOF"` says. Undefined: the word is no heredoc operator. */
export function parseHeredocWord(word: string): { name: string; expands: boolean; stripsTabs: boolean } | undefined {
  const match = /^<<(-?)(?:"([^"<>]+)"|'([^'<>]+)'|([^\s"'<>]+))$/.exec(word);
  if (match === null) return undefined;
  const [, dash, double, single, bare] = match;
  return { name: double ?? single ?? bare ?? "", expands: bare !== undefined, stripsTabs: dash === "-" };
}
