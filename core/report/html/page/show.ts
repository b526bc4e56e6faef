/** Puts the page together and keeps its parts up to date. Does not know where the data comes from. */
import { findChain } from "../chain.ts";
import type { Page, PageTask } from "../model.ts";
import { createComparison } from "./compare.ts";
import { createDetail } from "./detail.ts";
import { h } from "./dom.ts";
import { createGraph } from "./graph.ts";
import { createImages } from "./images.ts";
import { createFailures, createSummary, createWarnings } from "./summary.ts";
import { createTasks } from "./tasks.ts";
import { createTimeline } from "./timeline.ts";
import type { Desk, View } from "./view.ts";

export interface Shown {
  /** Shows what has changed of these tasks, and of the run. */
  readonly update: (changed: Iterable<string>) => void;
}

/** Fills the body. `isOver` says whether anything more will happen. */
export function showPage(page: Page, isOver: () => boolean): Shown {
  const tasks = new Map(page.tasks.map((task): [string, PageTask] => [task.task, task]));
  let chain: ReadonlySet<string> = new Set();
  const desk: Desk = { page, tasks, isOver, chain: () => chain, open: (task) => detail.open(task) };
  const detail = createDetail(desk);
  const summary = createSummary(desk);
  const graph = page.layout === undefined || page.tasks.length === 0 ? [] : [createGraph(desk, page.layout)];
  const parts: readonly View[] = [
    createFailures(desk),
    createWarnings(desk),
    ...graph,
    createTimeline(desk),
    createTasks(desk),
    createImages(desk),
    createComparison(desk),
  ];
  const update = (changed: Iterable<string>): void => {
    const ids = new Set(changed);
    chain = new Set(findChain(page.tasks).tasks);
    for (const view of [summary, ...parts]) view.update(ids);
    detail.update(ids);
    for (const [at, link] of links.entries()) link.hidden = parts[at]!.element.hidden;
  };
  const links = parts.map(({ element }) =>
    h("a", { href: `#${element.id}` }, element.querySelector("h2")?.textContent ?? element.id),
  );
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#main" }, "Skip to the report"),
    summary.element,
    h("nav", { "aria-label": "Parts of the report" }, ...links),
    h("main", { id: "main", tabindex: "-1" }, ...parts.map(({ element }) => element)),
    detail.element,
  );
  update(tasks.keys());
  const openNamed = (): void => {
    const [, named] = /^#task=(.*)$/.exec(location.hash) ?? [];
    if (named !== undefined) detail.open(decodeURIComponent(named));
  };
  window.onhashchange = openNamed; // One page at a time.
  openNamed();
  return { update };
}
