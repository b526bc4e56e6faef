/** When each task ran, in rows of worker slots. Does not know which tasks there are before it is told. */
import { h, put, section } from "./dom.ts";
import type { Desk, View } from "./view.ts";
import { look, renderDuration, standingOf } from "./words.ts";

/** Between two times on the axis, in milliseconds: round for people, 20 s, 5 min, 2 h. */
const stepsMs: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18_000, 43_200].map((seconds) => seconds * 1000),
];
/** So many times stand side by side, on a phone fewer. */
const ticks = { most: 6, phone: 3, phonePixels: 640 };

/** Widths of the whole timeline in widths of its frame. */
const zooms = { least: 1, most: 40 };

export function createTimeline(desk: Desk): View {
  const rows = h("div", { class: "lanes" });
  const frame = h("div", { class: "timeline", tabindex: "-1" }, rows);
  const slider = h("input", {
    type: "range",
    min: zooms.least,
    max: zooms.most,
    value: 1,
    step: "0.5",
    "aria-label": "Zoom of the timeline",
    oninput: () => {
      rows.style.width = `${Number(slider.value) * 100}%`;
    },
  });
  const element = section(
    "timeline",
    "Timeline",
    h(
      "div",
      { class: "tools" },
      h("span", { class: "hint" }, "One row for each task that could run at a time."),
      h("span", { class: "space" }),
      h("label", { class: "toggle" }, "Zoom", slider),
    ),
    frame,
    h(
      "p",
      { class: "hint" },
      "Arrows go from bar to bar, Enter shows the task. ",
      h("a", { href: "#tasks" }, "The table of tasks"),
      " has the same times.",
    ),
  );

  frame.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const bars = [...rows.querySelectorAll<HTMLElement>(".bar")].sort(byStart);
    const at = bars.findIndex((bar) => bar === document.activeElement);
    const next = bars[at + (event.key === "ArrowRight" ? 1 : -1)];
    if (at === -1 || next === undefined) return;
    event.preventDefault();
    bars[at]?.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });

  const update = (): void => {
    if (!desk.isOver() && frame.matches(":hover")) return; // Nobody can click what is made anew all the time.
    const { run, tasks } = desk.page;
    const isOver = desk.isOver();
    const chain = desk.chain();
    const spans = tasks.flatMap((task) => task.spans.map((span) => ({ ...span, task })));
    element.hidden = run.isPlan === true || (isOver && spans.length === 0);
    const last = spans.reduce((end, { startMs, endMs = startMs }) => Math.max(end, endMs), 0);
    const nowMs = isOver ? (run.durationMs ?? last) : Date.now() - run.startedMs;
    const wholeMs = Math.max(1, last, nowMs);
    const slots = [...new Set(spans.map(({ slot }) => slot))].sort((a, b) => a - b);
    const focused = (document.activeElement as HTMLElement | null)?.dataset["bar"];
    let isFirst = true;
    const lanes = slots.map((slot) =>
      h(
        "div",
        { class: "lane", role: "group", "aria-label": `Slot ${slot}` },
        h("span", { class: "slot", "aria-hidden": "true" }, String(slot)),
        h(
          "div",
          { class: "track" },
          ...spans
            .filter((span) => span.slot === slot)
            .map(({ task, startMs, endMs = wholeMs }, index) => {
              const standing = standingOf(task, isOver);
              const text = `${task.task}, ${look(standing).text}, from ${renderDuration(startMs)}, for ${renderDuration(endMs - startMs)}`;
              const name = `${slot} ${index}`;
              const isReachable = focused === undefined ? isFirst : focused === name;
              isFirst = false;
              const bar = h(
                "button",
                {
                  type: "button",
                  class: `bar is-${standing}${chain.has(task.task) ? " chain" : ""}`,
                  title: text,
                  "aria-label": text,
                  tabindex: isReachable ? "0" : "-1",
                  "data-bar": name,
                  "data-start": startMs,
                  onclick: () => desk.open(task.task),
                },
                task.task,
              );
              bar.style.left = `${(startMs / wholeMs) * 100}%`;
              bar.style.width = `${((endMs - startMs) / wholeMs) * 100}%`;
              return bar;
            }),
        ),
      ),
    );
    put(
      rows,
      ...(spans.length === 0 ? [h("p", { class: "hint" }, "Nothing has run yet.")] : [renderAxis(wholeMs), ...lanes]),
    );
    if (focused !== undefined)
      rows.querySelector<HTMLElement>(`[data-bar="${focused}"]`)?.focus({ preventScroll: true });
  };
  return { element, update };
}

function byStart(a: HTMLElement, b: HTMLElement): number {
  return Number(a.dataset["start"]) - Number(b.dataset["start"]);
}

function renderAxis(wholeMs: number): HTMLElement {
  const roughMs = wholeMs / (window.innerWidth < ticks.phonePixels ? ticks.phone : ticks.most);
  const stepMs = stepsMs.find((step) => step >= roughMs) ?? roughMs;
  const axis = h("div", { class: "axis", "aria-hidden": "true" });
  for (let ms = 0; ms <= wholeMs * 0.97; ms += stepMs) {
    const tick = h("span", {}, stepMs < 100 ? `${ms} ms` : renderDuration(ms));
    tick.style.left = `${(ms / wholeMs) * 100}%`;
    axis.append(tick);
  }
  return axis;
}
