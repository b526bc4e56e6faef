import { expect, test } from "vitest";
import { optionNames, parseArgs, resolveTokens } from "../../../core/cli/args.ts";
import { codesOf } from "../rig.ts";

const parse = (line: string) => parseArgs(line.split(" ").filter(Boolean));
const flagsOf = (line: string): readonly string[] => [...parse(line).options.flags].sort();
const kinds = new Map<string, "flag" | "value">([
  ["heat", "value"],
  ["soft", "flag"],
  ["no-salt", "flag"],
]);
const ask = (line: string) => resolveTokens(parse(line).tokens, kinds);

test("short options may stand together, the last one with a value in the same word or the next", () => {
  expect(flagsOf("-nkB")).toEqual(["dry-run", "force", "keep-going"]);
  expect(parse("-nCkitchen bake")).toMatchObject({
    options: { directory: "kitchen" },
    tokens: [{ kind: "word", text: "bake" }],
  });
  expect(parse("-C kitchen -f oven.ts").options).toMatchObject({ directory: "kitchen", file: "oven.ts" });
});

test("long options take their value after = or in the next word", () => {
  expect(parse("--directory=kitchen --file oven.ts --output=json").options).toMatchObject({
    directory: "kitchen",
    file: "oven.ts",
    output: "json",
  });
  expect(parse("--file= bake").options.file).toBe("");
  expect(parse("--file a=b").options.file).toBe("a=b");
});

test("-j and -l take the next word only if it is a number, as in make", () => {
  expect(parse("-j 4 bake").options.jobs).toBe("4");
  expect(parse("-j50% bake").options.jobs).toBe("50%");
  expect(parse("-j bake")).toMatchObject({ options: { jobs: "" }, tokens: [{ kind: "word", text: "bake" }] });
  expect(parse("-l 2.5 bake").options.loadLimit).toBe("2.5");
  expect(parse("-l bake").options.loadLimit).toBe("");
});

test("--only and --graph never take the next word", () => {
  expect(parse("--only bake")).toMatchObject({ options: { only: "check" }, tokens: [{ text: "bake" }] });
  expect(parse("--only=force --graph=dot").options).toMatchObject({ only: "force", graph: "dot" });
  expect(parse("--graph bake").options.graph).toBe("mermaid");
});

test("the names of make and just are understood", () => {
  expect(flagsOf("--just-print --always-make --silent")).toEqual(["dry-run", "force", "quiet"]);
  expect(parse("--makefile=x").options.file).toBe("x");
});

test("the last value wins, and --tag and --except add up", () => {
  expect(parse("-j1 -j2 --tag a --tag=b --except c").options).toMatchObject({
    jobs: "2",
    tags: ["a", "b"],
    except: ["c"],
  });
});

test("everything after -- belongs to the task, as it is", () => {
  const { options, tokens, rest } = parse("bake -n -- -k --tag x -- y=z");

  expect([...options.flags, tokens.length]).toEqual(["dry-run", 1]);
  expect(rest).toEqual(["-k", "--tag", "x", "--", "y=z"]);
});

test("a lone - is a word", () => {
  expect(parse("-").tokens).toEqual([{ kind: "word", text: "-" }]);
});

test("words are tasks, and NAME=value, TASK.NAME=value and --name value are values", () => {
  expect(ask("bake TAG=v1=2 bake.TAG=v2 --heat 200 --heat=90 a.b.TAG= fry")).toEqual({
    words: ["bake", "fry"],
    assignments: [
      { name: "TAG", value: "v1=2" },
      { task: "bake", name: "TAG", value: "v2" },
      { name: "heat", value: "200" },
      { name: "heat", value: "90" },
      { task: "a.b", name: "TAG", value: "" },
    ],
  });
});

test("a flag needs no value, and --no- says no; a param called so by itself comes first", () => {
  expect(ask("--soft bake --no-soft --soft=maybe --no-salt")).toEqual({
    words: ["bake"],
    assignments: [
      { name: "soft", value: "yes" },
      { name: "soft", value: "no" },
      { name: "soft", value: "maybe" },
      { name: "no-salt", value: "yes" },
    ],
  });
});

test("a value that starts with - can be given after =", () => {
  expect(ask("--heat=-5").assignments).toEqual([{ name: "heat", value: "-5" }]);
});

test("a word that starts with = is a task", () => {
  expect(ask("=x").words).toEqual(["=x"]);
});

test.each([
  ["-x", "OPTION_UNKNOWN"],
  ["-nx", "OPTION_UNKNOWN"],
  ["-C", "OPTION_VALUE"],
  ["--file", "OPTION_VALUE"],
  ["--list=x", "OPTION_WRONG"],
])("parseArgs() refuses %s", async (line, code) => {
  expect(await codesOf(() => parse(line))).toEqual([code]);
});

test.each([
  ["--haet=1", "OPTION_UNKNOWN"],
  ["--no-heat", "OPTION_UNKNOWN"],
  ["--heat", "OPTION_VALUE"],
  ["--heat --soft", "OPTION_VALUE"],
])("resolveTokens() refuses %s", async (line, code) => {
  expect(await codesOf(() => ask(line))).toEqual([code]);
});

test("every option is listed once, as it is written", () => {
  expect(new Set(optionNames).size).toBe(optionNames.length);
  for (const name of optionNames) expect(name).toMatch(/^--[a-z-]+$/);
});
