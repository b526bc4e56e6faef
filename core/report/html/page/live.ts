/** The script of a page that shows a run while it goes on: a whole first, then events as they come. */
import type { Event } from "../../../event.ts";
import { createFollower } from "../follow.ts";
import { layOut } from "../layout.ts";
import type { Page } from "../model.ts";
import { showPage, type Shown } from "./show.ts";

/** Changes are shown together. Milliseconds. */
const paceMs = 250;
/** After so many connections that failed nobody is waited for. */
const allowedMisses = 3;

let page: Page | undefined;
let shown: Shown | undefined;
let follow: ((event: Event) => readonly string[]) | undefined;
let isOver = false;
let misses = 0;
const changed = new Set<string>();

const source = new EventSource("events");

source.addEventListener("page", (message: MessageEvent<string>) => {
  page = JSON.parse(message.data) as Page; // From the bt that served this script.
  follow = createFollower(page, { output: "kept" }).event;
  misses = 0;
  show();
});

source.addEventListener("events", (message: MessageEvent<string>) => {
  for (const event of JSON.parse(message.data) as readonly Event[]) {
    for (const task of follow?.(event) ?? []) changed.add(task);
    if (event.kind === "graph-ready") show();
    if (event.kind === "run-finished") end();
  }
});

/** A bt that was killed says nothing: the page stays as it was. */
source.addEventListener("error", () => {
  misses++;
  if (misses < allowedMisses && source.readyState !== EventSource.CLOSED) return;
  source.close();
  end();
});

/** What was not followed and only the disk knows: keys, values, images. What is open stays open. */
source.addEventListener("end", (message: MessageEvent<string>) => {
  source.close();
  const whole = JSON.parse(message.data) as Page; // From the bt that served this script.
  if (page === undefined) {
    page = whole;
    show();
  }
  const known = new Map(page.tasks.map((task) => [task.task, task]));
  for (const task of whole.tasks) Object.assign(known.get(task.task) ?? {}, task);
  Object.assign(page.run, whole.run);
  end();
});

setInterval(() => {
  if (isOver) return;
  shown?.update(changed);
  changed.clear();
}, paceMs);

function show(): void {
  if (page === undefined) return;
  const layout = layOut(page.tasks);
  if (layout !== undefined) page.layout = layout;
  shown = showPage(page, () => isOver);
}

function end(): void {
  isOver = true;
  shown?.update(page?.tasks.map(({ task }) => task) ?? []);
}
