/** Options of a kernel: names made equal, the last one of a name counts, and what became of them in a .config. Pure. */
import type { ConfigOption, RangedOption } from "./options.ts";
import { compareVersions } from "./outline.ts";

/** What a .config says of a symbol. `n`: it is not set or not there. */
export type ConfigValue = "y" | "m" | "n" | (string & {});

/** A wish that the kernel's own rules have not granted. */
export interface Discrepancy {
  readonly symbol: string;
  readonly wanted: "y" | "m" | "n";
  /** Undefined: the .config does not have it. */
  readonly found: ConfigValue | undefined;
}

/** Options in the order of their last mention; those of other versions are left out. */
export function collectOptions(
  options: readonly (ConfigOption | RangedOption)[],
  kernel: string,
): readonly ConfigOption[] {
  const bySymbol = new Map<string, ConfigOption>();
  for (const one of options) {
    if ("option" in one && !isInRange(kernel, one)) continue;
    const [action, name] = "option" in one ? one.option : one;
    const symbol = name.startsWith("CONFIG_") ? name : `CONFIG_${name}`;
    bySymbol.delete(symbol);
    bySymbol.set(symbol, [action, symbol]);
  }
  return [...bySymbol.values()];
}

/** A kernel whose name is no version counts as the newest. */
function isInRange(kernel: string, { since, until }: RangedOption): boolean {
  if (!/^\d/.test(kernel)) return until === undefined;
  const parts = (version: string): string => kernel.split(".").slice(0, version.split(".").length).join(".");
  if (since !== undefined && compareVersions(parts(since), since) < 0) return false;
  return until === undefined || compareVersions(parts(until), until) <= 0;
}

const wantedBy = { "--enable": "y", "--disable": "n", "--module": "m" } as const;

/** What is wanted of each symbol, by symbol. */
export function findDiscrepancies(options: readonly ConfigOption[], config: string): readonly Discrepancy[] {
  const values = parseConfig(config);
  return options.flatMap(([action, symbol]) => {
    const wanted = wantedBy[action];
    const found = values.get(symbol);
    return (found ?? "n") === wanted ? [] : [{ symbol, wanted, found }];
  });
}

/** Symbol to value; a symbol that is said not to be set has `n`. */
export function parseConfig(config: string): ReadonlyMap<string, ConfigValue> {
  const values = new Map<string, ConfigValue>();
  for (const line of config.split("\n")) {
    const [, off] = /^# (CONFIG_\w+) is not set$/.exec(line) ?? [];
    const [, symbol, value] = /^(CONFIG_\w+)=(.*)$/.exec(line) ?? [];
    if (off !== undefined) values.set(off, "n");
    else if (symbol !== undefined && value !== undefined) values.set(symbol, value);
  }
  return values;
}

/** `CONFIG_X: wanted y, is m`. */
export function renderDiscrepancy({ symbol, wanted, found }: Discrepancy): string {
  return `${symbol}: wanted ${wanted}, ${found === undefined ? "the kernel does not have it or its needs are missing" : `is ${found}`}`;
}
