/** Completion: what bt answers to a TAB, and what bash, zsh and fish make of it. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { optionNames } from "../../core/cli/args.ts";
import { complete } from "../../core/cli/complete.ts";
import { listOptions } from "../../core/cli/option-table.ts";
import { findOutline, renderCompletion } from "../../core/cli/outline-file.ts";
import { until } from "../support/processes.ts";
import { project, type Project } from "../support/project.ts";
import { installBt, pressKeys } from "../support/shell.ts";
import { run, testWith } from "../support/tool.ts";

const builderfile = `import { defineBuilder, param, platforms, task } from "builderfile";
console.log("a builderfile that talks");
const base = task({ private: true, params: { tag: param.string({ description: "Tag of the base" }) }, run: "true" });
const build = task({ description: "Builds it", tags: ["slow"], needs: { base }, matrix: { arch: platforms("amd64", "arm64", "s390x") }, run: "true" });
const publish = task({
  description: "Pushes: all of it",
  aliases: ["push"],
  needs: { build },
  params: {
    channel: param.enum(["dev", "stable"], { description: "Where to say it" }),
    arches: param.listOf(["amd64", "arm64", "s390x"]),
    loud: param.flag(),
    keyFile: param.path(),
    arch: param.arch(),
  },
  run: "true",
});
const lint = task({ description: "Checks $(touch pwned) \`touch pwned\`", run: "true" });
const [knead, rest] = [task({ run: "true" }), task({ run: "true" })];
export default defineBuilder({ tasks: { "loaf-build": build, "loaf-publish": publish, base, lint, "dough:knead": knead, "dough:rest": rest } });
`;

const bakery = (): Promise<Project> => project({ "builderfile.ts": builderfile, "keys/oven.key": "" });

/** A bakery whose next TAB takes the shortcut. */
async function settledBakery(): Promise<Project> {
  const p = await bakery();
  const writtenMs = Date.now();
  await until(() => Date.now() - writtenMs > 2100); // What is younger is not trusted.
  await p.bt();
  return p;
}

/** The lines of an answer, without what the words mean. */
function wordsOf(answer: string): string[] {
  const [head = "", ...lines] = answer.split("\n").slice(0, -1);
  return [head, ...lines.map((line) => line.replace(/\t.*/, ""))];
}

async function ask(p: Project, ...words: string[]): Promise<string[]> {
  return wordsOf((await p.bt("--complete", ...words)).stdout);
}

const answers: readonly (readonly [line: readonly string[], expected: readonly string[]])[] = [
  [[""], ["word", "loaf-build", "loaf-publish", "push", "lint", "dough:knead", "dough:rest"]],
  [["loaf-b"], ["word", "loaf-build", "loaf-build:amd64", "loaf-build:arm64", "loaf-build:s390x"]],
  [["loaf-build:a"], ["word", "loaf-build:amd64", "loaf-build:arm64"]],
  [
    ["loaf-publish", "C"],
    ["open", "CHANNEL="],
  ],
  [
    ["loaf-publish", "T"],
    ["open", "TAG="],
  ],
  [
    ["loaf-build:s390x", "T"],
    ["open", "TAG="],
  ],
  [
    ["push", "lo"],
    ["word", "loaf-build", "loaf-build:amd64", "loaf-build:arm64", "loaf-build:s390x"],
  ],
  [
    ["push", "cha"],
    ["open", "CHANNEL="],
  ],
  [["CHA"], ["open", "CHANNEL="]],
  [["push", "CHANNEL=dev", "CHA"], ["word"]],
  [
    ["push", "CHANNEL=s"],
    ["word", "CHANNEL=stable"],
  ],
  [
    ["push", "loaf-publish.CHANNEL=s"],
    ["word", "loaf-publish.CHANNEL=stable"],
  ],
  [
    ["push", "--chan"],
    ["word", "--channel"],
  ],
  [
    ["push", "--channel", ""],
    ["word", "dev", "stable"],
  ],
  [
    ["push", "--channel=d"],
    ["word", "--channel=dev"],
  ],
  [
    ["push", "ARCHES=amd64,"],
    ["open", "ARCHES=amd64,arm64", "ARCHES=amd64,s390x"],
  ],
  [
    ["push", "ARCH=s3"],
    ["word", "ARCH=s390x"],
  ],
  [
    ["push", "LOUD="],
    ["word", "LOUD=yes", "LOUD=no"],
  ],
  [
    ["push", "--loud", "--no-l"],
    ["word", "--no-loud"],
  ],
  [["push", "KEY_FILE=ke"], ["word\tfile\tKEY_FILE="]],
  [["push", "--key-file", "ke"], ["word\tfile\t"]],
  [
    ["--only", "dough:k"],
    ["word", "dough:knead"],
  ],
  [
    ["-j", "dough:k"],
    ["word", "dough:knead"],
  ],
  [
    ["-j", "4", "dough:k"],
    ["word", "dough:knead"],
  ],
  [
    ["--tag", ""],
    ["word", "slow"],
  ],
  [
    ["--logs", "loaf-build:s"],
    ["word", "loaf-build:s390x"],
  ],
  [
    ["--output", "js"],
    ["word", "json"],
  ],
  [
    ["--output", "n"],
    ["word", "none"],
  ],
  [["--graph=d"], ["word", "--graph=dot"]],
  [
    ["--completion", ""],
    ["word", "bash", "zsh", "fish"],
  ],
  [["--keep"], ["word", "--keep-going"]],
  [["-C", "ke"], ["word\tfolder\t"]],
  [["-f", "bui"], ["word\tfile\t"]],
  [["push", "--", "x"], ["word\tfile\t"]],
  [["push", "TAG="], ["word"]],
];

