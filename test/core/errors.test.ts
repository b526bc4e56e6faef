import { expect, test } from "vitest";
import {
  BtError,
  closest,
  firstLine,
  isBtError,
  placed,
  placeErrors,
  quoteNames,
  throwAll,
} from "../../core/errors.ts";
import { codesOf } from "./rig.ts";

const mistake = (code: string, stack?: string): BtError =>
  new BtError(code, `${code} happened`, { fix: "Mend it.", ...(stack === undefined ? {} : { site: { stack } }) });

test.each([
  ["tset", "test"],
  ["tests", "test"],
  ["BUILD", "build"],
  ["image_tag", "image-tag"],
  ["biuld-image", "build-image"],
])("closest(%s) is %s", (name, expected) => {
  expect(closest(name, ["test", "build", "image-tag", "build-image"])).toBe(expected);
});

test("closest() is undefined when nothing is near, and does not depend on order", () => {
  expect(closest("cake", ["test", "build"])).toBeUndefined();
  expect(closest("a", [])).toBeUndefined();
  expect(closest("tast", ["taste", "test"])).toBe(closest("tast", ["test", "taste"]));
});

test("throwAll() throws nothing, the one mistake, or all of them, each once", async () => {
  expect(await codesOf(() => throwAll([]))).toEqual([]);
  expect(await codesOf(() => throwAll([mistake("A"), mistake("A")]))).toEqual(["A"]);
  expect(await codesOf(() => throwAll([mistake("A"), new AggregateError([mistake("B"), mistake("A")])]))).toEqual([
    "A",
    "B",
  ]);
});

test("placeErrors() finds the places of sites and sorts by them, what has none last", async () => {
  const all = new AggregateError([mistake("LOST"), mistake("LATE", "9"), mistake("EARLY", "2")]);

  const placedOnes = placeErrors(all, (stack) => ({ where: "builderfile.ts", line: Number(stack) }));

  expect(await codesOf(() => Promise.reject(placedOnes))).toEqual(["EARLY", "LATE", "LOST"]);
});

test("placeErrors() leaves alone what is no BtError", () => {
  const bug = new TypeError("x is not a function");
  const empty = new AggregateError([]);

  expect(placeErrors(bug, () => undefined)).toBe(bug);
  expect(placeErrors(empty, () => undefined)).toBe(empty);
});

test("placed() keeps the first place and everything else", () => {
  const error = new BtError("A", "It happened", { fix: "Mend it.", exitCode: 7, detail: ["x"], cause: 1 });
  const once = placed(error, { where: "here" });

  expect(once).toMatchObject({
    code: "A",
    message: "It happened",
    fix: "Mend it.",
    exitCode: 7,
    detail: ["x"],
    cause: 1,
    at: { where: "here" },
  });
  expect(placed(once, { where: "there" })).toBe(once);
});

test("isBtError() knows a BtError of another copy of bt", () => {
  expect(isBtError(Object.assign(new Error("x"), { name: "BtError", fix: "y", exitCode: 2 }))).toBe(true);
  expect(isBtError(Object.assign(new Error("x"), { exitCode: 2 }))).toBe(false);
});

test("quoteNames() and firstLine() make parts of sentences", () => {
  expect([quoteNames([]), quoteNames(["a"]), quoteNames(["a", "b"]), quoteNames(["a", "b", "c"])]).toEqual([
    "",
    '"a"',
    '"a" and "b"',
    '"a", "b" and "c"',
  ]);
  expect([firstLine(new Error("a\nb")), firstLine("c\nd"), firstLine(undefined)]).toEqual(["a", "c", "undefined"]);
});
