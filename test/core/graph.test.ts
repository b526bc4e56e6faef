import { expect, test } from "vitest";
import { withEdges } from "../../core/graph.ts";
import { finalOwners, remainingTimes, sortGraph, waitsFor } from "../../core/order.ts";
import { param } from "../../core/params.ts";
import { after, task, validation } from "../../core/task.ts";
import { codesOf, graphFrom, graphOf } from "./rig.ts";

const bake = task({
  matrix: { tin: ["round", "square"] },
  params: { heat: param.integer({ default: 200 }) },
  run: "true",
});

test("createGraph() takes the targets and what they need, each once", async () => {
  const mix = task({ run: "true" });
  const graph = await graphOf(
    {
      mix,
      melt: task({ needs: [mix], run: "true" }),
      eat: task({ needs: ["melt", "mix"], run: "true" }),
      fry: task({ run: "true" }),
    },
    "eat",
  );

  expect([...graph.nodes.keys()]).toEqual(["eat", "melt", "mix"]);
  expect(graph.targets).toEqual(["eat"]);
});

test("createGraph() makes a matrix task a group with one node per cell", async () => {
  const graph = await graphOf({ bake, eat: task({ needs: { all: bake }, run: "true" }) }, "eat");

  expect([...graph.nodes.keys()]).toEqual(["eat", "bake", "bake:round", "bake:square"]);
  expect(graph.nodes.get("bake")).toMatchObject({
    isGroup: true,
    edges: [
      { to: "bake:round", as: "round" },
      { to: "bake:square", as: "square" },
    ],
  });
  expect(graph.nodes.get("bake:round")).toMatchObject({ isGroup: false, cell: { tin: "round" }, cellName: "round" });
});

test("createGraph() makes one node per set of fixed params, whatever their order", async () => {
  const mix = task({ params: { a: param.string(), b: param.string() }, run: "true" });
  const needs = [mix.with({ a: "1", b: "2" }), mix.with({ b: "2", a: "1" }), mix];
  const graph = await graphOf({ mix, eat: task({ needs, run: "true" }) }, "eat");

  expect([...graph.nodes.keys()]).toEqual(["eat", "mix[a=1,b=2]", "mix"]);
  expect(graph.nodes.get("mix[a=1,b=2]")?.params).toEqual({
    a: { value: "1", source: "need" },
    b: { value: "2", source: "need" },
  });
});

test("createGraph() hands fixed params on to every cell", async () => {
  const graph = await graphOf({ bake, eat: task({ needs: [bake.with({ heat: 90 })], run: "true" }) }, "eat");

  expect(graph.nodes.get("bake:round[heat=90]")?.params["heat"]).toEqual({ value: 90, source: "need" });
});

test("createGraph() tells kinds of edges, and leaves out those whose condition is false", async () => {
  const [a, b, c] = [task({ run: "true" }), task({ run: "true" }), task({ run: "true" })];
  const eat = task({
    needs: [a, after(b), validation(c), { need: a, kind: "order", when: () => false }],
    finally: ["b"],
    run: "true",
  });
  const graph = await graphOf({ a, b, c, eat }, "eat");

  expect(graph.nodes.get("eat")?.edges.map(({ to, kind }) => `${kind} ${to}`)).toEqual([
    "result a",
    "order b",
    "validation c",
    "finally b",
  ]);
  expect(waitsFor(graph, "eat")).toEqual(["a", "b"]);
});

test("createGraph() connects equal cells", async () => {
  const cool = task({ matrix: { tin: ["round"] }, needs: { warm: bake.cell() }, run: "true" });
  const graph = await graphOf({ bake, cool }, "cool");

  expect([...graph.nodes.keys()]).toEqual(["cool", "cool:round", "bake:round"]);
});

test("createGraph() gives params and cell to the functions that say paths", async () => {
  const slice = task({
    matrix: { tin: ["round"] },
    params: { cuts: param.integer({ default: 8 }) },
    inputs: ({ cell }) => [`${cell.tin}.cake`],
    outputs: async ({ cell, params }) => [`${cell.tin}.${params.cuts}`],
    run: "true",
  });
  const node = (await graphOf({ slice }, "slice:round")).nodes.get("slice:round");

  expect(node).toMatchObject({ inputs: ["round.cake"], outputs: ["round.8"], hasFoundPaths: true });
});

