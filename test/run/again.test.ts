/** Past runs asked for again: resumed, replayed, compared with each other and with how things are now. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { until } from "../support/processes.ts";
import { project, withTasks, type Project } from "../support/project.ts";
import { run } from "../support/tool.ts";

/** Ids of the runs, the oldest first. */
function runsOf(p: Project): string[] {
  return fs.readdirSync(path.join(p.root, ".bt/runs")).sort();
}

/** Every task says in `log` that it ran; `bake` succeeds once there is heat. */
function kitchen(): Record<string, string> {
  return {
    "builderfile.ts": withTasks({
      mix: `task({ params: { tag: param.string({ default: "rye" }) }, run: "echo mix >> log" })`,
      knead: `task({ needs: ["mix"], outputs: ["dough"], run: "echo knead >> log; echo soft > dough" })`,
      bake: `task({ needs: ["knead"], run: "echo bake >> log; test -e heat" })`,
    }),
  };
}

/** A run does not wait long for git: a task that waits for file `asked` lasts until git has answered. */
const slowEnoughForGit: Readonly<Record<string, string>> = {
  ".gitignore": ".bt\nasked\n",
  "bin/git": `#!/bin/sh\nPATH=${process.env["PATH"]} git "$@"\ntouch asked\n`,
};

async function commitAll(p: Project): Promise<(...words: string[]) => Promise<string>> {
  fs.chmodSync(path.join(p.root, "bin/git"), 0o755);
  const git = (...words: string[]): Promise<string> =>
    run("git", ["-C", p.root, "-c", "user.name=baker", "-c", "user.email=baker@example.org", ...words]);
  await git("init", "-q");
  await git("add", ".");
  await git("commit", "-q", "-m", "flour");
  return git;
}

async function failOnce(p: Project, ...argv: string[]): Promise<void> {
  expect((await p.bt("bake", ...argv)).exitCode).toBe(1);
  p.write("log", "");
  p.write("heat", "");
}

test("--resume continues a failed run: what succeeded in it is not run again, although it is never up to date", async () => {
  const p = await project(kitchen());
  await failOnce(p);

  const resumed = await p.bt("--resume");

  expect(resumed).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("log")).toBe("bake\n");
});

test("--resume runs a task again whose key is another than in the run, and all that needs it", async () => {
  const p = await project(kitchen());
  await failOnce(p);
  p.write("builderfile.ts", p.read("builderfile.ts").replace("echo knead", "echo 'knead well'"));

  await p.bt("--resume");

  expect(p.read("log")).toBe("knead well\nbake\n");
});

test("--resume runs a task again whose output was edited or removed", async () => {
  const p = await project(kitchen());
  await failOnce(p);
  p.write("dough", "hard\n");

  await p.bt("--resume");

  expect(p.read("log")).toBe("knead\nbake\n");
});

test("--resume gives the params of the run again", async () => {
  const p = await project(kitchen());
  await failOnce(p, "TAG=wheat");

  await p.bt("--resume");

  expect(p.read("log")).toBe("bake\n");
  const [first, second] = runsOf(p).map((id) => JSON.parse(p.read(`.bt/runs/${id}/run.json`)) as { params: object });
  expect(second?.params).toEqual({ mix: { TAG: "wheat" } });
  expect(first?.params).toEqual(second?.params);
});

test("a resumed run that fails can be resumed", async () => {
  const p = await project(kitchen());
  await failOnce(p);
  fs.rmSync(path.join(p.root, "heat"));
  expect((await p.bt("--resume")).exitCode).toBe(1);
  p.write("heat", "");
  p.write("log", "");

  const resumed = await p.bt("--resume");

  expect(resumed.exitCode).toBe(0);
  expect(p.read("log")).toBe("bake\n");
});

