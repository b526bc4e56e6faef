/** Params: every way to give one, which way wins, and who gets it. */
import { expect, test } from "vitest";
import { project, withTasks, type Project } from "../support/project.ts";
import { answerOnTerminal } from "../support/shell.ts";
import { testWith } from "../support/tool.ts";

/** A task that prints its params as JSON. */
const show = (params: string, more = ""): string =>
  `task({ params: ${params}, ${more} run: ({ params, log }) => log.info(JSON.stringify(params)) })`;

async function shown(p: Project, env: Record<string, string>, ...argv: string[]): Promise<unknown> {
  const { stdout, stderr } = await p.btWith({ env }, ...argv);
  expect(stderr).toBe("");
  return stdout.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
}

test("a param can be given as NAME=value, --name value, --name=value, TASK.NAME=value and variable", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: show(`{ breadKind: param.string() }`) }) });

  for (const words of [["BREAD_KIND=rye"], ["--bread-kind", "rye"], ["--bread-kind=rye"], ["bake.BREAD_KIND=rye"]]) {
    expect(await shown(p, {}, "bake", ...words)).toEqual([{ breadKind: "rye" }]);
  }
  expect(await shown(p, { BREAD_KIND: "rye" }, "bake")).toEqual([{ breadKind: "rye" }]);
});

test("the command line beats the environment, that beats the builderfile, and that the default; empty counts as not given", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, param, task } from "builderfile";
const bake = ${show(`{ a: param.string({ default: "default" }), b: param.string({ default: "default" }), c: param.string({ default: "default" }), d: param.string({ default: "default" }), e: param.string({ default: "default" }) }`)};
export default defineBuilder({ params: { A: "builderfile", B: "builderfile", C: "builderfile", E: "builderfile" }, tasks: { bake } });`,
  });

  expect(await shown(p, { A: "environment", B: "environment", E: "" }, "bake", "A=line", "E=")).toEqual([
    { a: "line", b: "environment", c: "builderfile", d: "default", e: "builderfile" },
  ]);
});

test("a value for one task beats one for all, and goes to no other task", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: show(`{ tag: param.string() }`), sell: show(`{ tag: param.string() }`) }),
  });

  expect(await shown(p, {}, "-j1", "bake", "sell", "TAG=all", "sell.TAG=one")).toEqual([
    { tag: "all" },
    { tag: "one" },
  ]);
});

test("a needed task that declares the same variable gets it, one that does not declare it does not", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      sift: show(`{ tag: param.string({ default: "none" }) }`),
      rest: `task({ run: "echo rest-\${TAG:-}-" })`,
      bake: show(`{ tag: param.string() }`, `needs: ["sift", "rest"],`),
    }),
  });

  const { stdout } = await p.bt("-j1", "bake", "TAG=v1");

  expect(stdout.match(/\{"tag":"v1"\}/g)).toHaveLength(2);
  expect(stdout).not.toContain("rest-v1-");
});

test("a value that is fixed on a need beats all others", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, param, task } from "builderfile";
const bake = ${show(`{ tag: param.string() }`)};
export default defineBuilder({ tasks: { bake, all: task({ needs: [bake.with({ tag: "fixed" })], run: "true" }) } });`,
  });

  expect(await shown(p, { TAG: "environment" }, "all")).toEqual([{ tag: "fixed" }]);
});

test("typed params are read in every spelling, and reach the environment of commands", async () => {
  const params = `{ dry: param.flag(), count: param.integer(), words: param.list(), arch: param.arch(), size: param.number() }`;
  const p = await project({
    "builderfile.ts": withTasks({
      bake: show(params),
      env: `task({ params: ${params}, run: "echo $DRY $COUNT $WORDS $ARCH" })`,
    }),
  });

  expect(await shown(p, {}, "bake", "--dry", "COUNT=-3", "WORDS=a, b c", "ARCH=x86_64", "SIZE=1.5")).toEqual([
    { dry: true, count: -3, words: ["a", "b", "c"], arch: "amd64", size: 1.5 },
  ]);
  expect(await shown(p, {}, "bake", "--no-dry")).toEqual([{ dry: false, words: [] }]);
  expect((await p.bt("env", "DRY=yes", "COUNT=2", "WORDS=a,b", "ARCH=aarch64")).stdout).toContain("true 2 a b arm64\n");
});

