import { expect, test } from "vitest";
import { collectWriters, inferEdges, isGlob, outputPath } from "../../core/paths.ts";
import { task } from "../../core/task.ts";
import { nodeOf } from "./rig.ts";

const writer = (id: string, ...outputs: readonly string[]) => nodeOf(id, { outputs });
const reader = (id: string, ...inputs: readonly string[]) => nodeOf(id, { inputs });
const clashes = (...nodes: readonly ReturnType<typeof writer>[]): readonly string[] =>
  collectWriters(nodes).mistakes.map(({ code }) => code);
const needsOf = (inputs: readonly string[], ...writers: readonly ReturnType<typeof writer>[]): readonly string[] =>
  inferEdges([reader("eat", ...inputs)], collectWriters(writers)).map(({ edge }) => edge.to);

test.each([
  ["a/b.c", false],
  ["a/*.c", true],
  ["a/?.c", true],
  ["{a,b}", true],
  ["[ab]", true],
  ["!(a)", true],
  ["a(b)", false],
  ["!a", false],
])("isGlob(%s) is %s", (path, expected) => {
  expect(isGlob(path)).toBe(expected);
});

test.each([
  ["cake", { path: "cake", isFolder: false }],
  ["./cake", { path: "cake", isFolder: false }],
  ["a/../cake", { path: "cake", isFolder: false }],
  ["tin/", { path: "tin", isFolder: true }],
  ["./tin/", { path: "tin", isFolder: true }],
  ["tin/**", { path: "tin", isFolder: true }],
  ["tin/*.cake", { path: "tin", isFolder: true }],
])("outputPath(%s)", (declared, expected) => {
  expect(outputPath(declared)).toEqual(expected);
});

test("collectWriters() refuses two writers of one file or folder, however it is written", () => {
  expect(clashes(writer("a", "cake"), writer("b", "./cake"))).toEqual(["OUTPUT_TWICE"]);
  expect(clashes(writer("a", "tin/"), writer("b", "tin/**"))).toEqual(["OUTPUT_TWICE"]);
  expect(clashes(writer("a", "tin/"), writer("b", "tin/deep/cake"))).toEqual(["OUTPUT_TWICE"]);
  expect(clashes(writer("a", "tin/deep/cake"), writer("b", "tin/"))).toEqual(["OUTPUT_TWICE"]);
});

test("collectWriters() allows one writer to name a path twice, and patterns to share a folder", () => {
  expect(clashes(writer("a", "cake", "./cake", "tin/", "tin/cake"))).toEqual([]);
  expect(clashes(writer("a", "tin/*.cake"), writer("b", "tin/*.pie"), writer("c", "tin/bun"))).toEqual([]);
});

test("collectWriters() keeps outputs inside of the project, unless they are external", () => {
  expect(clashes(writer("a", "../cake"), writer("b", ".."), writer("c", "/cake"), writer("d", "a/../../pie"))).toEqual(
    Array(4).fill("OUTPUT_OUTSIDE"),
  );
  expect(clashes(nodeOf("a", { outputs: ["../cake"], task: task({ external: true, run: "true" }) }))).toEqual([]);
  expect(clashes(writer("a", "..cake"))).toEqual([]);
});

test("inferEdges() finds the writer of a file, of a folder around it, and of what a glob matches", () => {
  expect(needsOf(["cake"], writer("bake", "cake"))).toEqual(["bake"]);
  expect(needsOf(["./cake"], writer("bake", "cake"))).toEqual(["bake"]);
  expect(needsOf(["tin/deep/cake"], writer("bake", "tin/"))).toEqual(["bake"]);
  expect(needsOf(["tin/*.cake"], writer("bake", "tin/a.cake"), writer("fry", "tin/a.chips"))).toEqual(["bake"]);
  expect(needsOf(["tin/**"], writer("bake", "tin/"))).toEqual(["bake"]);
  expect(needsOf(["*.cake"], writer("bake", "a.cake"))).toEqual(["bake"]);
});

test("inferEdges() finds the writers of the files in a folder that is read whole", () => {
  expect(needsOf(["tin"], writer("bake", "tin/cake"))).toEqual(["bake"]);
  expect(needsOf(["tin/"], writer("bake", "tin/cake"), writer("fry", "tinned"))).toEqual(["bake"]);
  expect(needsOf(["table"], writer("bake", "table/tin/"))).toEqual(["bake"]);
});

test("inferEdges() looks below the folder that a glob starts from, but not below the whole project", () => {
  expect(needsOf(["table/**/*.cake"], writer("bake", "table/tin/"))).toEqual(["bake"]);
  expect(needsOf(["table/*/*.cake"], writer("bake", "table/tin/"))).toEqual(["bake"]);
  expect(needsOf(["table/*.cake"], writer("bake", "table/tin/"))).toEqual([]);
  expect(needsOf(["table/t*/*.cake"], writer("bake", "table/plate/"))).toEqual([]);
  expect(needsOf(["table/**", "!table/tin/**"], writer("bake", "table/tin/"))).toEqual([]);
  expect(needsOf(["**/*.cake"], writer("bake", "table/tin/"))).toEqual([]);
});

test("inferEdges() finds the writer whose pattern covers a file, or is the same", () => {
  expect(needsOf(["tin/a.cake"], writer("bake", "tin/*.cake"), writer("fry", "tin/*.chips"))).toEqual(["bake"]);
  expect(needsOf(["a.cake"], writer("bake", "*.cake"))).toEqual(["bake"]);
  expect(needsOf(["tin/*.cake"], writer("bake", "tin/*.cake"))).toEqual(["bake"]);
});

test("inferEdges() leaves out what is excluded, and the task itself", () => {
  expect(needsOf(["*.cake", "!a.cake"], writer("bake", "a.cake"))).toEqual([]);
  expect(
    inferEdges([nodeOf("bake", { inputs: ["cake"], outputs: ["cake"] })], collectWriters([writer("bake", "cake")])),
  ).toEqual([]);
});
