/** Which commit a folder is at, and whether its files are those of the commit. Asks git; does not know what is run. */
import { execFile } from "node:child_process";

export interface Commit {
  /** Hex id. */
  readonly id: string;
  /** Files that git knows differ from it. */
  readonly isDirty: boolean;
}

/** Undefined: it is no checkout, it has no commit yet, there is no git, or `signal` came first. Writes nothing. Never rejects. */
export function findCommit(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Commit | undefined> {
  const words = ["status", "--porcelain=v2", "--branch", "--untracked-files=no"];
  const options = { cwd: folder, env: { ...env, GIT_OPTIONAL_LOCKS: "0" }, signal, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile("git", words, options, (error, stdout) => resolve(error === null ? parseStatus(stdout) : undefined));
  });
}

function parseStatus(text: string): Commit | undefined {
  const id = /^# branch\.oid ([0-9a-f]+)$/m.exec(text)?.[1];
  return id === undefined ? undefined : { id, isDirty: /^[^#\n]/m.test(text) };
}