test("a Standard Schema checks and converts", async () => {
  const schema = `{ "~standard": { version: 1, vendor: "mine", validate: (value: unknown) => (String(value).startsWith("v") ? { value: { version: String(value).slice(1) } } : { issues: [{ message: "it starts with v" }] }) } }`;
  const p = await project({ "builderfile.ts": withTasks({ bake: show(`{ tag: param.schema(${schema}) }`) }) });

  expect(await shown(p, {}, "bake", "TAG=v2")).toEqual([{ tag: { version: "2" } }]);
  expect(await p.bt("bake", "TAG=2")).toMatchObject({
    exitCode: 2,
    stdout: "",
    stderr: expect.stringContaining("it starts with v"),
  });
});

test.for([
  [["bake"], "needs a value for TAG"],
  [["bake", "TAG=a", "TGA=b"], "Use TAG=…"],
  [["bake", "TAG=a", "--tga", "b"], 'Use "--tag"'],
  [["bake", "TAG=a", "sell.TAG=b"], "which is not part of this run"],
  [["bake", "TAG=a", "COUNT=two"], `COUNT of task "bake" is "two", but takes a whole number`],
  [["bake", "TAG=a", "KIND=ry"], "Use KIND=rye."],
] as const)("bt %j is a mistake, and nothing runs", async ([argv, message]) => {
  const p = await project({
    "builderfile.ts": withTasks({
      sift: `task({ run: "touch ran" })`,
      bake: show(
        `{ tag: param.string({ required: true }), count: param.integer(), kind: param.enum(["rye", "oat"]) }`,
        `needs: ["sift"],`,
      ),
      sell: show(`{ tag: param.string() }`),
    }),
  });

  const result = await p.bt(...argv);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(message);
  expect(p.exists("ran")).toBe(false);
});

test("words after -- go to the one task that takes them, and into its key only", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      sift: `task({ inputs: [], run: "true" })`,
      line: `task({ inputs: [], needs: ["sift"], rest: true, run: "echo got" })`,
      words: `task({ rest: true, run: ["echo", "got"] })`,
      call: `task({ rest: true, run: ({ rest, log }) => log.info(JSON.stringify(rest)) })`,
      none: `task({ run: "true" })`,
    }),
  });
  await p.bt("line");

  const result = await p.bt("line", "--", "it's", "$HOME", "-n");
  expect(result.stdout).toContain("\ngot it's $HOME -n\n");
  expect(result.stdout).toContain("1 ran");
  expect((await p.bt("words", "--", "a  b")).stdout).toContain("\ngot a  b\n");
  expect((await p.bt("call", "--", "TAG=1", "--x")).stdout).toContain(`["TAG=1","--x"]`);
  expect(await p.bt("none", "--", "a")).toMatchObject({ exitCode: 2 });
  expect(await p.bt("line", "words", "--", "a")).toMatchObject({ exitCode: 2 });
});

test("variables of an environment file that the builderfile reads reach the task, and a change of one is named", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { bake: `task({ inputs: [], env: settings, outputs: ["label"], run: "echo $FLOUR > label" })` },
      `import { readFileSync } from "node:fs"; import { parseEnv } from "node:util";
const settings = Object.entries(parseEnv(readFileSync(".env", "utf8"))).map((pair) => pair.join("="));`,
    ),
    ".env": `# what is baked\nFLOUR="rye"\nHEAT=220\n`,
  });
  await p.bt("bake");
  expect(p.read("label")).toBe("rye\n");

  p.write(".env", `FLOUR="oat"\nHEAT=220\n`);

  expect((await p.bt("--why", "bake")).stdout).toBe(`bake would run, because\n  variable "FLOUR" changed\n`);
  await p.bt("bake");
  expect(p.read("label")).toBe("oat\n");
});

