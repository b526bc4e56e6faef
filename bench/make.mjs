/**
 * What it costs to call bt from make, and to share job slots: `node bench/make.mjs [ROUNDS]`.
 * Prints ratios of wall time, medians of interleaved rounds.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { median } from "./table.mjs";

const bt = `${process.execPath} ${path.join(import.meta.dirname, "../dist/bt.cjs")}`;
const rounds = Number(process.argv[2] ?? 15);
const root = fs.mkdtempSync(path.join(os.tmpdir(), "bt-bench-"));
const env = { PATH: process.env.PATH, HOME: root, NO_COLOR: "1" }; // No NODE_EXTRA_CA_CERTS: it triples each start of Node.

try {
  prepare();
  table("make calls bt 50 times, up to date, beside 50 x `node -e 0`", "make -s calls", "make -s nodes", 1.4);
  table("1,000 x `true`, slots from make -j2, beside bt -j2 alone", "make -s -j2 many", `${bt} -s -j2 many`, 1.1);
} finally {
  fs.rmSync(root, { recursive: true, force: true });
}

function prepare() {
  const numbers = Array.from({ length: 50 }, (_, at) => at);
  fs.writeFileSync(
    path.join(root, "builderfile.ts"),
    `import { defineBuilder, task } from "builderfile";
const many = task({ matrix: { n: Array.from({ length: 1000 }, (_, at) => String(at)) }, run: "true" });
const fresh = task({ inputs: ["builderfile.ts"], outputs: ["made"], run: "touch made" });
export default defineBuilder({ tasks: { many, fresh } });
`,
  );
  fs.writeFileSync(
    path.join(root, "Makefile"),
    `BT := ${bt}
calls: ${numbers.map((at) => `c${at}`).join(" ")}
nodes: ${numbers.map((at) => `n${at}`).join(" ")}
c%: ; +@$(BT) --make fresh
n%: ; @${process.execPath} -e 0
many: ; +@$(BT) -s many
`,
  );
  // The proof that nothing is to do is trusted when the files are older than two seconds.
  const old = new Date(Date.now() - 60_000);
  fs.utimesSync(path.join(root, "builderfile.ts"), old, old);
  run(`${bt} -s fresh`);
  spawnSync("sleep", ["3"]);
  run(`${bt} -s fresh`);
}

function run(command) {
  const started = process.hrtime.bigint();
  const { status, stderr } = spawnSync("sh", ["-c", command], { cwd: root, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
  const wallMs = Number(process.hrtime.bigint() - started) / 1e6;
  return wallMs;
}

function table(title, ours, theirs, bar) {
  const pairs = Array.from({ length: rounds }, () => [run(ours), run(theirs)]);
  const ratio = median(pairs.map(([a, b]) => a / b));
  const [a, b] = [median(pairs.map(([ms]) => ms)), median(pairs.map(([, ms]) => ms))];
  const verdict = ratio <= bar ? "reached" : "missed";
  console.log(`${title}: ${ratio.toFixed(2)} x (${a.toFixed(0)} ms, ${b.toFixed(0)} ms), bar ${bar}, ${verdict}`);
}
