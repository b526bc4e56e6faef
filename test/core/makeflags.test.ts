/** MAKEFLAGS as make writes it: every command line is given to the real make, and what its recipe sees is read. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  decodeVariable,
  findMakeFacts,
  parseMakeflags,
  renderMakeflags,
  type MakeFacts,
} from "../../core/makeflags.ts";
import { announcesPath } from "../support/make-version.ts";
import { run, testWith } from "../support/tool.ts";

interface Facts {
  readonly letters: string;
  readonly jobs?: number | "any";
  readonly loadLimit?: number;
  readonly outputSync?: string;
  readonly auth?: MakeFacts["auth"];
  readonly variables: Readonly<Record<string, string>>;
}

function plain({ letters, variables, ...facts }: MakeFacts): Facts {
  return {
    ...facts,
    letters: [...letters].sort().join(""),
    variables: Object.fromEntries(variables.map(({ name, text }) => [name, text])),
  };
}

/** What a recipe of `make ARGS` finds in MAKEFLAGS. */
async function makeflagsOf(...args: readonly string[]): Promise<string> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-test-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  fs.writeFileSync(path.join(folder, "Makefile"), `a: ; +@printf %s "$$MAKEFLAGS" > ${folder}/flags\n`);
  await run("make", ["-f", path.join(folder, "Makefile"), ...args, "a"], { SHELL: "/bin/sh" });
  return fs.readFileSync(path.join(folder, "flags"), "utf8");
}

const pipe = { kind: "pipe", read: 3, write: 4 } as const;
/** How this make announces its pool; a path has another name each time. */
const pool = announcesPath ? "fifo:PATH" : "3,4";
const auth = announcesPath ? ({ kind: "fifo", path: "PATH" } as const) : pipe;
/** Newer makes say beside `-O` who is speaking. */
const mutex = announcesPath ? " --sync-mutex=PATH" : "";
const none = { letters: "", variables: {} };

testWith("make").each<readonly [readonly string[], string, Facts]>([
  [[], "", none],
  [["-n"], "n", { ...none, letters: "n" }],
  [["-nkqsBtierRw"], "BeiknqrRstw", { ...none, letters: "BReiknqrstw" }],
  ...["k", "s", "B", "q", "t", "i", "e", "r", "p", "d", "L", "w"].map(
    (letter) => [[`-${letter}`], letter, { ...none, letters: letter }] as const,
  ),
  [["-R"], "rR", { ...none, letters: "Rr" }],
  [["-S"], announcesPath ? "S" : "", none],
  [["-kS"], announcesPath ? "S" : "", none],
  [["-C", "."], announcesPath ? "" : "w", announcesPath ? none : { ...none, letters: "w" }],
  [["-j1"], " -j1", { ...none, jobs: 1 }],
  [["-j"], " -j", { ...none, jobs: "any" }],
  [["-j4"], ` -j4 --jobserver-auth=${pool}`, { ...none, jobs: 4, auth }],
  [["-l", "2.5"], " -l2.5", { ...none, loadLimit: 2.5 }],
  [["-l"], "", none],
  [["-l", "0"], " -l0", { ...none, loadLimit: 0 }],
  [["-l", "4", "-j2"], ` -j2 -l4 --jobserver-auth=${pool}`, { ...none, jobs: 2, loadLimit: 4, auth }],
  [["-O"], " -Otarget", { ...none, outputSync: "target" }],
  [["-Oline"], " -Oline", { ...none, outputSync: "line" }],
  [
    ["--output-sync=none", "-j2"],
    ` -j2 -Onone --jobserver-auth=${pool}`,
    { ...none, jobs: 2, outputSync: "none", auth },
  ],
  [["-sk", "-j3"], `ks -j3 --jobserver-auth=${pool}`, { ...none, letters: "ks", jobs: 3, auth }],
  [["--trace"], " --trace", { ...none, letters: "d" }],
  [["--debug"], " --debug=basic", { ...none, letters: "d" }],
  [["--debug=b"], " --debug=b", { ...none, letters: "d" }],
  [["--no-print-directory"], " --no-print-directory", none],
  [["--warn-undefined-variables"], " --warn-undefined-variables", none],
  [["-I", "in c$x\\y"], " -Iin\\ c$x\\\\y", none],
  [["--eval", "X=a b"], " --eval=X=a\\ b", none],
  [["-W", "f", "-o", "g"], "", none],
  [["V=1"], " -- V=1", { ...none, variables: { V: "1" } }],
  [["-k", "V=x"], "k -- V=x", { letters: "k", variables: { V: "x" } }],
  [
    ["-j4", "-Otarget", "V=x"],
    ` -j4 -Otarget --jobserver-auth=${pool}${mutex} -- V=x`,
    { letters: "", jobs: 4, outputSync: "target", auth, variables: { V: "x" } },
  ],
  [
    ["V=1", "W:=2", "X+=3", "Y?=4", "Z="],
    " -- Z= Y=4 X=3 W:=2 V=1",
    { ...none, variables: { V: "1", W: "2", X: "3", Y: "4", Z: "" } },
  ],
  // With -e make 4.3 forgets to put the names in; what they hold is in the environment all the same.
  [
    ["-e", "V=1"],
    announcesPath ? "e -- V=1" : "e -- $(MAKEOVERRIDES)",
    { letters: "e", variables: announcesPath ? { V: "1" } : {} },
  ],
  [["V= lead"], " -- V=lead", { ...none, variables: { V: "lead" } }],
  [[`V='"#=`], ` -- V='"#=`, { ...none, variables: { V: `'"#=` } }],
  [["V!=echo hi"], " -- V=hi", { ...none, variables: { V: "hi" } }],
  [["V::=1"], " -- V:=1", { ...none, variables: { V: "1" } }],
  [["V=a b $$x"], " -- V=a\\ b\\ $$$$x", { ...none, variables: { V: "a b $$x" } }],
  [["V=a\tb\\c"], " -- V=a\\\tb\\\\c", { ...none, variables: { V: "a\tb\\c" } }],
  [["V=a\nb"], " -- V=a\nb", { ...none, variables: { V: "a\nb" } }],
  [["V=x "], " -- V=x\\ ", { ...none, variables: { V: "x " } }],
  [["V=a -- b"], " -- V=a\\ --\\ b", { ...none, variables: { V: "a -- b" } }],
  [["W=-j9"], " -- W=-j9", { ...none, variables: { W: "-j9" } }],
  [["V=--jobserver-auth=9,9"], " -- V=--jobserver-auth=9,9", { ...none, variables: { V: "--jobserver-auth=9,9" } }],
])("make %j says what was meant", async (args, text, facts) => {
  const flags = (await makeflagsOf(...args)).replace(/fifo:\S+/, "fifo:PATH").replace(/mutex=\S+/, "mutex=PATH");

  expect({ flags, facts: plain(parseMakeflags(flags)) }).toEqual({ flags: text, facts });
});

