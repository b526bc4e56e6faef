/** bt called from a Makefile, through the generated rules and by hand: make's flags, variables and exit codes mean what they mean to make. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test as plainTest } from "vitest";
import { bt, makeProject } from "../support/make.ts";
import { taskProcesses } from "../support/processes.ts";
import { project, withTasks } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

const test = testWith("make");

const bakery = withTasks({
  bake: `task({
    params: { flour: param.string({ default: "rye" }), loaves: param.integer({ default: 1 }), salted: param.flag() },
    inputs: ["grain"], outputs: ["loaf"],
    run: ({ $, params }) => $\`printf '%s|' \${params.flour} \${params.loaves} \${params.salted} > loaf\`,
  })`,
  sell: `task({ needs: ["bake"], run: ({ log }) => log.info("sold") })`,
  burn: `task({ run: "false" })`,
  wait: `task({ matrix: { oven: ["left", "right"] }, run: "true" })`,
});
const files = { grain: "g" };

/** A Makefile value with everything that a shell would take apart. */
const odd = `it's "a" \\ b  $x\nand more`;

test("the rules are a target for every task and every cell, and the Makefile's own default stays", async () => {
  const p = await makeProject(bakery, "", files);
  p.write("Makefile", "include bt.mk\nown: ; @echo own\n");

  const [own, cell] = [await p.make(), await p.make("wait-left", "sell")];

  expect(own.stdout).toBe("own\n");
  expect(cell).toMatchObject({ exitCode: 0, stderr: "" });
  expect(cell.stdout).toMatch(/^▸ wait:left[^]*sold/);
});

test("the rules do not change between two runs, and --check tells a stale file", async () => {
  const p = await makeProject(bakery, "", files);

  const second = await p.bt("--make-shim");
  const fresh = await p.bt("--make-shim", "--check", "bt.mk");
  p.write("bt.mk", second.stdout.replace("bt.task.bake := bake", "bt.task.bake := cake"));
  const stale = await p.bt("--make-shim", "--check", "bt.mk");

  expect(fresh).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
  expect(stale).toMatchObject({ exitCode: 1, stderr: "" });
  expect(stale.stdout).toMatch(/^@@ line \d+ @@\n-bt\.task\.bake := cake\n\+bt\.task\.bake := bake\n$/);
  expect(p.read("bt.mk")).toContain("cake");
});

test.each<readonly [string, string, readonly string[], Readonly<Record<string, string>>, string]>([
  ["nothing", "", [], {}, "rye|1|false|"],
  ["the command line", "", [`FLOUR=${odd.replace("$", () => "$$")}`, "LOAVES=2"], {}, `${odd}|2|false|`],
  ["an expression of the command line", "GRAIN = oat", ["FLOUR=$(GRAIN)meal"], {}, "oatmeal|1|false|"],
  ["the Makefile", "FLOUR = corn\nSALTED := yes", [], {}, "corn|1|true|"],
  ["the environment", "", [], { FLOUR: "spelt" }, "spelt|1|false|"],
  ["the Makefile, which beats the environment", "FLOUR = corn", [], { FLOUR: "spelt" }, "corn|1|false|"],
  ["the environment with -e", "FLOUR = corn", ["-e"], { FLOUR: "spelt" }, "spelt|1|false|"],
  ["override, which beats the command line", "override FLOUR = millet", ["FLOUR=x"], {}, "millet|1|false|"],
  ["?=, which the environment beats", "FLOUR ?= corn", [], { FLOUR: "spelt" }, "spelt|1|false|"],
  ["an empty value, which counts as none", "FLOUR =", ["LOAVES="], {}, "rye|1|false|"],
])("a param takes its value from %s", async (_, lines, argv, env, loaf) => {
  const p = await makeProject(bakery, lines, files);

  const result = await p.makeWith({ env }, "bake", ...argv);

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("loaf")).toBe(loaf);
});

test("with -e variables of the command line reach a recipe by hand, though make 4.3 does not name them", async () => {
  const p = await makeProject(bakery, `mine: ; +@$(BT) --make bake`, files);

  const result = await p.make("-e", "mine", "FLOUR=corn");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("loaf")).toBe("corn|1|false|");
});

test("bt's own command line beats make's variables", async () => {
  const p = await makeProject(bakery, `mine: ; +@$(BT) --make bake FLOUR=oat`, files);

  await p.make("mine", "FLOUR=corn");

  expect(p.read("loaf")).toBe("oat|1|false|");
});

test("a wrong value is found before anything runs, and the message names the variable and where it was set", async () => {
  const p = await makeProject(bakery, "LOAVES = many", files);

  const result = await p.make("sell");

  expect(result.exitCode).toBe(2);
  expect(result.stdout).toBe("");
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: LOAVES of task "bake" is "many", but takes a whole number
      at   the make variable LOAVES (file)
      fix  Correct LOAVES; \`bt bake --help\` describes it.
    make: *** [bt.mk:35: sell] Error 2
    "
  `);
});

