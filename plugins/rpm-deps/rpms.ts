/** rpms in a cache named by their SHA-256. Does not know what is in them. */
import { stat } from "node:fs/promises";
import * as path from "node:path";
import type { RpmRule } from "./bazel-files.ts";
import type { Desk } from "./desk.ts";
import { downloadFile, hashFile, type DownloadFailure } from "./download.ts";
import { inTurn } from "./in-turn.ts";
import { rpmUnreachable } from "./repository-errors.ts";

/** Downloads at the same time. */
const parallel = 6;

/** The files in the order of the rules. @throws BtError RPM_DEPS_RPM_UNREACHABLE */
export async function fetchRpms(
  desk: Pick<Desk, "folder" | "snapshot">,
  rules: readonly RpmRule[],
): Promise<readonly string[]> {
  return await inTurn(rules, parallel, async (rule) => {
    const found = await fetchRpm(desk, rule);
    if (typeof found !== "string") throw rpmUnreachable(rule.name, found);
    return found;
  });
}

/** The file, or what went wrong at each address. */
export async function fetchRpm(
  { folder, snapshot }: Pick<Desk, "folder" | "snapshot">,
  { sha256, urls }: RpmRule,
): Promise<string | readonly DownloadFailure[]> {
  const file = path.join(folder, "rpms", sha256);
  const kept = await stat(file).catch(() => undefined);
  if (kept !== undefined && (await hashFile(file, "sha256")) === sha256) return file;
  const failures: DownloadFailure[] = [];
  const { signal, retries } = snapshot;
  for (const url of urls) {
    const checksum = { algorithm: "sha256", hex: sha256 } as const;
    const failure = await downloadFile(url, file, { checksum, signal, retries });
    if (failure === undefined) return file;
    failures.push(failure);
  }
  return failures;
}
