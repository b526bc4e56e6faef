/** Where the page of a run goes: into a file, or to whoever looks while the run goes on. Does not know what the page shows. */
import * as path from "node:path";
import { firstLine } from "../errors.ts";
import { runMissing } from "../errors/past.ts";
import { reportUnwritable } from "../errors/request.ts";
import type { Reporter } from "../event.ts";
import { runId } from "../past.ts";
import { listRuns } from "../runs.ts";
import type { Options } from "./args.ts";
import { writeText } from "./print.ts";
import { saveText } from "./save.ts";

interface Places {
  readonly root: string;
  readonly cwd: string;
}

/** For `--report` and `--ui`. They end before the run is summed up, so that a page that failed can still be said. */
export async function createPageReporters({ report, flags }: Options, { root, cwd }: Places): Promise<Reporter[]> {
  const reporters: Reporter[] = [];
  if (report !== undefined) {
    const { createHtmlReporter } = await import("../report/html/report.ts");
    reporters.push(createHtmlReporter({ root, save: (text) => save(path.resolve(cwd, report), text, report) }));
  }
  if (flags.has("ui")) {
    const { createUiReporter } = await import("../report/ui.ts");
    const announce = (url: string): void => writeText(2, `bt: this run is shown at ${url}\n`);
    reporters.push(await createUiReporter({ root, announce }));
  }
  return reporters;
}

/** The page of a past run. @throws BtError RUN_MISSING, REPORT_UNWRITABLE */
export async function writePastReport(report: string, run = "last", { root, cwd }: Places): Promise<number> {
  const { renderPastRun } = await import("../report/html/report.ts");
  const known = listRuns(root);
  const id = runId(root, run);
  const text = known.includes(id) ? renderPastRun(root, id) : undefined;
  if (text === undefined) throw runMissing(run, known);
  save(path.resolve(cwd, report), text, report);
  return 0;
}

/** `said` is the file as it was named. */
function save(file: string, text: string, said: string): void {
  try {
    saveText(file, text);
  } catch (error) {
    throw reportUnwritable(said, firstLine(error));
  }
}
