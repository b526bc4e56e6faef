/** Replaces variables and takes quotes away, as Dockerfiles do it. Pure; does not know where the variables come from. */
import type { Place } from "../../core/index.ts";
import { variableMalformed, variableRequired } from "./dockerfile-errors.ts";

/** What replacing needs to know. */
export interface Expansion {
  /** Undefined: the variable is not set. */
  readonly find: (name: string) => string | undefined;
  readonly escape: string;
  /** Where the text stands, for messages. */
  readonly at: Place;
  /** Whether quotes are text, as in a heredoc. Default: they are taken away, and `'` protects from replacing. */
  readonly keepsQuotes?: boolean;
}

/**
 * `text` with its variables replaced: `$X`, `${X}`, `${X:-default}`, `${X:+other}`, `${X:?message}`, and the same without the colon.
 * @throws BtError IMAGES_VARIABLE_MALFORMED, IMAGES_VARIABLE_REQUIRED
 */
export function expand(text: string, expansion: Expansion): string {
  const reader: Reader = { text, position: 0, expansion };
  return readUntil(reader, undefined);
}

interface Reader {
  readonly text: string;
  position: number;
  readonly expansion: Expansion;
}

/** Reads up to `stop`, which is left unread, or to the end of the text. */
function readUntil(reader: Reader, stop: string | undefined): string {
  const { escape, keepsQuotes = false, at } = reader.expansion;
  let result = "";
  let quoted = false;
  while (reader.position < reader.text.length) {
    const char = reader.text[reader.position]!;
    if (!quoted && char === stop) return result;
    reader.position++;
    if (char === "'" && !quoted && !keepsQuotes) {
      const end = reader.text.indexOf("'", reader.position);
      if (end === -1) throw variableMalformed(at, reader.text, "a quote is not closed");
      result += reader.text.slice(reader.position, end);
      reader.position = end + 1;
    } else if (char === '"' && !keepsQuotes) {
      quoted = !quoted;
    } else if (char === escape) {
      result += readEscaped(reader, quoted || keepsQuotes);
    } else if (char === "$") {
      result += readVariable(reader);
    } else {
      result += char;
    }
  }
  if (quoted) throw variableMalformed(at, reader.text, "a quote is not closed");
  return result;
}

/** Inside quotes and heredocs only the characters that have a meaning there can be escaped. */
function readEscaped(reader: Reader, restricted: boolean): string {
  const { escape, keepsQuotes = false } = reader.expansion;
  const next = reader.text[reader.position];
  if (next === undefined) return restricted ? escape : "";
  const meaningful = next === "$" || next === escape || (next === '"' && !keepsQuotes);
  if (restricted && !meaningful) return escape;
  reader.position++;
  return next;
}

function readVariable(reader: Reader): string {
  const rest = reader.text.slice(reader.position);
  const plain = /^([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$-])/.exec(rest);
  if (plain !== null) {
    reader.position += plain[0].length;
    return reader.expansion.find(plain[0]) ?? "";
  }
  if (!rest.startsWith("{")) return "$";
  const braced = /^\{([A-Za-z_][A-Za-z0-9_]*|[0-9])(\}|:?[-+?])/.exec(rest);
  if (braced === null) {
    throw variableMalformed(
      reader.expansion.at,
      reader.text,
      "bt knows ${X}, ${X:-default}, ${X:+other} and ${X:?message}",
    );
  }
  reader.position += braced[0].length;
  const [, name = "", operator = ""] = braced;
  if (operator === "}") return reader.expansion.find(name) ?? "";
  const word = readUntil(reader, "}");
  if (reader.text[reader.position] !== "}")
    throw variableMalformed(reader.expansion.at, reader.text, "a brace is not closed");
  reader.position++;
  return choose(reader, { name, operator, word });
}

function choose(
  reader: Reader,
  form: { readonly name: string; readonly operator: string; readonly word: string },
): string {
  const value = reader.expansion.find(form.name);
  // With a colon an empty value counts as none.
  const isSet = form.operator.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
  if (form.operator.endsWith("+")) return isSet ? form.word : "";
  if (isSet) return value ?? "";
  if (form.operator.endsWith("-")) return form.word;
  throw variableRequired(reader.expansion.at, form.name, form.word);
}
