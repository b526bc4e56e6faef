/** Typed params: declared, parsed, checked, described. Pure; does not know argv or make. */
import { firstLine, isBtError, placed, throwAll, type BtError } from "./errors.ts";
import { paramMissing, paramUnknown, paramWrong, type ParamFault } from "./errors/request.ts";
import { checkOptions, type OptionMarks } from "./option-marks.ts";
import { findPlatform, platformTable, type Arch } from "./platform.ts";
import type { StandardSchema } from "./schema.ts";
import type { Param, ParamSet } from "./task.ts";

interface Options<T> {
  readonly description?: string;
  /** Variable and environment name. Default: the name in upper case. */
  readonly env?: string;
  readonly default?: T;
  readonly required?: boolean;
}
/** With a default or `required` the action sees a `T`, otherwise a `T | undefined`. */
type Made<T, O> = O extends { required: true }
  ? Param<T> & { readonly required: true }
  : Param<O extends { default: T } ? T : T | undefined>;

function make<T, const O extends Options<T>>(
  kind: Param["kind"],
  options: O | undefined,
  more: object = {},
): Made<T, O> {
  return { required: false, ...check(kind, options), kind, ...more } as unknown as Made<T, O>; // The conditional type is decided by the caller's literal.
}

const paramMarks: OptionMarks<Options<unknown> & Pick<Param, "inKey">> = {
  description: "optional",
  env: "optional",
  default: "optional",
  required: "optional",
  inKey: "optional",
};

function check<O extends object>(maker: string, options: O | undefined): O | undefined {
  if (options !== undefined) checkOptions(`param.${maker}()`, options, paramMarks);
  return options;
}

/** Declares the params of a task: one declaration gives option, variable, environment name, help, check and type. @throws BtError FIELD_UNKNOWN */
export const param: {
  string<const O extends Options<string>>(options?: O): Made<string, O>;
  /** True for `1 true yes on y`, false for `0 false no off n`. Default: false. */
  flag(options?: Options<boolean>): Param<boolean>;
  integer<const O extends Options<number>>(options?: O): Made<number, O>;
  number<const O extends Options<number>>(options?: O): Made<number, O>;
  enum<const V extends readonly string[], const O extends Options<V[number]>>(
    values: V,
    options?: O,
  ): Made<V[number], O>;
  /** Split at blanks and commas. Default: empty. */
  list(options?: Options<readonly string[]>): Param<readonly string[]>;
  /** A list of words from `values`. Default: all of them. */
  listOf<const V extends readonly string[]>(
    values: V,
    options?: Options<readonly V[number][]>,
  ): Param<readonly V[number][]>;
  path<const O extends Options<string>>(options?: O): Made<string, O>;
  /** Any tool's spelling; the action sees OCI's. */
  arch<const O extends Options<Arch>>(options?: O): Made<Arch, O>;
  /** Never shown; in a key only as an HMAC, and only with `inKey: true`. */
  secret<const O extends Options<string> & Pick<Param, "inKey">>(options?: O): Made<string, O>;
  /** Checked by zod, valibot, arktype or another Standard Schema. */
  schema<T>(schema: StandardSchema<T>, options?: Omit<Options<T>, "required">): Param<T>;
} = {
  string: (options) => make("string", options),
  flag: (options) => ({ required: false, default: false, ...check("flag", options), kind: "flag" }),
  integer: (options) => make("integer", options),
  number: (options) => make("number", options),
  enum: (values, options) => make("enum", options, { values }),
  list: (options) => ({ required: false, default: [], ...check("list", options), kind: "list" }),
  listOf: (values, options) => ({
    required: false,
    default: values,
    ...check("listOf", options),
    kind: "list",
    values,
  }),
  path: (options) => make("path", options),
  arch: (options) => make("arch", options),
  secret: (options) => make("secret", options),
  schema: (schema, options) => ({
    required: options?.default === undefined,
    ...check("schema", options),
    kind: "schema",
    schema,
  }),
};

/** `TAG`: the variable of the param called `tag`. */
export function variableName(name: string, param: Param): string {
  return (
    param.env ??
    name
      .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
      .replaceAll("-", "_")
      .toUpperCase()
  );
}

/** `image-tag`: the option of the param called `imageTag`. */
export function optionName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
}

/** Where a param's value came from. */
export type ParamSource = "need" | "command line" | "make" | "environment" | "builderfile" | "default" | "none";
export interface BoundParam {
  readonly value: unknown;
  readonly source: ParamSource;
}

/** Texts given from outside, by variable or option name; an empty text counts as not given. */
export interface ParamTexts {
  /** From the command line for this task: NAME=value, --name value, TASK.NAME=value; with `from`, from a make above. */
  readonly given: (
    name: string,
    variable: string,
  ) => { readonly value: string; readonly from?: string | undefined } | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** From `defineBuilder({ params })`. */
  readonly builderfile: Readonly<Record<string, unknown>>;
  /** Asks for a value that is missing. Absent: nobody is asked. */
  readonly ask?: AskParam;
}

/** A param that must have a value, and has none. */
export interface MissingParam {
  readonly task: string;
  readonly variable: string;
  readonly param: Param;
  /** What is wrong with an answer. Undefined: nothing. */
  readonly refuse: (text: string) => Promise<BtError | undefined>;
}