test("every place of a command line has its words", async () => {
  const p = await bakery();
  await p.bt();
  const outline = findOutline({ root: p.root, ...(JSON.parse(p.read(".bt/outline.json")) as { writtenMs: number }) });

  const told = answers.map(([line]) => {
    const facts = { tasks: [], params: [], ...outline, runs: () => [], templates: ["empty"] };
    return [line, wordsOf(renderCompletion(complete(line, facts)))];
  });

  expect(told).toEqual(answers);
});

test("a TAB is answered from what the list has kept, as the builderfile itself answers, and writes nothing", async () => {
  const p = await settledBakery();
  const lines = [["loaf-publish", ""], ["loaf-build:"], ["push", "--"], ["-C", "keys", "lo"]];
  const stamps = (): string[] =>
    fs
      .readdirSync(path.join(p.root, ".bt"))
      .map((name) => `${name} ${fs.statSync(path.join(p.root, ".bt", name)).mtimeMs}`);
  const before = stamps();

  const short = await Promise.all(lines.map((line) => p.bt("--complete", ...line)));
  const long = await Promise.all(lines.map((line) => p.btWith({ env: { BT_SHORTCUT: "off" } }, "--complete", ...line)));

  expect(short.map(({ stdout }) => stdout)).toEqual(long.map(({ stdout }) => stdout));
  expect(new Set(short.map(({ stderr }) => stderr))).toEqual(new Set([""]));
  expect(new Set(long.map(({ stderr }) => stderr))).toEqual(new Set(["a builderfile that talks\n"]));
  expect(stamps()).toEqual(before);
});

test("an edited builderfile answers at once; one that is broken, or none, leaves the options of bt", async () => {
  const p = await bakery();
  await p.bt();
  p.write("builderfile.ts", builderfile.replace("lint }", "").replaceAll("dough:rest", "dough:fold"));
  const edited = await ask(p, "dough:");
  p.write("builderfile.ts", "nonsense(");
  const broken = [await ask(p, ""), await ask(p, "--dry")];
  fs.rmSync(path.join(p.root, "builderfile.ts"));
  const none = await p.bt("--complete", "--dry");

  expect(edited).toEqual(["word", "dough:knead", "dough:fold"]);
  expect(broken).toEqual([["word"], ["word", "--dry-run"]]);
  expect(none).toMatchObject({ exitCode: 0, stderr: "", stdout: expect.stringContaining("--dry-run\tsay what would") });
});

test("runs are offered by their ids, newest first", async () => {
  const p = await bakery();
  await p.bt("lint");
  await p.bt("dough:knead");

  const ids = (await p.bt("--runs")).stdout.split("\n").flatMap((line) => /^\d\S*/.exec(line)?.[0] ?? []);

  expect(ids).toHaveLength(2);
  expect(await ask(p, "--run", "")).toEqual(["word", ...ids]);
});