test("a run whose bt was killed is resumed where it stood", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ run: "echo mix >> log" })`,
      bake: `task({ needs: ["mix"], run: "echo bake >> log; test -e heat || exec sleep 600" })`,
    }),
  });
  const { child, ended } = p.start({}, "bake");
  await until(() => p.exists("log") && p.read("log") === "mix\nbake\n");
  child.kill("SIGKILL");
  await ended;
  p.write("heat", "");

  const resumed = await p.bt("--resume");

  expect(resumed.exitCode).toBe(0);
  expect(p.read("log")).toBe("mix\nbake\nbake\n");
});

test("a secret is not remembered, and is given again with --resume", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      login: `task({ rest: true, params: { token: param.secret({ required: true }), url: param.string({ required: true }) }, run: ({ params, $ }) => $({ input: params.token })\`cat > token; test -e heat\` })`,
    }),
  });
  const words = ["TOKEN=hunter2hunter2", "URL=https://me:hunter2hunter2@host"];
  await p.bt("login", ...words, "--", "hunter2hunter2");
  p.write("heat", "");

  const without = await p.bt("--resume");
  const given = await p.bt("--resume", ...words);

  expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/TOKEN.*URL/s) });
  expect(given.exitCode).toBe(0);
  for (const id of runsOf(p))
    for (const file of fs.readdirSync(path.join(p.root, ".bt/runs", id)))
      expect(p.read(`.bt/runs/${id}/${file}`)).not.toContain("hunter2");
});

test("--why --vs RUN tells every leaf that is another one than in the run, with both values", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["src/**"], params: { tag: param.string({ default: "a" }) }, run: "true" })`,
    }),
    "src/flour": "1\n",
    "src/salt": "1\n",
  });
  await p.bt("bake");
  p.write("src/flour", "2\n");
  p.write("src/water", "1\n");
  fs.rmSync(path.join(p.root, "src/salt"));
  const [first = ""] = runsOf(p);

  const why = await p.bt("--why", "bake", "TAG=b", "--vs", first, "--json");
  const told = await p.bt("--why", "bake", "TAG=b", "--vs", first);

  const { tasks } = JSON.parse(why.stdout) as { tasks: { differences: { name: string }[] }[] };
  expect(tasks[0]?.differences).toEqual([
    { name: "input/src/flour", before: expect.stringMatching(/^file /), now: expect.stringMatching(/^file /) },
    { name: "input/src/salt", before: expect.stringMatching(/^file /) },
    { name: "input/src/water", now: expect.stringMatching(/^file /) },
    { name: "param/tag", before: "a", now: "b" },
  ]);
  expect(told.stdout).toContain("  param/tag: a → b\n");
});

test("--why --run R tells what a past run had otherwise than the run before, also where the task was up to date", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ inputs: ["flour"], run: "true" })`,
      bake: `task({ inputs: ["heat"], needs: ["mix"], run: "true" })`,
      both: `task({ needs: ["mix", "bake"] })`,
    }),
    flour: "1\n",
    heat: "1\n",
  });
  await p.bt("both");
  p.write("heat", "2\n");
  await p.bt("both");
  const [first = "", second = ""] = runsOf(p);

  const own = await p.bt("--why", "bake", "--run", second);
  const idle = await p.bt("--why", "mix", "--run", second, "--vs", first);

  expect(own.stdout).toMatch(/^bake in \S+ → in \S+\n {2}input\/heat: file \w{12} → file \w{12}\n$/);
  expect(idle.stdout).toContain(": the same (key ");
});

test("--why --run tells of a first run why the task ran, and of a task that did not run which one kept it from that", async () => {
  const p = await project(kitchen());
  await failOnce(p);
  await p.bt("--resume");
  const [first = ""] = runsOf(p);

  const why = async (...words: string[]): Promise<string> => (await p.bt("--why", ...words)).stdout;

  expect(await why("mix", "--run", first)).toBe(
    "mix ran then, because\n  it declares no inputs\n  and nothing earlier is kept\n",
  );
  p.write("builderfile.ts", p.read("builderfile.ts").replace("echo knead", "false; echo knead"));
  await p.bt("bake");
  expect(await why("bake", "--run", "last")).toBe(`bake did not run, because\n  "knead" did not succeed\n`);
  expect(await why("mix", "--vs", "last")).toMatch(/^mix in \S+ → now: the same \(key \w+\)\n$/);
});

