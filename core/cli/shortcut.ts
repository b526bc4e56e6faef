/** The command lines that the shortcut can answer, in a canonical form. Pure; loads nothing but the reading of MAKEFLAGS. */
import { findMakeFacts } from "../makeflags.ts";

/** Options that change how a run is shown or carried out, but not whether there is anything to do. */
const harmless =
  /^(-[ksy]+|-j[1-9]\d*|--keep-going|--quiet|--silent|--yes|--verbose|--fail-fast|--make|--jobs=[1-9]\d*|--(memory|disk)=[\d.]+([KMGT]iB|%)|--output=(grouped|prefixed|stream|none|live))$/;

/** What is asked for, whatever the order of options and of make's variables. Undefined: only the long way knows. */
export function freshRequest(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const words = argv.filter((word) => !harmless.test(word));
  if (words.length === 0 || words.some((word) => word.startsWith("-"))) return undefined;
  const isCalled = argv.includes("--make");
  const make = findMakeFacts(env, isCalled);
  if (make === undefined) return JSON.stringify(words);
  if (["n", "t", "B", "d"].some((letter) => make.letters.has(letter))) return undefined;
  if (!isCalled) return JSON.stringify(words);
  const handed = Object.keys(env).filter((name) => name.startsWith("BT_MAKE_"));
  const given = [
    ...handed
      .map((name) => `${name}=${env[name]}`)
      .filter((text) => !/^[^=]*=(undefined|default|automatic|environment):/.test(text)),
    ...make.variables.map(({ name, text }) => `${name}=${env[name] ?? text}`),
  ];
  return JSON.stringify([...words, ...given.sort()]);
}

/** Whether only the list is asked for. */
export function isListRequest(argv: readonly string[]): boolean {
  return argv.length === 0 || (argv.length === 1 && argv[0] === "--list");
}
