/** Where tasks are drawn: needs on the left, what needs them on the right. Only importer of dagre; does not know how they are drawn. */
import { Graph, layout as place } from "@dagrejs/dagre";
import { boxHeight, boxWidth, renderEdge, type Point } from "./box.ts";
import { inOrder } from "./chain.ts";
import type { Layout, PageTask, Place } from "./model.ts";

/** Between boxes. Units of the drawing. */
const gap = { across: 12, along: 52 };
/** From here on columns alone are drawn: dagre would take seconds. Its time is that of all columns that edges cross. */
const many = { tasks: 2000, crossings: 3000 };
/** More are not drawn: nobody could read them. */
const most = 5000;
/** Up to here the best of dagre's ways to choose columns is quick. */
const few = 150;

/** The whole drawing; the same for the same tasks. Undefined: they are too many to draw. */
export function layOut(tasks: readonly PageTask[]): Layout | undefined {
  if (tasks.length > most) return undefined;
  const needsOf = tasks.length > many.tasks ? knownNeeds(tasks) : reduce(inOrder(tasks));
  const depths = findDepths(inOrder(tasks), needsOf);
  const crossings = [...needsOf].flatMap(([task, needs]) => needs.map((need) => depths.get(task)! - depths.get(need)!));
  const isLarge = tasks.length > many.tasks || crossings.reduce((sum, count) => sum + count, 0) > many.crossings;
  return pack(
    split(tasks, needsOf).map((part) => (isLarge || part.length === 1 ? drawColumns : drawPart)(part, needsOf)),
  );
}

type Needs = ReadonlyMap<string, readonly string[]>;

function knownNeeds(tasks: readonly PageTask[]): Needs {
  const known = new Set(tasks.map(({ task }) => task));
  return new Map(tasks.map(({ task, needs }) => [task, needs.filter((need) => known.has(need))]));
}

/** Needs without those that follow from others: what needs everything is not drawn to need everything. */
function reduce(order: readonly PageTask[]): Needs {
  const numbers = new Map(order.map(({ task }, at) => [task, at]));
  const words = Math.ceil(order.length / 32);
  const before = order.map(() => new Uint32Array(words)); // A bit for each task that must come first.
  const reduced = new Map<string, readonly string[]>();
  for (const [at, { task, needs }] of order.entries()) {
    const own = before[at]!;
    const kept: string[] = [];
    // The latest first: what it needs is then known to follow.
    const known = [...new Set(needs)].flatMap((need) => numbers.get(need) ?? []).sort((a, b) => b - a);
    for (const number of known) {
      if (((own[number >> 5]! >>> (number & 31)) & 1) === 1) continue;
      kept.push(order[number]!.task);
      own[number >> 5]! |= 1 << (number & 31);
      for (const [word, bits] of before[number]!.entries()) own[word]! |= bits;
    }
    reduced.set(task, kept.reverse());
  }
  return reduced;
}

/** Columns: how many tasks stand one behind the other before each. */
function findDepths(order: readonly PageTask[], needsOf: Needs): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const { task } of order)
    depths.set(task, (needsOf.get(task) ?? []).reduce((most, need) => Math.max(most, depths.get(need) ?? 0), -1) + 1);
  return depths;
}

/** Parts that no edge connects, each in the order of the tasks. */
function split(tasks: readonly PageTask[], needsOf: Needs): readonly (readonly PageTask[])[] {
  const neighbours = new Map<string, string[]>(tasks.map(({ task }) => [task, []]));
  for (const [task, needs] of needsOf)
    for (const need of needs) {
      neighbours.get(task)?.push(need);
      neighbours.get(need)?.push(task);
    }
  const partOf = new Map<string, number>();
  let count = 0;
  for (const { task } of tasks) {
    if (partOf.has(task)) continue;
    const open = [task];
    partOf.set(task, count);
    for (let id = open.pop(); id !== undefined; id = open.pop())
      for (const next of neighbours.get(id) ?? [])
        if (!partOf.has(next)) {
          partOf.set(next, count);
          open.push(next);
        }
    count++;
  }
  const parts: PageTask[][] = Array.from({ length: count }, () => []);
  for (const task of tasks) parts[partOf.get(task.task)!]!.push(task);
  return parts.sort((a, b) => b.length - a.length);
}

