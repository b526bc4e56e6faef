/** What the fields of a task may be, for builderfiles that no compiler has looked at. Does not know what they mean. */
import { taskFieldUnknown, taskShape } from "./errors/builderfile.ts";
import { parseSize } from "./size.ts";

type Kind =
  | "string"
  | "boolean"
  | "number"
  | "function"
  | "list"
  | "record"
  | "size such as 4GiB"
  | "command line"
  | "list of words"
  | "list of strings"
  | "record of lists of strings"
  | "list of tasks"
  | "record of tasks"
  | "record of params";

const shapes: Readonly<Record<string, readonly Kind[]>> = {
  name: ["string"],
  description: ["string"],
  aliases: ["list of strings"],
  tags: ["list of strings"],
  private: ["boolean"],
  rest: ["boolean"],
  params: ["record of params"],
  needs: ["list of tasks", "record of tasks"],
  matrix: ["record of lists of strings"],
  inputs: ["list of strings", "function"],
  outputs: ["list of strings", "function"],
  external: ["boolean"],
  clean: ["boolean", "string"],
  cache: ["boolean"],
  env: ["list of strings"],
  tools: ["list of strings"],
  cwd: ["string"],
  run: ["command line", "list of words", "function"],
  always: ["boolean"],
  when: ["function"],
  status: ["function"],
  versions: ["function"],
  evidence: ["function"],
  says: ["function"],
  brings: ["record"],
  service: ["boolean"],
  readyWhen: ["record"],
  finally: ["list of tasks"],
  confirm: ["string"],
  retries: ["number", "record"],
  timeoutMs: ["number"],
  memory: ["size such as 4GiB"],
  disk: ["size such as 4GiB"],
  pool: ["string", "list of strings"],
  jobserver: ["string"],
  priority: ["number"],
  allowFailure: ["boolean"],
  salt: ["string"],
  portable: ["boolean"],
  dryRun: ["string"],
};
const shapeOf = new Map<string, readonly Kind[]>(Object.entries(shapes));

/** @throws BtError TASK_SHAPE, TASK_FIELD_UNKNOWN for a field that does not exist or has the wrong kind of value */
export function checkShape(spec: object): void {
  if (kindOf(spec) !== "record") throw taskShape(undefined, describeKind(spec), "a record");
  for (const [field, value] of Object.entries(spec)) {
    const shape = shapeOf.get(field);
    if (shape === undefined) throw taskFieldUnknown(field, [...shapeOf.keys()]);
    if (value !== undefined && !shape.some((kind) => isOfKind(value, kind)))
      throw taskShape(field, describeKind(value), shape.map((kind) => `a ${kind}`).join(" or "));
  }
}

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case "size such as 4GiB":
      return isString(value) && parseSize(value) !== undefined;
    case "command line":
      return isString(value) && value.trim() !== "";
    case "list of words":
      return isListOf(value, isString) && value.length > 0;
    case "list of strings":
      return isListOf(value, isString);
    case "list of tasks":
      return isListOf(value, isNeed);
    case "record of tasks":
      return isRecordOf(value, isNeed);
    case "record of lists of strings":
      return isRecordOf(value, (inner) => isListOf(inner, isString));
    case "record of params":
      return isRecordOf(value, (inner) => isRecord(inner) && "kind" in inner);
    case "string":
    case "boolean":
    case "number":
    case "function":
    case "list":
    case "record":
      return kindOf(value) === kind;
  }
}

/** `a string`, `undefined`, `a list with undefined in it`. */
export function describeKind(value: unknown): string {
  const kind = kindOf(value);
  if (kind === "undefined" || kind === "null") return kind;
  if (isString(value) && value.trim() === "") return "an empty string";
  if (Array.isArray(value) && value.length === 0) return "an empty list";
  const inner: unknown[] = kind === "list" || kind === "record" ? Object.values(Object(value)) : [];
  const odd = inner.find((one) => !isString(one) && !isNeed(one));
  return odd === undefined && !inner.includes(undefined)
    ? `a ${kind}`
    : `a ${kind} with ${withArticle(kindOf(odd))} in it`;
}

function withArticle(kind: string): string {
  return kind === "undefined" || kind === "null" ? kind : `a ${kind}`;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value === "object" ? "record" : typeof value;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return kindOf(value) === "record";
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

/** A name, a task or a need in its long form. */
function isNeed(value: unknown): boolean {
  return isString(value) || (isRecord(value) && ("handle" in value || "need" in value));
}

function isListOf(value: unknown, isOne: (inner: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.every(isOne);
}

function isRecordOf(value: unknown, isOne: (inner: unknown) => boolean): boolean {
  return isRecord(value) && Object.values(value).every(isOne);
}
