/** Shows a run in GitHub Actions: folded groups, annotations, a summary of the job. Does not know the environment. */
import * as path from "node:path";
import type { Event, Reporter } from "../event.ts";
import { noPaint, type Paint } from "../paint.ts";
import { createBlock, renderBlock, type Block } from "./block.ts";
import { renderDuration } from "./duration.ts";
import { renderWarning } from "./failure.ts";
import { findOnlyTarget, renderDone, renderOutput, renderStart, type RunningEvent } from "./line.ts";
import {
  createSummary,
  isFailure,
  renderCounts,
  type DoneEvent,
  type Ending,
  type FinishedEvent,
  type Summary,
} from "./summary.ts";

export interface GithubOptions {
  readonly write: (text: string) => void;
  /** Takes the summary of the job, in Markdown. Absent: none is made. */
  readonly saveSummary?: (markdown: string) => void;
  /** GITHUB_WORKSPACE, which annotations are relative to. Absent: the project root. */
  readonly workspace?: string;
  /** Only failures and warnings. Default: false. */
  readonly quiet?: boolean;
  /** Default: no colours. */
  readonly paint?: Paint;
}

/** Rows of the job summary's table; GitHub refuses more than 1 MiB. */
const mostRows = 500;

export function createGithubReporter(options: GithubOptions): Reporter {
  const { write, quiet = false, paint = noPaint } = options;
  const summary = createSummary();
  const blocks = new Map<string, Block>();
  const reasons = new Map<string, readonly string[]>();
  const rows: string[] = [];
  let root = "";
  let dryRun = false;
  let target: string | undefined;

  function add(task: string, text: string): void {
    const block = blocks.get(task) ?? createBlock();
    blocks.set(task, block);
    block.add(text);
    if (task === target && !quiet) write(`${text}\n`);
  }

  function start(event: RunningEvent): void {
    reasons.set(event.task, event.reasons);
    // Nothing runs beside an only target: its lines need not wait for its end.
    if (event.task === target && !quiet) write(`${renderStart(event, paint)}\n`);
  }

  function done(event: DoneEvent): void {
    const { task, log } = event;
    const block = blocks.get(task) ?? createBlock();
    blocks.delete(task);
    summary.add(event, quiet ? [] : block.lines());
    const head = renderDone(event, reasons.get(task) ?? [], paint);
    if (head === undefined) return;
    rows.push(`| ${escapeCell(task)} | ${event.outcome} | ${renderDuration(event.durationMs)} |\n`);
    if (quiet) return;
    if (task === target) return event.outcome === "ran" ? undefined : write(`${head}\n`);
    const body = renderBlock(block, log);
    // What failed stays unfolded: it is what the reader came for.
    write(body === "" || isFailure(event) ? `${head}\n${body}` : `::group::${head}\n${body}::endgroup::\n`);
  }

  function finish(event: FinishedEvent): void {
    write(summary.render(event, { quiet, dryRun, paint }));
    for (const ending of summary.endings())
      write(renderAnnotation(ending, { root, workspace: options.workspace ?? root }));
    if (!dryRun) options.saveSummary?.(renderJob(event, rows, summary));
  }

  return {
    event(event: Event) {
      switch (event.kind) {
        case "run-started":
          ({ root, dryRun } = event);
          target = findOnlyTarget(event.targets);
          return;
        case "task-state":
          if (event.state === "running") start(event);
          else if (event.state === "done") done(event);
          return;
        case "task-output":
          add(event.task, renderOutput(event, paint));
          return event.stream === "warn"
            ? write(`::warning title=${escapeProperty(event.task)}::${escapeData(event.text)}\n`)
            : undefined;
        case "warning":
          write(renderWarning(event, paint));
          return write(
            `::warning::${escapeData(event.fix === undefined ? event.text : `${event.text}\n${event.fix}`)}\n`,
          );
        case "run-finished":
          return finish(event);
        case "graph-ready":
        case "task-step":
          return;
      }
    },
  };
}

/** `::error file=…,line=…,col=…,title=…::…`, or a warning when the failure is allowed. */
function renderAnnotation(ending: Ending, folders: { readonly root: string; readonly workspace: string }): string {
  const { failure, task, allowed } = ending;
  const [, file, line, col] = /^(.+?)(?::(\d+))?(?::(\d+))?$/.exec(failure.at ?? "") ?? [];
  // `plugin "x"` and `task "y"` are places too, but no files.
  const isFile = file !== undefined && !file.includes('"');
  const place = isFile ? { file: path.relative(folders.workspace, path.resolve(folders.root, file)), line, col } : {};
  const properties = Object.entries({ ...place, title: task }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${escapeProperty(value)}`],
  );
  const text = [failure.problem, ...(failure.detail ?? []), ...(failure.fix === undefined ? [] : [failure.fix])].join(
    "\n",
  );
  return `::${allowed ? "warning" : "error"} ${properties.join(",")}::${escapeData(text)}\n`;
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

function renderJob(event: FinishedEvent, rows: readonly string[], summary: Summary): string {
  const counts = renderCounts(event.counts) || "nothing to do";
  const failures = summary.endings().map((ending) => renderEnding(ending, summary.blocked(ending.task)));
  const more = rows.length > mostRows ? `\n… and ${rows.length - mostRows} more tasks\n` : "";
  const table =
    rows.length === 0
      ? ""
      : `\n| task | outcome | time |\n| --- | --- | ---: |\n${rows.slice(0, mostRows).join("")}${more}`;
  return `### bt: ${counts} in ${renderDuration(event.durationMs)}\n${failures.join("")}${table}`;
}

function renderEnding({ failure, task, log, allowed }: Ending, blocked: readonly string[]): string {
  const detail = failure.detail === undefined ? "" : `\n\`\`\`\`text\n${failure.detail.join("\n")}\n\`\`\`\`\n`;
  const facts = [
    failure.at === undefined ? "" : `at \`${failure.at}\``,
    log === undefined ? "" : `log \`${log}\``,
    blocked.length === 0 ? "" : `${blocked.length} blocked`,
    allowed ? "allowed" : "",
  ].filter(Boolean);
  const place = facts.length === 0 ? "" : ` (${facts.join(", ")})`;
  return `\n**${escapeCell(task)}**: ${escapeCell(failure.problem)}${place}\n${detail}${failure.fix === undefined ? "" : `\n${escapeCell(failure.fix)}\n`}`;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("\n", " ");
}
