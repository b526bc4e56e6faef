/** Writes the page of a run: of the one that is going on when it ends, or of a past one. Does not know what the page shows. */
import type { Reporter } from "../../event.ts";
import { createFollower, createPage } from "./follow.ts";
import { completePage, loadPage } from "./gather.ts";
import { layOut } from "./layout.ts";
import type { Page, PageTask } from "./model.ts";
import { renderPage } from "./template.ts";

export interface HtmlOptions {
  readonly root: string;
  /** Takes the whole page once, at the end. */
  readonly save: (text: string) => void;
}

/** Follows a run; the record of the run has ended before it. */
export function createHtmlReporter({ root, save }: HtmlOptions): Reporter {
  const { page, event } = createFollower(createPage());
  return {
    event,
    end() {
      completePage(page, root);
      save(draw(page));
    },
  };
}

/** The page of a past run. Undefined: there is no record of it. */
export function renderPastRun(root: string, id: string): string | undefined {
  const page = loadPage(root, id);
  return page === undefined ? undefined : draw(page);
}

/** The page of what would run, before anything has. */
export function renderPlan(targets: readonly string[], tasks: readonly PageTask[]): string {
  return draw({ run: { id: "", targets, startedMs: 0, isPlan: true }, tasks: [...tasks], warnings: [] });
}

/** The graph is laid out here, so that whoever opens the page does not wait for it. */
function draw(page: Page): string {
  const layout = layOut(page.tasks);
  return renderPage(layout === undefined ? page : { ...page, layout });
}
