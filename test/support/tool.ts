/** External programs in tests: run with a clean environment; a missing one fails in CI and skips visibly elsewhere. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { test } from "vitest";

const skipped = test.skip as unknown as typeof test; // Without `skip`, `only` and the rest of a test's own: nobody chains on it.

/** `test`, or a visible skip when a tool is missing on a developer's machine. */
export function testWith(...tools: readonly string[]): typeof test {
  const missing = tools.filter((tool) => spawnSync("which", [tool]).status !== 0);
  return missing.length === 0 || process.env["CI"] !== undefined ? test : skipped;
}

/** `testWith()` for tests of minutes: a visible skip without BT_SLOW_TESTS=1, in CI too. Their titles say so: {@link slow}. */
export function slowTestWith(...tools: readonly string[]): typeof test {
  return process.env["BT_SLOW_TESTS"] === "1" ? testWith(...tools) : skipped;
}

/** `slowTestWith()` for a tool that is too large for CI: without it a visible skip, there too. */
export function slowTestWhere(tool: string): typeof test {
  return testWhere(tool) === test ? slowTestWith() : skipped;
}

/** `test` for a tool that is in no Debian package: without it a visible skip, in CI too. */
export function testWhere(tool: string): typeof test {
  return spawnSync("which", [tool]).status === 0 ? test : skipped;
}

/** What the `describe` around slow tests is called, so that a skip says what runs them. */
export const slow = "slow, only with BT_SLOW_TESTS=1";

/** What a program prints; rejects with its stderr when it fails. */
export async function run(
  tool: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const clean = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", ...env };
  return (await promisify(execFile)(tool, args, { env: clean, maxBuffer: 1 << 26 })).stdout;
}
