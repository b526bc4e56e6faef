/**
 * Measures the status of recipes beside node: 40 of them, all up to date, and again with one that is edited before every round.
 * KIWI is a stand-in, which may not be started. `--quick`, `--json FILE`.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { interleave } from "./measure.mjs";
import { openStage } from "./stage.mjs";
import { toRow } from "./table.mjs";

const { values: options } = parseArgs({
  options: { quick: { type: "boolean", default: false }, json: { type: "string" } },
});
const bt = [process.execPath, path.join(import.meta.dirname, "../dist/bt.cjs")];
const patience = { rounds: options.quick ? 5 : 21, budgetMs: Infinity, limitMs: 60_000 };
const recipes = Array.from({ length: 40 }, (_, at) => `recipe-${at}`);
/** Files in each overlay. */
const overlayFiles = 50;

let edits = 0;

const { folder } = openStage();
const env = { PATH: process.env.PATH, HOME: folder, NO_COLOR: "1", LANG: "C.UTF-8" };
await main();

async function main() {
  writeProject();
  execFileSync(bt[0], [bt[1], "-s", "dice-build"], { cwd: folder, env });
  fs.writeFileSync(path.join(folder, "kiwi-ng"), "#!/bin/sh\n# kiwi==9.24.56\nexit 1\n"); // Whoever starts it now fails.
  await new Promise((resolve) => setTimeout(resolve, 2100)); // What is younger is looked at again, whatever its stamp.
  for (const task of ["dice-status", "dice-build:recipe-0"])
    execFileSync(bt[0], [bt[1], "-s", task], { cwd: folder, env });
  const rows = [
    ...(await measureStatus("status-40")),
    ...(await measureOne()),
    ...(await measureStatus("edited-40", { before: edit, ratio: 2 })),
  ];
  console.log(`${recipes.length} recipes of ${overlayFiles} files · ${os.cpus().length} CPUs · ${process.version}`);
  for (const row of rows) console.log(renderRow(row));
  const missed = rows.flatMap((row) => row.bars ?? []).filter(({ isMet }) => !isMet).length;
  if (missed > 0) console.log(`Bars missed: ${missed}.`);
  if (options.json !== undefined)
    fs.writeFileSync(options.json, `${JSON.stringify({ version: 1, rows }, undefined, 2)}\n`);
}

function edit() {
  fs.writeFileSync(path.join(folder, "recipes/recipe-0/root/etc/file-0"), `edit ${edits++}\n`);
}

/** Two starts of node for each ten recipes, and reading and hashing their files. */
async function measureStatus(name, { before, ratio = 1 } = {}) {
  const read = `for (const name of ${JSON.stringify(recipes)}) walk("recipes/" + name);
    function walk(at) { for (const one of fs.readdirSync(at, { withFileTypes: true })) if (one.name !== ".dice") one.isDirectory() ? walk(at + "/" + one.name)
      : crypto.createHash("sha256").update(fs.readFileSync(at + "/" + one.name)).digest("hex"); }`;
  const starts = (2 * recipes.length) / 10;
  const line = `for i in $(seq ${starts}); do "$0" -e 0; done; "$0" -e "$1"`;
  return await measure(
    name,
    [
      {
        name: "node",
        command: { argv: ["bash", "-c", line, process.execPath, read], cwd: folder, env },
      },
      { name: "bt", before, command: { argv: [...bt, "-s", "dice-status"], cwd: folder, env } },
    ],
    ratio,
  );
}

/** An unchanged recipe, beside the start of node. */
async function measureOne() {
  return await measure(
    "build-1",
    [
      { name: "node", command: { argv: [process.execPath, "-e", "0"], cwd: folder, env } },
      { name: "bt", command: { argv: [...bt, "-s", "dice-build:recipe-0"], cwd: folder, env } },
    ],
    6,
  );
}

async function measure(name, arms, ratio = 1) {
  const measured = await interleave(arms, patience);
  return measured.map((own) =>
    toRow(name, own, measured, undefined, own.name === "bt" ? { base: "node", ratio } : undefined),
  );
}

function renderRow(row) {
  const head = `${row.case.padEnd(10)} ${row.tool.padEnd(6)}`;
  if (row.problem !== undefined) return `${head} ${row.problem}`;
  const ratio = Object.entries(row.ratios).map(([base, { wall }]) => `${wall.toFixed(2)} × ${base}`);
  const bars = (row.bars ?? []).map(({ bar, isMet }) => `${bar} ${isMet ? "✓" : "✗"}`);
  return [head, `${row.wallMs.toFixed(0)} ms`, `cpu ${row.cpuMs.toFixed(0)} ms`, ...ratio, ...bars].join("  ");
}

function writeProject() {
  const write = (file, text, mode = 0o644) => {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text, { mode });
  };
  const entries = recipes.map((name) => `"${name}": { recipe: "recipes/${name}" }`);
  write(
    "builderfile.ts",
    `import { defineBuilder } from "builderfile";
import { kiwiDice } from "builderfile/plugins/kiwi-dice";
export default defineBuilder({ plugins: [kiwiDice({ recipes: { ${entries.join(", ")} }, defaults: { kiwi: { bin: "${folder}/kiwi-ng" } } })] });
`,
  );
  write(
    "kiwi-ng",
    `#!/bin/bash
# kiwi==9.24.56
while [ $# -gt 0 ]; do case $1 in --target-dir) target=$2;; --bundle-dir) bundle=$2;; esac; shift; done
mkdir -p "$target" && echo image > "$target/image.tar.xz"
echo '{"root_archive": {"filename": "'"$target"'/image.tar.xz", "use_for_bundle": true}}' > "$target/kiwi.result.json"
[ -z "$bundle" ] || { mkdir -p "$bundle" && cp "$target/image.tar.xz" "$bundle"; }
`,
    0o755,
  );
  for (const name of recipes) {
    write(
      `recipes/${name}/config.xml`,
      `<image schemaversion="7.5" name="${name}"><preferences><packagemanager>apt</packagemanager><type image="tbz"/></preferences>
<repository type="deb-dir" alias="local"><source path="dir://${folder}/packages"/></repository></image>\n`,
    );
    for (let at = 0; at < overlayFiles; at++)
      write(`recipes/${name}/root/etc/file-${at}`, `${name} ${at}\n`.repeat(40));
  }
  write("packages/bread_1_all.deb", "bread\n");
}
