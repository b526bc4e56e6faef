/**
 * What a TAB costs: `node bench/completion.mjs [ROUNDS]`. Prints ratios of wall time to `node -e 0`, medians of interleaved rounds.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const bt = path.join(import.meta.dirname, "../dist/bt.cjs");
const rounds = Number(process.argv[2] ?? 40);
const root = fs.mkdtempSync(path.join(os.tmpdir(), "bt-bench-"));
const env = { PATH: process.env.PATH, HOME: root }; // No NODE_EXTRA_CA_CERTS: it triples each start of Node.

try {
  write(1000);
  settle();
  const cases = [
    { name: "node -e 0", argv: ["-e", "0"], bar: 1 },
    { name: "tasks", argv: [bt, "--complete", "builder-1"], bar: 1.3 },
    { name: "values", argv: [bt, "--complete", "builder-7", "CHANNEL="], bar: 1.3 },
    { name: "options", argv: [bt, "--complete", "builder-7", "--"], bar: 1.3 },
  ];
  const times = cases.map(() => []);
  for (let round = 0; round < rounds; round++) for (const [at, { argv }] of cases.entries()) times[at].push(time(argv));
  const medians = times.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)]);
  console.log("A TAB in a project of 1,000 tasks, beside `node -e 0`");
  for (const [at, { name, bar }] of cases.entries()) {
    const ratio = medians[at] / medians[0];
    console.log(`  ${name.padEnd(10)}  ${ratio.toFixed(2)}${at === 0 ? "" : `  (bar ${bar})`}`);
    if (ratio > bar) process.exitCode = 1;
  }
} finally {
  fs.rmSync(root, { recursive: true, force: true });
}

function write(count) {
  fs.writeFileSync(
    path.join(root, "builderfile.ts"),
    `import { defineBuilder, param, task } from "builderfile";
const one = (at: number) => task({ description: "Builds number " + at, params: { channel: param.enum(["dev", "stable"]) }, run: "true" });
export default defineBuilder({ tasks: Object.fromEntries(Array.from({ length: ${count} }, (_, at) => ["builder-" + at, one(at)])) });
`,
  );
}

/** Lists the tasks when the builderfile is old enough to be trusted. */
function settle() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2200);
  run([bt, "--list"]);
}

function run(argv) {
  const { status, stderr } = spawnSync(process.execPath, argv, { cwd: root, env, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function time(argv) {
  const start = performance.now();
  run(argv);
  return performance.now() - start;
}
