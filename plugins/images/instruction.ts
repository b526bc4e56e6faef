/** The instructions of a Dockerfile as typed data, and how one is read from its statement. Pure; does not replace variables. */
import type { Place } from "../../core/index.ts";
import { flagUnknown, flagUnsupported, instructionMalformed, instructionUnknown } from "./dockerfile-errors.ts";
import { parseHealthcheck, type Healthcheck } from "./healthcheck.ts";
import { parseHeredocWord, type Heredoc, type Statement } from "./statement.ts";
import { parseJsonList, splitFlags, splitPairs, splitPlain, splitWords, type Pair } from "./word.ts";

/** A command: a list of words, or a line for a shell. */
export type Command =
  | { readonly form: "exec"; readonly words: readonly string[] }
  | { readonly form: "shell"; readonly line: string };

/** What every instruction has. */
interface Written {
  readonly at: Place;
  /** As written, in one line: `COPY a /b`. */
  readonly text: string;
}

/** `FROM`. */
export interface From extends Written {
  readonly kind: "from";
  readonly image: string;
  readonly platform?: string;
  /** In lower case. */
  readonly name?: string;
}

/** `COPY` and `ADD`. */
export interface Copy extends Written {
  readonly kind: "copy" | "add";
  /** Paths, patterns and heredoc operators, in their order. */
  readonly sources: readonly string[];
  readonly target: string;
  readonly heredocs: readonly Heredoc[];
  readonly from?: string;
  readonly chmod?: string;
  readonly chown?: string;
}

/** `RUN`: what other engines do. */
interface Run extends Written {
  readonly kind: "run";
  /** Values of `--mount`. */
  readonly mounts: readonly string[];
}

/** `ARG`. */
export interface Arg extends Written {
  readonly kind: "arg";
  readonly pairs: readonly Pair[];
}

/** Any instruction, variables not yet replaced. */
export type Instruction =
  | From
  | Copy
  | Run
  | Arg
  | (Written & { readonly kind: "env" | "label"; readonly pairs: readonly Pair[] })
  | (Written & { readonly kind: "workdir" | "user" | "stopsignal" | "maintainer" | "onbuild"; readonly value: string })
  | (Written & { readonly kind: "expose" | "volume"; readonly values: readonly string[] })
  | (Written & { readonly kind: "cmd" | "entrypoint"; readonly command: Command })
  | (Written & { readonly kind: "shell"; readonly words: readonly string[] })
  | (Written & { readonly kind: "healthcheck"; readonly check: Healthcheck });

const keywords =
  "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split(
    " ",
  );

/** Flags by instruction; those that the embedded engine cannot obey end in `!`. */
const flagNames: Readonly<Record<string, readonly string[]>> = {
  ADD: ["chmod", "chown", "link", "checksum!", "exclude!", "keep-git-dir!"],
  COPY: ["chmod", "chown", "from", "link", "exclude!", "parents!"],
  FROM: ["platform"],
  HEALTHCHECK: ["interval", "timeout", "start-period", "start-interval", "retries"],
  RUN: ["mount", "network", "security", "device"],
};

/**
 * One instruction.
 * @throws BtError IMAGES_INSTRUCTION_UNKNOWN, IMAGES_INSTRUCTION_MALFORMED, IMAGES_FLAG_UNKNOWN, IMAGES_FLAG_UNSUPPORTED
 */
