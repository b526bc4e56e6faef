/** Measures bt beside other tools: the table of contents. `--quick`, `--only CASE`, `--json FILE`. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { canTellMemory, interleave, peakMemory } from "./measure.mjs";
import { openStage } from "./stage.mjs";
import { renderTable, toRow } from "./table.mjs";
import { findTools } from "./tools.mjs";
import { changedInput, forget, writeWork } from "./work.mjs";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    json: { type: "string" },
  },
});
const root = path.join(import.meta.dirname, "..");

/** Rounds at most, milliseconds for one arm of one case, milliseconds for one run. */
const patience = options.quick
  ? { rounds: 5, budgetMs: 700, limitMs: 5000, tasks: 10_000 }
  : { rounds: 21, budgetMs: 15_000, limitMs: 60_000, tasks: 100_000 };

const builders = ["node", "bt", "make", "ninja", "jake", "wireit", "turbo"];
const files = (count) => ({ kind: "files", count });

/** The bars are those of the architecture; `base` is who they are measured by. */
const cases = [
  {
    name: "list",
    shape: files(100),
    tools: ["node", "bt", "ninja", "jake", "turbo"],
    list: true,
    bar: { base: "node", ratio: 1.25 },
  },
  { name: "one", shape: files(1), tools: builders, bar: { base: "node", ratio: 1.25 } },
  { name: "files-1000", shape: files(1000), tools: builders, bar: { base: "node", ratio: 1.8 } },
  { name: "files-10000", shape: files(10_000), tools: builders, bar: { base: "ninja", ratio: 2, peakMiB: 80 } },
  { name: "files-100000", shape: files(100_000), tools: builders, bar: { base: "ninja", ratio: 1, peakMiB: 150 } },
  { name: "chain-1000", shape: { kind: "chain", count: 1000 }, tools: builders, bar: { base: "node", ratio: 1.8 } },
  {
    name: "true-1000",
    shape: { kind: "true", count: 1000 },
    tools: [...builders, "zx"],
    jobs: 2,
    bar: { base: "make", ratio: 1.8 },
  },
  { name: "changed-1000", shape: files(1000), tools: builders, before: touchOne },
  { name: "cold", shape: files(1), tools: [...builders, "zx"], before: forget },
  // The long way: as if the builderfile had just been edited, but nothing to do.
  { name: "long-10000", shape: files(10_000), tools: ["node", "bt", "ninja"], env: { BT_SHORTCUT: "off" } },
  { name: "live-1000", shape: { kind: "true", count: 1000 }, arms: liveArms, bar: { base: "bt off", ratio: 1.1 } },
];

const { folder } = openStage();
await main();

async function main() {
  const tools = findTools(folder, root);
  const versions = tools.map(({ name, version }) => `${name} ${version ?? "not installed"}`);
  console.log(`${versions.join(" · ")} · ${os.cpus().length} CPUs`);
  const isWanted = ({ name, shape }) =>
    options.only.length === 0 ? shape.count <= patience.tasks : options.only.includes(name);
  const wanted = cases.filter(isWanted);
  if (wanted.length === 0)
    throw new Error(`There is no such case; there are: ${cases.map(({ name }) => name).join(", ")}`);
  const ready = await prepareHomes(wanted, tools);
  const rows = [...ready.firsts];
  for (const wish of wanted) rows.push(...(await measureCase(wish, tools, ready.problems)));
  const missed = rows.flatMap((row) => row.bars ?? []).filter(({ isMet }) => !isMet).length;
  console.log(renderTable(rows));
  console.log(
    `\nMedians; ratios of wall time, round by round. make runs without its built-in rules, wireit and turbo without npm around them.`,
  );
  if (!canTellMemory()) console.log("No MiB: GNU time is not installed.");
  if (missed > 0) console.log(`Bars missed: ${missed}.`);
  if (options.json === undefined) return;
  const document = {
    version: 1,
    tools: Object.fromEntries(tools.map(({ name, version }) => [name, version ?? null])),
    cpus: os.cpus().length,
    rows,
  };
  fs.writeFileSync(options.json, `${JSON.stringify(document, undefined, 2)}\n`);
}

/** Cases of one shape share it. Nothing is removed before the end: ext4 makes new files slowly for a while after many were removed. */
function homeOf({ kind, count }, tool) {
  return path.join(folder, `${kind}-${count}`, tool.name);
}

function toolsOf(wish, tools) {
  return tools.filter(({ name }) => (wish.tools ?? ["bt"]).includes(name));
}

function canTake({ version, most }, { count }) {
  return version !== undefined && count <= (most?.[options.quick ? "quick" : "whole"] ?? Infinity);
}

/**
 * Generates all work and runs it twice: the first run of bt remembers, the second writes the proof that the third can trust. A file that
 * changed less than two seconds before is not trusted, and the time of change (ctime) of a new file is now, whatever its mtime: so there
 * is a wait between. Returns what went wrong by home, and what the first runs took.
 */
