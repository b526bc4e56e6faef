/** All tasks as a table to search, filter and sort: what the graph and the timeline say, in words. */
import type { PageTask } from "../model.ts";
import { h, put, section } from "./dom.ts";
import type { Desk, View } from "./view.ts";
import {
  countOf,
  isPlanned,
  look,
  renderDifference,
  renderDuration,
  standingOf,
  standings,
  type Standing,
} from "./words.ts";

interface Column {
  readonly title: string;
  readonly class?: string;
  readonly show: (task: PageTask) => Node | string;
  /** Absent: nobody sorts by it. */
  readonly compare?: (a: PageTask, b: PageTask) => number;
}

export function createTasks(desk: Desk): View {
  const standing = (task: PageTask): Standing => standingOf(task, desk.isOver());
  const before = (task: PageTask): number | undefined => desk.page.previous?.tasks[task.task]?.durationMs;
  const difference = (task: PageTask): number | undefined => {
    const earlier = before(task);
    return earlier === undefined || task.durationMs === undefined ? undefined : task.durationMs - earlier;
  };
  const columns: readonly Column[] = [
    {
      title: "Task",
      show: (task) => h("button", { type: "button", class: "link", onclick: () => desk.open(task.task) }, task.task),
      compare: (a, b) => (a.task < b.task ? -1 : 1),
    },
    {
      title: "Outcome",
      show: (task) => chip(standing(task)),
      compare: (a, b) => standings.indexOf(standing(a)) - standings.indexOf(standing(b)),
    },
    {
      title: "Time",
      class: "number",
      show: (task) => (task.durationMs === undefined || task.durationMs === 0 ? "" : renderDuration(task.durationMs)),
      compare: (a, b) => (b.durationMs ?? 0) - (a.durationMs ?? 0),
    },
    {
      title: "Since last run",
      class: "number",
      show(task) {
        const ms = difference(task);
        return ms === undefined || (ms === 0 && task.durationMs === 0) ? "" : renderDifference(ms);
      },
      compare: (a, b) => (difference(b) ?? 0) - (difference(a) ?? 0),
    },
    { title: "Why", class: "why", show: (task) => h("div", {}, whyOf(task, desk)) },
    { title: "Needs", class: "needs", show: (task) => h("div", {}, task.needs.join(", ")) },
  ];
  const hasTimes = !isPlanned(desk.page.run);
  const hasPrevious = hasTimes && desk.page.previous !== undefined;
  const shownColumns = columns.filter(
    ({ title }) => (title !== "Time" || hasTimes) && (title !== "Since last run" || hasPrevious),
  );
  const body = h("tbody");
  const rows = new Map<string, HTMLTableRowElement>();
  const found = h("output", { class: "count", "aria-live": "polite" });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Outcomes that are shown" });
  const wanted = new Set<Standing>();
  let words = "";
  let sorted: { readonly column: Column; readonly isReversed: boolean } | undefined;

  const filter = (): void => {
    let count = 0;
    for (const task of desk.page.tasks) {
      const row = rows.get(task.task);
      if (row === undefined) continue;
      const isNamed = `${task.task} ${task.description ?? ""} ${whyOf(task, desk)}`.toLowerCase().includes(words);
      row.hidden = !isNamed || (wanted.size > 0 && !wanted.has(standing(task)));
      if (!row.hidden) count++;
    }
    found.value = count === rows.size ? countOf(count, "task") : `${count} of ${countOf(rows.size, "task")}`;
  };

  const sort = (column: Column): void => {
    const { compare } = column;
    if (compare === undefined) return;
    sorted = { column, isReversed: sorted?.column === column && !sorted.isReversed };
    const way = sorted.isReversed ? -1 : 1;
    const order = [...desk.page.tasks].sort((a, b) => compare(a, b) * way);
    put(body, ...order.map(({ task }) => rows.get(task)));
    for (const [at, head] of heads.entries()) {
      const isOwn = shownColumns[at] === column;
      if (isOwn) head.setAttribute("aria-sort", sorted.isReversed ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  };

  const heads = shownColumns.map((column) =>
    h(
      "th",
      { scope: "col", class: column.class },
      column.compare === undefined
        ? column.title
        : h("button", { type: "button", class: "sort", onclick: () => sort(column) }, column.title),
    ),
  );

  const showRow = (task: PageTask): void => {
    const cells = shownColumns.map(({ show, class: name }, at) =>
      at === 0 ? h("th", { scope: "row" }, show(task)) : h("td", { class: name }, show(task)),
    );
    const row = rows.get(task.task) ?? h("tr");
    const isFocused = row.contains(document.activeElement);
    put(row, ...cells);
    if (isFocused) row.querySelector("button")?.focus();
    rows.set(task.task, row);
  };

  const showChips = (): void => {
    const counts = new Map<Standing, number>();
    for (const task of desk.page.tasks) counts.set(standing(task), (counts.get(standing(task)) ?? 0) + 1);
    const focused = (document.activeElement as HTMLElement | null)?.dataset["standing"];
    const buttons = standings
      .filter((name) => counts.has(name) || wanted.has(name))
      .map((name) =>
        h(
          "button",
          {
            type: "button",
            class: `chip is-${name}`,
            "aria-pressed": wanted.has(name) ? "true" : "false",
            "data-standing": name,
            onclick: () => {
              if (!wanted.delete(name)) wanted.add(name);
              showChips();
              filter();
            },
          },
          `${look(name).mark} ${look(name).text} ${counts.get(name) ?? 0}`,
        ),
      );
    put(chips, ...buttons);
    buttons.find((button) => button.dataset["standing"] === focused)?.focus();
  };

  const input = h("input", {
    type: "search",
    placeholder: "Filter by name or reason",
    "aria-label": "Filter the tasks",
    oninput: () => {
      words = input.value.trim().toLowerCase();
      filter();
    },
  });
  const table = h(
    "table",
    {},
    h("caption", { class: "hidden" }, "Tasks of this run, with what each needs"),
    h("thead", {}, h("tr", {}, ...heads)),
    body,
  );
  // What failed first, then what took long.
  const rank = (task: PageTask): number => standings.indexOf(standing(task));
  const order = [...desk.page.tasks].sort((a, b) => rank(a) - rank(b) || (b.durationMs ?? 0) - (a.durationMs ?? 0));
  for (const task of order) {
    showRow(task);
    body.append(rows.get(task.task)!);
  }
  return {
    element: section(
      "tasks",
      "Tasks",
      h("div", { class: "tools" }, input, chips, found),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "tasks-title" }, table),
    ),
    update(changed) {
      for (const id of changed) {
        const task = desk.tasks.get(id);
        if (task !== undefined) showRow(task);
      }
      showChips();
      filter();
    },
  };
}

/** An outcome with its mark and colour. */
export function chip(standing: Standing): HTMLElement {
  const { text, mark } = look(standing);
  return h("span", { class: `chip is-${standing}` }, h("span", { "aria-hidden": "true" }, `${mark} `), text);
}

/** The first reason, or what else explains the outcome. */
function whyOf({ reasons, failure, blockedBy }: PageTask, { tasks }: Desk): string {
  if (failure !== undefined) return failure.problem;
  if (blockedBy !== undefined)
    return `"${blockedBy}" ${tasks.get(blockedBy)?.outcome === "blocked" ? "did not run" : "failed"}`;
  const [first = "", ...more] = reasons;
  return more.length === 0 ? first : `${first} and ${countOf(more.length, "other reason")}`;
}
