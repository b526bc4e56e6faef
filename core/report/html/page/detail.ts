/** All that is known of one task, in a panel that Escape closes. */
import type { Image, Leaf, PageTask } from "../model.ts";
import { h, put, type Child } from "./dom.ts";
import { createLog, renderExcerpt } from "./log.ts";
import { renderImages } from "./images.ts";
import { chip } from "./tasks.ts";
import type { Desk } from "./view.ts";
import { isPlanned, renderDifference, renderDuration, standingOf } from "./words.ts";

export interface Detail {
  readonly element: HTMLElement;
  readonly open: (task: string) => void;
  /** Shows what has changed, if the task that is shown is among these. */
  readonly update: (changed: ReadonlySet<string>) => void;
}

export function createDetail(desk: Desk): Detail {
  const title = h("h2", { id: "detail-title", tabindex: "-1" });
  const facts = h("div", { class: "facts" });
  const logTitle = h("h3", {}, "Log");
  const logNote = h("p", { class: "hint" });
  let log = createLog();
  const logPlace = h("div", { class: "log-place" }, log.element);
  const dialog: HTMLDialogElement = h(
    "dialog",
    {
      class: "detail",
      "aria-labelledby": "detail-title",
      onclose: () => history.replaceState(undefined, "", location.pathname + location.search),
      // A click beside the panel.
      onclick: (event) => event.target === dialog && dialog.close(),
    },
    h(
      "div",
      { class: "panel" },
      h(
        "header",
        {},
        title,
        h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() }, "✕"),
      ),
      facts,
      logTitle,
      logNote,
      logPlace,
    ),
  );
  let shown: string | undefined;
  let said = "";

  const show = (task: PageTask): void => {
    // What somebody has opened or selected stays, as long as nothing but the log grows.
    const now = JSON.stringify({ ...task, log: "", logCut: 0 });
    if (now !== said) {
      put(title, task.task);
      put(facts, ...renderFacts(task, desk, open));
    }
    said = now;
    logNote.textContent = noteOf(task);
    logPlace.hidden = task.log === undefined || task.log === "";
    if (task.log !== undefined) log.show(task.log);
  };

  const open = (id: string): void => {
    const task = desk.tasks.get(id);
    if (task === undefined) return;
    shown = id;
    said = "";
    log = createLog();
    put(logPlace, log.element);
    show(task);
    if (!dialog.open) dialog.showModal();
    history.replaceState(undefined, "", `#task=${encodeURIComponent(id)}`);
    title.focus();
    dialog.querySelector(".panel")?.scrollTo(0, 0);
  };

  return {
    element: dialog,
    open,
    update(changed) {
      const task = shown === undefined || !changed.has(shown) ? undefined : desk.tasks.get(shown);
      if (task !== undefined && dialog.open) show(task);
    },
  };
}

function noteOf({ log, logCut, logFile, state }: PageTask): string {
  if (log === undefined || log === "") return state === "done" ? "It printed nothing." : "It has printed nothing yet.";
  if (logCut === undefined) return "";
  return `${logCut.toLocaleString()} characters are left out${logFile === undefined ? "" : `; all is in ${logFile}`}.`;
}