test("--why --run tells why a task ran although its key was the same, and why it did not although a need ran", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ inputs: ["flour"], outputs: ["dough"], run: "head -1 flour > dough" })`,
      bake: `task({ inputs: ["dough"], outputs: ["bread"], run: "cp dough bread" })`,
      eat: `task({ needs: ["bake"], run: "true" })`,
    }),
    flour: "1\n",
  });
  await p.bt("eat");
  p.write("flour", "1\n2\n");
  p.write("bread", "stale");
  await p.bt("--cache=off", "bake");
  const edited = await p.bt("--why", "bake", "--run", "last");
  p.write("flour", "1\n3\n");
  await p.bt("eat");
  const cutOff = await p.bt("--why", "bake", "--run", "last");

  expect(edited.stdout).toMatch(/: the same \(key \w+\)\n {2}it ran: output "bread" was edited\n$/);
  expect(cutOff.stdout).toMatch(/: the same \(key \w+\)\n {2}"mix" ran, and left what it had left before\n$/);
});

test("--vs takes the journal of another machine", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: ["flour"], run: "true" })` }),
    flour: "1\n",
  });
  await p.bt("bake");
  const [first = ""] = runsOf(p);
  fs.renameSync(path.join(p.root, ".bt/runs", first), path.join(p.root, "theirs"));
  p.write("flour", "2\n");

  const why = await p.bt("--why", "bake", "--vs", "theirs/results.ndjson");

  expect(why.stdout).toMatch(/^bake in theirs\/results.ndjson → now\n {2}input\/flour: /);
});

test("--replay runs everything again and says that it came out the same", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ inputs: [], outputs: ["dough"], run: "echo mix >> log; echo soft > dough" })`,
      bake: `task({ inputs: ["dough"], outputs: ["bread"], run: "echo bake >> log; cp dough bread" })`,
    }),
  });
  await p.bt("bake");
  const [first = ""] = runsOf(p);

  const replay = await p.bt("--replay", first);

  expect(replay).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining(`The same as in run ${first}: 2 tasks\n`),
  });
  expect(p.read("log")).toBe("mix\nbake\nmix\nbake\n");
});

test("--replay names the first task that came out otherwise, and what of it", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ inputs: [], outputs: ["dough"], run: "echo soft > dough" })`,
      rise: `task({ inputs: ["dough"], outputs: ["risen"], run: "cat log > risen; echo rise >> log" })`,
      bake: `task({ inputs: ["risen"], outputs: ["bread"], run: "cp risen bread" })`,
    }),
    log: "",
  });
  await p.bt("bake");
  const [first = ""] = runsOf(p);

  const replay = await p.bt("--replay", first);

  expect(replay.exitCode).toBe(1);
  expect(replay.stdout).toContain(
    `"rise" is the first task that came out otherwise than in run ${first}:\n  risen\n  all that it depends on was the same: it is not reproducible\n`,
  );
});

test("--replay names a task that failed then and succeeds now", async () => {
  const p = await project(kitchen());
  await failOnce(p);
  const [first = ""] = runsOf(p);

  const replay = await p.bt("--replay", first);

  expect(replay.exitCode).toBe(1);
  expect(replay.stdout).toContain(
    `"bake" is the first task that came out otherwise than in run ${first}:\n  failed then, succeeded now\n`,
  );
});

test("--replay compares with, and pins the versions of, what was up to date in that run as well", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      {
        mix: `task({ inputs: [], versions: () => ({ base: readFileSync("base", "utf8") }), outputs: ["dough"], run: "cat log > dough" })`,
        bake: `task({ inputs: ["dough", "heat"], outputs: ["bread"], run: "cp dough bread" })`,
        eat: `task({ needs: ["mix", "bake"] })`,
      },
      `import { readFileSync } from "node:fs";`,
    ),
    base: "1",
    log: "1\n",
    heat: "1\n",
  });
  await p.bt("eat");
  p.write("heat", "2\n");
  await p.bt("eat");
  p.write("base", "2");
  p.write("log", "2\n");

  const replay = await p.bt("--replay", "last");

  expect(replay.stdout).toMatch(/"mix" is the first task .*\n {2}dough\n {2}all that it depends on was the same/);
});

