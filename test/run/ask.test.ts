/** Picking tasks and asking about them: names, globs, tags, lists, graphs, records and logs. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { parseEvents } from "../support/outcome.ts";
import { project, withTasks, type Project } from "../support/project.ts";

const note = (name: string, more = ""): string => `task({ ${more} run: "echo ${name} >> log" })`;

async function noted(p: Project, ...argv: string[]): Promise<string[]> {
  fs.rmSync(path.join(p.root, "log"), { force: true });
  await p.bt("-j1", ...argv);
  return p.exists("log") ? p.read("log").trim().split("\n") : [];
}

const shop = (): Record<string, string> => ({
  "builderfile.ts": withTasks({
    bake: note("bake", "aliases: ['b'], description: 'Bakes', needs: ['knead'],"),
    knead: note("knead", "private: true,"),
    "test:taste": note("taste", "tags: ['test'],"),
    "test:weigh": note("weigh", "tags: ['test', 'slow'],"),
    serve: note("serve"),
  }),
});

test.for([
  [["b"], ["knead", "bake"]],
  [["test:*"], ["taste", "weigh"]],
  [["test:*", "--except", "test:weigh"], ["taste"]],
  [["test:*", "--except", "*:t*"], ["weigh"]],
  [["--tag", "slow"], ["weigh"]],
  [
    ["--tag", "slow", "--tag", "test"],
    ["taste", "weigh"],
  ],
  [
    ["--tag", "test", "serve"],
    ["serve", "taste", "weigh"],
  ],
  [["--only=force", "bake"], ["bake"]],
] as const)("bt %j runs %j", async ([argv, names]) => {
  const p = await project(shop());

  expect(await noted(p, ...argv)).toEqual(names);
});

test.for([
  [["knead"], "is private"],
  [["bkae"], `Use "bake"`],
  [["test:*", "--except", "*"], "No task"],
  [["nothing*"], `"nothing*"`],
  [["--tag", "none"], 'No task has the tag "none"'],
  [["--only", "bake"], `"bake" needs "knead", which would have to run first`],
] as const)("bt %j is a mistake, and nothing runs", async ([argv, message]) => {
  const p = await project(shop());

  const result = await p.bt(...argv);

  expect(result).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringContaining(message) });
  expect(p.exists("log")).toBe(false);
});

test("--only runs a task whose needs are up to date", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ knead: note("knead", "inputs: [],"), bake: note("bake", "needs: ['knead'],") }),
  });
  await p.bt("knead");

  expect(await noted(p, "--only", "bake")).toEqual(["bake"]);
});

test("without a word bt lists the tasks, or runs the default task", async () => {
  const p = await project(shop());
  const q = await project({
    "builderfile.ts": withTasks({ bake: note("bake") }).replace("tasks: {", "default: 'bake', tasks: {"),
  });

  const list = await p.bt();
  expect(list.stdout).toContain("bake        Bakes  [also b]\n");
  expect(list.stdout).not.toContain("knead");
  expect(await noted(q)).toEqual(["bake"]);
  expect((await q.bt("--list")).stdout).toContain("[default]");
});

test("a word is always a task and never swallowed by another", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: note("bake", "params: { dry: param.flag() },"), serve: note("serve") }),
  });

  expect(await noted(p, "bake", "--dry", "serve")).toEqual(["bake", "serve"]);
});

test("-C, -f and a folder below find the project", async () => {
  const p = await project({
    "shop/builderfile.ts": withTasks({ bake: `task({ run: "pwd" })` }),
    "shop/deep/x": "",
    "shop/other.ts": withTasks({ bake: `task({ run: "echo other" })` }),
  });

  for (const [cwd, argv] of [
    [".", ["-C", "shop"]],
    ["shop/deep", []],
    [".", ["-f", "shop/builderfile.ts"]],
  ] as const) {
    expect((await p.btWith({ cwd }, ...argv, "bake")).stdout).toContain(`\n${p.root}/shop\n`);
  }
  expect((await p.btWith({ cwd: "shop" }, "-f", "other.ts", "bake")).stdout).toContain("\nother\n");
});

test("--graph says the same in all formats", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: note("bake", "needs: ['knead', after('heat'), validation('lint')], finally: ['sweep'],"),
      knead: note("knead"),
      heat: note("heat"),
      lint: note("lint"),
      sweep: note("sweep"),
    }),
  });

  const json = JSON.parse((await p.bt("--graph=json", "bake")).stdout);
  const [mermaid, dot] = [(await p.bt("--graph", "bake")).stdout, (await p.bt("--graph=dot", "bake")).stdout];

  const bake = json.tasks.find((task: { id: string }) => task.id === "bake");
  expect(json).toMatchObject({ version: 1, targets: ["bake"] });
  expect(bake.needs.map(({ to, kind }: { to: string; kind: string }) => `${kind} ${to}`).sort()).toEqual([
    "finally sweep",
    "order heat",
    "result knead",
    "validation lint",
  ]);
  expect(dot).toContain('"knead" -> "bake";');
  expect(mermaid).toMatch(/^graph LR\n/);
  expect(mermaid.match(/-->|-\.->|-\. checks|-\. finally/g)).toHaveLength(4);
  expect((await p.bt("--graph=gif", "bake")).exitCode).toBe(2);
});

test("every --json answer is one JSON document with a version, also a mistake", async () => {
  const p = await project(shop());
  await p.bt("serve");

  const answers = await Promise.all(
    [["--list"], ["--why", "serve"], ["--graph=json", "serve"], ["--check"], ["--doctor"], ["--runs"]].map(
      async (argv) => JSON.parse((await p.bt(...argv, "--json")).stdout),
    ),
  );

  expect(answers.map(({ version }) => version)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(answers[0].tasks[0]).toMatchObject({
    name: "bake",
    description: "Bakes",
    aliases: ["b"],
    tags: [],
    cells: [],
    isDefault: false,
    params: [],
  });
  expect(answers[1].tasks[0]).toMatchObject({ task: "serve", action: "run", reasons: ["it declares no inputs"] });
  expect(answers[5].runs[0]).toMatchObject({
    targets: ["serve"],
    exitCode: 0,
    tasks: { serve: { outcome: "ran", attempts: 1 } },
  });
  expect(JSON.parse((await p.bt("--list", "--json", "--nope")).stdout)).toMatchObject({ error: [expect.any(String)] });
});

test("a run as JSON has the documented events in order", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ needs: ["knead"], run: "echo out; echo err >&2" })`,
      knead: `task({ inputs: [], run: "true" })`,
      burn: `task({ run: "false" })`,
    }),
  });

  const { stdout, exitCode } = await p.bt("--output=json", "-k", "-j1", "bake", "burn");

  const events = parseEvents(stdout);
  expect(exitCode).toBe(1);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  expect(events.every(({ v, run, atMs }) => v === 1 && typeof run === "string" && atMs > 0)).toBe(true);
  expect(events[0]).toMatchObject({
    kind: "run-started",
    targets: ["bake", "burn"],
    root: p.root,
    jobs: 1,
    dryRun: false,
  });
  expect(events[1]).toMatchObject({
    kind: "graph-ready",
    tasks: expect.arrayContaining([{ task: "bake", needs: ["knead"] }]),
  });
  expect(events).toContainEqual(
    expect.objectContaining({ kind: "task-output", task: "bake", stream: "stderr", text: "err" }),
  );
  expect(events).toContainEqual(
    expect.objectContaining({
      task: "burn",
      state: "done",
      outcome: "failed",
      failure: expect.objectContaining({ code: "COMMAND_FAILED", exitCode: 1 }),
    }),
  );
  expect(events.at(-1)).toMatchObject({ kind: "run-finished", exitCode: 1, counts: { ran: 2, failed: 1 } });
  const states = events.filter((event) => event.kind === "task-state");
  const ofBake = states.filter(({ task }) => task === "bake").map(({ state }) => state);
  expect(ofBake).toEqual(["ready", "deciding", "running", "done"]);
});

test("each task has a log of its own, which --logs shows, of the last run or of a named one", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ params: { bread: param.string({ default: "rye" }) }, run: "echo $BREAD; echo err >&2" })`,
      "mix/dough": `task({ run: "echo dough" })`,
      mix_dough: `task({ run: "echo other" })`,
    }),
  });
  await p.bt("bake", "mix/dough", "mix_dough");
  const [first = ""] = fs.readdirSync(path.join(p.root, ".bt/runs"));
  const second = await p.bt("--json", "bake", "BREAD=oat");

  expect((await p.bt("--logs", "bake")).stdout).toBe("$ echo $BREAD; echo err >&2\noat\nerr\n");
  expect((await p.bt("--logs", "bake", "--run", first)).stdout).toContain("rye\n");
  expect((await p.bt("--logs", "mix/dough")).stdout).toContain("dough\n");
  expect((await p.bt("--logs", "mix_dough")).stdout).toContain("other\n");
  expect((await p.bt("--runs")).stdout.trim().split("\n")).toHaveLength(2);
  expect(second.stdout).toContain(".bt/runs/");
  expect((await p.bt("--logs", "cake")).exitCode).toBe(2);
});

test("bt ends quietly when its reader has gone", async () => {
  const p = await project({ "builderfile.ts": withTasks({ talk: `task({ run: "seq 1 200000; touch done" })` }) });
  const { program } = await import("../support/project.ts");

  const result = await p.btWith(
    { program: ["bash", "-c", `"$0" "$@" | head -1; exit \${PIPESTATUS[0]}`, process.execPath, program] },
    "-j1",
    "talk",
  );

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.exists("done")).toBe(true);
});

test("run-finished carries what the targets returned", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mill: `task({ run: () => "flour" })`,
      loaf: `task({ needs: ["mill"], run: () => ({ weight: 2 }) })`,
      shop: `task({ run: "true" })`,
    }),
  });

  const { stdout } = await p.bt("--output=json", "loaf", "shop");

  expect(JSON.parse(stdout.trim().split("\n").at(-1)!).values).toEqual({ loaf: { weight: 2 } });
});

test("the list names the first cells of a large matrix", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ matrix: { n: Array.from({ length: 12 }, (_, at) => String(at)) }, run: "true" })`,
      fry: `task({ matrix: { n: Array.from({ length: 13 }, (_, at) => String(at)) }, run: "true" })`,
    }),
  });

  expect((await p.bt()).stdout).toBe(`Tasks
  bake    [0 1 2 3 4 5 6 7 8 9 10 11]
  fry     [0 1 2 3 4 5 6 7 8 9 10 and 2 more]
`);
});

test("help of a task says what it needs, reads and makes, and how it last ended", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ inputs: ["flour"], outputs: ["dough"], run: "cp flour dough" })`,
      bake: `task({ matrix: { kind: ["rye", "oat"] }, params: { heat: param.integer({ required: true }) }, inputs: ["dough"], outputs: ({ cell }) => [cell.kind], run: ({ cell, $ }) => $\`cp dough \${cell.kind}\` })`,
    }),
    flour: "1\n",
  });
  const before = await p.bt("mix", "--help");
  await p.bt("bake:rye", "HEAT=220");

  const after = await p.bt("bake", "--help");

  expect(before.stdout).toBe("bt mix\n\nInputs\n  flour\n\nOutputs\n  dough\n");
  expect(after.stdout).toContain(
    "\nNeeds\n  mix\n\nInputs\n  dough\n\nOutputs\n  rye\n  oat\n\nLast run\n  bake:rye  ran in ",
  );
});

test("help of a task names the first of its many inputs", async () => {
  const inputs = Array.from({ length: 13 }, (_, at) => `"${at + 1}"`).join(", ");
  const p = await project({ "builderfile.ts": withTasks({ mix: `task({ inputs: [${inputs}], run: "true" })` }) });

  expect((await p.bt("mix", "--help")).stdout).toMatch(/\n {2}10\n {2}11\n {2}and 2 more\n$/);
});

test("the list names what must be given and a few params more; help names all", async () => {
  const params = ["a", "b", "c", "d", "e"].map((name) => `${name}: param.string({ required: ${name === "e"} })`);
  const p = await project({
    "builderfile.ts": withTasks({
      loaf: `task({ params: { ${params.slice(1).join(", ")} }, run: "true" })`,
      bun: `task({ params: { ${params.join(", ")} }, run: "true" })`,
    }),
  });

  const { stdout } = await p.bt();

  expect(stdout).toMatch(/loaf +\[E=… B C D\]/);
  expect(stdout).toMatch(/bun +\[E=… A B and 2 more\]/);
  expect((await p.bt("bun", "--help")).stdout).toContain("D=VALUE");
});

test("help of a task with many cells names the first ones, and where the others are", async () => {
  const cells = Array.from({ length: 14 }, (_, at) => `"${at + 1}"`);
  const p = await project({
    "builderfile.ts": withTasks({ bun: `task({ matrix: { tray: [${cells.join(", ")}] }, run: "true" })` }),
  });

  const { stdout } = await p.bt("bun", "--help");

  expect(stdout).toContain("\n  bun:11\n  and 3 more; `bt --list --json` names all\n");
  expect(stdout).not.toContain("bun:12");
});
