import { expect, test } from "vitest";
import { callable, cellsOf, createCatalog, findAddress, select } from "../../core/catalog.ts";
import { task, type TaskBase } from "../../core/task.ts";
import { catalogOf, codesOf } from "./rig.ts";

const kitchen = catalogOf({
  bake: task({ aliases: ["b"], tags: ["hot"], matrix: { tin: ["round", "square"] }, run: "true" }),
  "bake:test": task({ tags: ["hot", "test"], run: "true" }),
  mix: task({ run: "true" }),
  sift: task({ private: true, tags: ["hot"], run: "true" }),
});
const names = (...words: readonly string[]): readonly string[] =>
  select(kitchen, { words }).map(({ name, cellName }) => (cellName === undefined ? name : `${name} ${cellName}`));

test("cellsOf() makes every combination, the first axis slowest", () => {
  const cells = cellsOf({ arch: ["amd64", "s390x"], kind: ["debug", "fast"] });

  expect([...cells.keys()]).toEqual(["amd64:debug", "amd64:fast", "s390x:debug", "s390x:fast"]);
  expect(cells.get("amd64:fast")).toEqual({ arch: "amd64", kind: "fast" });
});

test("cellsOf() makes no cell of an empty axis", () => {
  expect(cellsOf({ arch: [] }).size).toBe(0);
});

test("findAddress() takes a whole name before a cell, an alias, and a cell of an alias", () => {
  expect(findAddress(kitchen, "bake:test")).toEqual({ name: "bake:test" });
  expect(findAddress(kitchen, "b")).toEqual({ name: "bake" });
  expect(findAddress(kitchen, "b:square")).toEqual({ name: "bake", cellName: "square" });
  expect(findAddress(kitchen, "bake:oval")).toBeUndefined();
  expect(findAddress(kitchen, "mix:round")).toBeUndefined();
  expect(findAddress(kitchen, ":round")).toBeUndefined();
});

test("select() keeps the order of the command line and each task once", () => {
  expect(names("mix", "b", "bake", "bake:round")).toEqual(["mix", "bake", "bake round"]);
});

test("select() with a glob takes public tasks, across colons", () => {
  expect(names("b*")).toEqual(["bake", "bake:test"]);
  expect(names("*:test", "mix")).toEqual(["bake:test", "mix"]);
});

test("select() adds what the tags pick and drops what is excepted", () => {
  const picked = select(kitchen, { words: ["mix"], tags: ["hot"], except: ["bake:*"] });

  expect(picked).toEqual([{ name: "mix" }, { name: "bake" }]);
});

test("select() can except one cell that was asked for", () => {
  expect(select(kitchen, { words: ["bake:round", "bake:square"], except: ["bake:round"] })).toEqual([
    { name: "bake", cellName: "square" },
  ]);
});

test("select() takes the default task only when nothing else is asked for", () => {
  const mix = task({ run: "true" });
  const catalog = createCatalog(
    [
      { name: "mix", task: mix },
      { name: "bake", task: task({ tags: ["hot"], run: "true" }) },
    ],
    { defaultTask: mix },
  );

  expect(select(catalog, { words: [] })).toEqual([{ name: "mix" }]);
  expect(select(catalog, { words: [], tags: ["hot"] })).toEqual([{ name: "bake" }]);
});

test("select() names all words that mean nothing", async () => {
  expect(await codesOf(() => names("bkae", "bake:oval", "sift", "mix"))).toEqual([
    "TASK_UNKNOWN",
    "CELL_UNKNOWN",
    "TASK_PRIVATE",
  ]);
  expect(await codesOf(() => select(kitchen, { words: ["x*"] }))).toEqual(["SELECTION_EMPTY"]);
});

test("createCatalog() refuses names and aliases that are taken", async () => {
  const one = (name: string, aliases: readonly string[] = []): { name: string; task: TaskBase } => ({
    name,
    task: task({ aliases, run: "true" }),
  });

  expect(await codesOf(() => createCatalog([one("bake"), one("bake"), one("mix", ["bake"])]))).toEqual([
    "NAME_CLASH",
    "NAME_CLASH",
  ]);
  expect(await codesOf(() => createCatalog([one("bake", ["bake", "b"]), one("mix", ["m"])]))).toEqual([]);
});

test("callable() lists names, aliases and cells, and nothing private", () => {
  expect(callable(kitchen)).toEqual(["bake", "bake:test", "mix", "b", "bake:round", "bake:square"]);
});
