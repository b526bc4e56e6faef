/** The graph: tasks as boxes with their needs on the left, to zoom, search and walk with arrow keys. Does not know how places are found. */
import { boxHeight, renderEdge, shownName } from "../box.ts";
import type { Layout, PageTask, Place } from "../model.ts";
import { createCamera } from "./camera.ts";
import { h, put, s, section } from "./dom.ts";
import type { Desk, View } from "./view.ts";
import { countOf, isBad, look, renderDuration, standingOf } from "./words.ts";

interface Box {
  readonly element: SVGGElement;
  readonly mark: SVGTextElement;
  readonly note: SVGTextElement;
}

export function createGraph(desk: Desk, layout: Layout): View {
  const boxes = new Map<string, Box>();
  const dependents = new Map<string, string[]>();
  const chain = s("path", { class: "edge chain" });
  const near = s("path", { class: "edge near" });
  const stage = s("g", {}, s("path", { class: "edge", d: allEdges(layout) }), chain, near);
  const svg = s("svg", {
    class: "graph",
    role: "group",
    "aria-labelledby": "graph-title",
    "aria-describedby": "graph-keys",
  });
  const found = h("output", { class: "count", "aria-live": "polite" });
  let current: string | undefined;
  let hits: readonly string[] = [];
  let at = -1;

  const camera = createCamera(svg, stage, { ...layout, start: () => layout.places[startOf(desk) ?? ""] });
  const centre = (task: string): void => {
    const place = layout.places[task];
    if (place !== undefined) camera.centre(place);
  };

  /** One box can be reached with Tab; the arrows lead to the others. */
  const select = (task: string): void => {
    if (current !== undefined) boxes.get(current)?.element.setAttribute("tabindex", "-1");
    current = task;
    boxes.get(task)?.element.setAttribute("tabindex", "0");
    const own = (desk.tasks.get(task)?.needs ?? []).map((need) => edgeOf(layout, need, task));
    const others = (dependents.get(task) ?? []).map((next) => edgeOf(layout, task, next));
    near.setAttribute("d", [...own, ...others].join(""));
  };

  const go = (task: string | undefined): void => {
    if (task === undefined) return;
    select(task);
    if (layout.places[task] !== undefined && !camera.sees(layout.places[task])) centre(task);
    boxes.get(task)?.element.focus({ preventScroll: true });
  };

  const onKey = (event: KeyboardEvent, task: string): void => {
    const next = nextOf(event.key, task, { desk, layout, dependents });
    if (event.key === "Enter" || event.key === " ") desk.open(task);
    else if (event.key === "+" || event.key === "=") camera.zoom("in");
    else if (event.key === "-") camera.zoom("out");
    else if (event.key === "0") camera.fit();
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    go(next);
  };

  const search = (text: string): void => {
    const wanted = text.trim().toLowerCase();
    hits = wanted === "" ? [] : [...boxes.keys()].filter((task) => task.toLowerCase().includes(wanted));
    const isHit = new Set(hits);
    for (const [task, { element }] of boxes) element.classList.toggle("hit", isHit.has(task));
    svg.classList.toggle("searching", wanted !== "");
    found.value = wanted === "" ? "" : hits.length === 0 ? "no task found" : countOf(hits.length, "task");
    at = -1;
  };

  const step = (by: number): void => {
    if (hits.length === 0) return;
    at = (at + by + hits.length) % hits.length;
    const task = hits[at]!;
    select(task);
    centre(task);
    found.value = `${task}, ${at + 1} of ${hits.length}`;
  };

  for (const task of desk.page.tasks) {
    for (const need of task.needs) {
      const others = dependents.get(need);
      if (others === undefined) dependents.set(need, [task.task]);
      else others.push(task.task);
    }
    const place = layout.places[task.task];
    if (place === undefined) continue;
    const box = createBox(task, place);
    box.element.addEventListener("click", () => desk.open(task.task));
    box.element.addEventListener("keydown", (event) => onKey(event, task.task));
    box.element.addEventListener("focus", () => select(task.task));
    box.element.addEventListener("pointerenter", () => select(task.task));
    boxes.set(task.task, box);
    stage.append(box.element);
  }
  svg.append(stage);
  const [first] = boxes.keys();
  if (first !== undefined) boxes.get(first)?.element.setAttribute("tabindex", "0");

  const update = (changed: ReadonlySet<string>): void => {
    const isOver = desk.isOver();
    const inChain = desk.chain();
    for (const id of changed) {
      const box = boxes.get(id);
      const task = desk.tasks.get(id);
      if (box !== undefined && task !== undefined) showBox(box, task, { isOver, inChain: inChain.has(id) });
    }
    for (const [id, { element }] of boxes) element.classList.toggle("chain", inChain.has(id));
    const ids = [...inChain];
    chain.setAttribute("d", ids.map((id, index) => edgeOf(layout, ids[index - 1] ?? "", id)).join(""));
  };

  const button = (label: string, text: string, act: () => void): HTMLElement =>
    h("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
  const tools = h(
    "div",
    { class: "tools", role: "search" },
    h("input", {
      type: "search",
      placeholder: "Find a task",
      "aria-label": "Find a task in the graph",
      oninput: (event) => search((event.target as HTMLInputElement).value),
      onkeydown: (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        step(event.shiftKey ? -1 : 1);
      },
    }),
    found,
    h("span", { class: "space" }),
    h(
      "label",
      { class: "toggle" },
      h("input", {
        type: "checkbox",
        checked: true,
        onchange: (event) => svg.classList.toggle("no-chain", !(event.target as HTMLInputElement).checked),
      }),
      "Longest chain",
    ),
    button("Zoom out", "−", () => camera.zoom("out")),
    button("Zoom in", "+", () => camera.zoom("in")),
    button("Show the whole graph", "Fit", camera.fit),
  );
  const keys = h(
    "p",
    { class: "hint", id: "graph-keys" },
    "Drag to move, Ctrl and the wheel to zoom. With the keyboard: arrows go along the needs, Enter shows a task, + − 0 zoom. ",
    h("a", { href: "#tasks" }, "The table of tasks"),
    " says the same in words.",
  );
  const element = section("graph", "Graph", tools, svg, keys);
  return { element, update };
}

/** What failed, or where the longest chain ends. */
function startOf({ page, chain, isOver }: Desk): string | undefined {
  return page.tasks.find((task) => isBad(standingOf(task, isOver())))?.task ?? [...chain()].at(-1);
}

/** A need that follows from others is not drawn, but shown where it is asked for. */
function edgeOf({ edges, places }: Layout, need: string, task: string): string {
  const [from, to] = [places[need], places[task]];
  return edges[task]?.[need] ?? (from === undefined || to === undefined ? "" : renderEdge(from, to));
}

function allEdges({ edges }: Layout): string {
  return Object.values(edges)
    .flatMap((needs) => Object.values(needs))
    .join("");
}

function createBox({ task, description }: PageTask, { x, y, width }: Place): Box {
  const name = task.length <= shownName ? task : `${task.slice(0, shownName - 13)}…${task.slice(-12)}`;
  const mark = s("text", { class: "mark", x: 16, y: boxHeight / 2 + 5 });
  const note = s("text", { class: "note", x: 32, y: 33 });
  const title = s("title", {}, description === undefined ? task : `${task}: ${description}`);
  const element = s(
    "g",
    { tabindex: "-1", role: "button", transform: `translate(${x - width / 2} ${y - boxHeight / 2})` },
    title,
    s("rect", { width, height: boxHeight, rx: 7 }),
    s("rect", { class: "side", width: 4, height: boxHeight - 14, x: 0, y: 7, rx: 2 }),
    mark,
    s("text", { class: "name", x: 32, y: 18 }, name),
    note,
  );
  return { element, mark, note };
}

function showBox(
  { element, mark, note }: Box,
  task: PageTask,
  { isOver, inChain }: { readonly isOver: boolean; readonly inChain: boolean },
): void {
  const standing = standingOf(task, isOver);
  const { text, mark: sign } = look(standing);
  const time = task.durationMs === undefined || task.durationMs === 0 ? "" : renderDuration(task.durationMs);
  element.setAttribute("class", `box is-${standing}${inChain ? " chain" : ""}`);
  element.setAttribute(
    "aria-label",
    [task.task, text, time, inChain ? "on the longest chain" : ""].filter(Boolean).join(", "),
  );
  put(mark, sign);
  put(note, standing === "ran" ? time || text : [text, time].filter(Boolean).join(" · "));
}

/** Left to a need, right to what needs it, up and down to the nearest box that is drawn there. */
function nextOf(
  key: string,
  task: string,
  {
    desk,
    layout,
    dependents,
  }: { readonly desk: Desk; readonly layout: Layout; readonly dependents: ReadonlyMap<string, readonly string[]> },
): string | undefined {
  const own = layout.places[task];
  if (own === undefined) return undefined;
  const distance = ({ x, y }: Place): number => Math.abs(x - own.x) * 3 + Math.abs(y - own.y);
  const nearest = (ids: readonly string[], isThere: (place: Place) => boolean): string | undefined =>
    ids
      .flatMap((id) => (id !== task && layout.places[id] !== undefined && isThere(layout.places[id]) ? [id] : []))
      .sort((a, b) => distance(layout.places[a]!) - distance(layout.places[b]!))[0];
  switch (key) {
    case "ArrowLeft":
      return nearest(desk.tasks.get(task)?.needs ?? [], () => true);
    case "ArrowRight":
      return nearest(dependents.get(task) ?? [], () => true);
    case "ArrowUp":
      return nearest([...desk.tasks.keys()], ({ y }) => y < own.y);
    case "ArrowDown":
      return nearest([...desk.tasks.keys()], ({ y }) => y > own.y);
    default:
      return undefined;
  }
}
