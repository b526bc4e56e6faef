/** The lines of the live view: what runs, what failed, how far it is. Pure; does not know how lines reach the terminal. */
import type { Outcome } from "../event.ts";
import { marks, type Paint } from "../paint.ts";
import { renderClock } from "./duration.ts";
import type { Running, Snapshot } from "./progress.ts";
import { fit, flatten, measure } from "./width.ts";

export interface WindowOptions {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  /** Turns while something runs; one column. */
  readonly spinner: string;
  readonly paint: Paint;
}

/** Cells of one matrix beyond this share a line. */
const mostCells = 3;
/** Higher windows would hide what was printed above. */
const mostRows = 24;

/** Never higher than the terminal, no line wider. */
export function renderWindow(snapshot: Snapshot, options: WindowOptions): readonly string[] {
  const columns = options.columns - 1;
  // One row is the cursor's.
  const space = Math.max(1, Math.min(options.rows - 1, mostRows)) - 1;
  const rows = fold(snapshot.running);
  // Failures have been printed above as well: they get a line only when one is left.
  const failed = rows.length < space ? renderFailed(snapshot, columns, options.paint) : [];
  const running = renderRunning(rows, space - failed.length, { ...options, columns });
  return [...failed, ...running, renderCounters(snapshot, { ...options, columns })];
}

/** One line: a task, or the cells of a matrix. */
interface Row {
  readonly name: string;
  readonly note: string;
  readonly sinceMs: number;
}

function fold(running: readonly Running[]): readonly Row[] {
  const cells = groupCells(running);
  const rows: Row[] = [];
  for (const one of running) {
    const group = one.group === undefined ? [one] : (cells.get(one.group) ?? [one]);
    if (group.length <= mostCells) rows.push(renderRow(one));
    else if (group[0] === one)
      rows.push({
        name: `${one.group} ×${group.length}`,
        note: group.map(({ task }) => renderCell(task, one.group)).join(" "),
        sinceMs: one.sinceMs,
      });
  }
  return rows;
}

function groupCells(running: readonly Running[]): ReadonlyMap<string, readonly Running[]> {
  const cells = new Map<string, Running[]>();
  for (const one of running) {
    if (one.group === undefined) continue;
    const others = cells.get(one.group);
    if (others === undefined) cells.set(one.group, [one]);
    else others.push(one);
  }
  return cells;
}

function renderRow(one: Running): Row {
  return {
    name: one.attempt > 1 ? `${one.task} (try ${one.attempt})` : one.task,
    note: flatten(one.note).trimStart(),
    sinceMs: one.sinceMs,
  };
}

function renderCell(task: string, group = ""): string {
  return task.startsWith(`${group}:`) ? task.slice(group.length + 1) : task;
}

function renderRunning(rows: readonly Row[], space: number, options: WindowOptions): readonly string[] {
  const { columns, nowMs, spinner, paint } = options;
  const shown = rows.length <= space ? rows : rows.slice(0, Math.max(0, space - 1));
  const widest = Math.min(Math.max(0, ...shown.map(({ name }) => measure(name))), Math.floor(columns * 0.4));
  const clocks = shown.map(({ sinceMs }) => renderClock(nowMs - sinceMs));
  const clockWidth = Math.max(0, ...clocks.map((clock) => clock.length));
  const lines = shown.map(({ name, note }, index) => {
    const title = fit(name, widest);
    const start = `${title}${" ".repeat(widest - measure(title))}  ${(clocks[index] ?? "").padStart(clockWidth)}`;
    const rest = fit(note, columns - 4 - measure(start));
    return `${paint.warn(spinner)} ${fit(start, columns - 2)}${rest === "" ? "" : `  ${paint.dim(rest)}`}`;
  });
  const hidden = rows.length - shown.length;
  return hidden === 0 || space === 0 ? lines : [...lines, paint.dim(fit(`  and ${hidden} more`, columns))];
}

/** The last one first: it is the least likely to be cut off. */
function renderFailed({ failed }: Snapshot, columns: number, paint: Paint): readonly string[] {
  if (failed.length === 0) return [];
  return [
    `${paint.bad(marks.failed)} ${fit(`failed: ${failed.toReversed().slice(0, columns).join(", ")}`, columns - 2)}`,
  ];
}

const told: readonly (readonly [outcome: Outcome, word: string])[] = [
  ["fresh", "up to date"],
  ["restored", "restored"],
  ["failed", "failed"],
  ["timed-out", "timed out"],
  ["blocked", "blocked"],
];

function renderCounters(snapshot: Snapshot, options: WindowOptions): string {
  const { columns, nowMs, paint } = options;
  const { done, total, running, counts, startMs, leftMs } = snapshot;
  const parts = [
    `${done}/${total}`,
    `${running.length} running`,
    ...told.flatMap(([outcome, word]) => (counts.has(outcome) ? [`${counts.get(outcome)} ${word}`] : [])),
    ...(startMs === undefined ? [] : [renderClock(nowMs - startMs)]),
    ...(leftMs === undefined ? [] : [`about ${renderClock(leftMs)} left`]),
  ];
  const bar = columns < 60 ? "" : `${renderBar(total === 0 ? 0 : done / total, paint)} `;
  return `${bar}${fit(parts.join(" · "), columns - measure(bar))}`;
}

function renderBar(share: number, paint: Paint): string {
  const width = 20;
  const filled = Math.max(0, Math.min(width, Math.floor(share * width)));
  return `${paint.good(marks.filled.repeat(filled))}${paint.dim(marks.empty.repeat(width - filled))}`;
}
