/** kernels.json and images.json of little-vm-helper: strict, every mistake with its place. Does not know other files or what is built. */
import * as fs from "node:fs";
import type { Place } from "../../core/index.ts";
import {
  actionUnknown,
  dataMissing,
  dataSyntax,
  keyMissing,
  keyUnknown,
  optionWrong,
  valueWrong,
} from "./data-errors.ts";
import { parsePlaced, type JsonPath, type PlacedJson } from "./json-place.ts";
import { readRecord, valueAt, type Findings } from "./json-shape.ts";
import type { Action, ConfigOption, ImgConf, KernelConf } from "./options.ts";

/** An entry and where it stands. */
export interface Placed<T> {
  readonly entry: T;
  readonly at: Place;
  /** Of one of its keys or entries. */
  readonly placeOf: (...path: JsonPath) => Place;
}

/** kernels.json. */
export interface KernelsFile {
  readonly kernels: readonly Placed<KernelConf>[];
  readonly commonOptions: readonly ConfigOption[];
}

/** Action type to the fields of its `op`. */
const actionFields: Readonly<Record<string, readonly string[]>> = {
  "run-command": ["Cmd"],
  "copy-in": ["LocalPath", "RemoteDir"],
  "set-hostname": ["Hostname"],
  mkdir: ["Dir"],
  upload: ["File", "Dest"],
  chmod: ["Permissions", "File"],
  "append-line": ["File", "Line"],
  link: ["Target", "Link"],
  "install-kernel": ["KernelInstallDir"],
  "tar-in": ["TarFile", "RemoteDir"],
};

const configActions = ["--enable", "--disable", "--module"];

/** @throws BtError KERNEL_ROOTFS_DATA_MISSING, KERNEL_ROOTFS_DATA_SYNTAX; other mistakes are collected */
export function readKernelsFile(file: string, findings: Findings): KernelsFile {
  const json = readPlaced(file, findings);
  const top = readRecord(
    json,
    { path: [], shape: { kernels: "list!", common_opts: "list" }, owner: `"${file}"` },
    findings,
  );
  const list = keyIn(json.value, "kernels");
  const kernels = ((top?.["kernels"] ?? []) as readonly unknown[]).flatMap((_, at) => {
    const path = [list, at];
    const shape = { name: "text!", url: "text", opts: "list", extra_make_args: "texts" } as const;
    const found = readRecord(json, { path, shape, owner: `kernel ${at + 1}` }, findings);
    if (found === undefined) return [];
    const options = readOptions(json, [...path, keyIn(valueAt(json.value, path), "opts")], findings);
    const entry = { ...found, ...(found["opts"] === undefined ? {} : { opts: options }) } as unknown as KernelConf; // readRecord has checked the fields.
    return [place(json, path, entry)];
  });
  return {
    kernels,
    commonOptions:
      top?.["common_opts"] === undefined ? [] : readOptions(json, [keyIn(json.value, "common_opts")], findings),
  };
}

/** `isKnown` says of types that are not little-vm-helper's. */
export function readImagesFile(
  file: string,
  findings: Findings,
  isKnown: (type: string) => boolean = () => false,
): readonly Placed<ImgConf>[] {
  const json = readPlaced(file, findings);
  if (!Array.isArray(json.value)) {
    findings.mistakes.push(valueWrong(json.placeOf([]), file, "a list of images"));
    return [];
  }
  return json.value.flatMap((_, at) => {
    const shape = {
      name: "text!",
      parent: "text",
      image_size: "text",
      bootable: "flag",
      packages: "texts",
      actions: "list",
    } as const;
    const found = readRecord(json, { path: [at], shape, owner: `image ${at + 1}` }, findings);
    if (found === undefined) return [];
    const key = keyIn(valueAt(json.value, [at]), "actions");
    const actions = ((found["actions"] ?? []) as readonly unknown[]).flatMap(
      (__, index) => readAction(json, [at, key, index], { findings, isKnown }) ?? [],
    );
    const entry = { ...found, ...(found["actions"] === undefined ? {} : { actions }) } as unknown as ImgConf; // readRecord has checked the fields.
    return [place(json, [at], entry)];
  });
}

