/** The head of the page: how the run ended, its numbers, and what failed. */
import { findBlocked } from "../../blocked.ts";
import { findChain } from "../chain.ts";
import type { PageTask } from "../model.ts";
import { renderFailure } from "./detail.ts";
import { h, put, section, type Child } from "./dom.ts";
import type { Desk, View } from "./view.ts";
import {
  countOf,
  isBad,
  isPlanned,
  look,
  renderDate,
  renderDifference,
  renderDuration,
  standingOf,
  standings,
  verdictOf,
  type Standing,
} from "./words.ts";

export function createSummary(desk: Desk): View {
  const verdict = h("span", { role: "status" });
  const numbers = h("div", {});
  const title = h("h1", {});
  const element = h(
    "header",
    { class: "summary" },
    h(
      "p",
      { class: "brand" },
      h("strong", {}, "bt"),
      desk.page.run.isPlan === true ? " graph of tasks" : " run report",
    ),
    h("div", { class: "headline" }, title, verdict),
    numbers,
  );
  const update = (): void => {
    const { run } = desk.page;
    const { kind, text } = verdictOf(run, desk.isOver());
    const said = `${look(kind).mark} ${text}`;
    // Read aloud whenever it is written.
    if (verdict.textContent !== said) verdict.textContent = said;
    verdict.className = `verdict is-${kind}`;
    title.textContent = run.targets.length === 0 ? "bt" : run.targets.join(" ");
    put(
      numbers,
      h(
        "p",
        { class: "meta" },
        ...metaOf(desk).flatMap((fact, at) => [
          at === 0 ? undefined : h("span", { "aria-hidden": "true" }, " · "),
          h("span", {}, fact),
        ]),
      ),
      run.command === undefined ? undefined : h("p", { class: "meta" }, h("code", {}, run.command)),
      h(
        "dl",
        { class: "tiles" },
        ...tilesOf(desk).map(([name, value, note]) =>
          h("div", {}, h("dt", {}, name), h("dd", {}, value, note === "" ? undefined : h("small", {}, note))),
        ),
      ),
      barOf(desk),
    );
  };
  return { element, update };
}

function metaOf({ page: { run, tasks } }: Desk): readonly string[] {
  return [
    run.startedMs === 0 ? "" : renderDate(run.startedMs),
    countOf(tasks.filter(({ outcome }) => outcome !== "group").length, "task"),
    run.jobs === undefined ? "" : run.jobs === 1 ? "one at a time" : `${run.jobs} at a time`,
    ...(run.facts ?? []).map(([name, value]) => `${name} ${value}`),
    run.id === "" ? "" : `run ${run.id}`,
  ].filter(Boolean);
}

type Tile = readonly [name: string, value: string, note: string];

function tilesOf(desk: Desk): readonly Tile[] {
  const { run, tasks, previous } = desk.page;
  const durationMs = run.durationMs ?? (desk.isOver() ? undefined : Date.now() - run.startedMs);
  const workMs = tasks.reduce((sum, task) => sum + spentMs(task), 0);
  const count = (name: string): number => tasks.filter((task) => standingOf(task, desk.isOver()) === name).length;
  const since =
    previous?.durationMs === undefined || run.durationMs === undefined
      ? ""
      : `${renderDifference(run.durationMs - previous.durationMs)} since the last run`;
  const done = tasks.filter(({ state }) => state === "done").length;
  if (isPlanned(run) && desk.isOver())
    return [
      ["To run", count("planned").toLocaleString(), ""],
      ["Up to date", count("fresh").toLocaleString(), ""],
    ];
  return [
    ["Time", durationMs === undefined ? "unknown" : renderDuration(durationMs), since],
    desk.isOver()
      ? ["Ran", count("ran").toLocaleString(), `${count("fresh").toLocaleString()} up to date`]
      : ["Done", `${done} of ${tasks.length}`, `${count("running")} running`],
    ...(workMs === 0 ? [] : workTiles(desk, { workMs, durationMs })), // Of nothing there is no longest and no average.
  ];
}

function workTiles(
  { page: { tasks } }: Desk,
  { workMs, durationMs }: { readonly workMs: number; readonly durationMs: number | undefined },
): readonly Tile[] {
  const chain = findChain(tasks);
  return [
    ["Longest chain", renderDuration(chain.durationMs), countOf(chain.tasks.length, "task")],
    [
      "Work",
      renderDuration(workMs),
      durationMs === undefined || durationMs === 0 ? "" : `${(workMs / durationMs).toFixed(1)} at a time on average`,
    ],
  ];
}

function spentMs({ spans }: PageTask): number {
  return spans.reduce((sum, { startMs, endMs = startMs }) => sum + endMs - startMs, 0);
}

/** All outcomes as one bar, its parts as long as they are many. */
function barOf(desk: Desk): HTMLElement {
  const counts = new Map<Standing, number>();
  for (const task of desk.page.tasks) {
    const standing = standingOf(task, desk.isOver());
    if (standing !== "group") counts.set(standing, (counts.get(standing) ?? 0) + 1);
  }
  const bar = h("div", { class: "proportions", "aria-hidden": "true" });
  for (const name of standings) {
    const count = counts.get(name);
    if (count === undefined) continue;
    const part = h("span", { class: `is-${name}` });
    part.style.flexGrow = String(count);
    bar.append(part);
  }
  return bar;
}

/** What failed, with the end of its output, before anything else. */
export function createFailures(desk: Desk): View {
  const list = h("div", {});
  const element = section("failures", "Failures", list);
  let shown = "";
  return {
    element,
    update() {
      const failed = desk.page.tasks.filter((task) => isBad(standingOf(task, desk.isOver())));
      element.hidden = failed.length === 0;
      const blockedBy = new Map<string, string[]>();
      for (const { task, blockedBy: by } of desk.page.tasks)
        if (by !== undefined) blockedBy.set(by, [...(blockedBy.get(by) ?? []), task]);
      const cards = failed.map((task) => renderCard(task, findBlocked(task.task, blockedBy).length, desk));
      const text = cards.map((card) => card.textContent).join("\n");
      if (text !== shown) put(list, ...cards); // Otherwise what is clicked stays where it is.
      shown = text;
    },
  };
}

function renderCard(task: PageTask, blocked: number, desk: Desk): HTMLElement {
  const more: Child =
    blocked === 0 ? undefined : h("p", { class: "hint" }, `${countOf(blocked, "task")} did not run because of it.`);
  return h(
    "article",
    { class: "card is-failed" },
    h("h3", {}, h("button", { type: "button", class: "link", onclick: () => desk.open(task.task) }, task.task)),
    renderFailure(task),
    more,
  );
}

/** Warnings of the run. */
export function createWarnings(desk: Desk): View {
  const list = h("ul", { class: "plain" });
  const element = section("warnings", "Warnings", list);
  return {
    element,
    update() {
      const { warnings } = desk.page;
      element.hidden = warnings.length === 0;
      put(
        list,
        ...warnings.map(({ text, fix, task }) =>
          h(
            "li",
            {},
            task === undefined ? "" : `${task}: `,
            text,
            fix === undefined ? undefined : h("span", { class: "hint" }, ` ${fix}`),
          ),
        ),
      );
    },
  };
}