test("a misspelt variable of the command line is reported; others, and those of the Makefile, are make's own business", async () => {
  const p = await makeProject(bakery, "FLOURS = corn", files);

  const result = await p.make("bake", "FLUOR=oat", "V=1", "CFLAGS=-O2");

  expect(result).toMatchObject({ exitCode: 0 });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Warning: No task knows the make variable FLUOR
      fix  Use FLOUR, or leave it out.
    "
  `);
});

test("-n says what would run and starts nothing; what is up to date says nothing", async () => {
  const p = await makeProject(bakery, "", files);

  const stale = await p.make("-n", "bake");

  expect(stale).toMatchObject({ exitCode: 0, stderr: "" });
  expect(stale.stdout).toContain("bake (it has never run)");
  expect([p.exists("loaf"), p.exists(".bt"), taskProcesses(p.root)]).toEqual([false, true, []]);
  expect((await p.make("-tn", "bake")).stdout).toContain("bake (it has never run)");
  expect(p.exists("loaf")).toBe(false);
  await p.make("bake");
  expect(await p.make("bake")).toEqual({ exitCode: 0, signal: undefined, stdout: "", stderr: "" });
  expect((await p.make("-n", "bake")).stdout).toBe(`${bt} --make bake\n`);
});

test.each([
  ["-q", 1, 0],
  ["-qn", 1, 0],
  ["-qt", 1, 0],
] as const)("%s answers with the exit code and prints nothing of bt", async (flags, stale, fresh) => {
  const p = await makeProject(bakery, "", files);

  const before = await p.make(flags, "bake");
  const isMade = p.exists("loaf");
  await p.make("bake");
  const after = await p.make(flags, "bake");

  const said = [before, after].map(({ stdout }) => stdout.replace(`${bt} --make bake\n`, "")); // With -n make says it.
  expect([before.exitCode, isMade, after.exitCode, ...said]).toEqual([stale, false, fresh, "", ""]);
});

test("-q answers 2 to what is wrong", async () => {
  const p = await makeProject(bakery, "", files);

  expect(await p.make("-q", "bake", "LOAVES=x")).toMatchObject({ exitCode: 2, stdout: "" });
});

test("-t takes what is there for done, and says so", async () => {
  const p = await makeProject(bakery, "", { ...files, loaf: "as it was" });

  const touched = await p.make("-t", "bake");
  const after = await p.make("bake");

  expect(touched).toMatchObject({ exitCode: 0, stdout: "touch bake\n" });
  expect(after).toMatchObject({ exitCode: 0, stdout: "" });
  expect(p.read("loaf")).toBe("as it was");
});

test("-k goes on, -s is quiet, -B runs what is up to date, -i counts for make alone", async () => {
  const builderfile = withTasks({
    bad: `task({ run: "false" })`,
    good: `task({ run: "echo good" })`,
    both: `task({ needs: ["bad", "good"] })`,
    bake: `task({ inputs: [], outputs: ["loaf"], run: "touch loaf" })`,
  });
  const p = await makeProject(builderfile);

  const [keep, quiet, ignored] = [
    await p.make("-k", "-j1", "both"),
    await p.make("-s", "good"),
    await p.make("-i", "-j1", "both"),
  ];
  await p.make("bake");
  const forced = await p.make("-B", "bake");

  expect(keep).toMatchObject({ exitCode: 2 });
  expect(keep.stdout).toContain("1 ran, 1 failed");
  expect(quiet).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
  expect(ignored).toMatchObject({ exitCode: 0 });
  expect(ignored.stderr).toContain("Error 1 (ignored)");
  expect(forced.stdout).toContain("it is forced");
});

test.each([
  ["-Onone", "▸ say (it declares no inputs)\n$ echo hello\nhello\n"],
  ["-Oline", "▸ say (it declares no inputs)\nsay | $ echo hello\nsay | hello\n"],
  ["-Otarget", "▸ say (it declares no inputs)\n$ echo hello\nhello\n"],
  ["-Orecurse", "▸ say (it declares no inputs)\n$ echo hello\nhello\n"],
])("%s is a way to show output", async (flag, shown) => {
  const p = await makeProject(withTasks({ say: `task({ run: "echo hello" })` }));

  const result = await p.make(flag, "say");

  expect(result.stdout.replace(/bt: 1 ran in .*\n/, "")).toBe(shown);
});

/** A word that no command line has, and how to wait until bt has shown it. */
const [say, isShown] = ["echo $((20000 + 22222))", "grep -q 42222 out"];

test.each([
  ["-Onone", `${say}; until ${isShown}; do sleep 0.01; done`, "true"],
  ["-Oline", `${say}; until ${isShown}; do sleep 0.01; done`, "true"],
  ["-Otarget", `${say}; ! ${isShown}`, `until ${isShown}; do sleep 0.01; done`],
  ["-Orecurse", `${say}; ! ${isShown}`, `! ${isShown}`],
])("with %s output is shown when it is due: at once, after its task, after the run", async (flag, first, second) => {
  const tasks = {
    first: `task({ run: ${JSON.stringify(first)} })`,
    second: `task({ needs: ["first"], run: ${JSON.stringify(second)} })`,
  };
  const p = await makeProject(withTasks(tasks));

  const result = await p.btWith({ env: { BT: bt }, program: ["sh", "-c"] }, `exec make ${flag} second > out`);

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("out")).toContain("42222");
});

test("-j1 is serial, and -l below the load lets one task run at a time", async () => {
  const clock = `task({ matrix: { n: ["1", "2", "3"] }, run: "echo start >> log; sleep 0.05; echo end >> log" })`;
  for (const flags of [["-j1"], ["-l", "0.0001"], ["-j4", "-l", "0.0001"]]) {
    const p = await makeProject(withTasks({ clock }));

    await p.make(...flags, "clock");

    expect(p.read("log")).toBe("start\nend\n".repeat(3));
  }
});

test("several targets share one run when the Makefile wants it, and a task both need runs once", async () => {
  const builderfile = withTasks({
    base: `task({ run: "echo base >> log" })`,
    left: `task({ needs: ["base"], params: { side: param.string({ default: "?" }) }, run: ({ $, params }) => $\`echo left \${params.side} >> log\` })`,
    right: `task({ needs: [after("left")], run: "echo right >> log" })`,
  });
  const p = await makeProject(builderfile, "BT_TOGETHER = yes\nSIDE = a b");

  const result = await p.make("right", "left");

  expect(result.exitCode).toBe(0);
  expect(p.read("log")).toBe("base\nleft a b\nright\n");
});