function renderFacts(task: PageTask, desk: Desk, open: (task: string) => void): readonly Child[] {
  const { description, failure, reasons, commands, needs, key, leaves = [], outputs = [], value, images } = task;
  const dependents = desk.page.tasks.filter((other) => other.needs.includes(task.task)).map((other) => other.task);
  const links = (ids: readonly string[]): Node =>
    h(
      "span",
      { class: "links" },
      ...ids.map((id) =>
        desk.tasks.has(id)
          ? h("button", { type: "button", class: "link", onclick: () => open(id) }, id)
          : h("span", {}, id),
      ),
    );
  const rows: (readonly [string, Node | string])[] = [...timesOf(task, desk)];
  if (needs.length > 0) rows.push(["Needs", links(needs)]);
  if (dependents.length > 0) rows.push(["Needed by", links(dependents)]);
  if (task.blockedBy !== undefined) rows.push(["Blocked by", links([task.blockedBy])]);
  if (key !== undefined) rows.push(["Key", h("code", { class: "key" }, key)]);
  if (task.logFile !== undefined) rows.push(["Log file", h("code", {}, task.logFile)]);
  return [
    description === undefined ? undefined : h("p", { class: "description" }, description),
    h("p", {}, chip(standingOf(task, desk.isOver())), ...extrasOf(task, desk)),
    failure === undefined ? undefined : renderFailure(task),
    h("dl", {}, ...rows.flatMap(([name, content]) => [h("dt", {}, name), h("dd", {}, content)])),
    ...listOf(isPlanned(desk.page.run) ? "Why it would run" : "Why it ran", reasons, (text) => text),
    ...listOf("Commands", commands, (text) => h("code", { class: "command" }, text)),
    ...(images === undefined
      ? []
      : [h("h3", {}, "Images"), renderImages(images.map((image): [string, Image] => [task.task, image]))]),
    value === undefined ? undefined : h("details", {}, h("summary", {}, "What it returned"), h("pre", {}, value)),
    renderLeaves("What the key is made of", leaves),
    renderLeaves("What it wrote", outputs),
  ];
}

function renderLeaves(title: string, leaves: readonly Leaf[]): Child {
  if (leaves.length === 0) return undefined;
  const rows = leaves.map(({ name, value }) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)));
  return h(
    "details",
    {},
    h("summary", {}, `${title} (${leaves.length})`),
    h("table", { class: "leaves" }, h("tbody", {}, ...rows)),
  );
}

/** What went wrong, with the way out. */
export function renderFailure({ failure, allowed }: PageTask): HTMLElement {
  return h(
    "div",
    { class: "failure" },
    h("p", { class: "problem" }, failure?.problem ?? ""),
    failure?.at === undefined ? undefined : h("p", { class: "place" }, `at ${failure.at}`),
    failure?.detail === undefined || failure.detail.length === 0 ? undefined : renderExcerpt(failure.detail.join("\n")),
    failure?.stack === undefined ? undefined : h("pre", {}, failure.stack),
    failure?.fix === undefined ? undefined : h("p", { class: "fix" }, h("strong", {}, "Fix "), failure.fix),
    allowed === true ? h("p", {}, "This failure is allowed: nothing else fails.") : undefined,
  );
}

function timesOf(task: PageTask, { page }: Desk): readonly (readonly [string, string])[] {
  const { spans, durationMs, expectedMs } = task;
  const rows: [string, string][] = [];
  if (durationMs !== undefined && spans.length > 0) {
    const before = page.previous?.tasks[task.task]?.durationMs;
    rows.push([
      "Time",
      `${renderDuration(durationMs)}${before === undefined || before === 0 ? "" : `, ${renderDifference(durationMs - before)} since the last run`}`,
    ]);
  } else if (expectedMs !== undefined && task.state !== "done") rows.push(["Expected", renderDuration(expectedMs)]);
  const [first] = spans;
  if (first !== undefined)
    rows.push(["Started", `${renderDuration(first.startMs)} after the run began, in slot ${first.slot}`]);
  if (spans.length > 1)
    rows.push([
      "Attempts",
      spans.map(({ startMs, endMs }) => (endMs === undefined ? "running" : renderDuration(endMs - startMs))).join(", "),
    ]);
  return rows;
}

function extrasOf(task: PageTask, desk: Desk): readonly string[] {
  const extras = [];
  if (task.flaky === true) extras.push(" It succeeded only after a failed try.");
  if (desk.chain().has(task.task)) extras.push(" On the longest chain.");
  return extras;
}

function listOf<T>(title: string, items: readonly T[], show: (item: T) => Child): readonly Child[] {
  if (items.length === 0) return [];
  return [h("h3", {}, title), h("ul", { class: "plain" }, ...items.map((item) => h("li", {}, show(item))))];
}
