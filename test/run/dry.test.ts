/** A dry run and the other questions: they start nothing, write nothing, and say what the next run does. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { outcomesOf, parseEvents } from "../support/outcome.ts";
import { project, withTasks, type Project } from "../support/project.ts";

/** Every path below the project with its content, mode and time. */
function snapshot(p: Project): Record<string, string> {
  const names = fs.readdirSync(p.root, { recursive: true }).map(String).sort();
  return Object.fromEntries(
    names.map((name) => {
      const stat = fs.lstatSync(path.join(p.root, name));
      const content = stat.isFile()
        ? createHash("sha256")
            .update(fs.readFileSync(path.join(p.root, name)))
            .digest("hex")
        : "";
      return [name, `${stat.mode} ${stat.mtimeMs} ${content}`];
    }),
  );
}

const bakery = {
  sift: `task({ inputs: ["flour"], outputs: ["fine"], run: "cp flour fine" })`,
  bake: `task({ inputs: ["fine"], outputs: ["loaf"], run: ["cp", "fine", "loaf"] })`,
  call: `task({ run: async ({ $ }) => { await $\`touch called\`; } })`,
  shell: `task({ run: "echo $HOME > home && touch shelled" })`,
  status: `task({ inputs: [], status: async ({ $ }) => { await $\`touch asked\`; return true; }, run: "touch done" })`,
};

const questions: readonly (readonly string[])[] = [
  ["-n", "bake", "call", "shell", "status"],
  ["-q", "bake"],
  ["--why", "bake"],
  ["--graph=dot", "bake"],
  ["--graph=json", "bake"],
  ["--check"],
  ["bake", "--help"],
  ["--runs"],
  ["--doctor"],
];

test.for(questions)("bt %s writes nothing, not even below .bt/", async (argv) => {
  const p = await project({ "builderfile.ts": withTasks(bakery), flour: "rye" });
  await p.bt("bake", "status");
  p.write("flour", "oat");
  const before = snapshot(p);

  await p.bt(...argv);

  expect(snapshot(p)).toEqual(before);
});

test("a dry run in a project that bt has never seen leaves no trace", async () => {
  const p = await project({ "builderfile.ts": withTasks(bakery), flour: "rye" });

  const result = await p.bt("-n", "bake");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(fs.readdirSync(p.root).sort()).toEqual(["builderfile.ts", "flour"]);
});

test("questions in a project that bt has never seen leave nothing but what the builderfile compiles to", async () => {
  const p = await project({ "builderfile.ts": withTasks(bakery), flour: "rye" });

  for (const argv of questions) await p.bt(...argv);

  const kept = new Set(["builder", ".gitignore", "config.json", "list.json"]);
  const left = p.exists(".bt") ? fs.readdirSync(path.join(p.root, ".bt")).filter((name) => !kept.has(name)) : [];
  expect(left).toEqual([]);
  expect(fs.readdirSync(p.root).filter((name) => name !== ".bt")).toEqual(["builderfile.ts", "flour"]);
});

test("a dry run starts no program", async () => {
  const poison = '#!/bin/sh\necho "$0 $*" >> "$HOME/started"\n';
  const programs = ["cp", "touch", "echo", "bash", "sh", "true", "env"].map(
    (name) => [`poison/${name}`, poison] as const,
  );
  const p = await project({ "builderfile.ts": withTasks(bakery), flour: "rye", ...Object.fromEntries(programs) });
  for (const [file] of programs) fs.chmodSync(path.join(p.root, file), 0o755);
  const env = { PATH: path.join(p.root, "poison") };

  const dry = await p.btWith({ env }, "-n", "bake", "call", "shell", "status");

  expect(dry).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.exists("started")).toBe(false);
  await p.btWith({ env }, "shell");
  expect(p.exists("started")).toBe(true); // The poison works.
});

test("a dry run prints what would be started: words exactly, lines as they are, functions by their place", async () => {
  const tasks = {
    words: `task({ run: ["printf", "%s\\n", "it's two words", "", "a*"] })`,
    line: `task({ run: "echo $HOME | cat" })`,
    call: `task({ run: () => {} })`,
  };
  const p = await project({ "builderfile.ts": withTasks(tasks) });

  const { stdout } = await p.bt("-n", "-j1", "words", "line", "call");

  expect(stdout).toBe(
    [
      "call (it declares no inputs)",
      "  $ (a function at builderfile.ts:6)",
      "line (it declares no inputs)",
      "  $ echo $HOME | cat",
      "words (it declares no inputs)",
      "  $ printf $'%s\\n' 'it'\\''s two words' '' 'a*'",
      "bt: 3 would run",
      "",
    ].join("\n"),
  );
});

test("a function with `dryRun: record` is called, and its commands are only printed", async () => {
  const record = `task({ dryRun: "record", params: { tag: param.string({ default: "v 1" }) }, run: async ({ $, exec, params, inputs }) => { await $\`docker push \${params.tag} \${["a", "b c"]}\`; const { stdout } = await exec("docker", ["inspect", params.tag]); await $({ cwd: "/" })\`echo \${stdout.length}\`; } })`;
  const p = await project({ "builderfile.ts": withTasks({ record }) });

  const { stdout, exitCode } = await p.bt("-n", "record");

  expect(exitCode).toBe(0);
  expect(stdout).toBe(
    "record (it declares no inputs)\n  $ docker push $'v 1' a $'b c'\n  $ docker inspect 'v 1'\n  $ echo 0\nbt: 1 would run\n",
  );
});

