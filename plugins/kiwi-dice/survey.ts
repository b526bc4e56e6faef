/** What a build host is, as far as an image depends on it. Reads only; starts KIWI only if nothing else tells its version. */
import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { promisify } from "node:util";
import { hostPlatform, isBtError } from "../../core/index.ts";
import type { Bench } from "./bench.ts";
import { findImageId } from "./container.ts";
import { programMissing } from "./host-errors.ts";
import type { Order } from "./order.ts";
import type { Leaves } from "./reasons.ts";
import { findKiwi, parseVersion } from "./version.ts";

/** The host's part of a fingerprint. */
export interface Survey {
  /** As `uname -m` says it. */
  readonly arch: string;
  readonly leaves: Leaves;
  /** What cannot be told now. Empty: everything was. */
  readonly problems: readonly string[];
}

/** Looks at the host. `before` are the leaves of the last build: what costs a program to ask is taken from there if it is the same. */
export async function surveyHost(bench: Bench, order: Order, before: Leaves = {}): Promise<Survey> {
  const { host, kiwi } = order;
  const arch = kiwi.targetArch ?? hostPlatform().uname;
  try {
    switch (host.kind) {
      case "local":
        return { arch, leaves: await kiwiLeaves(kiwi.bin, bench.env["PATH"] ?? "", before), problems: [] };
      case "box":
        return {
          arch: kiwi.targetArch ?? "x86_64",
          leaves: { ...(await kiwiLeaves(kiwi.bin, bench.env["PATH"] ?? "", before)), image: `box ${host.box}` },
          problems: [],
        };
      case "docker":
        return { arch, leaves: { image: await findImageId(bench, host) }, problems: [] };
      case "vagrant":
        return { arch, leaves: { image: `provider ${host.provider ?? "docker"}` }, problems: [] };
      case "ssh": {
        const { prepareSsh, probe } = await import("./ssh.ts");
        const facts = await probe(bench, await prepareSsh(bench, host), kiwi.bin);
        return {
          arch: kiwi.targetArch ?? facts.arch,
          leaves: { kiwi: parseVersion(kiwi.bin, facts.kiwi) },
          problems: [],
        };
      }
    }
  } catch (error) {
    if (bench.signal.aborted || !isBtError(error)) throw error;
    const said = error.detail.at(-1); // Of several lines the last one tells most: `Permission denied (publickey).`
    return { arch, leaves: {}, problems: [said === undefined ? error.message : `${error.message}: ${said}`] };
  }
}

/** `kiwi` is the version; `kiwi program` stands for it while the program is the same file. */
async function kiwiLeaves(bin: string, searchPath: string, before: Leaves): Promise<Leaves> {
  const found = findKiwi(bin, searchPath);
  if (found === undefined) throw programMissing(bin, { install: "apt-get install kiwi", host: "this machine" });
  if (found.version !== undefined) return { kiwi: found.version };
  const { ctimeMs, size } = statSync(found.file);
  const [stamp, known, version] = [`${found.file} ${size} ${ctimeMs}`, before["stamp"], before["kiwi"]];
  if (stamp === known && version !== undefined) return { kiwi: version, stamp };
  return { kiwi: await askVersion(found.file), stamp };
}

/** Read-only, and before a task's own work begins. @throws BtError KIWI_DICE_KIWI_SILENT */
export async function askVersion(file: string): Promise<string> {
  const said = await promisify(execFile)(file, ["--version"]).catch((error: unknown) => error);
  const { stdout = "", stderr = "" } = said as { readonly stdout?: string; readonly stderr?: string }; // Node puts both into the error too.
  return parseVersion(file, `${stdout}${stderr}`);
}
