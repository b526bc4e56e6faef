/** Measures the page of a run of 1,000 tasks: time to write it, its size, and how long Chromium works to show it. `--tasks N`, `--rounds N`, `--json FILE`. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const { values: options } = parseArgs({
  options: {
    tasks: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    json: { type: "string" },
  },
});
const count = Number(options.tasks);
const rounds = Number(options.rounds);
const bt = path.join(import.meta.dirname, "../dist/bt.cjs");

/** Each task needs two of the twenty before it; they print a little. */
const builderfile = `import { defineBuilder, task } from "builderfile";
const tasks = {};
for (let at = 0; at < ${count}; at++) {
  const row = at - (at % 20);
  tasks["t" + at] = task({
    description: "Task number " + at,
    needs: at < 20 ? [] : [...new Set(["t" + (at - 20), "t" + (row - 20 + ((at * 7) % 20))])],
    run: "echo one; echo two",
  });
}
tasks.all = task({ needs: Object.keys(tasks) });
export default defineBuilder({ tasks });
`;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-bench-"));
const env = { PATH: process.env.PATH ?? "", HOME: folder, NO_COLOR: "1" };
const run = (...args) => execFileSync(process.execPath, [bt, ...args], { cwd: folder, env });
try {
  fs.writeFileSync(path.join(folder, "builderfile.ts"), builderfile);
  run("all", "-s");
  const writing = [];
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    run("--report", "report.html");
    writing.push(performance.now() - startMs);
  }
  const file = path.join(folder, "report.html");
  const showing = await show(pathToFileURL(file).href);
  const result = {
    tasks: count + 1,
    writeMs: median(writing),
    sizeKiB: Math.round(fs.statSync(file).size / 1024),
    scriptMs: median(showing.map(({ scriptMs }) => scriptMs)),
    workMs: median(showing.map(({ workMs }) => workMs)),
    drawn: showing[0]?.drawn,
  };
  console.log(`${result.tasks} tasks: written in ${result.writeMs} ms (the whole bt), ${result.sizeKiB} KiB`);
  console.log(
    `Chromium: ${result.drawn} boxes, scripts ${result.scriptMs} ms (bar: 1000), all its work ${result.workMs} ms`,
  );
  if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify(result, undefined, 2)}\n`);
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

/** What Chromium says of its own work, each time in a new page. */
async function show(url) {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    const samples = [];
    for (let round = 0; round < rounds; round++) {
      const page = await browser.newPage();
      const session = await page.context().newCDPSession(page);
      await session.send("Performance.enable");
      await page.goto(url);
      const { metrics } = await session.send("Performance.getMetrics");
      const ms = (name) => Math.round((metrics.find((metric) => metric.name === name)?.value ?? 0) * 1000);
      samples.push({
        scriptMs: ms("ScriptDuration"),
        workMs: ms("TaskDuration"),
        drawn: await page.locator("#graph .box").count(),
      });
      await page.close();
    }
    return samples;
  } finally {
    await browser.close();
  }
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0);
}
