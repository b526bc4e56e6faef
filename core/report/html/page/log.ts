/** A log with the colours of a terminal, and a search in it. Only importer of anser. */
import Anser, { type AnserJsonEntry } from "anser";
import { h, put } from "./dom.ts";

/** Lines that are shown at first; a button shows the rest. */
const shownLines = 5000;

export interface LogView {
  readonly element: HTMLElement;
  /** Shows this text; what was searched stays. */
  readonly show: (text: string) => void;
}

export function createLog(): LogView {
  const count = h("output", { class: "count", "aria-live": "polite" });
  const input = h("input", {
    type: "search",
    placeholder: "Search the log",
    "aria-label": "Search the log",
    oninput: () => search(0),
    onkeydown: (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      step(event.shiftKey ? -1 : 1);
    },
  });
  const box = h("div", { class: "log", tabindex: "0", role: "region", "aria-label": "Log" });
  const more = h("button", { type: "button", hidden: true, onclick: () => render(Infinity) });
  let text = "";
  let lines: { readonly element: HTMLElement; readonly plain: string }[] = [];
  let hits: HTMLElement[] = [];
  let at = 0;

  const render = (most: number): void => {
    const all = parseLines(text);
    lines = all.slice(0, most).map((entries) => ({
      element: renderLine(entries),
      plain: entries
        .map(({ content }) => content)
        .join("")
        .toLowerCase(),
    }));
    put(box, ...lines.map(({ element }) => element));
    more.hidden = all.length <= most;
    more.textContent = `Show all ${all.length.toLocaleString()} lines`;
    search(at);
  };

  const search = (from: number): void => {
    const wanted = input.value.toLowerCase();
    if (wanted !== "" && !more.hidden) return render(Infinity);
    hits = [];
    for (const { element, plain } of lines) {
      const isHit = wanted !== "" && plain.includes(wanted);
      element.classList.toggle("hit", isHit);
      element.classList.remove("current");
      if (isHit) hits.push(element);
    }
    at = Math.min(from, Math.max(0, hits.length - 1));
    count.value = wanted === "" ? "" : hits.length === 0 ? "nothing found" : "";
    if (hits.length > 0) step(0);
  };

  const step = (by: number): void => {
    if (hits.length === 0) return;
    hits[at]?.classList.remove("current");
    at = (at + by + hits.length) % hits.length;
    hits[at]?.classList.add("current");
    hits[at]?.scrollIntoView({ block: "nearest" });
    count.value = `line ${at + 1} of ${hits.length}`;
  };

  const button = (label: string, mark: string, by: number): HTMLElement =>
    h("button", { type: "button", "aria-label": label, title: label, onclick: () => step(by) }, mark);

  return {
    element: h(
      "div",
      { class: "log-view" },
      h(
        "div",
        { class: "tools", role: "search" },
        input,
        button("Previous line found", "↑", -1),
        button("Next line found", "↓", 1),
        count,
      ),
      box,
      more,
    ),
    show(next) {
      if (next === text) return;
      // Who reads the end goes on reading the end.
      const isAtEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 4;
      const isFirst = text === "";
      text = next;
      render(shownLines);
      if (isAtEnd && !isFirst) box.scrollTop = box.scrollHeight;
    },
  };
}

/** A few lines of a log, as they are. */
export function renderExcerpt(text: string): HTMLElement {
  return h("div", { class: "log" }, ...parseLines(text).map(renderLine));
}

/** Pieces of one look, line by line. Other codes of a terminal are dropped; a carriage return begins the line anew. */
function parseLines(text: string): readonly (readonly AnserJsonEntry[])[] {
  const clean = text
    .replaceAll(/\u001B\][^\u0007\u001B]*(?:\u0007|\u001B\\)/g, "")
    .replaceAll(/\u001B\[[\d;?]*[A-LN-Za-ln-z]/g, "")
    .replaceAll(/^.*\r(?!$)/gm, "");
  const lines: AnserJsonEntry[][] = [[]];
  for (const entry of Anser.ansiToJson(clean, { json: true, use_classes: true, remove_empty: true })) {
    for (const [index, content] of entry.content.split("\n").entries()) {
      if (index > 0) lines.push([]);
      if (content !== "") lines.at(-1)?.push({ ...entry, content });
    }
  }
  if (lines.at(-1)?.length === 0) lines.pop();
  return lines;
}

function renderLine(entries: readonly AnserJsonEntry[]): HTMLElement {
  const isCommand = entries[0]?.content.startsWith("$ ") === true;
  return h("div", { class: isCommand ? "line command" : "line" }, ...entries.map(renderEntry));
}

/** Only names of our own style become classes; other colours of a terminal are set as numbers. */
function renderEntry(entry: AnserJsonEntry): HTMLElement | string {
  const { content, fg, bg, decorations } = entry;
  if (!fg && !bg && decorations.length === 0) return content;
  const span = h("span", { class: decorations.map((name) => `ansi-${name}`).join(" ") }, content);
  paint(span, "color", fg, entry.fg_truecolor);
  paint(span, "background-color", bg, entry.bg_truecolor);
  return span;
}

function paint(span: HTMLElement, property: "color" | "background-color", name: string, rgb: string): void {
  if (!name) return;
  const palette = /^ansi-palette-(\d+)$/.exec(name)?.[1];
  if (name === "ansi-truecolor") span.style.setProperty(property, `rgb(${rgb})`);
  else if (palette !== undefined) span.style.setProperty(property, paletteColour(Number(palette)));
  else span.classList.add(property === "color" ? `fg-${name}` : `bg-${name}`);
}

/** The 256 colours of xterm above the first 16: a cube, and greys. */
function paletteColour(index: number): string {
  if (index >= 232)
    return `rgb(${Array(3)
      .fill(8 + (index - 232) * 10)
      .join(",")})`;
  const steps = [0, 95, 135, 175, 215, 255];
  const cube = index - 16;
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((at) => steps[at] ?? 0).join(",")})`;
}
