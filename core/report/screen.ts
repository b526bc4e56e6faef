/** Turns one frame into the next: which bytes a terminal needs. Pure; does not know what the lines say. */
import { measure } from "./width.ts";

const csi = "\u001B[";
/** Terminals that know it show all until the end at once; the others ignore it. */
const synchronized = [`${csi}?2026h`, `${csi}?2026l`] as const;
/** A line that is too wide after all is cut instead of taking two. */
const unwrapped = [`${csi}?7l`, `${csi}?7h`] as const;
const eraseRest = `${csi}J`;
/** From the line below: terminals keep what is erased from the very first line, as if it had scrolled away. */
const eraseAll = `${csi}K\n${csi}J${csi}A`;

/** Lines on the screen, the cursor in the line below them. */
export interface Frame {
  readonly lines: readonly string[];
  /** Of the terminal when it was drawn. */
  readonly columns: number;
}

export const emptyFrame: Frame = { lines: [], columns: 0 };

/** Of the terminal now. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** What to write so that `above` (whole lines) stays for good and `next` stands below it in place of `last`. Empty: nothing changes. */
export function renderFrame(last: Frame, next: Frame, options: ScreenSize & { readonly above?: string }): string {
  const { above = "" } = options;
  if (above === "" && isSame(last, next)) return "";
  const height = countRows(last, options);
  const start = `\r${height === 0 ? "" : `${csi}${height}A`}`;
  // Each line is erased before it is written: tmux keeps what is erased behind a text as a part of the line when the width changes.
  const lines = next.lines.map((line) => `${csi}K${line}\n`).join("");
  const body = above === "" && lines !== "" ? "" : `${height === 0 ? "" : eraseAll}${above}`;
  return `${synchronized[0]}${start}${body}${unwrapped[0]}${lines}${lines === "" ? "" : eraseRest}${unwrapped[1]}${synchronized[1]}`;
}

function isSame(last: Frame, next: Frame): boolean {
  if (last.lines.length === 0 && next.lines.length === 0) return true;
  return (
    last.columns === next.columns &&
    last.lines.length === next.lines.length &&
    last.lines.every((line, index) => line === next.lines[index])
  );
}

/** Rows that the frame takes now: a terminal that became narrower has broken its lines. */
function countRows(frame: Frame, size: ScreenSize): number {
  const rows = frame.lines.reduce(
    (sum, line) => sum + Math.max(1, Math.ceil(measure(line) / Math.max(1, size.columns))),
    0,
  );
  return Math.min(rows, Math.max(0, size.rows - 1));
}
