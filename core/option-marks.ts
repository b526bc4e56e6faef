/** Which options a record of them may and must have, for builderfiles that no compiler has looked at. Does not know what they mean. */
import { fieldMissing, fieldShape, fieldUnknown } from "./errors/builderfile.ts";
import { describeKind, isRecord } from "./shape.ts";

type Need = "optional" | "required" | "required list" | "required record" | "required string";
type Marks = { readonly [name: string]: Mark };
/** An option; with `inside` a record of options, with `each` a record or list of such records. */
type Mark<N extends Need = Need> =
  | N
  | { readonly mark: N; readonly inside: Marks }
  | { readonly mark: N; readonly each: Marks };

/** Every option of `T`, and whether it must be there. */
export type OptionMarks<T> = {
  readonly [K in keyof T]-?: Mark<{} extends Pick<T, K> ? "optional" : Exclude<Need, "optional">>;
};

/**
 * Refuses options that do not exist, are missing or of the wrong kind. `of` is whose they are: `image()`.
 * @throws BtError FIELD_UNKNOWN, FIELD_MISSING, FIELD_SHAPE
 */
export function checkOptions(of: string, options: object, marks: Marks): void {
  checkRecord(of, undefined, { given: options, marks });
}

/** `path` is that of an option which holds others: `variants.cs9`. */
function checkRecord(of: string, path: string | undefined, { given, marks }: { given: unknown; marks: Marks }): void {
  if (!isRecord(given)) throw fieldShape(of, path, { found: describeKind(given), allowed: "record" });
  const prefix = path === undefined ? "" : `${path}.`;
  const known = Object.keys(marks).map((name) => `${prefix}${name}`);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(marks, name));
  if (unknown !== undefined) throw fieldUnknown(of, `${prefix}${unknown}`, known);
  for (const [name, mark] of Object.entries(marks)) {
    const need = typeof mark === "string" ? mark : mark.mark;
    const value = given[name];
    const own = `${prefix}${name}`;
    if (value === undefined && need !== "optional") throw fieldMissing(of, own);
    if (value === undefined) continue;
    if (!isNeeded(value, need))
      throw fieldShape(of, own, { found: describeKind(value), allowed: need.replace("required ", "") });
    if (typeof mark === "string") continue;
    if ("inside" in mark) checkRecord(of, own, { given: value, marks: mark.inside });
    else for (const [at, one] of listParts(of, own, value)) checkRecord(of, at, { given: one, marks: mark.each });
  }
}

/** What a list or a record holds, with its path. */
function listParts(of: string, path: string, value: unknown): readonly (readonly [path: string, part: unknown])[] {
  if (!Array.isArray(value) && !isRecord(value))
    throw fieldShape(of, path, { found: describeKind(value), allowed: "record" });
  return Object.entries(value).map(([name, one]) => [`${path}.${name}`, one]);
}

function isNeeded(value: unknown, need: Need): boolean {
  switch (need) {
    case "optional":
    case "required":
      return true;
    case "required list":
      return Array.isArray(value);
    case "required record":
      return isRecord(value);
    case "required string":
      return typeof value === "string";
  }
}