async function prepareHomes(wanted, tools) {
  const problems = new Map();
  const firsts = [];
  const homes = new Map();
  for (const wish of wanted)
    for (const tool of toolsOf(wish, tools))
      if (canTake(tool, wish.shape)) homes.set(homeOf(wish.shape, tool), { tool, shape: wish.shape });
  const runAll = async (pass) => {
    const samples = [];
    for (const [home, { tool, shape }] of homes) {
      if (tool.name === "node" || problems.has(home) || (pass === "second" && shape.kind === "true")) continue;
      if (pass === "first") writeWork(home, tool.name, shape);
      process.stderr.write(`${pass} run of ${path.relative(folder, home)}\n`);
      const env = environment(
        tool.stub === undefined ? tool.env : { ...tool.env, PATH: `${tool.stub}${path.delimiter}${process.env.PATH}` },
      );
      const [own] = await interleave(
        [{ name: tool.name, command: { argv: tool.build({ jobs: 2 }), cwd: home, env } }],
        { rounds: 1, budgetMs: Infinity, limitMs: patience.limitMs * 6 },
      );
      if (own.problem !== undefined) problems.set(home, own.problem);
      else if (tool.stub === undefined) samples.push({ own, shape });
    }
    return samples;
  };
  const samples = await runAll("first");
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await runAll("second");
  for (const count of new Set(
    samples.filter(({ shape }) => shape.kind === "files" && shape.count >= 1000).map(({ shape }) => shape.count),
  )) {
    const arms = samples.filter(({ shape }) => shape.kind === "files" && shape.count === count).map(({ own }) => own);
    firsts.push(...arms.map((own) => toRow(`first-${count}`, own, arms)));
  }
  return { problems, firsts };
}

async function measureCase(wish, tools, problems) {
  process.stderr.write(`${wish.name}\n`);
  const asked = toolsOf(wish, tools);
  const [present, missing] = [
    asked.filter((tool) => canTake(tool, wish.shape)),
    asked.filter(({ version }) => version === undefined),
  ];
  const arms = present.flatMap((tool) => (wish.arms ?? plainArm)(tool, homeOf(wish.shape, tool), wish));
  const isSound = (arm) => !problems.has(arm.command.cwd);
  const measured = await interleave(arms.filter(isSound), patience);
  for (const arm of arms)
    if (!isSound(arm)) measured.push({ name: arm.name, samples: [], problem: problems.get(arm.command.cwd) });
  const rows = [];
  for (const own of measured) {
    const arm = arms.find(({ name }) => name === own.name);
    arm.before?.();
    const peakMiB =
      own.problem === undefined && arm.hasMemory ? await peakMemory(arm.command, patience.limitMs) : undefined;
    rows.push(toRow(wish.name, own, measured, peakMiB, arm.bar));
  }
  return [
    ...rows,
    ...missing.map(({ name }) => ({ case: wish.name, tool: name, rounds: 0, problem: "not installed" })),
  ];
}

function plainArm(tool, cwd, wish) {
  const argv = wish.list === true ? tool.list : tool.build({ jobs: wish.jobs });
  const command = { argv, cwd: tool.name === "node" ? folder : cwd, env: environment({ ...tool.env, ...wish.env }) };
  const before =
    wish.before === undefined || tool.name === "node" ? {} : { before: () => wish.before(cwd, wish.shape) };
  return [
    {
      name: tool.name,
      command,
      hasMemory: true,
      ...before,
      ...(tool.name === "bt" && wish.bar !== undefined ? { bar: wish.bar } : {}),
    },
  ];
}

/** The same run on a pseudo-terminal, with the live view and with plain lines. */
function liveArms(tool, cwd, wish) {
  const arm = (name, output, bar) => {
    const line = tool.build({ jobs: 2, args: [`--output=${output}`, "all"] }).join(" ");
    return {
      name,
      command: {
        argv: ["script", "-qec", `stty cols 120 rows 40; exec ${line}`, "/dev/null"],
        cwd,
        env: environment({ TERM: "xterm-256color" }),
      },
      hasMemory: false,
      ...bar,
    };
  };
  return [arm("bt off", "grouped"), arm("bt live", "live", { bar: wish.bar })];
}

/** Node parses the extra certificates at each start, which would hide what is measured here. */
function environment(more) {
  const { NODE_EXTRA_CA_CERTS: _, ...rest } = process.env;
  const isOwn = ([name]) => !/^(MAKEFLAGS|MAKELEVEL|MFLAGS|npm_|GITHUB_ACTIONS|CI$|BT_)/.test(name);
  return { ...Object.fromEntries(Object.entries(rest).filter(isOwn)), NO_COLOR: "1", ...more };
}

function touchOne(cwd, { count }) {
  const file = fs.existsSync(path.join(cwd, "packages"))
    ? `packages/t${Math.floor(count / 2)}/in`
    : changedInput(count);
  fs.writeFileSync(path.join(cwd, file), `changed at ${process.hrtime.bigint()}\n`);
}