test("the environment is an allow-list: declared variables reach a task, others do not", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ show: `task({ env: ["OVEN", "MODE=fast"], run: "env" })` }),
  });

  const { stdout } = await p.btWith({ env: { OVEN: "hot", STRAY: "cat", LC_ALL: "C", MODE: "slow" } }, "show");

  expect(stdout).toContain("\nOVEN=hot\n");
  expect(stdout).toContain("\nMODE=fast\n");
  expect(stdout).toContain("\nLC_ALL=C\n");
  expect(stdout).not.toContain("STRAY");
  expect(stdout).toMatch(/\nBT_TASK_KEY=[0-9a-f]{64}\n/);
  expect(stdout).toContain("\nBT_TASK=show\n");
});

test("a task gets its key, which --why tells and a changed input changes", async () => {
  const show = `task({ inputs: ["flour"], run: "echo key $BT_TASK_KEY" })`;
  const p = await project({ "builderfile.ts": withTasks({ show }), flour: "rye" });
  const keys = async (): Promise<readonly unknown[]> => {
    const given = /^key (.+)$/m.exec((await p.bt("show")).stdout)?.[1];
    return [given, JSON.parse((await p.bt("--why", "--json", "show")).stdout).tasks[0].key];
  };

  const [rye, ryeToo] = await keys();
  p.write("flour", "oat");
  const [oat, oatToo] = await keys();

  expect([ryeToo, oatToo]).toEqual([rye, oat]);
  expect(rye).toMatch(/^[0-9a-f]{64}$/);
  expect(oat).not.toBe(rye);
});

test("a task that asks for confirmation does not run without a terminal, unless --yes answers", async () => {
  const push = `task({ inputs: ["loaf"], params: { tag: param.string({ default: "v1" }) }, confirm: "Push {tag}?", run: "touch pushed" })`;
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ run: "touch baked" })`,
      push,
      both: `task({ needs: ["bake", "push"] })`,
    }),
    loaf: "",
  });

  const result = await p.bt("both");
  expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`"Push v1?"`) });
  expect(p.exists("baked") || p.exists("pushed")).toBe(false);
  expect(result.stderr).not.toContain("bug");
  expect((await p.bt("--runs")).stdout).not.toContain("killed");
  expect((await p.bt("-n", "both")).exitCode).toBe(0);
  expect((await p.bt("--yes", "both")).exitCode).toBe(0);
  expect((await p.bt("both")).exitCode).toBe(0); // Up to date: not asked.
});

const stall = {
  "builderfile.ts": withTasks(
    {
      bake: `task({ params: { kind: param.enum(["rye", "white"], { required: true, description: "Which bread" }), token: param.secret({ required: true }) }, inputs: [], outputs: ["loaf"], run: ({ params }) => writeFileSync("loaf", params.kind + params.token.length) })`,
      wrap: `task({ params: { kind: param.string({ required: true }) }, inputs: [], outputs: ["paper"], run: "echo $KIND > paper" })`,
      sell: `task({ params: { kind: param.string({ required: true }) }, needs: ["wrap", "bake"], run: "echo $KIND" })`,
      other: `task({ params: { size: param.integer({ required: true }) }, inputs: [], outputs: ["bun"], run: "touch bun" })`,
    },
    `import { writeFileSync } from "node:fs";`,
  ),
};

testWith("script")(
  "--ask asks on a terminal for what is missing, once for all tasks, until the answer fits, and shows no secret",
  async () => {
    const p = await project(stall);

    const seen = await answerOnTerminal(p, ["--ask", "--output=stream", "sell"], {
      "KIND of sell: ": "oat",
      "KIND of bake (Which bread; rye|white): ": "wheat",
      "takes one of rye, white": "rye",
      "TOKEN of bake (secret): ": "hush-hush",
    });

    expect([p.read("loaf"), p.read("paper")]).toEqual(["rye9", "oat\n"]);
    expect(seen).not.toContain("hush-hush");
    expect(seen).not.toContain("SIZE");
  },
);

test("--ask without a terminal is no answer", async () => {
  const p = await project(stall);

  const result = await p.bt("--ask", "other");

  expect(result).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringContaining("needs a value for SIZE") });
});
