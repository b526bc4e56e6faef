/** `bt --import-make`: what becomes of each kind of thing that a Makefile may have, and that bt then makes what make made. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { project, type Project } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { run, testWith } from "../support/tool.ts";

const test = testWith("make");

const makefile = `.PHONY: all own static grouped called evaluated newer several double lines quiet stem folders
.SILENT: quiet
.DEFAULT_GOAL := all
all: own static grouped
GRAIN = rye
own: GRAIN = oat
own: ; @echo own $(GRAIN) >> log
%.loaf: OVEN := left
a.loaf: a.txt ; @echo $(OVEN) $< $@ > $@
static: a.up b.up
a.up b.up: %.up: %.txt
	@cat $< > $@ && echo $* >> $@
grouped: g1 g2
g1 g2 &: a.txt ; @cp a.txt g1 && cp a.txt g2
say = echo $(1)
called: ; @$(call say,hello) >> log
$(eval evaluated: ; @echo evaluated >> log)
newer: a.txt b.txt ; @echo $? >> log
define BOTH
@echo one >> log
@echo two >> log
endef
several: ; $(BOTH)
double:: ; @echo first >> log
double:: ; @echo second >> log
archive.a(a.o): ; @echo archive >> log
lines:
	@for one in a b; do \\
		echo $$one >> log; \\
	done
	@X=1; echo "x $$X" >> log
quiet: ; echo quiet >> log
stem: in-x.made
in-%.made: in-%.src ; @echo $* > $@
folders: out/deep/f
out/deep/f: a.txt ; @mkdir -p $(@D) && echo $(@F) $(<F) $^ > $@
`;
const files = { Makefile: makefile, "a.txt": "a\n", "b.txt": "b\n", "in-x.src": "" };

/** Verdict and reason of each target. */
function verdicts(stdout: string): Readonly<Record<string, string>> {
  const lines = stdout.slice(0, stdout.indexOf("Findings")).split("\n");
  return Object.fromEntries(lines.filter((line) => /^\S+ {2}\S/.test(line)).map((line) => line.split(/ {2}/, 2)));
}

/** Names of what was made, and the lines of it: bt and make may begin with another target. */
function made({ root }: Project): Readonly<Record<string, readonly string[]>> {
  const names = fs.readdirSync(root, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    names
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => !/\/\.bt\/|\/builderfile\.ts$/.test(file.slice(root.length)))
      .map((file) => [path.relative(root, file), fs.readFileSync(file, "utf8").split("\n").sort()]),
  );
}

test("each kind of rule is translated or kept, and bt makes what make makes", async () => {
  const [p, other] = [await project(files), await project(files)];

  const imported = await p.bt("--import-make", "--yes");

  expect(imported).toMatchObject({ exitCode: 0, stderr: "" });
  expect(verdicts(imported.stdout)).toMatchInlineSnapshot(`
    {
      "a.loaf": "kept (make -n says something else)",
      "a.up": "exact",
      "all": "equivalent (own is kept)",
      "archive.a(a.o)": "exact",
      "b.up": "exact",
      "called": "kept ($(call …))",
      "double": "kept (it has two colons)",
      "evaluated": "exact",
      "folders": "exact",
      "g1": "exact",
      "g2": "exact",
      "grouped": "exact",
      "in-%.made": "kept (a pattern has no task; make goes on making whatever it is asked for)",
      "in-x.made": "exact",
      "lines": "exact",
      "newer": "kept ($(?))",
      "out/deep/f": "exact",
      "own": "kept (it has variables of its own)",
      "quiet": "exact",
      "several": "kept (the lines of BOTH)",
      "static": "exact",
      "stem": "exact",
    }
  `);
  const targets = Object.keys(verdicts(imported.stdout)).filter((target) => !/[%(]/.test(target));
  const result = await p.bt("-j1", ...targets.map((target) => target.replaceAll("/", "-")));
  await run("make", ["-s", "-C", other.root, ...targets]);
  expect(result.exitCode).toBe(0);
  expect(made(p)).toEqual(made(other));
});

test.each([
  [".SECONDEXPANSION", ".SECONDEXPANSION:\nall: $$(NONE)a.txt ; @cp a.txt made\n"],
  [".DEFAULT", ".DEFAULT: ; @cp a.txt $@\nall: made\n"],
  ["vpath", "vpath %.src sub\nmade: v.src ; @cp $< $@\nall: made\n"],
  ["VPATH", "VPATH = sub\nmade: v.src ; @cp $< $@\nall: made\n"],
])("%s changes what all rules mean, so make keeps them all", async (why, lines) => {
  const p = await project({ Makefile: lines, "a.txt": "a\n", "sub/v.src": "v\n" });

  const imported = await p.bt("--import-make");

  expect(verdicts(imported.stdout)["all"]).toBe(`kept (${why})`);
  expect((await p.bt("all")).exitCode).toBe(0);
  expect(p.exists("made")).toBe(true);
});

test("--no-exec runs nothing of a Makefile that means it badly, not when it is compared either", async () => {
  const outside = await temporaryFolder();
  const p = await project({
    Makefile: `X := $(shell touch ${outside}/shell)
Y != touch ${outside}/bang
include made.mk
made.mk: ; touch ${outside}/include; echo 'Z := 1' > $@
.PHONY: all
all: ; +touch ${outside}/plus
`,
  });

  const result = await p.bt("--import-make", "--no-exec");

  expect(fs.readdirSync(outside)).toEqual([]);
  expect(fs.readdirSync(p.root).sort()).toEqual(result.exitCode === 0 ? ["Makefile", "builderfile.ts"] : ["Makefile"]);
  expect(`${result.stdout}${result.stderr}`.replaceAll(outside, "OUTSIDE")).toMatchInlineSnapshot(`
    "made.mk  exact
      both  touch OUTSIDE/include; echo 'Z := 1' > made.mk
    all  not compared (make -n would run its lines with \`+\`; --allow-run lets it)
      bt    touch OUTSIDE/plus
    Findings
      Makefile:4  made.mk: a failure before \`;\` is lost; use \`&&\`
    bt: Warning: make did not read all of it: [Makefile:4: made.mk] Error 1
    bt: 2 targets of Makefile: 1 exact, 1 not compared; builderfile.ts is written
    "
  `);
});
