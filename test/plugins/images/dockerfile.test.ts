/** How the text of a Dockerfile is understood: words, quotes, variables, patterns, directives. */
import { expect, test } from "vitest";
import { parseDockerfile } from "../../../plugins/images/dockerfile.ts";
import { expand } from "../../../plugins/images/expand.ts";
import { compilePattern } from "../../../plugins/images/pattern.ts";
import { platformArgs } from "../../../plugins/images/scope.ts";
import { splitWords } from "../../../plugins/images/word.ts";

const at = { where: "Dockerfile" };

test.each([
  ["$A ${A}", "1 1"],
  ["$AB$NONE|", "|"],
  ["${NONE:-d $A} ${EMPTY:-d} ${EMPTY-d}|${A:-d}", "d 1 d |1"],
  ["${A:+x} ${NONE:+x}|${EMPTY+x}|${EMPTY:+x}", "x |x|"],
  ["${NONE:-${B:-deep}} ${NONE-a}", "deep a"],
  ["'$A' \"$A\" \\$A a\\b", "$A 1 $A ab"],
  ['"a\\b \\"q\\" \\$A \'x\'"', "a\\b \"q\" $A 'x'"],
  ["$ $1 a$", "$  a$"],
])("expand() turns %s into %s", (text, expected) => {
  const values: Readonly<Record<string, string>> = { A: "1", EMPTY: "" };

  expect(expand(text, { find: (name) => values[name], escape: "\\", at })).toBe(expected);
});

test("expand() leaves quotes alone in a heredoc", () => {
  const text = expand("'$A' \"$A\" \\$A \\n \\\\", { find: () => "1", escape: "\\", at, keepsQuotes: true });

  expect(text).toBe("'1' \"1\" $A \\n \\");
});

test("splitWords() keeps quoted and escaped spaces together", () => {
  expect(splitWords("a=\"b c\" d=e\\ f  'g h'=i", "\\")).toEqual(['a="b c"', "d=e\\ f", "'g h'=i"]);
});

test.each([
  ["*", "anything", true],
  ["*.t?t", "a.txt", true],
  ["*.t?t", "a.tt", false],
  ["[a-c]x", "bx", true],
  ["[^a-c]x", "bx", false],
  ["[^a-c]x", "dx", true],
  ["a.b+", "a.b+", true],
  ["a.b+", "axbb", false],
  ["\\*", "*", true],
  ["\\*", "x", false],
  ["[\\]]", "]", true],
  ["[]a]", "a", false],
  ["a[", "a[", false],
  [".*", ".hidden", true],
  ["*", ".hidden", true],
  ["ü?", "üü", true],
])("compilePattern() reads %s as Go does: %s is %s", (pattern, name, matches) => {
  expect(compilePattern(pattern)?.test(name) ?? false).toBe(matches);
});

test("parseDockerfile() knows directives, stages, case, and where everything stands", () => {
  const { escape, args, stages } = parseDockerfile(
    "# syntax=docker/dockerfile:1\n# escape=`\n\nARG A=1 B\r\nfrom --platform=linux/arm64 debian:12 as Oven\n  copy --from=x `\n    a ` \n\n    # comment\n    c:\\d\nFROM oven",
    "f",
  );

  expect(escape).toBe("`");
  expect(args[0]?.pairs).toEqual([{ name: "A", value: "1" }, { name: "B" }]);
  expect(stages.map(({ index, name, from }) => ({ index, name, image: from.image, platform: from.platform }))).toEqual([
    { index: 0, name: "oven", image: "debian:12", platform: "linux/arm64" },
    { index: 1, name: undefined, image: "oven", platform: undefined },
  ]);
  expect(stages[0]!.instructions[0]).toMatchObject({
    kind: "copy",
    from: "x",
    sources: ["a"],
    target: "c:\\d",
    at: { where: "f", line: 6, column: 3, source: "  copy --from=x `" },
  });
});

test("parseDockerfile() takes the shell form where a list is not JSON", () => {
  const { stages } = parseDockerfile(
    "FROM scratch\nCMD ['a', 'b']\nENTRYPOINT [\"a\", 1]\nVOLUME [\"/a b\"]\nENV KEY some  long value\nCMD",
    "f",
  );

  expect(stages[0]!.instructions).toMatchObject([
    { command: { form: "shell", line: "['a', 'b']" } },
    { command: { form: "shell", line: '["a", 1]' } },
    { values: ["/a b"] },
    { pairs: [{ name: "KEY", value: "some  long value" }] },
    { command: { form: "shell", line: "" } },
  ]);
});

test("parseDockerfile() reads heredocs with continued lines, and other instructions after them", () => {
  const { stages } = parseDockerfile(
    "FROM scratch\nCOPY <<one <<-two /x/\na \\\nb\none\n\tc\n\t\ttwo\nRUN <<EOF\nFROM nothing\nEOF\nUSER 1",
    "f",
  );

  expect(stages[0]!.instructions).toMatchObject([
    {
      heredocs: [
        { name: "one", content: "a \\\nb\n", expands: true },
        { name: "two", content: "c\n" },
      ],
      target: "/x/",
    },
    { kind: "run" },
    { kind: "user", value: "1", at: { line: 11 } },
  ]);
});

test("platformArgs() gives Docker's names for a platform with and without a variant", () => {
  expect(platformArgs("arm/v6", "amd64")).toEqual({
    TARGETPLATFORM: "linux/arm/v6",
    TARGETOS: "linux",
    TARGETARCH: "arm",
    TARGETVARIANT: "v6",
    BUILDPLATFORM: "linux/amd64",
    BUILDOS: "linux",
    BUILDARCH: "amd64",
    BUILDVARIANT: "",
  });
});
