/** HEALTHCHECK: its flags, its command, and the numbers that image configs hold. Pure; does not run checks. */
import type { Place } from "../../core/index.ts";
import { instructionMalformed } from "./dockerfile-errors.ts";
import { parseJsonList, type Pair } from "./word.ts";

/** As image configs hold it. Times are nanoseconds. */
export interface Healthcheck {
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", line]`. */
  readonly Test: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

const fields: Readonly<Record<string, "Interval" | "Timeout" | "StartPeriod" | "StartInterval">> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
};

const unitNanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * What stands after HEALTHCHECK.
 * @throws BtError IMAGES_INSTRUCTION_MALFORMED
 */
export function parseHealthcheck(
  at: Place,
  written: { readonly flags: readonly Pair[]; readonly text: string },
): Healthcheck {
  const [, kind = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(written.text) ?? [];
  if (kind.toUpperCase() === "NONE" && rest === "") return { Test: ["NONE"] };
  if (kind.toUpperCase() !== "CMD" || rest === "")
    throw instructionMalformed(at, "HEALTHCHECK", `"${written.text}" is not NONE or CMD with a command`);
  const words = parseJsonList(rest);
  const numbers: Partial<Record<"Interval" | "Timeout" | "StartPeriod" | "StartInterval" | "Retries", number>> = {};
  for (const { name, value = "" } of written.flags) {
    const field = fields[name];
    if (field !== undefined) numbers[field] = parseDuration(at, name, value);
    else numbers.Retries = parseRetries(at, value);
  }
  return { Test: words === undefined ? ["CMD-SHELL", rest] : ["CMD", ...words], ...numbers };
}

function parseRetries(at: Place, value: string): number {
  if (!/^[1-9]\d*$/.test(value))
    throw instructionMalformed(at, "HEALTHCHECK", `--retries=${value} is not a whole number from 1 on`);
  return Number(value);
}

/** `1m30s` in nanoseconds. */
function parseDuration(at: Place, name: string, value: string): number {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(value)) {
    throw instructionMalformed(at, "HEALTHCHECK", `--${name}=${value} is not a time such as 30s or 1m30s`);
  }
  const parts = value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g);
  return Math.round([...parts].reduce((sum, [, number, unit]) => sum + Number(number) * unitNanoseconds[unit!]!, 0));
}
