/** Errors and failures in the house form: problem, place, details, way out. Pure text; does not know where it is shown. */
import { isBtError, type BtError, type Place } from "../errors.ts";
import type { Failure } from "../event.ts";
import { marks, noPaint, type Paint } from "../paint.ts";

/** What a run knows of a failure besides what the error said. */
export interface FailureFacts {
  /** Shown when the problem does not name it. */
  readonly task?: string;
  /** Relative to the root. */
  readonly log?: string;
  /** Tasks that did not run because of it. */
  readonly blocked?: readonly string[];
  /** It failed nothing else. */
  readonly allowed?: boolean;
}

/** Whatever was thrown, ending in a newline. Several BtErrors in one AggregateError come one after the other. */
export function renderError(error: unknown, paint: Paint = noPaint): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map((one) => renderError(one, paint)).join("");
  if (isBtError(error)) return renderBtError(error, paint);
  const stack = error instanceof Error ? error.stack : undefined;
  return renderBug(error instanceof Error ? error.message : String(error), stack, {}, paint);
}

/** A failed task, ending in a newline. */
export function renderFailure(failure: Failure, facts: FailureFacts = {}, paint: Paint = noPaint): string {
  if (failure.code === "BUG") return renderBug(failure.problem, failure.stack, facts, paint);
  const { problem, at, detail = [], fix } = failure;
  return renderParts(
    { problem, detail, ...(at === undefined ? {} : { at }), ...(fix === undefined ? {} : { fix }) },
    facts,
    paint,
  );
}

/** A warning, ending in a newline. */
export function renderWarning(
  warning: { readonly text: string; readonly fix?: string; readonly task?: string },
  paint: Paint = noPaint,
): string {
  const { text, task, fix } = warning;
  const named = task === undefined || text.includes(`"${task}"`) ? text : `${task}: ${text}`;
  return `${paint.warn("bt:")} Warning: ${hang(named, 4)}\n${fix === undefined ? "" : labelled("fix", fix, paint)}`;
}

/** Names in a sentence: `"a", "b" and 3 more`. */
export function renderNames(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).map((name) => `"${name}"`);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${rest} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

interface Parts {
  readonly problem: string;
  readonly at?: string;
  readonly source?: readonly string[];
  readonly detail: readonly string[];
  readonly fix?: string;
}

function renderBtError(error: BtError, paint: Paint): string {
  const { message: problem, at, detail, fix } = error;
  const place = at === undefined ? {} : { at: renderPlace(at), source: renderSource(at) };
  return renderParts({ problem, detail, fix, ...place }, {}, paint);
}

function renderBug(problem: string, stack: string | undefined, facts: FailureFacts, paint: Paint): string {
  const frames = (stack ?? "").split("\n").filter((line) => /^\s*at /.test(line));
  const fix = "Report it with all these lines; the exit code of a bug is 70.";
  return renderParts(
    { problem: `This is a bug in bt or in a plugin: ${problem}`, detail: frames.map((frame) => frame.trim()), fix },
    facts,
    paint,
  );
}

function renderParts(parts: Parts, facts: FailureFacts, paint: Paint): string {
  const { task, log, blocked = [], allowed } = facts;
  const isNamed = task === undefined || `${parts.problem} ${parts.at ?? ""}`.includes(`"${task}"`);
  const lines = [`${paint.bad("bt:")} ${paint.strong(hang(parts.problem, 4))}\n`];
  if (!isNamed) lines.push(labelled("task", task, paint));
  if (parts.at !== undefined) lines.push(labelled("at", parts.at, paint));
  for (const line of [...(parts.source ?? []), ...parts.detail.flatMap((text) => text.split("\n"))])
    lines.push(`       ${line}`.trimEnd(), "\n");
  if (log !== undefined) lines.push(labelled("log", log, paint));
  if (allowed === true) lines.push(labelled("so", "nothing else fails: this failure is allowed", paint));
  if (blocked.length > 0) lines.push(labelled("so", `${renderNames(blocked)} did not run`, paint));
  if (parts.fix !== undefined) lines.push(labelled("fix", parts.fix, paint));
  return lines.join("");
}

function labelled(label: string, text: string, paint: Paint): string {
  return `  ${paint.dim(label.padEnd(4))} ${hang(text, 7)}\n`;
}

/** Lines after the first are indented. */
function hang(text: string, indent: number): string {
  return text.split("\n").join(`\n${" ".repeat(indent)}`);
}

function renderPlace(place: Place): string {
  return [place.where, place.line, place.line === undefined ? undefined : place.column]
    .filter((part) => part !== undefined)
    .join(":");
}

/** The line itself and a caret below the column; long lines are cut around it. */
function renderSource(place: Place): readonly string[] {
  if (place.source === undefined) return [];
  const text = place.source.replaceAll("\t", " ");
  const caret = place.column === undefined ? undefined : Math.min(place.column - 1, text.length);
  const start = Math.max(text.length - text.trimStart().length, (caret ?? 0) - 60);
  const end = start + 100;
  const line = `${text.slice(start, end).trimEnd()}${text.length > end ? marks.more : ""}`;
  return caret === undefined || caret < start ? [line] : [line, `${" ".repeat(caret - start)}^`];
}