test("a recipe by hand: the flags of make count, its variables reach bt through the environment", async () => {
  const p = await makeProject(bakery, "by-hand: ; +@$(BT) bake", files);

  const dry = await p.make("-n", "by-hand");
  await p.make("by-hand", "FLOUR=oat");

  expect(dry.stdout).toContain("bake (it has never run)");
  expect(p.read("loaf")).toBe("oat|1|false|");
});

plainTest("MAKEFLAGS of a shell profile is left alone, and --verbose says so", async () => {
  const p = await project({ "builderfile.ts": bakery, ...files });

  const result = await p.btWith({ env: { MAKEFLAGS: "-n" } }, "--verbose", "bake");

  expect(p.exists("loaf")).toBe(true);
  expect(result.stderr).toBe("bt: MAKEFLAGS is ignored: no make has started this bt\n");
});

test("--verbose lists which of make's variables are used", async () => {
  const p = await makeProject(bakery, "loud: ; +@$(BT) --make --verbose bake", files);

  const result = await p.make("loud", "FLOUR=oat", "VV=1");

  expect(result.stderr).toBe(
    "bt: make variables that a task knows: FLOUR\nbt: make variables that no task knows: VV\n",
  );
});

testWith("make", "script")(
  "on a terminal, make's own, no cursor is moved; colours are there, also behind -O",
  async () => {
    const p = await makeProject(withTasks({ say: `task({ run: "echo hello" })` }));
    const env = { BT: bt, TERM: "xterm", NO_COLOR: "" };
    const onTerminal = (command: string): ReturnType<typeof p.btWith> =>
      p.btWith({ env, program: ["script", "-qec"] }, command, "/dev/null");

    const [plain, synced] = [await onTerminal("make say"), await onTerminal("make -Otarget say")];
    const piped = await p.makeWith({ env }, "say");

    for (const { stdout } of [plain, synced]) {
      expect(stdout).toContain("hello");
      expect(stdout).toMatch(/\u001B\[\d+m/);
      expect(stdout.replaceAll(/\u001B\[\d+m/g, "")).not.toContain("\u001B");
    }
    expect(piped.stdout).not.toContain("\u001B");
  },
);

test("a rule that remakes the rules is there on request only", async () => {
  const p = await makeProject(bakery, "", files);
  p.write("auto.mk", (await p.bt("--make-shim", "--auto")).stdout);
  fs.utimesSync(path.join(p.root, "auto.mk"), 0, 0);
  p.write("Makefile", "include auto.mk\n");
  p.write("builderfile.ts", bakery.replace('"burn"', '"char"'));

  const result = await p.make("char");

  expect(p.read("bt.mk")).not.toContain("bt.file");
  expect(p.read("auto.mk")).toContain(".PHONY: char");
  expect(result.stderr).toContain("char");
});
