/** What every part of the page can be asked, and what it can ask for. Only the words. */
import type { Page, PageTask } from "../model.ts";

/** What the parts share. */
export interface Desk {
  readonly page: Page;
  readonly tasks: ReadonlyMap<string, PageTask>;
  /** Nothing more will happen. */
  readonly isOver: () => boolean;
  /** Ids of the longest chain. */
  readonly chain: () => ReadonlySet<string>;
  /** Shows all about one task. */
  readonly open: (task: string) => void;
}

/** A part of the page. */
export interface View {
  readonly element: HTMLElement;
  /** Shows what has changed of these tasks, and of the run. */
  readonly update: (changed: ReadonlySet<string>) => void;
}
