/** Compares a value of a JSON file with what may stand there; every mistake has its place. Does not know kernels or images. */
import type { BtError } from "../../core/index.ts";
import { keyMissing, keyUnknown, valueWrong } from "./data-errors.ts";
import type { JsonPath, PlacedJson } from "./json-place.ts";

/** What a key may hold. */
type Kind = "text" | "flag" | "list" | "texts" | "record";

/** Key to kind; a `!` at its end says that it must be there. */
type Shape = Readonly<Record<string, Kind | `${Kind}!`>>;

/** What was found wrong, and what is only suspicious. */
export interface Findings {
  readonly mistakes: BtError[];
  readonly warnings: string[];
}

const expected: Readonly<Record<Kind, string>> = {
  text: "a text",
  flag: "true or false",
  list: "a list",
  texts: "a list of texts",
  record: "a record",
};

function isKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "flag":
      return typeof value === "boolean";
    case "list":
      return Array.isArray(value);
    case "texts":
      return Array.isArray(value) && value.every((one) => typeof one === "string");
    case "record":
      return typeof value === "object" && value !== null && !Array.isArray(value);
  }
}

/** The record at `path` under the keys of the shape; undefined when it is none or lacks something. */
export function readRecord(
  json: PlacedJson,
  { path, shape, owner }: { readonly path: JsonPath; readonly shape: Shape; readonly owner: string },
  findings: Findings,
): Readonly<Record<string, unknown>> | undefined {
  const value = valueAt(json.value, path);
  if (!isKind(value, "record")) {
    findings.mistakes.push(valueWrong(json.placeOf(path), owner, "a record"));
    return undefined;
  }
  const before = findings.mistakes.length;
  const known = Object.keys(shape);
  const found: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value as object)) {
    const name = known.find((each) => each === key) ?? known.find((each) => each.toLowerCase() === key.toLowerCase());
    const place = json.keyPlaceOf([...path, key]);
    if (name === undefined) {
      findings.mistakes.push(keyUnknown(place, key, known));
      continue;
    }
    if (name !== key) findings.warnings.push(`${place.where}:${place.line}: write "${name}" for "${key}"`);
    const kind = shape[name]!.replace("!", "") as Kind; // A shape holds kinds, some with a mark.
    if (isKind(one, kind)) found[name] = one;
    else findings.mistakes.push(valueWrong(json.placeOf([...path, key]), key, expected[kind]));
  }
  for (const key of known)
    if (shape[key]!.endsWith("!") && !(key in found) && findings.mistakes.length === before)
      findings.mistakes.push(keyMissing(json.placeOf(path), key, owner));
  return findings.mistakes.length === before ? found : undefined;
}

/** The value that a path leads to. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let found = value;
  for (const key of path) found = (found as Readonly<Record<string | number, unknown>> | undefined)?.[key]; // Undefined where nothing is.
  return found;
}
