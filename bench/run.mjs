/** Measures bt beside other tools: the table of contents. `--quick`, `--only CASE`, `--json FILE`. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { interleave, peakMemory } from "./measure.mjs";
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
  ? { rounds: 5, budgetMs: 1200, limitMs: 5000, tasks: 10_000 }
  : { rounds: 21, budgetMs: 15_000, limitMs: 180_000, tasks: 100_000 };

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

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-bench-"));
const cleanUp = () => fs.rmSync(folder, { recursive: true, force: true });
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => (cleanUp(), process.exit(1)));
try {
  await main();
} finally {
  cleanUp();
}

async function main() {
  const tools = findTools(folder, root);
  console.log(
    `${tools.map(({ name, version }) => `${name} ${version ?? "not installed"}`).join(" · ")} · ${os.cpus().length} CPUs`,
  );
  const wanted = cases.filter(({ name, shape }) =>
    options.only.length === 0 ? shape.count <= patience.tasks : options.only.includes(name),
  );
  if (wanted.length === 0)
    throw new Error(`There is no such case; there are: ${cases.map(({ name }) => name).join(", ")}`);
  const rows = [];
  for (const wish of wanted) {
    process.stderr.write(`${wish.name} …\n`);
    rows.push(...(await measureCase(wish, tools)));
  }
  console.log(renderTable(rows));
  const [missed, memory] = [
    rows.flatMap((row) => row.bars ?? []).filter(({ isMet }) => !isMet).length,
    fs.existsSync("/usr/bin/time") ? "" : " MiB: install GNU time.",
  ];
  console.log(
    `\nMedians; ratios of wall time, round by round. make runs without its built-in rules, wireit and turbo without npm around them.${memory}${missed === 0 ? "" : ` Bars missed: ${missed}.`}`,
  );
  if (options.json !== undefined)
    fs.writeFileSync(
      options.json,
      `${JSON.stringify({ version: 1, tools: Object.fromEntries(tools.map(({ name, version }) => [name, version ?? null])), cpus: os.cpus().length, rows }, undefined, 2)}\n`,
    );
}

async function measureCase(wish, tools) {
  const asked = tools.filter(({ name, canTake }) => (wish.tools ?? ["bt"]).includes(name) && canTake(wish.shape.count));
  const missing = asked.filter(({ version }) => version === undefined);
  const present = asked
    .filter(({ version }) => version !== undefined)
    .map((tool) => ({ tool, home: path.join(folder, wish.name, tool.name) }));
  for (const { tool, home } of present) writeWork(home, tool.name, wish.shape);
  const arms = present.flatMap(({ tool, home }) => (wish.arms ?? plainArm)(tool, home, wish));
  const failed = await warmUp(arms, wish);
  const measured = [
    ...(await interleave(
      arms.filter(({ name }) => !failed.has(name)),
      patience,
    )),
    ...[...failed].map(([name, problem]) => ({ name, samples: [], problem })),
  ];
  const rows = [];
  for (const own of measured) {
    const arm = arms.find(({ name }) => name === own.name);
    arm.before?.();
    const peakMiB =
      own.problem === undefined && arm.hasMemory ? await peakMemory(arm.command, patience.limitMs) : undefined;
    rows.push(toRow(wish.name, own, measured, peakMiB, arm.bar));
  }
  fs.rmSync(path.join(folder, wish.name), { recursive: true, force: true });
  return [
    ...rows,
    ...missing.map(({ name }) => ({ case: wish.name, tool: name, rounds: 0, problem: "not installed" })),
  ];
}

function plainArm(tool, cwd, wish) {
  const argv = wish.list === true ? tool.list : tool.build({ jobs: wish.jobs });
  const before = wish.before === undefined ? {} : { before: () => wish.before(cwd, wish.shape) };
  return [
    {
      name: tool.name,
      command: { argv, cwd, env: environment({ ...tool.env, ...wish.env }) },
      tool,
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
      tool,
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

/**
 * Runs every arm twice: the first run of bt remembers, the second writes the proof that the third can trust. A file that changed less than
 * two seconds before is not trusted, and the time of change (ctime) of a new file is now, whatever its mtime: so there is a wait between.
 * Returns what went wrong by arm.
 */
async function warmUp(arms, wish) {
  const failed = new Map();
  for (const pass of ["make", "prove"]) {
    for (const { name, command, tool } of arms) {
      const env =
        tool.stub === undefined
          ? command.env
          : { ...command.env, PATH: `${tool.stub}${path.delimiter}${command.env.PATH}` };
      const argv = wish.list === true ? command.argv : tool.build({ jobs: 2 });
      const once = wish.arms === undefined ? { ...command, argv, env } : command;
      const [first] =
        failed.has(name) || (wish.shape.kind === "true" && pass === "prove")
          ? []
          : await interleave([{ name, command: once }], {
              rounds: 1,
              budgetMs: Infinity,
              limitMs: patience.limitMs * 4,
            });
      if (first?.problem !== undefined) failed.set(name, first.problem);
    }
    if (pass === "make" && wish.shape.kind !== "true") await new Promise((resolve) => setTimeout(resolve, 2500));
  }
  return failed;
}

function touchOne(cwd, { count }) {
  const file = fs.existsSync(path.join(cwd, "packages"))
    ? `packages/t${Math.floor(count / 2)}/in`
    : changedInput(count);
  fs.writeFileSync(path.join(cwd, file), `changed at ${process.hrtime.bigint()}\n`);
}