test("createGraph() shows all mistakes of all tasks, each once", async () => {
  const lost = task({ run: "true" });
  const tasks = {
    a: task({ needs: ["nowhere", lost], run: "true" }),
    b: task({ needs: ["a"], params: { heat: param.string({ required: true }) }, run: "true" }),
    c: task({ needs: ["b", "a", bake.cell()], run: "true" }),
    bake,
  };

  expect((await codesOf(() => graphOf(tasks, "c", "b"))).toSorted()).toEqual(["CELL_OWN", "PARAM_MISSING"]);
  expect((await codesOf(() => graphOf(tasks, "a"))).toSorted()).toEqual(["HANDLE_UNLISTED", "TASK_UNKNOWN"]);
});

test("sortGraph() puts every node behind all it waits for, and equal graphs give equal orders", () => {
  const graph = graphFrom({ eat: ["bake", "lay"], lay: [], bake: ["mix"], mix: [] });
  const turned = graphFrom({ mix: [], bake: ["mix"], lay: [], eat: ["lay", "bake"] });

  expect(sortGraph(graph)).toEqual(["mix", "bake", "lay", "eat"]);
  expect(sortGraph(turned)).toEqual(sortGraph(graph));
});

test("sortGraph() puts a finally task behind its owners", () => {
  expect(sortGraph(graphFrom({ bake: [{ to: "aa", kind: "finally" }], aa: [] }))).toEqual(["bake", "aa"]);
});

test("sortGraph() lets a validation need the task that it validates", () => {
  expect(sortGraph(graphFrom({ bake: [{ to: "taste", kind: "validation" }], taste: ["bake"] }))).toEqual([
    "bake",
    "taste",
  ]);
});

test("sortGraph() sorts a chain of 100,000 tasks", () => {
  const names = Array.from({ length: 100_000 }, (_, at) => `t${at}`);
  const graph = graphFrom(
    Object.fromEntries(names.map((name, at) => [name, at + 1 < names.length ? [names[at + 1]!] : []])),
  );

  expect(sortGraph(graph)[0]).toBe("t99999");
});

test.each([
  [{ a: ["b"], b: ["c"], c: ["a"] }, "a → b → c → a"],
  [{ c: ["a"], b: ["c"], a: ["b"] }, "a → b → c → a"],
  [{ x: ["y"], y: ["y"] }, "y → y"],
  [{ a: ["z"], z: ["m"], m: ["z"] }, "m → z → m"],
])("sortGraph() shows a circle from its first name on: %o", (edges, path) => {
  expect(() => sortGraph(graphFrom(edges))).toThrow(`Tasks need each other in a circle: ${path}`);
});

test("finalOwners() tells which tasks run after which", () => {
  const graph = graphFrom({
    a: [{ to: "wash", kind: "finally" }],
    b: ["a", { to: "wash", kind: "finally" }],
    wash: [],
  });

  expect(finalOwners(graph)).toEqual(new Map([["wash", new Set(["a", "b"])]]));
});

test("remainingTimes() adds up the longest chain behind every node", () => {
  const graph = graphFrom({ eat: ["bake", "lay"], bake: ["mix"], mix: [], lay: [] });
  const took: Record<string, number> = { eat: 1, bake: 60, mix: 5, lay: 2 };

  const times = remainingTimes(graph, sortGraph(graph), (id) => took[id]!);

  expect(Object.fromEntries(times)).toEqual({ eat: 1, bake: 61, mix: 66, lay: 3 });
});

test("withEdges() adds edges, but none twice", () => {
  const graph = withEdges(graphFrom({ eat: ["bake"], bake: [], lay: [] }), [
    { from: "eat", edge: { to: "bake", kind: "result", inferred: true } },
    { from: "eat", edge: { to: "lay", kind: "order" } },
    { from: "nobody", edge: { to: "lay", kind: "order" } },
  ]);

  expect(graph.nodes.get("eat")?.edges).toEqual([
    { to: "bake", kind: "result" },
    { to: "lay", kind: "order" },
  ]);
});
