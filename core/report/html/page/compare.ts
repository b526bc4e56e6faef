/** This run beside the one before it: what ran then, what runs now, and how much longer it took. */
import type { Page, Previous } from "../model.ts";
import type { Outcome } from "../../../event.ts";
import { h, put, section } from "./dom.ts";
import { chip } from "./tasks.ts";
import type { Desk, View } from "./view.ts";
import { countOf, renderDate, renderDifference, renderDuration } from "./words.ts";

/** Smaller differences are chance: milliseconds, and parts of the time before. */
const chance = { ms: 50, part: 0.1 };
/** Rows that are shown: the largest differences. */
const shownRows = 200;

interface Row {
  readonly task: string;
  readonly before: Outcome | undefined;
  readonly now: Outcome | undefined;
  readonly differenceMs: number;
}

export function createComparison(desk: Desk): View {
  const place = h("div", {});
  const element = section("comparison", "Since the last run", place);
  return {
    element,
    update() {
      const { previous, run } = desk.page;
      element.hidden = previous === undefined || run.dryRun === true || !desk.isOver();
      if (previous === undefined || element.hidden) return;
      const rows = compare(desk.page, previous);
      put(
        place,
        h("p", {}, summaryOf(desk.page, previous, rows)),
        rows.length === 0
          ? undefined
          : h(
              "div",
              { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "comparison-title" },
              renderRows(rows, desk),
            ),
      );
    },
  };
}

function compare({ tasks }: Page, previous: Previous): readonly Row[] {
  const now = new Map(tasks.map((task) => [task.task, task]));
  const names = [...new Set([...now.keys(), ...Object.keys(previous.tasks)])];
  return names
    .map((task): Row => {
      const [old, own] = [previous.tasks[task], now.get(task)];
      const differenceMs = (own?.durationMs ?? 0) - (old?.durationMs ?? 0);
      return { task, before: old?.outcome, now: own?.outcome, differenceMs };
    })
    .filter(
      ({ task, before, now: after, differenceMs }) =>
        before !== after ||
        Math.abs(differenceMs) > Math.max(chance.ms, chance.part * (previous.tasks[task]?.durationMs ?? 0)),
    )
    .filter(({ before, now: after }) => before !== "group" && after !== "group")
    .sort((a, b) => Math.abs(b.differenceMs) - Math.abs(a.differenceMs));
}

function summaryOf({ run, tasks }: Page, previous: Previous, rows: readonly Row[]): string {
  const count = (outcome: Outcome): string => String(tasks.filter((task) => task.outcome === outcome).length);
  const old = (outcome: Outcome): string =>
    String(Object.values(previous.tasks).filter((task) => task.outcome === outcome).length);
  const times =
    run.durationMs === undefined || previous.durationMs === undefined
      ? ""
      : ` It took ${renderDuration(run.durationMs)}, before ${renderDuration(previous.durationMs)} (${renderDifference(run.durationMs - previous.durationMs)}).`;
  const same = rows.length === 0 ? " No task came out differently." : "";
  return `The run before is ${previous.id} of ${renderDate(previous.startedMs)}. Then ${old("ran")} ran and ${old("fresh")} were up to date, now ${count("ran")} and ${count("fresh")}.${times}${same}`;
}

function renderRows(rows: readonly Row[], desk: Desk): HTMLElement {
  const cell = (outcome: Outcome | undefined): Node =>
    outcome === undefined ? h("span", { class: "hint" }, "not needed") : chip(outcome);
  const left = rows.length - shownRows;
  return h(
    "table",
    {},
    left > 0 ? h("caption", {}, `The largest differences; ${countOf(left, "more task")} differ less.`) : undefined,
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ...["Task", "Then", "Now", "Time"].map((text) =>
          h("th", { scope: "col", class: text === "Time" ? "number" : undefined }, text),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      ...rows
        .slice(0, shownRows)
        .map(({ task, before, now, differenceMs }) =>
          h(
            "tr",
            {},
            h(
              "th",
              { scope: "row" },
              desk.tasks.has(task)
                ? h("button", { type: "button", class: "link", onclick: () => desk.open(task) }, task)
                : task,
            ),
            h("td", {}, cell(before)),
            h("td", {}, cell(now)),
            h("td", { class: "number" }, differenceMs === 0 ? "" : renderDifference(differenceMs)),
          ),
        ),
    ),
  );
}