function drawPart(part: readonly PageTask[], needsOf: Needs): Layout {
  const graph = new Graph();
  const ranker = part.length <= few ? "network-simplex" : "longest-path";
  graph.setGraph({ rankdir: "LR", ranker, nodesep: gap.across, ranksep: gap.along, edgesep: 8 });
  for (const { task } of part) graph.setNode(task, { width: boxWidth(task), height: boxHeight });
  for (const { task } of part) for (const need of needsOf.get(task) ?? []) graph.setEdge(need, task, {});
  place(graph);
  const places: Record<string, Place> = {};
  const edges: Record<string, Record<string, string>> = {};
  for (const { task } of part) {
    const { x = 0, y = 0 } = graph.node(task) as { readonly x?: number; readonly y?: number };
    places[task] = { x: Math.round(x), y: Math.round(y), width: boxWidth(task) };
  }
  for (const { task } of part)
    for (const need of needsOf.get(task) ?? []) {
      const { points } = graph.edge(need, task) as { readonly points: readonly Point[] };
      const [from, to] = [places[need], places[task]];
      // Of the first and the last three points dagre says where its own straight lines meet the boxes.
      if (from !== undefined && to !== undefined)
        (edges[task] ??= {})[need] = renderEdge(from, to, points.slice(2, -2));
    }
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number };
  return { width, height, places, edges };
}

/** A column for each depth, tasks one below the other. */
function drawColumns(part: readonly PageTask[], needsOf: Needs): Layout {
  const columns: string[][] = [];
  for (const [task, depth] of findDepths(inOrder(part), needsOf)) (columns[depth] ??= []).push(task);
  const places: Record<string, Place> = {};
  let left = 0;
  for (const column of columns) {
    const width = Math.max(...column.map(boxWidth));
    for (const [row, task] of column.entries()) {
      const y = row * (boxHeight + gap.across) + boxHeight / 2;
      places[task] = { x: left + Math.round(width / 2), y, width: boxWidth(task) };
    }
    left += width + gap.along * 2;
  }
  const edges: Record<string, Record<string, string>> = {};
  for (const { task } of part) {
    for (const need of needsOf.get(task) ?? [])
      if (places[need] !== undefined && places[task] !== undefined)
        (edges[task] ??= {})[need] = renderEdge(places[need], places[task]);
  }
  const tallest = Math.max(0, ...columns.map(({ length }) => length));
  return { width: left - gap.along * 2, height: tallest * (boxHeight + gap.across) - gap.across, places, edges };
}

/** Parts beside and below each other, so that the whole is about twice as wide as high. */
function pack(parts: readonly Layout[]): Layout {
  const area = parts.reduce((sum, part) => sum + (part.width + gap.along) * (part.height + gap.across * 2), 0);
  const single = Math.max(0, ...parts.filter(isSingle).map(({ width }) => width));
  const widest = Math.max(Math.sqrt(area * 2), ...parts.map(({ width }) => width));
  const places: Record<string, Place> = {};
  const edges: Record<string, Readonly<Record<string, string>>> = {};
  let [left, top, rowHeight, width] = [0, 0, 0, 0];
  for (const part of parts) {
    const isAlone = isSingle(part);
    const own = isAlone ? single : part.width;
    if (left > 0 && left + own > widest) {
      [left, top] = [0, top + rowHeight + gap.across];
      rowHeight = 0;
    }
    for (const [task, at] of Object.entries(part.places))
      places[task] = {
        ...at,
        x: at.x + Math.round(left + (isAlone ? (own - part.width) / 2 : 0)),
        y: at.y + top,
      };
    for (const [task, needs] of Object.entries(part.edges))
      edges[task] = Object.fromEntries(Object.entries(needs).map(([need, path]) => [need, move(path, left, top)]));
    left += own + gap.along / 2;
    width = Math.max(width, left);
    rowHeight = Math.max(rowHeight, part.height);
  }
  return { width: Math.round(width), height: Math.round(top + rowHeight), places, edges };
}

function isSingle({ places }: Layout): boolean {
  return Object.keys(places).length === 1;
}

/** A path of the letters M, H and C somewhere else. */
function move(path: string, left: number, top: number): string {
  if (left === 0 && top === 0) return path;
  return path.replaceAll(/([MHC])([^MHC]+)/g, (_, letter: string, numbers: string) => {
    const moved = numbers.split(" ").map((text, at) => Number(text) + (at % 2 === 0 ? left : top));
    return `${letter}${moved.map(Math.round).join(" ")}`;
  });
}
