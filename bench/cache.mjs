/** Measures the local cache: restoring beside `cp -a`, unchanged inputs beside a stat of them, memory beside the size of a file. `--quick`, `--json FILE`. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { canTellMemory, interleave, peakMemory } from "./measure.mjs";
import { openStage } from "./stage.mjs";
import { median } from "./table.mjs";

const { values: options } = parseArgs({
  options: { quick: { type: "boolean", default: false }, json: { type: "string" } },
});
const bt = [process.execPath, path.join(import.meta.dirname, "../dist/bt.cjs")];
const patience = { rounds: options.quick ? 5 : 15, budgetMs: Infinity, limitMs: 120_000 };
const files = 1000;
const inputs = 10_000;

/** Copies files whose digest it takes, and prints how many milliseconds that took. */
const bareCopy = `const fs = require("node:fs"), { createHash } = require("node:crypto");
const [, from, to] = process.argv, names = fs.readdirSync(from), start = performance.now();
fs.mkdirSync(to);
for (const name of names) {
  const bytes = fs.readFileSync(from + "/" + name);
  createHash("sha256").update(bytes).digest("hex");
  fs.writeFileSync(to + "/" + name, bytes, { flag: "wx" });
}
console.log(performance.now() - start);`;

let made = 0;
const freshPath = (root, name) => path.join(root, `${name}-${(made += 1)}`);

const { folder } = openStage();
const env = { PATH: process.env.PATH ?? "", HOME: folder, NO_COLOR: "1" };
await main();

async function main() {
  const rows = [measureRestore(), await measureInputs(), await measureMemory()].filter(Boolean);
  console.log(`${os.cpus().length} CPUs · ${process.version}`);
  for (const { name, text, isMet } of rows) console.log(`${isMet ? "met   " : "MISSED"} ${name}: ${text}`);
  if (!canTellMemory()) console.log("No MiB: GNU time is not installed.");
  if (options.json !== undefined)
    fs.writeFileSync(options.json, `${JSON.stringify({ version: 1, rows }, undefined, 2)}\n`);
}

/** A folder with one task. Returns it. */
function writeProject(name, task) {
  const root = path.join(folder, name);
  fs.mkdirSync(root);
  fs.writeFileSync(
    path.join(root, "builderfile.ts"),
    `import { defineBuilder, task } from "builderfile";\nexport default defineBuilder({ tasks: { make: task(${task}) } });\n`,
  );
  return root;
}

function run(cwd, ...argv) {
  const [file, ...args] = [...bt, ...argv];
  return execFileSync(file, args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 28 });
}

/**
 * The time of the task alone, as its event tells it, beside the whole time of cp: both without what starts Node. A bare Node program that reads,
 * digests and writes the same files shows what is left to gain. All make a new folder in the same one, and nothing is removed meanwhile: ext4
 * takes up to ten times as long for a file where others have just been removed. Nobody waits for the disk, and all that is read is in memory.
 */
function measureRestore() {
  const root = writeProject("restore", `{ inputs: [], outputs: ["out/"], run: "cp -r source/. out" }`);
  for (const name of ["source", "gone"]) fs.mkdirSync(path.join(root, name));
  for (let at = 0; at < files; at++) fs.writeFileSync(path.join(root, "source", `${at}`), randomBytes(4096));
  run(root, "make");
  const arms = {
    bt() {
      fs.renameSync(path.join(root, "out"), freshPath(root, "gone/out"));
      const events = run(root, "make", "--output=json").trim().split("\n").map(JSON.parse);
      const done = events.find(({ outcome }) => outcome === "restored");
      if (done === undefined) throw new Error("Nothing was restored");
      return done.durationMs;
    },
    bare: () =>
      Number(execFileSync(process.execPath, ["-e", bareCopy, "source", freshPath(root, "bare")], { cwd: root })),
    cp() {
      const start = performance.now();
      execFileSync("cp", ["-a", "source", freshPath(root, "copy")], { cwd: root });
      return performance.now() - start;
    },
  };
  const samples = { bt: [], bare: [], cp: [] };
  for (let round = 0; round < patience.rounds; round++) {
    // Who comes first is not always the same.
    const order = round % 2 === 0 ? ["bt", "bare", "cp"] : ["cp", "bare", "bt"];
    for (const name of order) samples[name].push(arms[name]());
  }
  const base = { samples: samples.cp, name: "cp -a", ratio: 1.5 };
  const row = compare(`restore ${files} files of 4 KiB`, samples.bt, base);
  const bare = compare("", samples.bare, base);
  return {
    ...row,
    text: `${row.text}; a bare Node program ${bare.ms.toFixed(1)} ms, ${bare.ratio.toFixed(2)} ×`,
    bare,
  };
}

async function measureInputs() {
  const root = writeProject("inputs", `{ inputs: ["src/**"], outputs: ["out"], run: "touch out" }`);
  for (let at = 0; at < inputs; at++) {
    if (at % 100 === 0) fs.mkdirSync(path.join(root, `src/${at / 100}`), { recursive: true });
    fs.writeFileSync(path.join(root, `src/${Math.floor(at / 100)}/${at}`), `${at}`);
  }
  const script = `const fs = require("node:fs"); for (let at = 0; at < ${inputs}; at++) fs.lstatSync("src/" + Math.floor(at / 100) + "/" + at);`;
  run(root, "make");
  execFileSync("sleep", ["2.1"]); // What is younger is not trusted.
  for (let count = 0; count < 2; count++) run(root, "make");
  const arms = [
    { name: "bt", command: { argv: [...bt, "make"], cwd: root, env } },
    { name: "stat", command: { argv: [process.execPath, "-e", script], cwd: root, env } },
  ];
  const [own, stat] = await interleave(arms, patience);
  const wall = ({ samples }) => samples.flatMap((sample) => sample?.wallMs ?? []);
  return compare(`${inputs} unchanged inputs`, wall(own), {
    samples: wall(stat),
    name: "node that stats them",
    ratio: 1.2,
  });
}

async function measureMemory() {
  if (!canTellMemory()) return undefined;
  const peaks = [];
  for (const [name, size] of [
    ["small", "1M"],
    ["large", "1G"],
  ]) {
    const root = writeProject(name, `{ cache: true, inputs: [], outputs: ["disk"], run: "truncate -s ${size} disk" }`);
    const kept = await peakMemory({ argv: [...bt, "make"], cwd: root, env }, patience.limitMs);
    fs.rmSync(path.join(root, "disk"));
    const restored = await peakMemory({ argv: [...bt, "make"], cwd: root, env }, patience.limitMs);
    peaks.push(Math.max(kept ?? 0, restored ?? 0));
  }
  const [small = 0, large = 0] = peaks;
  const text = `${Math.round(large)} MiB for 1 GiB, ${Math.round(small)} MiB for 1 MiB`;
  return { name: "memory to keep and restore a file", text, isMet: large - small < 64, small, large };
}

/** Medians; of the ratios too, each of one round, in which both met the same machine. */
function compare(name, own, { samples, name: base, ratio: most }) {
  const [ms, baseMs, ratio] = [own, samples, own.map((one, round) => one / samples[round])].map(median);
  const text = `${ms.toFixed(1)} ms, ${ratio.toFixed(2)} × ${base} (${baseMs.toFixed(1)} ms), at most ${most}`;
  return { name, text, isMet: ratio <= most, ms, baseMs, ratio };
}
