/** The size of a task's box in the graph, and the lines between boxes. Units of the drawing. */
import type { Place } from "./model.ts";

export const boxHeight = 42;
/** Characters of a name that fit into a box; the middle of a longer one is left out. */
export const shownName = 30;

/** The box is as wide as its name. */
export function boxWidth(name: string): number {
  return Math.round(Math.max(11, Math.min(name.length, shownName)) * 7.4) + 46;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** From one box to one on its right. */
export function renderEdge(from: Place, to: Place, between: readonly Point[] = []): string {
  return renderCurve([{ x: from.x + from.width / 2, y: from.y }, ...between, { x: to.x - to.width / 2, y: to.y }]);
}

/** Leaves and arrives level, as the columns stand side by side. */
function renderCurve(points: readonly Point[]): string {
  const [first, ...rest] = points.map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) }));
  let before = first ?? { x: 0, y: 0 };
  let path = `M${before.x} ${before.y}`;
  for (const point of rest) {
    const middle = Math.round((before.x + point.x) / 2);
    path += before.y === point.y ? `H${point.x}` : `C${middle} ${before.y} ${middle} ${point.y} ${point.x} ${point.y}`;
    before = point;
  }
  return path;
}