test("every option of bt stands in its help with what it means, and so in completion", () => {
  expect(
    optionNames.filter(
      (name) => !listOptions().some(({ option, description }) => option === name && description !== ""),
    ),
  ).toEqual([]);
});

test("an unknown shell is refused with the known ones", async () => {
  const p = await project({});

  expect(await p.bt("--completion", "fsh")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("bash, zsh, fish"),
  });
});

/** What is typed, and the line after TAB; the same in bash and zsh. */
const typed: readonly (readonly [keys: string, line: string])[] = [
  ["bt loaf-p\t", "bt loaf-publish "],
  ["bt loaf-build:am\t", "bt loaf-build:amd64 "],
  ["bt loaf-build:arm64 dough:kn\t", "bt loaf-build:arm64 dough:knead "],
  ["bt 'dough:kn\t", "bt 'dough:knead' "],
  ["bt push CHAN\t", "bt push CHANNEL="],
  ["bt push CHANNEL=st\t", "bt push CHANNEL=stable "],
  ["bt push --channel st\t", "bt push --channel stable "],
  ["bt push --channel=st\t", "bt push --channel=stable "],
  ["bt push ARCHES=amd64,s\t", "bt push ARCHES=amd64,s390x"],
  ["bt push KEY_FILE=keys/ov\t", "bt push KEY_FILE=keys/oven.key "],
  ["bt --dry-r\t", "bt --dry-run "],
  ["bt -C ke\t", "bt -C keys/"],
  ["true; BAKER=ann bt lin\t", "true; BAKER=ann bt lint "],
  ["bin/bt lin\t", "bin/bt lint "],
];

testWith("bash", "script")(
  "bash completes tasks, cells behind their colon, params and their values",
  { timeout: 600_000 },
  async () => {
    const p = await settledBakery();

    const answered = await pressKeys(p, "bash", [...typed.map(([keys]) => keys), "bt dough:\t\t", "bt l\t\t"]);

    expect(answered.slice(0, typed.length).map(({ line }) => line)).toEqual(typed.map(([, line]) => line));
    expect(answered.at(-2)?.screen).toMatch(/dough:knead|knead +rest/);
    expect(answered.at(-1)?.screen).toMatch(/lint +loaf-build +loaf-publish/);
    expect(p.exists("pwned")).toBe(false);
  },
);

testWith("zsh", "script")("zsh completes the same, and shows what the words mean", { timeout: 600_000 }, async () => {
  const p = await settledBakery();

  const answered = await pressKeys(p, "zsh", [...typed.map(([keys]) => keys), "bt l\t\t", "bt push --c\t\t"]);

  expect(answered.slice(0, typed.length).map(({ line }) => line)).toEqual(typed.map(([, line]) => line));
  expect(answered.at(-2)?.screen).toMatch(/loaf-build +-- Builds it[^]*loaf-publish +-- Pushes: all of it/);
  expect(answered.at(-1)?.screen).toMatch(/--channel +-- Where to say it/);
  expect(p.exists("pwned")).toBe(false);
});

testWith("fish")("fish completes the same, with what the words mean", { timeout: 600_000 }, async () => {
  const p = await settledBakery();
  const expected = {
    "bt loaf-p": "loaf-publish\tPushes: all of it",
    "bt loaf-build:am": "loaf-build:amd64\tBuilds it (only amd64)",
    "bt push CHAN": "CHANNEL=\tWhere to say it",
    "bt push CHANNEL=st": "CHANNEL=stable",
    "bt push --chan": "--channel\tWhere to say it",
    "bt push KEY_FILE=keys/ov": "KEY_FILE=keys/oven.key",
    "bt -C ke": "keys/",
    "bt lin": "lint\tChecks $(touch pwned) `touch pwned`",
  };
  const asked = Object.keys(expected).map((line) => `echo '> ${line}'; complete -C '${line}'`);

  const told = await run(
    "fish",
    ["--no-config", "-c", `cd ${p.root}; bt --completion fish | source; ${asked.join("; ")}`],
    installBt(p),
  );

  // Of a folder fish itself says what it is.
  expect(
    told
      .replaceAll(/\t(?=\n)|(?<=keys\/)\t.*/g, "")
      .trimEnd()
      .split("\n"),
  ).toEqual(Object.entries(expected).flatMap(([line, answer]) => [`> ${line}`, answer]));
  expect(p.exists("pwned")).toBe(false);
});