function readPlaced(file: string, findings: Findings): PlacedJson {
  const text = readText(file);
  try {
    JSON.parse(text);
  } catch (error) {
    throw dataSyntax(file, text, error);
  }
  const json = parsePlaced(text, file);
  for (const at of json.doubles) findings.mistakes.push(valueWrong(at, "this key", "the only one of its name"));
  return json;
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    throw dataMissing(file, error);
  }
}

function place<T>(json: PlacedJson, path: JsonPath, entry: T): Placed<T> {
  const spelled = (rest: JsonPath): JsonPath => [
    ...path,
    ...rest.map((key, at) => (at === 0 ? keyIn(valueAt(json.value, path), String(key)) : key)),
  ];
  return { entry, at: json.placeOf(path), placeOf: (...rest) => json.placeOf(spelled(rest)) };
}

/** The key as the file spells it. */
function keyIn(value: unknown, key: string): string {
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  return keys.find((one) => one === key) ?? keys.find((one) => one.toLowerCase() === key.toLowerCase()) ?? key;
}

function readOptions(json: PlacedJson, path: JsonPath, { mistakes }: Findings): readonly ConfigOption[] {
  const list = valueAt(json.value, path);
  if (!Array.isArray(list)) return [];
  return list.flatMap((value: unknown, at) => {
    const problem = findOptionProblem(value);
    if (problem === undefined) return [value as ConfigOption];
    mistakes.push(optionWrong(json.placeOf([...path, at]), problem));
    return [];
  });
}

/** Why a value is no option, in words. */
function findOptionProblem(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length !== 2 || !value.every((one) => typeof one === "string"))
    return "it is no list of an action and a name";
  const [action, symbol] = value as [string, string];
  if (!configActions.includes(action)) return `"${action}" is none of ${configActions.join(", ")}`;
  return /^(CONFIG_)?[A-Za-z0-9_]+$/.test(symbol) ? undefined : `"${symbol}" is no name of an option`;
}

function readAction(
  json: PlacedJson,
  path: JsonPath,
  { findings, isKnown }: { readonly findings: Findings; readonly isKnown: (type: string) => boolean },
): Action | undefined {
  const shape = { comment: "text", type: "text!", op: "record!" } as const;
  const found = readRecord(json, { path, shape, owner: "this action" }, findings);
  if (found === undefined) return undefined;
  const type = found["type"] as string; // readRecord has seen to it.
  if (isKnown(type)) return found as unknown as Action; // The project's own kind.
  const fields = actionFields[type];
  if (fields === undefined) {
    const key = keyIn(valueAt(json.value, path), "type");
    findings.mistakes.push(actionUnknown(json.placeOf([...path, key]), type, Object.keys(actionFields)));
    return undefined;
  }
  const opPath = [...path, keyIn(valueAt(json.value, path), "op")];
  const texts = Object.fromEntries(fields.map((field) => [field, "text!" as const]));
  const op = readRecord(json, { path: opPath, shape: texts, owner: `the op of "${type}"` }, findings);
  return op === undefined ? undefined : ({ ...found, op } as unknown as Action); // readRecord has checked the fields.
}

/** The same checks for what a builderfile says itself, placed there. */
export function checkWrittenImage(
  image: ImgConf,
  at: Place,
  findings: Findings,
  isKnown: (type: string) => boolean,
): void {
  for (const action of image.actions ?? []) {
    if (isKnown(action.type)) continue;
    const fields = actionFields[action.type];
    if (fields === undefined) {
      findings.mistakes.push(actionUnknown(at, action.type, Object.keys(actionFields)));
      continue;
    }
    const op: Readonly<Record<string, string>> = action.op;
    for (const field of fields)
      if (typeof op[field] !== "string") findings.mistakes.push(keyMissing(at, field, `the op of "${action.type}"`));
    for (const field of Object.keys(op))
      if (!fields.includes(field)) findings.mistakes.push(keyUnknown(at, field, fields));
  }
}
