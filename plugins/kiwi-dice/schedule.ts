/** Many recipes in one run: each as a task of its own, and a table in the end. Does not know how one is built. */
import { relative, resolve } from "node:path";
import { dice } from "./build.ts";
import { findStatus } from "./fingerprint.ts";
import type { Bench } from "./bench.ts";
import { listRecipes } from "./choose.ts";
import { scheduleFailed } from "./errors.ts";
import { listen } from "./log.ts";
import { checkOrder } from "./preflight.ts";
import { settle } from "./settle.ts";
import type { Scheduled, Setup } from "./setup.ts";
import { dicePath, files, loadState } from "./state.ts";

/** `dice-schedule-recipe`: one of them. */
export async function runScheduled(bench: Bench, setup: Setup): Promise<void> {
  const started = Date.now();
  const recipe = String(bench.params["recipe"]);
  let before = "unknown";
  const note = (result: Scheduled["result"], log: string): void =>
    void setup.scheduled.set(recipe, { before, result, durationMs: Date.now() - started, log });
  note("failed", "");
  const order = settle(bench, setup);
  const log = relative(order.root, dicePath(order.folder, files.log));
  try {
    listen(bench, setup);
    await checkOrder(order, bench.env["PATH"] ?? "");
    before = (await findStatus(bench, order, { answers: setup.answers, before: loadState(order.folder) })).status.state;
    await dice(bench, order, setup);
    note(before === "UpToDate" && !order.force ? "up to date" : "built", log);
  } catch (error) {
    note("failed", before === "unknown" ? "" : log); // Nothing was begun: a log is of an earlier build.
    throw error;
  }
}

/** `dice-schedule`: what became of them. @throws BtError KIWI_DICE_SCHEDULE_FAILED */
export async function reportSchedule(bench: Bench, { scheduled }: Setup): Promise<void> {
  const dir = String(bench.params["dir"]);
  const { recipes, others } = await listRecipes(resolve(bench.root, dir), dir);
  for (const name of others) bench.log.info(`skipped ${name}: it holds no description`);
  const ended = recipes.map((name) => {
    const end = scheduled.get(relative(bench.root, resolve(bench.root, dir, name)));
    return { name, end: end ?? { before: "unknown", result: "failed" as const, durationMs: 0, log: "" } };
  });
  const rows = ended.map(({ name, end }) => [
    name,
    end.before,
    end.result,
    `${Math.round(end.durationMs / 1000)} s`,
    end.log,
  ]);
  bench.log.info(renderTable([["recipe", "before", "result", "duration", "log"], ...rows]));
  const failed = ended.filter(({ end }) => end.result === "failed").map(({ name }) => name);
  if (failed.length > 0) throw scheduleFailed(failed, ended.length);
}

function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
