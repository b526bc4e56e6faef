/** The work of `verify-rpm-deps`: every rpm of the workspace is fetched, and its checksum and signature are checked. Writes only the cache. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { findTool, replaceFile } from "../../core/index.ts";
import { loadBazelFiles, rpmRules, type RpmRule } from "./bazel-files.ts";
import { createDesk, toParams, type Desk, type Task } from "./desk.ts";
import { describeFailure, downloadText, hideCredentials, type DownloadFailure } from "./download.ts";
import { inTurn } from "./in-turn.ts";
import type { RpmDepsOptions } from "./options.ts";
import { keyUnreachable, rpmkeysMissing, rpmsUnverified } from "./verify-errors.ts";
import { fetchRpm } from "./rpms.ts";
import { checkSignatures, createKeyring, type Verdict } from "./signature.ts";

/** What was found out about one rpm that is not fine. */
export interface Finding {
  readonly rpm: string;
  readonly kind: "absent" | "network" | "wrong-checksum" | "damaged" | "unsigned" | "unknown-key";
  readonly problem: string;
}

/** rpms that one `rpmkeys` looks at. */
const perCall = 40;

/** @throws BtError RPM_DEPS_RPMS_UNVERIFIED with exit code 6, or 5 when only downloads failed */
export async function verifyRpms(
  task: Task,
  options: RpmDepsOptions,
): Promise<{ readonly verified: number; readonly known: number }> {
  const params = toParams(task.params, options);
  const desk = await createDesk(task, options, { ...params, singleArch: options.arches }, "all");
  if (findTool("rpmkeys", task.env["PATH"] ?? "") === undefined) throw rpmkeysMissing();
  const keys = await fetchKeys(desk);
  const { workspace } = await loadBazelFiles(task.root, desk);
  const rules = [...rpmRules(workspace).values()];
  const memory = createMemory(desk, keys);
  const open = rules.filter(({ sha256 }) => !memory.has(sha256));
  const database = await createKeyring(task, await task.tempDir(), keys);
  const findings: Finding[] = [];
  let done = 0;
  const batches = Array.from({ length: Math.ceil(open.length / perCall) }, (_, at) =>
    open.slice(at * perCall, (at + 1) * perCall),
  );
  await inTurn(batches, desk.jobs, async (batch) => {
    const fetched = await inTurn(batch, 4, async (rule) => ({ rule, file: await fetchRpm(desk, rule) }));
    const whole = fetched.flatMap(({ rule, file }) => (typeof file === "string" ? [{ rule, file }] : []));
    for (const { rule, file } of fetched) if (typeof file !== "string") findings.push(describeDownload(rule, file));
    if (whole.length === 0) return;
    const verdicts = await checkSignatures(
      task,
      database,
      whole.map(({ file }) => file),
    );
    for (const { rule, file } of whole) {
      const finding = describeVerdict(rule, verdicts.get(file)!);
      if (finding === undefined) memory.add(rule.sha256);
      else findings.push(finding);
    }
    done += batch.length;
    task.log.info(`${done} of ${open.length} looked at`);
  });
  memory.save();
  if (findings.length > 0)
    throw rpmsUnverified(
      findings.sort((a, b) => (a.rpm < b.rpm ? -1 : 1)),
      rules.length,
    );
  const known = rules.length - open.length;
  task.log.info(
    `${rules.length} rpms are whole and signed${known === 0 ? "" : `; ${known} of them were verified before`}`,
  );
  return { verified: rules.length, known };
}

/** Each key once. @throws BtError RPM_DEPS_KEY_UNREACHABLE */
async function fetchKeys(desk: Desk): Promise<readonly string[]> {
  const urls = desk.lists.flatMap(({ list }) =>
    list.repositories.flatMap(({ gpgkey, isDisabled }) =>
      gpgkey === undefined || isDisabled ? [] : gpgkey.split(/[\s,]+/),
    ),
  );
  return await inTurn([...new Set(urls)].sort(), 4, async (url) => {
    const text = await downloadText(url, desk.snapshot);
    if (typeof text !== "string") throw keyUnreachable(hideCredentials(url), describeFailure(text));
    return text;
  });
}

/** Verified before, with the same keys. */
function createMemory(
  { folder }: Desk,
  keys: readonly string[],
): { readonly has: (sha256: string) => boolean; readonly add: (sha256: string) => void; readonly save: () => void } {
  const digest = createHash("sha256").update(keys.join("\0")).digest("hex").slice(0, 16);
  const file = path.join(folder, `verified-${digest}.json`);
  const known = new Set<string>(readList(file));
  return {
    has: (sha256) => known.has(sha256),
    add: (sha256) => void known.add(sha256),
    save: () => replaceFile(file, JSON.stringify([...known].sort())),
  };
}

function readList(file: string): readonly string[] {
  try {
    const list: readonly string[] = JSON.parse(readFileSync(file, "utf8"));
    return list;
  } catch {
    return [];
  }
}

function describeDownload({ name, urls }: RpmRule, failures: readonly DownloadFailure[]): Finding {
  const problem = failures.map((failure) => `${failure.url}: ${describeFailure(failure)}`).join("; ");
  if (urls.length === 0) return { rpm: name, kind: "absent", problem: "it has no address" };
  const kinds = new Set(failures.map(({ reason }) => reason.kind));
  const kind = kinds.has("checksum") ? "wrong-checksum" : kinds.has("network") ? "network" : "absent";
  return { rpm: name, kind, problem };
}

function describeVerdict({ name }: RpmRule, verdict: Verdict): Finding | undefined {
  switch (verdict.kind) {
    case "good":
      return undefined;
    case "unsigned":
      return { rpm: name, kind: "unsigned", problem: "it has no signature" };
    case "unknown-key":
      return {
        rpm: name,
        kind: "unknown-key",
        problem: `it is signed with the key ${verdict.key}, which no gpgkey has`,
      };
    case "damaged":
      return { rpm: name, kind: "damaged", problem: verdict.lines.join(", ") || "rpmkeys cannot read it" };
  }
}