test("a recorded function gets the results of what is up to date", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      grow: `task({ inputs: ["seed"], run: () => "rye" })`,
      bake: `task({ needs: ["grow"], dryRun: "record", run: ({ needs, $ }) => $\`bake \${needs.grow}\` })`,
    }),
    seed: "1\n",
  });
  await p.bt("grow");

  expect((await p.bt("-n", "bake")).stdout).toContain("\n  $ bake rye\n");
});

test("a recorded function cannot do anything through its context", async () => {
  const record = `task({ dryRun: "record", outputs: ["loaf"], run: async ({ tempDir, defer, $ }) => { await $\`touch loaf\`.nothrow(); await $\`true\`.quiet(); await tempDir(); } })`;
  const p = await project({ "builderfile.ts": withTasks({ record }), loaf: "old" });

  await p.bt("-n", "record");

  expect(p.read("loaf")).toBe("old");
});

/** What a dry run or a run says about each task: an outcome, or `maybe`. */
async function outcomes(p: Project, ...argv: string[]): Promise<Record<string, string>> {
  const { stdout } = await p.bt("--output=json", "-j1", ...argv);
  const unsure = parseEvents(stdout).flatMap((event) =>
    "reasons" in event && event.reasons.every((reason) => reason.endsWith("runs first")) ? [event.task] : [],
  );
  const ends = outcomesOf(stdout).filter(([, outcome]) => outcome !== "group");
  return Object.fromEntries(ends.map(([task, outcome]) => [task, unsure.includes(task) ? "maybe" : outcome]));
}

test("what a dry run says is what the next run does", async () => {
  const tasks = {
    ...bakery,
    wrap: `task({ needs: ["bake"], inputs: ["paper"], run: "true" })`,
    never: `task({ when: () => false, run: "true" })`,
    after: `task({ needs: ["never"], inputs: [], run: "true" })`,
    shop: `task({ matrix: { bread: ["rye", "oat"] }, inputs: [], run: "true" })`,
    all: `task({ needs: ["wrap", "never", "after", "shop", "call"] })`,
  };
  const p = await project({ "builderfile.ts": withTasks(tasks), flour: "rye", paper: "white" });
  const changes = [
    () => {},
    () => {},
    () => p.write("paper", "blue"),
    () => p.write("flour", "oat"),
    () => p.write("loaf", "stone"),
    () => fs.rmSync(path.join(p.root, "fine")),
  ];

  for (const change of changes) {
    change();
    const would = await outcomes(p, "-n", "all");
    const did = await outcomes(p, "all");
    const open = Object.keys(would).filter((task) => would[task] === "maybe");
    expect({ ...would, ...Object.fromEntries(open.map((task) => [task, did[task]])) }).toEqual(did);
    for (const task of open) expect(["ran", "fresh", "restored"]).toContain(did[task]);
  }
});

test.for([
  ["nothing of it is there", ["flour", "fine"], "restored"],
  ["it is as it was", ["flour"], "fresh"],
  ["it is there of other grain", [], "restored"],
] as const)(
  "a dry run tells of a need what the next run does when its own need has been restored: %s",
  async ([, gone, outcome]) => {
    const p = await project({
      "builderfile.ts": withTasks({
        mill: `task({ inputs: ["grain"], outputs: ["flour"], run: "cp grain flour" })`,
        sift: `task({ inputs: ["flour"], outputs: ["fine"], run: "cp flour fine" })`,
        bake: `task({ inputs: ["fine", "heat"], outputs: ["bread"], run: "cat fine heat > bread" })`,
      }),
      grain: "rye",
      heat: "1",
    });
    await p.bt("bake");
    p.write("heat", "2");
    if (gone.length === 0) {
      p.write("grain", "oat");
      await p.bt("bake");
      p.write("grain", "rye");
      p.write("heat", "3");
    }
    for (const file of gone) fs.rmSync(path.join(p.root, file));

    const would = await p.bt("-n", "bake", "--output=json");
    const why = await p.bt("--why", "bake", "--json");
    const did = await p.bt("bake", "--output=json");

    const told = outcomesOf(would.stdout);
    expect(told).toEqual([
      ["mill", "restored"],
      ["sift", outcome],
      ["bake", "ran"],
    ]);
    expect(outcomesOf(did.stdout)).toEqual(told);
    const { tasks } = JSON.parse(why.stdout) as { tasks: { task: string; cached?: string }[] };
    expect(tasks.flatMap(({ task, cached }) => (cached === undefined ? [] : [task]))).toEqual(
      told.flatMap(([task, end]) => (end === "restored" ? [task] : [])),
    );
  },
);

test("-q says nothing: exit 0 when there is nothing to do, 1 when there is, 2 for a mistake", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ ...bakery, never: `task({ when: () => false, run: "true" })` }),
    flour: "rye",
  });

  expect(await p.bt("-q", "bake")).toMatchObject({ exitCode: 1, stdout: "", stderr: "" });
  await p.bt("bake");
  expect(await p.bt("-q", "bake")).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
  expect(await p.bt("-q", "call")).toMatchObject({ exitCode: 1 });
  expect(await p.bt("-q", "never")).toMatchObject({ exitCode: 0 });
  expect(await p.bt("-q", "bread")).toMatchObject({ exitCode: 2, stdout: "" });
});

test("a dry run as JSON marks itself and ends with run-finished", async () => {
  const p = await project({ "builderfile.ts": withTasks(bakery), flour: "rye" });

  const events = parseEvents((await p.bt("-n", "--json", "bake")).stdout);

  expect(events[0]).toMatchObject({ kind: "run-started", dryRun: true, targets: ["bake"] });
  expect(events.at(-1)).toMatchObject({ kind: "run-finished", exitCode: 0, counts: { ran: 2 } });
});
