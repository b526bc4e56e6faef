/** Signatures of rpms, judged by `rpmkeys` with keys of our own. Does not know where rpms and keys come from. */
import { mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import type { Task } from "./desk.ts";

/** What a signature says. `key` is the id of a key that is not among ours. */
export type Verdict =
  | { readonly kind: "good" }
  | { readonly kind: "unsigned" }
  | { readonly kind: "unknown-key"; readonly key: string }
  | { readonly kind: "damaged"; readonly lines: readonly string[] };

/** A private database with these keys. @throws BtError COMMAND_FAILED when one is no key */
export async function createKeyring(
  task: Pick<Task, "exec">,
  folder: string,
  keys: readonly string[],
): Promise<string> {
  const database = path.join(folder, "keys");
  await mkdir(database, { recursive: true });
  for (const [at, key] of keys.entries()) {
    const file = path.join(folder, `${at}.asc`);
    await writeFile(file, key);
    await task.exec("rpmkeys", ["--dbpath", database, "--import", file], { show: false });
  }
  return database;
}

/** Judges files. Without the macro an unsigned rpm would pass. */
export async function checkSignatures(
  task: Pick<Task, "exec">,
  database: string,
  files: readonly string[],
): Promise<ReadonlyMap<string, Verdict>> {
  const args = ["--dbpath", database, "--define", "_pkgverify_level all", "-Kv", ...files];
  const { stdout } = await task.exec("rpmkeys", args, { show: false, allowedCodes: "any", env: { LC_ALL: "C" } });
  return parseVerdicts(stdout, files);
}

/** A block for each file: its name and a colon, then indented lines. */
export function parseVerdicts(text: string, files: readonly string[]): ReadonlyMap<string, Verdict> {
  const blocks = new Map<string, string[]>();
  let block: string[] = [];
  for (const line of text.split("\n")) {
    const name = files.find((file) => line === `${file}:`);
    if (name !== undefined) blocks.set(name, (block = []));
    else if (line.trim() !== "") block.push(line.trim());
  }
  return new Map(files.map((file) => [file, judge(blocks.get(file) ?? [])] as const));
}

function judge(lines: readonly string[]): Verdict {
  const signatures = lines.filter((line) => /signature/i.test(line) && !/NOTFOUND/.test(line));
  const bad = lines.filter((line) => /: BAD|MALFORMED|invalid|NOTTRUSTED/i.test(line));
  if (bad.length > 0 || lines.length === 0) return { kind: "damaged", lines: bad };
  if (signatures.some((line) => line.endsWith(": OK"))) return { kind: "good" };
  const unknown = signatures.find((line) => line.endsWith(": NOKEY"));
  if (unknown === undefined) return { kind: "unsigned" };
  return { kind: "unknown-key", key: /key ID (\w+)/i.exec(unknown)?.[1] ?? "unknown" };
}
