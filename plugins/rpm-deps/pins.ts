/** The pins file: which version each family of packages has in each stream. Does not know which versions exist. */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type { Place } from "../../core/index.ts";
import { parseText, type Located } from "./document.ts";
import { pinMalformed, pinMissing, pinsMalformed, pinsMissing } from "./errors.ts";
import { isPinText, pinVariable } from "./spec.ts";
import type { Tree } from "./tree.ts";

/** The version of one family of packages in one stream. */
export interface Pin {
  readonly name: string;
  readonly stream: string;
  /** `17:8.0.0-13.el9`. Empty: any version. */
  readonly evr: string;
  readonly place: Place;
  /** Why it is not to be changed. Absent: it may be. */
  readonly hold?: string;
  /** Offsets of the text with the version in the file. Absent: a variable gives it. */
  readonly range?: readonly [start: number, end: number];
}

/** All pins of the file, and its text. */
export interface Pins {
  readonly file: string;
  readonly text: string;
  readonly pins: readonly Pin[];
}

/** @throws BtError RPM_DEPS_PINS_MISSING, RPM_DEPS_PINS_MALFORMED, RPM_DEPS_PIN_MALFORMED */
export async function loadPins(root: string, file: string): Promise<Pins> {
  let text: string;
  try {
    text = await readFile(path.resolve(root, file), "utf8");
  } catch (error) {
    throw pinsMissing(file, error);
  }
  const parsed = parseText(text, file);
  if ("problem" in parsed) throw pinsMalformed(file, parsed.problem, parsed.place);
  const pins = parsed.root.entries.flatMap(({ key: stream, value }) => {
    if (value.entries.length === 0 && !isEmptyRecord(value.value))
      throw pinsMalformed(file, `"${stream}" is no record of versions`, value.place);
    return value.entries.map(({ key: name, value: pin }) => readPin({ name, stream, file }, pin));
  });
  return { file, text, pins };
}

/** The pins of a run: those of the file, changed by variables. */
export function overridePins({ pins }: Pins, variables: Readonly<Record<string, string>>): readonly Pin[] {
  return pins.map((pin) => {
    const evr = variables[pin.name];
    if (evr === undefined || evr === "") return pin;
    const { range: _, ...rest } = pin;
    return { ...rest, evr, place: { where: pinVariable(pin.name) } };
  });
}

/**
 * The pin that each tree's packages need.
 * @throws BtError RPM_DEPS_PIN_MISSING
 */
export function checkPinned(trees: readonly Tree[], pins: readonly Pin[], file: string): void {
  for (const tree of trees)
    for (const { pin, spec } of tree.packages)
      if (pin !== undefined && findPin(pins, pin, tree.stream) === undefined)
        throw pinMissing(
          { pin, spec, group: tree.group, stream: tree.stream, file },
          pins.flatMap(({ name, stream }) => (stream === tree.stream ? [name] : [])),
        );
}

/** A pin by name and stream. */
export function findPin(pins: readonly Pin[], name: string, stream: string): Pin | undefined {
  return pins.find((pin) => pin.name === name && pin.stream === stream);
}

function isEmptyRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

function readPin(
  { name, stream, file }: { readonly name: string; readonly stream: string; readonly file: string },
  found: Located,
): Pin {
  const evr = found.entries.find(({ key }) => key === "evr")?.value ?? found;
  const hold = found.entries.find(({ key }) => key === "hold")?.value.value;
  if (typeof evr.value !== "string")
    throw pinsMalformed(file, `"${name}" of "${stream}" is neither a text nor { "evr", "hold" }`, found.place);
  if (!isPinText(evr.value)) throw pinMalformed(`${stream}.${name}`, evr.value, evr.place);
  return {
    name,
    stream,
    evr: evr.value,
    place: evr.place,
    range: evr.range,
    ...(typeof hold === "string" ? { hold } : {}),
  };
}
