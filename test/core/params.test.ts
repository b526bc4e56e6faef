import { expect, test } from "vitest";
import {
  bindParams,
  describeType,
  optionName,
  param,
  parseValue,
  splitList,
  variableName,
  type ParamTexts,
} from "../../core/params.ts";
import type { Param } from "../../core/task.ts";
import { codesOf } from "./rig.ts";

const parse = (declared: Param, text: string): Promise<unknown> => parseValue("bake", "HEAT", declared, text);
const nothing: ParamTexts = { given: () => undefined, env: {}, builderfile: {} };

/** The smallest Standard Schema: even numbers, halved. */
const half = {
  "~standard": {
    version: 1,
    vendor: "kitchen",
    validate: async (value: unknown) =>
      Number(value) % 2 === 0 ? { value: Number(value) / 2 } : { issues: [{ message: "It is odd" }] },
  },
} as const;

test.each<[string, Param, string, unknown]>([
  ["string", param.string(), " as it is ", " as it is "],
  ["path", param.path(), "a/b", "a/b"],
  ["secret", param.secret(), "swordfish", "swordfish"],
  ["flag", param.flag(), "YES", true],
  ["flag", param.flag(), "y", true],
  ["flag", param.flag(), "1", true],
  ["flag", param.flag(), "on", true],
  ["flag", param.flag(), "false", false],
  ["flag", param.flag(), "n", false],
  ["integer", param.integer(), "-12", -12],
  ["integer", param.integer(), "+12", 12],
  ["number", param.number(), "1.5e3", 1500],
  ["enum", param.enum(["tart", "pie"]), "pie", "pie"],
  ["list", param.list(), " a, b\tc,,d ", ["a", "b", "c", "d"]],
  ["list of words", param.listOf(["round", "square"]), "square,round", ["square", "round"]],
  ["list of architectures", param.listOf(["amd64", "arm64"]), "x86_64 aarch64", ["amd64", "arm64"]],
  ["arch", param.arch(), "linux/AArch64", "arm64"],
  ["schema", param.schema(half), "8", 4],
])("parseValue() reads a %s", async (_, declared, text, expected) => {
  expect(await parse(declared, text)).toEqual(expected);
});

test.each<[string, Param, string]>([
  ["flag", param.flag(), "maybe"],
  ["integer", param.integer(), "1.5"],
  ["integer", param.integer(), "0x10"],
  ["integer", param.integer(), "9007199254740993"],
  ["number", param.number(), "hot"],
  ["number", param.number(), " "],
  ["number", param.number(), "Infinity"],
  ["enum", param.enum(["tart"]), "Tart"],
  ["list", param.listOf(["round"]), "round,oval"],
  ["arch", param.arch(), "sparc"],
  ["schema", param.schema(half), "7"],
])("parseValue() refuses a wrong %s", async (_, declared, text) => {
  expect(await codesOf(() => parse(declared, text))).toEqual(["PARAM_WRONG"]);
});

test("bindParams() takes a need's value, then the command line, the environment, the builderfile, the default", async () => {
  const params = { heat: param.integer({ default: 1 }) };
  const all: ParamTexts = { given: () => ({ value: "4" }), env: { HEAT: "3" }, builderfile: { HEAT: "2" } };
  const bound = async (fixed: object, texts: ParamTexts): Promise<unknown> =>
    (await bindParams("bake", params, { ...fixed }, texts))["heat"];

  expect(await bound({ heat: 5 }, all)).toEqual({ value: 5, source: "need" });
  expect(await bound({}, all)).toEqual({ value: 4, source: "command line" });
  expect(await bound({}, { ...all, given: () => undefined })).toEqual({ value: 3, source: "environment" });
  expect(await bound({}, { ...nothing, builderfile: { HEAT: "2" } })).toEqual({ value: 2, source: "builderfile" });
  expect(await bound({}, { ...nothing, builderfile: { HEAT: 2 } })).toEqual({ value: 2, source: "builderfile" });
  expect(await bound({}, nothing)).toEqual({ value: 1, source: "default" });
});

test("bindParams() takes an empty text for none", async () => {
  const bound = await bindParams(
    "bake",
    { heat: param.integer() },
    {},
    { given: () => ({ value: "" }), env: { HEAT: "" }, builderfile: {} },
  );

  expect(bound["heat"]).toEqual({ value: undefined, source: "none" });
});

test("bindParams() lets a need fix a param to undefined", async () => {
  const bound = await bindParams("bake", { heat: param.integer({ default: 1 }) }, { heat: undefined }, nothing);

  expect(bound["heat"]).toEqual({ value: undefined, source: "need" });
});

test("bindParams() names all mistakes together", async () => {
  const params = { a: param.integer(), b: param.string({ required: true }), c: param.schema(half) };

  const codes = await codesOf(() => bindParams("bake", params, { d: 1 }, { ...nothing, env: { A: "hot" } }));

  expect(codes).toEqual(["PARAM_UNKNOWN", "PARAM_WRONG", "PARAM_MISSING", "PARAM_MISSING"]);
});

test("bindParams() looks at the environment only for the name that a param declares", async () => {
  const bound = await bindParams(
    "bake",
    { heat: param.string({ env: "OVEN_HEAT" }) },
    {},
    { ...nothing, env: { HEAT: "1", OVEN_HEAT: "2" } },
  );

  expect(bound["heat"]?.value).toBe("2");
});

test.each([
  ["tag", "TAG", "tag"],
  ["imageTag", "IMAGE_TAG", "image-tag"],
  ["image-tag", "IMAGE_TAG", "image-tag"],
  ["image_tag", "IMAGE_TAG", "image-tag"],
  ["sha256Sum", "SHA256_SUM", "sha256-sum"],
])("the param %s is the variable %s and the option --%s", (name, variable, option) => {
  expect([variableName(name, param.string()), optionName(name)]).toEqual([variable, option]);
});

test("describeType() names what may be given", () => {
  expect(
    [param.integer(), param.enum(["a", "b"]), param.list(), param.listOf(["a", "b"])].map((one) => describeType(one)),
  ).toEqual(["integer", "a|b", "list", "list of a b"]);
});

test("splitList() and join are each other's inverse for words without blanks and commas", () => {
  for (const words of [[], ["a"], ["a", "b-c", "d/e"]]) {
    expect(splitList(words.join(" "))).toEqual(words);
    expect(splitList(words.join(","))).toEqual(words);
  }
});
