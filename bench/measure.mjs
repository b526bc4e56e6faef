/** Measures commands: wall and processor time, peak memory, rounds that take turns. Does not know what is measured. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/**
 * @typedef {{ argv: readonly string[], cwd: string, env: Record<string, string> }} Command
 * @typedef {{ wallMs: number, cpuMs: number }} Sample
 * @typedef {{ name: string, command: Command, before?: () => void, after?: () => void }} Arm  `before` and `after` are not measured.
 * @typedef {{ name: string, samples: (Sample | undefined)[], problem?: string }} Measured  One place for each round.
 */

// Node cannot ask for the usage of one finished child; bash has both clocks and is there anyway, because bt needs it.
const stopwatch = `TIMEFORMAT="%3U %3S"; start=$EPOCHREALTIME; time "$@" </dev/null >"$BENCH_LOG" 2>&1; code=$?; echo "$start $EPOCHREALTIME $code" >&2`;
// The peak of a child is known to its parent only: GNU time, where it is installed.
const gnuTime = "/usr/bin/time";

export const canTellMemory = () => fs.existsSync(gnuTime);

const log = path.join(os.tmpdir(), `bt-bench-${process.pid}.log`);

/** Runs a command once. @throws when it fails or takes longer than `limitMs` */
async function timeCommand({ argv, cwd, env }, limitMs) {
  const text = await runLimited(
    ["bash", "-c", stopwatch, "bench", ...argv],
    { cwd, env: { ...env, LC_ALL: "C", BENCH_LOG: log } },
    limitMs,
  );
  const [user, system, start, end, code] = text.trim().split(/\s+/).slice(-5).map(Number);
  const printed = code === 0 ? "" : fs.readFileSync(log, "utf8");
  fs.rmSync(log, { force: true });
  if (code !== 0) throw new Error(`exit ${code}: ${printed.trim().split("\n").slice(-5).join(" | ").slice(-500)}`);
  return { wallMs: (end - start) * 1000, cpuMs: (user + system) * 1000 };
}

/** Peak memory of the largest process, MiB. Undefined: nobody can tell, or it took longer than `limitMs`. */
export async function peakMemory({ argv, cwd, env }, limitMs) {
  if (!canTellMemory()) return undefined;
  try {
    await runLimited([gnuTime, "-f", "%M", "-o", log, ...argv], { cwd, env }, limitMs);
  } catch {
    return undefined;
  }
  const kib = Number(fs.readFileSync(log, "utf8").trim().split("\n").at(-1));
  fs.rmSync(log);
  return Number.isFinite(kib) ? kib / 1024 : undefined;
}

/** What the command writes to stderr; its whole group is ended when the time is up. */
function runLimited([file, ...args], { cwd, env }, limitMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", "ignore", "pipe"] });
    let text = "";
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      fs.rmSync(log, { force: true });
      reject(new Error(`> ${Math.round(limitMs / 1000)} s`));
    }, limitMs);
    child.stderr.on("data", (chunk) => (text += chunk));
    child.once("error", reject);
    child.once("close", () => (clearTimeout(timer), resolve(text)));
  });
}

/**
 * Rounds in which the arms take turns (A B C A B C …), so that a busy moment of the machine meets all of them. A slow arm takes part
 * in fewer rounds: as many as its share of the time allows. An arm that fails keeps its message and leaves.
 * @param {readonly Arm[]} arms
 * @param {{ rounds: number, budgetMs: number, limitMs: number }} options
 * @returns {Promise<Measured[]>}
 */
export async function interleave(arms, { rounds, budgetMs, limitMs }) {
  const measured = arms.map(({ name }) => ({ name, samples: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [at, arm] of arms.entries()) {
      const own = measured[at];
      const firstMs = own.samples[0]?.wallMs ?? 0;
      const every = Math.max(1, Math.ceil((firstMs * rounds) / budgetMs)); // An endless budget leaves nobody out.
      if (own.problem !== undefined || (round > 0 && round % every !== 0)) continue;
      try {
        arm.before?.();
        own.samples[round] = await timeCommand(arm.command, limitMs);
        arm.after?.();
      } catch (error) {
        own.problem = error.message;
      }
    }
  }
  return measured;
}