testWith("make")("any values of make's command line come back as they were", async () => {
  const letters = ["a", " ", "\t", "\\", "'", '"', "#", "=", "-", "--", "$$", ":", "é", "\n"];
  let seed = 7;
  const next = (below: number): number => ((seed = (seed * 16807) % 2147483647), seed % below);
  for (let round = 0; round < 40; round++) {
    const wanted = new Map(
      ["ONE", "T_2", "x"].map((name) => [
        name,
        `v${Array.from({ length: next(8) }, () => letters[next(letters.length)]).join("")}`,
      ]),
    );
    const some = ["k", "s", "B", "i", "r", "L"].filter(() => next(2) === 1);
    const flags = [...some.map((letter) => `-${letter}`), "-j3", "-Oline", "--no-print-directory"].filter(
      (flag) => flag.length === 2 || next(2) === 1,
    );

    const facts = parseMakeflags(await makeflagsOf(...flags, ...[...wanted].map(([name, text]) => `${name}=${text}`)));

    expect(new Map(facts.variables.map(({ name, text }) => [name, decodeVariable(text)]))).toEqual(
      new Map([...wanted].map(([name, text]) => [name, text.replaceAll("$$", "$")])),
    );
    expect([[...facts.letters].sort(), facts.jobs, facts.outputSync]).toEqual([
      some.toSorted(),
      flags.includes("-j3") ? 3 : undefined,
      flags.includes("-Oline") ? "line" : undefined,
    ]);
  }
});

describe("what no make here writes", () => {
  test.each<readonly [string, Facts]>([
    ["-j --jobserver-fds=3,4", { ...none, jobs: "any", auth: pipe }],
    [" -j4 --jobserver-auth=fifo:/tmp/a\\ b", { ...none, jobs: 4, auth: { kind: "fifo", path: "/tmp/a b" } }],
    [" -j4 --jobserver-auth=-2,-2 -- ", { ...none, jobs: 4, auth: { kind: "none" } }],
    [" -j4 --jobserver-auth=gmake_semaphore_1", { ...none, jobs: 4, auth: { kind: "none" } }],
    [" -j4 --jobserver-fds=3,4 --jobserver-auth=fifo:/f", { ...none, jobs: 4, auth: { kind: "fifo", path: "/f" } }],
    ["-kj3", { ...none, letters: "k", jobs: 3 }],
    ["-j 8 -k", { ...none, letters: "k", jobs: 8 }],
    ["k", { ...none, letters: "k" }],
    ["V=1 -k", { letters: "k", variables: { V: "1" } }],
    ["kS", none],
    ["s --no-silent", none],
    [" --shuffle=1 --sync-mutex=x --warn=y", none],
  ])("%j", (text, facts) => {
    expect(plain(parseMakeflags(text))).toEqual(facts);
  });
});

test.each([
  ["a b", "a b"],
  ["a $$x", "a $x"],
  ["$$(X)", "$(X)"],
  ["$(X)", undefined],
  ["$${X}", "${X}"],
  ["a${X}", undefined],
])("decodeVariable() of %j", (text, value) => {
  expect(decodeVariable(text)).toBe(value);
});

test("MAKEFLAGS of a shell profile is no call by make", () => {
  expect(findMakeFacts({ MAKEFLAGS: "-j8" }, false)).toBe(undefined);
  expect(findMakeFacts({ MAKEFLAGS: "-j8", MAKELEVEL: "0" }, false)).toBe(undefined);
  expect(findMakeFacts({ MAKEFLAGS: "k", MAKELEVEL: "1" }, false)?.letters.has("k")).toBe(true);
  expect(findMakeFacts({ MAKEFLAGS: "k" }, true)?.letters.has("k")).toBe(true);
});

test("what is written for a child is read as it was meant", () => {
  const text = renderMakeflags({ letters: "ks", jobs: 3, auth: "fifo:/tmp/a b$", isOld: true });

  expect(text).toBe("ks -j3 --jobserver-fds=fifo:/tmp/a\\ b$$ --jobserver-auth=fifo:/tmp/a\\ b$$");
  expect(plain(parseMakeflags(text))).toEqual({
    letters: "ks",
    jobs: 3,
    auth: { kind: "fifo", path: "/tmp/a b$" },
    variables: {},
  });
  expect(renderMakeflags({ letters: "", jobs: 1 })).toBe(" -j1");
});
