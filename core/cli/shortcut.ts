/** The command lines that the shortcut can answer, in a canonical form. Pure; loads nothing. */

/** Options that change how a run is shown or carried out, but not whether there is anything to do. */
const harmless =
  /^(-[ksy]+|-j[1-9]\d*|--keep-going|--quiet|--silent|--yes|--verbose|--fail-fast|--jobs=[1-9]\d*|--output=(grouped|prefixed|stream|live))$/;

/** What is asked for, whatever the order of options. Undefined: only the long way knows. */
export function freshRequest(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !harmless.test(word));
  if (words.length === 0 || words.some((word) => word.startsWith("-"))) return undefined;
  return JSON.stringify(words);
}

/** Whether only the list is asked for. */
export function isListRequest(argv: readonly string[]): boolean {
  return argv.length === 0 || (argv.length === 1 && argv[0] === "--list");
}
