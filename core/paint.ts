/** Colours and marks, for a level decided once. Only importer of `chalk`; does not know what is printed. */

/** 0 none · 1 sixteen colours · 2 256 colours · 3 all. */
export type ColourLevel = 0 | 1 | 2 | 3;

type Style = (text: string) => string;

/** The styles bt uses. Each returns its text unchanged at level 0. */
export interface Paint {
  readonly good: Style;
  readonly bad: Style;
  readonly warn: Style;
  readonly dim: Style;
  readonly strong: Style;
}

/** Signs in front of a line; one column wide each. */
export const marks = { done: "✔", failed: "✖", warning: "⚠", start: "▸", more: "…", filled: "━", empty: "─" } as const;

/** Leaves every text as it is. */
export const noPaint: Paint = { good: keep, bad: keep, warn: keep, dim: keep, strong: keep };

function keep(text: string): string {
  return text;
}

/**
 * How many colours to use. NO_COLOR wins over FORCE_COLOR, and both over the terminal.
 * A pipe counts as a terminal when make says that its own output is one.
 */
export function colourLevel(env: Readonly<Record<string, string | undefined>>, isTTY: boolean): ColourLevel {
  const { NO_COLOR: no, FORCE_COLOR: force, MAKE_TERMOUT: make, TERM: term = "", COLORTERM: colour } = env;
  if (no !== undefined && no !== "") return 0;
  if (force !== undefined) return parseForced(force);
  if (term === "dumb" || (!isTTY && (make === undefined || make === ""))) return 0;
  if (colour === "truecolor" || colour === "24bit") return 3;
  return /-256(color)?$/i.test(term) ? 2 : 1;
}

function parseForced(text: string): ColourLevel {
  if (text === "0" || text === "false") return 0;
  if (text === "2") return 2;
  return text === "3" ? 3 : 1;
}

/** The styles for a level; `chalk` is loaded only for a level above 0. */
export async function createPaint(level: ColourLevel): Promise<Paint> {
  if (level === 0) return noPaint;
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level });
  return { good: chalk.green, bad: chalk.red, warn: chalk.yellow, dim: chalk.dim, strong: chalk.bold };
}
