/** Versions against rpm's own comparison. Needs the Debian package rpm. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { compareEvr, compareVersion, formatEvr, parseEvr } from "../../../plugins/rpm-deps/evr.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

/** Answers of `rpm.vercmp`, from one rpm process. */
async function askRpm(pairs: readonly (readonly [string, string])[]): Promise<readonly number[]> {
  const folder = await temporaryFolder();
  const file = path.join(folder, "pairs");
  fs.writeFileSync(file, pairs.map(([a, b]) => `${a} ${b}\n`).join(""));
  const script = `local out = {}
for line in io.lines("${file}") do
  local a, b = line:match("^(%S*) (%S*)$")
  out[#out + 1] = rpm.vercmp(a, b)
end
print(table.concat(out, " "))`;
  const answer = await run("rpm", ["--eval", `%{lua:${script}}`]);
  return answer.trim().split(" ").map(Number);
}

/** A generator that gives the same numbers everywhere. */
function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const pieces = [
  "1",
  "2",
  "10",
  "01",
  "001",
  "0",
  "9",
  "20",
  "a",
  "b",
  "rc",
  "el9",
  "git",
  "A",
  "~",
  "^",
  ".",
  "_",
  "-",
  "+",
  "..",
  "5",
  "el9_2",
];

function createVersions(count: number): readonly (readonly [string, string])[] {
  const roll = createDice(9);
  const version = (): string => {
    const text = Array.from({ length: 1 + roll(6) }, () => pieces[roll(pieces.length)]!).join("");
    // rpm's own parser takes colons and dashes for itself.
    return text.replaceAll("-", "_");
  };
  return Array.from({ length: count }, () => {
    const a = version();
    // Half of the pairs differ in one place only: those are the hard ones.
    if (roll(2) === 0) return [a, version()];
    const at = roll(a.length + 1);
    return [a, a.slice(0, at) + pieces[roll(pieces.length)]!.replaceAll("-", "_") + a.slice(at)];
  });
}

testWith("rpm")("12,000 generated pairs compare as rpm compares them", async () => {
  const pairs = createVersions(12_000);

  const answers = await askRpm(pairs);

  const wrong = pairs.flatMap(([a, b], at) =>
    compareVersion(a, b) === answers[at] ? [] : [`${a} ${b}: rpm says ${answers[at]}`],
  );
  expect(wrong).toEqual([]);
  expect(new Set(answers)).toEqual(new Set([-1, 0, 1]));
});

testWith("rpm")("3,000 pairs with epoch and release compare as rpm compares them", async () => {
  const roll = createDice(4);
  const parts = createVersions(6000)
    .flat()
    .map((text) => text.replaceAll(":", ""));
  const evr = (at: number): string => `${["", "0:", "1:", "17:"][roll(4)]}${parts[at] || "1"}-${parts[at + 1] || "1"}`;
  const pairs = Array.from({ length: 3000 }, (_, at) => [evr(at * 4), evr(at * 4 + 2)] as const);

  const answers = await askRpm(pairs);

  const wrong = pairs.filter(([a, b], at) => compareEvr(parseEvr(a), parseEvr(b)) !== answers[at]);
  expect(wrong).toEqual([]);
});

test.each([
  ["1.0~rc1", "1.0", -1],
  ["1.0^git1", "1.0", 1],
  ["1.0^git1", "1.0.1", -1],
  ["1_0", "1.0", 0],
  ["1.0..1", "1.0.1", 0],
  ["1.0a", "1.0", 1],
  ["1.0a", "1.0.1", -1],
  ["5.el9_2", "5.el9", 1],
  ["1.el9~bootstrap", "1.el9", -1],
  ["20.el9", "2.el9", 1],
  ["2.34", "2.034", 0],
  ["a", "1", -1],
  ["1.0^", "1.0", 1],
])("%s and %s give %i, and the other way round", (a, b, result) => {
  expect(compareVersion(a, b)).toBe(result);
  expect(compareVersion(b, a) + result).toBe(0);
});

test("an epoch weighs more than a version, and a missing release fits every release", () => {
  expect(compareEvr(parseEvr("17:1.0-1"), parseEvr("9.9-9"))).toBe(1);
  expect(compareEvr(parseEvr("1.2"), parseEvr("0:1.2-9.el9"))).toBe(0);
  expect(formatEvr(parseEvr("8.0.0-13.el9"))).toBe("0:8.0.0-13.el9");
});
