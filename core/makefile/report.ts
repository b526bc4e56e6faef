/** The report of an import as text. Pure. */
import type { Paint } from "../paint.ts";
import type { Comparison, Verdict } from "./compare.ts";
import type { Finding } from "./lint.ts";

export interface ImportReport {
  readonly makefile: string;
  readonly targets: readonly Comparison[];
  readonly findings: readonly Finding[];
  /** What make complained of while it read. */
  readonly complaint?: string;
  /** Targets whose accepted differences are gone. */
  readonly settled?: readonly string[];
}

const verdicts: readonly Verdict[] = ["exact", "equivalent", "kept", "manual", "not compared"];

/** Every target with its commands, then what is dangerous, then the counts; ends in a newline. */
export function renderReport(
  { makefile, targets, findings, complaint, settled = [] }: ImportReport,
  paint: Paint,
): string {
  const counts = verdicts.flatMap((verdict) => {
    const count = targets.filter((one) => one.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${verdict}`];
  });
  return [
    ...targets.map((one) => renderTarget(one, paint)),
    findings.length === 0 ? "" : `${paint.strong("Findings")}\n`,
    ...findings.map(({ file, line, target, text }) => `  ${file}:${line}  ${target}: ${text}\n`),
    complaint === undefined ? "" : `${paint.warn("bt:")} Warning: make did not read all of it: ${complaint}\n`,
    settled.length === 0 ? "" : `${paint.good("bt:")} Accepted, and no different any more: ${settled.join(", ")}\n`,
    `${paint.good("bt:")} ${targets.length} target${targets.length === 1 ? "" : "s"} of ${makefile}: ${counts.join(", ")}; builderfile.ts is written\n`,
  ].join("");
}

function renderTarget({ target, verdict, why, both, onlyMake, onlyBt }: Comparison, paint: Paint): string {
  const lines = (label: string, commands: readonly string[]): string =>
    commands.map((command) => `  ${paint.dim(label.padEnd(4))}  ${command.replaceAll("\n", "\n        ")}\n`).join("");
  const head = `${paint.strong(target)}  ${verdict}${why === undefined ? "" : ` (${why})`}\n`;
  return head + lines(verdict === "kept" ? "bt" : "both", both) + lines("make", onlyMake) + lines("bt", onlyBt);
}
