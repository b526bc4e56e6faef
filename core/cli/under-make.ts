/** What a make above asks of this bt: its flags as bt's options, its variables as values of params. Pure; does not know the job slots. */
import type { Assignment } from "../assign.ts";
import { closest } from "../errors.ts";
import { decodeVariable, type MakeFacts } from "../makeflags.ts";
import type { Args, Flag, Options } from "./args.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where make says that a variable came from, from the weakest that counts to the strongest. */
const origins: readonly string[] = ["file", "words", "environment override", "override", "command line"];

/** The command line with make's flags added; what is said on bt's own command line wins. */
export function withMakeFlags(args: Args, make: MakeFacts): Args {
  return { ...args, options: mergeOptions(args.options, make) };
}

function mergeOptions(options: Options, { letters, jobs, auth, loadLimit, outputSync }: MakeFacts): Options {
  const has = (letter: string): boolean => letters.has(letter);
  const flags = new Set(options.flags);
  // As make ranks them.
  const mode: Flag | undefined = has("q") ? "question" : has("n") ? "dry-run" : has("t") ? "touch" : undefined;
  if (mode !== undefined) flags.add(mode);
  if (has("k") || has("i")) flags.add("keep-going");
  if (has("s")) flags.add("quiet");
  if (has("B")) flags.add("force");
  const output = outputSync === undefined ? undefined : outputModes[outputSync];
  return {
    ...(auth === undefined && typeof jobs === "number" ? { jobs: String(Math.max(1, jobs)) } : {}),
    ...(loadLimit === undefined || !Number.isFinite(loadLimit) ? {} : { loadLimit: String(loadLimit) }),
    ...(output === undefined ? {} : { output }),
    ...options,
    flags,
  };
}

/** `-O` of make as `--output`; `recurse` also holds everything back until the run has ended. */
const outputModes: Readonly<Record<string, string>> = {
  none: "stream",
  line: "prefixed",
  target: "grouped",
  recurse: "grouped",
};

/** Make's variables as values, the weakest first: those that the generated rules hand over, and those of make's own command line. */
export function readMakeVariables(env: Environment, make: MakeFacts): readonly Assignment[] {
  const handed = Object.entries(env).flatMap(([key, text = ""]) => {
    const [, name, from, value] = /^BT_MAKE_([^=]+)\0([^:]*):(.*)$/s.exec(`${key}\0${text}`) ?? [];
    return name === undefined || from === undefined || value === undefined ? [] : [{ name, from, value }];
  });
  const words = make.variables.map(({ name, text }) => ({
    name,
    from: "words",
    value: env[name] ?? decodeVariable(text),
  }));
  return [...handed, ...words]
    .filter(({ from }) => origins.includes(from))
    .sort((a, b) => origins.indexOf(a.from) - origins.indexOf(b.from) || (a.name < b.name ? -1 : 1))
    .map(({ name, from, value }) => ({
      name,
      value: value ?? "$",
      from: from === "words" ? "command line" : from,
      ...(value === undefined ? { isUnexpanded: true as const } : {}),
    }));
}

/** A name on make's command line that nearly is one that a task declares: `VERSON`, `VERSION`. */
export interface Misspelt {
  readonly name: string;
  readonly near: string;
}

/** Names of make's command line that no task knows, but that are near to one that a task knows and nobody has given. */
export function findMisspelt(make: MakeFacts, known: ReadonlySet<string>): readonly Misspelt[] {
  const given = make.variables.map(({ name }) => name);
  const free = [...known].filter((name) => !given.includes(name));
  return given.flatMap((name) => {
    // Short names such as V are near to too much.
    const near = known.has(name) || name.length < 4 ? undefined : closest(name, free);
    return near === undefined ? [] : [{ name, near }];
  });
}

/** What `--verbose` says of make's variables: which a task knows, and which none does. Values are not shown. */
export function renderMakeVariables(found: readonly Assignment[], known: ReadonlySet<string>): string {
  const full = [...new Set(found.filter(({ value }) => value !== "").map(({ name }) => name))].sort();
  const line = (text: string, names: readonly string[]): string =>
    names.length === 0 ? "" : `bt: make variables ${text}: ${names.join(" ")}\n`;
  return (
    line(
      "that a task knows",
      full.filter((name) => known.has(name)),
    ) +
    line(
      "that no task knows",
      full.filter((name) => !known.has(name)),
    )
  );
}
