/** Chooses how a run is shown and loads only that. Does not know how any reporter works. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Reporter } from "../event.ts";
import { isBelowMake } from "../makeflags.ts";
import { colourLevel, createPaint } from "../paint.ts";

/** Values of `--output`. */
export const outputs = ["live", "grouped", "prefixed", "stream", "none", "json"] as const;
export type Output = (typeof outputs)[number];
/** A way to show a run. */
export type Mode = Output | "github";

export interface ModeOptions {
  /** `--output`. Absent: whatever fits. */
  readonly output?: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTTY: boolean;
  readonly jobs: number;
  /** Only failures and warnings. Default: false. */
  readonly quiet?: boolean;
  readonly dryRun?: boolean;
}

export interface ReporterOptions extends ModeOptions {
  /** Writes to standard output. */
  readonly write: (text: string) => void;
  /** Asked for only when the run is shown live. */
  readonly streams: () => { readonly stdout: NodeJS.WriteStream; readonly stderr: NodeJS.WriteStream };
  /** Shows the output of every task, live as well. Default: false. */
  readonly verbose?: boolean;
}

/** Decides from `--output`, then GitHub, then the terminal. */
export function findMode(options: ModeOptions): Mode {
  const { output, env, isTTY, jobs, quiet = false, dryRun = false } = options;
  const isLivable = isTTY && env["TERM"] !== "dumb" && !quiet && !dryRun;
  const plain = jobs > 1 ? "grouped" : "stream";
  if (output === "live") return isLivable ? "live" : plain;
  if (output !== undefined) return output;
  if (env["GITHUB_ACTIONS"] === "true" && !dryRun) return "github";
  // Below make the terminal belongs to make, and others may write to it.
  return isLivable && !isBelowMake(env) ? "live" : plain;
}

export async function createReporter(options: ReporterOptions): Promise<Reporter> {
  const { write, env, quiet = false } = options;
  const mode = findMode(options);
  const paint = await createPaint(mode === "json" ? 0 : colourLevel(env, options.isTTY));
  switch (mode) {
    case "json":
      return (await import("./json.ts")).createJsonReporter({ write });
    case "github":
      return (await import("./github.ts")).createGithubReporter({ write, quiet, paint, ...findGithubPlaces(env) });
    case "live":
      return (await import("./live.ts")).createLiveReporter({
        write,
        paint,
        ...options.streams(),
        ...(options.verbose === true ? { show: "all" } : {}),
      });
    case "grouped":
    case "prefixed":
    case "stream":
    case "none":
      return (await import("./plain.ts")).createPlainReporter({
        write,
        mode,
        quiet,
        paint,
        idle: isBelowMake(env) ? "silent" : "said",
      });
  }
}

function findGithubPlaces(env: ReporterOptions["env"]): {
  readonly workspace?: string;
  readonly saveSummary?: (markdown: string) => void;
} {
  const { GITHUB_WORKSPACE: workspace, GITHUB_STEP_SUMMARY: summary } = env;
  return {
    ...(workspace === undefined || workspace === "" ? {} : { workspace }),
    ...(summary === undefined || summary === ""
      ? {}
      : { saveSummary: (markdown) => fs.appendFileSync(path.resolve(summary), markdown) }),
  };
}