test("--replay names the changed leaf behind another result", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: ["flour"], outputs: ["bread"], run: "cp flour bread" })` }),
    flour: "1\n",
  });
  await p.bt("bake");
  const [first = ""] = runsOf(p);
  p.write("flour", "2\n");

  const replay = await p.bt("--replay", first);

  expect(replay.exitCode).toBe(1);
  expect(replay.stdout).toContain(`  bread\n  because of input/flour: file `);
});

test("--replay takes the versions of the run instead of asking", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      {
        bake: `task({ inputs: [], versions: () => ({ base: readFileSync("base", "utf8") }), outputs: ["bread"], run: "echo > bread" })`,
      },
      `import { readFileSync } from "node:fs";`,
    ),
    base: "1",
  });
  await p.bt("bake");
  const [first = ""] = runsOf(p);
  p.write("base", "2");

  const replay = await p.bt("--replay", first);

  expect(replay.exitCode).toBe(0);
  expect((await p.bt("--why", "bake", "--vs", first)).stdout).toContain("the same");
});

test("--replay says that it lacks what was not committed in the run, unless that is still there", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], outputs: ["bread"], run: "until test -e asked; do sleep 0.01; done; cp flour bread" })`,
    }),
    flour: "1\n",
    ...slowEnoughForGit,
  });
  const git = await commitAll(p);
  const bt = (...words: string[]): ReturnType<Project["bt"]> =>
    p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, ...words);
  p.write("flour", "2\n");
  await bt("bake");
  const [dirty = ""] = runsOf(p);

  const there = await bt("--replay", dirty, "--output=json");
  await git("checkout", "-q", "flour");
  const gone = await bt("--replay", dirty);
  fs.rmSync(path.join(p.root, "asked"));
  await bt("bake", "--force");
  const [clean = ""] = runsOf(p).slice(-1);
  p.write("flour", "3\n");
  const more = await bt("--replay", clean);

  expect(there).toMatchObject({
    exitCode: 0,
    stderr: `Run ${dirty} had changes that were not committed: this replay has of them what is still in this folder\nThe same as in run ${dirty}: 1 task\n`,
  });
  expect(gone.stdout).toContain(
    `Run ${dirty} had changes that were not committed: they are not in this replay\n"bake" is the first task that came out otherwise`,
  );
  expect(more.stdout).toContain(
    `This folder has changes that are not committed, and run ${clean} had none: they are in this replay\n"bake" is`,
  );
});

test("--replay of a run whose commit is not known says that the files may be others", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ inputs: [], run: "true" })` }) });
  await p.btWith({ env: { GIT_DIR: path.join(p.root, "none") } }, "bake");
  const [first = ""] = runsOf(p);

  const replay = await p.bt("--replay", first);

  expect(replay.stdout).toContain(
    `The commit of run ${first} is not known: this replay has the files as they are here now\nThe same as in run ${first}: 1 task\n`,
  );
});

test("the record of a run says what was asked for, of which commit, and by which bt", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ params: { tag: param.string() }, run: "until test -e asked; do sleep 0.01; done" })`,
    }),
    ...slowEnoughForGit,
  });
  const git = await commitAll(p);
  const id = (await git("rev-parse", "HEAD")).trim();

  await p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, "bake", "TAG=a b");

  const record = JSON.parse(p.read(`.bt/runs/${runsOf(p)[0]}/run.json`)) as object;
  expect(record).toMatchObject({
    command: "bake 'TAG=a b'",
    selection: { words: ["bake"] },
    params: { bake: { TAG: "a b" } },
    versions: { bt: expect.stringMatching(/^\d/), node: process.version },
    commit: { id, isDirty: false },
    tasks: { bake: { outcome: "ran", key: expect.stringMatching(/^[0-9a-f]{64}$/) } },
  });
});
