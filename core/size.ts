/** Sizes as people write and read them. Pure. */

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `4GiB`, `1.5GiB`. */
export type Size = `${number}${Exclude<(typeof units)[number], "B">}`;

/** Whole bytes: fractions would not add up. Undefined: it is no size. */
export function parseSize(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMGT]iB)$/.exec(text) ?? [];
  return number === undefined
    ? undefined
    : Math.round(Number(number) * 1024 ** units.findIndex((name) => name === unit));
}

/** `1.5 GiB` */
export function renderSize(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
