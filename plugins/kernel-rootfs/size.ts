/** Sizes as qemu-img takes them. Pure. */

const units = ["", "k", "M", "G", "T", "P", "E"];

/** Bytes of `8G`. Undefined: the text is no size. */
export function parseSize(text: string): bigint | undefined {
  const [, digits, unit = ""] = /^(\d+)([kKMGTPE]?)$/.exec(text) ?? [];
  if (digits === undefined || /^0+$/.test(digits)) return undefined;
  return BigInt(digits) << BigInt(10 * units.indexOf(unit === "K" ? "k" : unit));
}