export function parseInstruction(statement: Statement, escape: string): Instruction {
  const { keyword, at } = statement;
  if (!keywords.includes(keyword)) throw instructionUnknown(at, keyword, keywords);
  const flagged = flagNames[keyword] !== undefined;
  const { flags, rest } = flagged ? splitFlags(statement.text) : { flags: [], rest: statement.text };
  checkFlags(statement, flags);
  const written: Written = { at, text: `${keyword} ${statement.text}`.trim() };
  if (rest === "" && keyword !== "CMD" && keyword !== "ENTRYPOINT")
    throw instructionMalformed(at, keyword, "it has no arguments");
  switch (keyword) {
    case "FROM":
      return { ...written, ...parseFrom(statement, rest), ...flag(flags, "platform") };
    case "COPY":
    case "ADD":
      return {
        ...written,
        kind: keyword === "ADD" ? "add" : "copy",
        ...parseCopy(statement, rest),
        ...copyFlags(flags),
      };
    case "RUN":
      return {
        ...written,
        kind: "run",
        mounts: flags.filter(({ name }) => name === "mount").map(({ value }) => value ?? ""),
      };
    case "ARG":
    case "ENV":
    case "LABEL":
      return {
        ...written,
        kind: keyword.toLowerCase() as "arg" | "env" | "label",
        pairs: parsePairs(statement, rest, escape),
      };
    case "EXPOSE":
    case "VOLUME":
      return {
        ...written,
        kind: keyword === "VOLUME" ? "volume" : "expose",
        values: parseJsonList(rest) ?? splitPlain(rest),
      };
    case "CMD":
    case "ENTRYPOINT":
      return { ...written, kind: keyword === "CMD" ? "cmd" : "entrypoint", command: parseCommand(rest) };
    case "SHELL": {
      const words = parseJsonList(rest);
      if (words === undefined || words.length === 0)
        throw instructionMalformed(at, keyword, 'it takes a JSON list: ["/bin/sh", "-c"]');
      return { ...written, kind: "shell", words };
    }
    case "HEALTHCHECK":
      return { ...written, kind: "healthcheck", check: parseHealthcheck(at, { flags, text: rest }) };
    default:
      return {
        ...written,
        kind: keyword.toLowerCase() as "workdir" | "user" | "stopsignal" | "maintainer" | "onbuild",
        value: rest,
      };
  }
}

/** The list or the line of CMD and ENTRYPOINT. */
function parseCommand(text: string): Command {
  const words = parseJsonList(text);
  return words === undefined ? { form: "shell", line: text } : { form: "exec", words };
}

function checkFlags({ keyword, at }: Statement, flags: readonly Pair[]): void {
  const known = flagNames[keyword] ?? [];
  for (const { name } of flags) {
    if (known.includes(`${name}!`)) throw flagUnsupported(at, keyword, name);
    if (!known.includes(name))
      throw flagUnknown(at, { keyword, name, known: known.map((text) => text.replace("!", "")) });
  }
}

function parseFrom({ at }: Statement, rest: string): Pick<From, "kind" | "image" | "name"> {
  const [image = "", as, name, ...more] = splitPlain(rest);
  if (as === undefined) return { kind: "from", image };
  if (as.toLowerCase() !== "as" || name === undefined || more.length > 0) {
    throw instructionMalformed(at, "FROM", `"${rest}" is not IMAGE or IMAGE AS NAME`);
  }
  if (!/^[a-z][a-z0-9_.-]*$/i.test(name)) {
    throw instructionMalformed(
      at,
      "FROM",
      `the stage name "${name}" does not start with a letter, or has other characters than letters, digits, "_", "-" and "."`,
    );
  }
  return { kind: "from", image, name: name.toLowerCase() };
}

function parseCopy({ at, keyword, heredocs }: Statement, rest: string): Pick<Copy, "sources" | "target" | "heredocs"> {
  const words = parseJsonList(rest) ?? splitPlain(rest);
  const target = words.at(-1);
  if (target === undefined || words.length < 2 || parseHeredocWord(target) !== undefined) {
    throw instructionMalformed(at, keyword, `it needs at least one source and a destination, "${rest}" is not both`);
  }
  return { sources: words.slice(0, -1), target, heredocs };
}

function copyFlags(flags: readonly Pair[]): Pick<Copy, "from" | "chmod" | "chown"> {
  return { ...flag(flags, "from"), ...flag(flags, "chmod"), ...flag(flags, "chown") };
}

/** The last value wins, as with other builders. */
function flag<N extends string>(flags: readonly Pair[], name: N): { [K in N]?: string } {
  const value = flags.findLast((entry) => entry.name === name)?.value;
  return (value === undefined ? {} : { [name]: value }) as { [K in N]?: string };
}

function parsePairs({ at, keyword }: Statement, rest: string, escape: string): readonly Pair[] {
  const first = splitWords(rest, escape)[0] ?? "";
  if (keyword === "ENV" && !first.includes("=")) {
    // The old form `ENV NAME the rest is the value`.
    const value = rest.slice(first.length).trim();
    if (value === "") throw instructionMalformed(at, keyword, `"${first}" has no value`);
    return [{ name: first, value }];
  }
  const pairs = splitPairs(rest, escape);
  for (const { name, value } of pairs) {
    if (name === "") throw instructionMalformed(at, keyword, `"=${value ?? ""}" has no name`);
    if (value === undefined && keyword !== "ARG") throw instructionMalformed(at, keyword, `"${name}" has no "="`);
  }
  return pairs;
}
