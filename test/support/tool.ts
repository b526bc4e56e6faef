/** External programs in tests: run with a clean environment; a missing one fails in CI and skips visibly elsewhere. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { test } from "vitest";

/** `test`, or a visible skip when a tool is missing on a developer's machine. */
export function testWith(...tools: readonly string[]): typeof test {
  const missing = tools.filter((tool) => spawnSync("which", [tool]).status !== 0);
  if (missing.length === 0 || process.env["CI"] !== undefined) return test;
  return test.skip as unknown as typeof test;
}

/** What a program prints; rejects with its stderr when it fails. */
export async function run(
  tool: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const clean = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", ...env };
  return (await promisify(execFile)(tool, args, { env: clean, maxBuffer: 1 << 26 })).stdout;
}
