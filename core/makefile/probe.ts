/** Asks make about a Makefile, in a copy of its folder: its database, and what it would run. Does not know what becomes of the answers. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { firstLine } from "../errors.ts";
import { makeMissing } from "../errors/request.ts";
import { readDryRun, type Commands } from "./compare.ts";

export interface Probe {
  /** Absolute. */
  readonly root: string;
  /** What `make -p` prints, and what it complained of. */
  readonly database: (where: Where) => { readonly text: string; readonly complaint?: string };
  readonly dryRun: (where: Where, target: string, values: Values) => Commands;
  /** Variables that programs below get and that make was not given. Undefined: it cannot be told without running something. */
  readonly exports: (where: Where, values: Values) => Values | undefined;
  readonly remove: () => void;
}

type Values = Readonly<Record<string, string>>;

/** One Makefile, and how it is called. */
export interface Where {
  /** Relative to the root. */
  readonly dir: string;
  /** Relative to `dir`. */
  readonly file: string;
  /** Exported by the Makefile that calls this one. */
  readonly inherited: Values;
}

/** Milliseconds for one call of make. */
const limitMs = 120_000;

/**
 * Copies the folder, as reading a Makefile runs its `$(shell …)` and remakes what it includes.
 * `mayExecute` false: not even that.
 */
export function openProbe(
  folder: string,
  options: { readonly mayExecute: boolean; readonly env: Readonly<Record<string, string>> },
): Probe {
  const above = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "bt-import-")));
  const root = path.join(above, path.basename(folder));
  fs.cpSync(folder, root, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (name) => ![".bt", "node_modules"].includes(path.basename(name)),
  });
  const shell = options.mayExecute ? [] : ["SHELL=/bin/false"];
  const call = (
    { dir, file, inherited }: Where,
    args: readonly string[],
  ): { status: number | null; stdout: string; stderr: string } => {
    const result = spawnSync("make", ["-f", file, ...args, ...shell], {
      cwd: path.join(root, dir),
      env: { ...options.env, ...inherited, LC_ALL: "C" },
      encoding: "utf8",
      maxBuffer: 1 << 28,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: limitMs,
    });
    if (result.pid === 0) throw makeMissing(firstLine(result.error));
    return result;
  };
  return {
    root,
    database(where) {
      const { status, stdout, stderr } = call(where, ["-qpRr", "--eval", ".bt-none:", ".bt-none"]);
      return { text: stdout, ...(status === 0 ? {} : { complaint: lastLine(stderr) }) };
    },
    dryRun(where, target, values) {
      const words = Object.entries(values).map(([name, value]) => `${name}=${value}`);
      const { status, stdout, stderr } = call(where, ["-n", "-B", "--no-print-directory", "MAKE=:", ...words, target]);
      const commands = readDryRun(stdout);
      return status === 0 ? { commands } : { commands, failure: `make -n: ${lastLine(stderr)}` };
    },
    exports(where, values) {
      if (!options.mayExecute) return undefined;
      const words = Object.entries(values).map(([name, value]) => `${name}=${value}`);
      const { status, stdout } = call(where, ["-s", ...words, "--eval", ".bt-env: ; @env -0", ".bt-env"]);
      if (status !== 0) return undefined;
      const known: Values = { ...options.env, LC_ALL: "C" };
      const all = stdout
        .split("\0")
        .map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]);
      return Object.fromEntries(
        all.filter(
          ([name = "", value]) =>
            name !== "" && !/^MAKE|^MFLAGS$|^_$|^PWD$|^SHLVL$/.test(name) && known[name] !== value,
        ),
      );
    },
    remove: () => fs.rmSync(above, { recursive: true, force: true }),
  };
}

function lastLine(text: string): string {
  return (
    text
      .trim()
      .split("\n")
      .at(-1)
      ?.replace(/^make(\[\d+\])?: (\*\*\* )?/, "") ?? ""
  );
}