/** Undefined: there is no answer. */
export type AskParam = (missing: MissingParam) => Promise<string | undefined>;

/**
 * The values of a task's params, in order of precedence.
 * @throws BtError or AggregateError of BtErrors PARAM_WRONG, PARAM_MISSING, PARAM_UNKNOWN
 */
export async function bindParams(
  task: string,
  params: ParamSet,
  fixed: Readonly<Record<string, unknown>>,
  texts: ParamTexts,
): Promise<Record<string, BoundParam>> {
  const bound: Record<string, BoundParam> = {};
  const mistakes: unknown[] = Object.keys(fixed)
    .filter((name) => !Object.hasOwn(params, name))
    .map((name) => paramUnknown(task, name, Object.keys(params)));
  for (const [name, param] of Object.entries(params)) {
    try {
      bound[name] = await bindParam(task, name, param, fixed, texts);
    } catch (error) {
      mistakes.push(error);
    }
  }
  throwAll(mistakes);
  return bound;
}

async function bindParam(
  task: string,
  name: string,
  param: Param,
  fixed: Readonly<Record<string, unknown>>,
  texts: ParamTexts,
): Promise<BoundParam> {
  const variable = variableName(name, param);
  const given = texts.given(name, variable);
  const placeOfSource = (source: ParamSource): string => {
    if (source === "make") return `the make variable ${variable} (${given?.from})`;
    return source === "environment" ? "the environment" : "`params` of the builderfile";
  };
  const parse = async (text: string, source: ParamSource): Promise<BoundParam> => {
    try {
      return { value: await parseValue(task, variable, param, text), source };
    } catch (error) {
      throw isBtError(error) && source !== "command line" ? placed(error, { where: placeOfSource(source) }) : error;
    }
  };
  if (Object.hasOwn(fixed, name)) return { value: fixed[name], source: "need" };
  if (given !== undefined && given.value !== "")
    return await parse(given.value, given.from === undefined ? "command line" : "make");
  const env = texts.env[variable];
  if (env !== undefined && env !== "") return await parse(env, "environment");
  const own = texts.builderfile[variable];
  if (own !== undefined)
    return typeof own === "string" ? await parse(own, "builderfile") : { value: own, source: "builderfile" };
  if (param.default !== undefined) return { value: param.default, source: "default" };
  if (!param.required) return { value: undefined, source: "none" };
  const refuse = (text: string): Promise<BtError | undefined> => findFault(() => parse(text, "command line"));
  const answer = await texts.ask?.({ task, variable, param, refuse });
  if (answer !== undefined) return await parse(answer, "command line");
  throw paramMissing(task, variable, optionName(name), param.description);
}

async function findFault(attempt: () => Promise<unknown>): Promise<BtError | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (isBtError(error)) return error;
    throw error;
  }
}

/**
 * The value that `text` means.
 * @throws BtError PARAM_WRONG
 */
export async function parseValue(task: string, variable: string, param: Param, text: string): Promise<unknown> {
  const refuse = (fault: ParamFault, values = param.values): never => {
    throw paramWrong({ task, variable, text, fault, values });
  };
  const wrong = (allowed: string, word?: string): never => refuse({ allowed, ...(word === undefined ? {} : { word }) });
  switch (param.kind) {
    case "string":
    case "path":
    case "secret":
      return text;
    case "flag":
      if (/^(1|true|yes|on|y)$/i.test(text)) return true;
      return /^(0|false|no|off|n)$/i.test(text) ? false : wrong("yes or no (also 1, 0, true, false, on, off)");
    case "integer":
      return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : wrong("a whole number");
    case "number":
      return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : wrong("a number");
    case "enum":
      return param.values?.includes(text) ? text : wrong(`one of ${param.values?.join(", ")}`);
    case "list":
      return splitList(text).map((word) =>
        param.values === undefined || param.values.includes(word)
          ? word
          : (findListed(word, param.values) ?? wrong(`words from ${param.values.join(", ")}`, word)),
      );
    case "arch":
      return findPlatform(text)?.arch ?? refuse({ allowed: `one of ${arches.join(", ")}` }, arches);
    case "schema": {
      const result = await validate(param.schema, text);
      return result.issues === undefined
        ? result.value
        : refuse({ refused: result.issues.map((issue) => issue.message).join("; ") });
    }
  }
}

const arches = platformTable.map((platform) => platform.arch);

/** What a schema says; one that throws refuses. */
async function validate(
  schema: StandardSchema | undefined,
  text: string,
): Promise<Awaited<ReturnType<StandardSchema["~standard"]["validate"]>>> {
  try {
    return (await schema?.["~standard"].validate(text)) ?? { value: text };
  } catch (error) {
    return { issues: [{ message: firstLine(error) }] };
  }
}

/** An architecture in another spelling, when the list is one of architectures. */
function findListed(word: string, values: readonly string[]): string | undefined {
  const arch = findPlatform(word)?.arch;
  return arch !== undefined && values.includes(arch) ? arch : undefined;
}

/** Words between blanks and commas. */
export function splitList(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

/** What help and messages call the type: `integer`, `dev|stable`. */
export function describeType(param: Param): string {
  if (param.kind === "enum") return param.values?.join("|") ?? "string";
  return param.kind === "list" && param.values !== undefined ? `list of ${param.values.join(" ")}` : param.kind;
}
