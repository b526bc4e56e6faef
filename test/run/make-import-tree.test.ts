/** `bt --import-make` beyond one Makefile: those that it calls, what they export, what they set for all rules, and differences that somebody has accepted. */
import * as fs from "node:fs";
import { expect } from "vitest";
import { project, type Project } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { run, testWith } from "../support/tool.ts";

const test = testWith("make");

const tree = {
  Makefile: `ARCH ?= amd64
export GRAIN := rye
.PHONY: all lib app clean tools again once
all: lib app tools
lib: ; $(MAKE) -C lib ARCH=$(ARCH)
app: lib
	$(MAKE) -C app
clean:
	$(MAKE) -C lib clean
	$(MAKE) -C app clean
tools:
	cd tools && $(MAKE) -f tools.mk one two
	@echo tools $(ARCH) >> log
again: ; $(MAKE) once
once: ; @echo once >> log
`,
  "lib/Makefile": `ARCH ?= amd64
lib.txt: src.txt ; echo $(ARCH) $$GRAIN > $@ && cat $< >> $@
.PHONY: clean
clean: ; rm -f lib.txt
`,
  "lib/src.txt": "source\n",
  "app/Makefile": `ARCH ?= arm64
.PHONY: all clean
all: ; $(MAKE) -C deep
	@echo app $(ARCH) $(GRAIN) >> ../log
clean: ; rm -f app.txt
`,
  "app/deep/Makefile": ".PHONY: x\nx: ; @echo deep $(foreach a,1 2,[$(a)]) >> ../../log\n",
  "tools/tools.mk": ".PHONY: one two\none: ; @echo one >> ../log\ntwo: ; @echo two >> ../log\n",
};

/** Verdict and reason of each target. */
function verdicts(stdout: string): Readonly<Record<string, string>> {
  const lines = stdout.split("\n").filter((line) => /^\S+ {2}\S/.test(line));
  return Object.fromEntries(lines.map((line) => line.split(/ {2}/, 2)));
}

test("--recursive imports the Makefiles that recipes call, and a call that a recipe begins with becomes a need", async () => {
  const p = await project(tree);

  const result = await p.bt("--import-make", "--recursive", "--yes");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(verdicts(result.stdout)).toMatchInlineSnapshot(`
    {
      "again": "exact",
      "all": "equivalent (app/deep/x is kept; after lib)",
      "app": "equivalent (app/deep/x is kept; after lib)",
      "app/all": "equivalent (app/deep/x is kept; after lib)",
      "app/clean": "exact",
      "app/deep/x": "kept ($(foreach …))",
      "clean": "equivalent (values for bt do not reach the make that it calls)",
      "lib": "exact",
      "lib/clean": "exact",
      "lib/lib.txt": "exact",
      "once": "exact",
      "tools": "exact",
      "tools/one": "exact",
      "tools/two": "exact",
    }
  `);
  expect(p.read("builderfile.ts")).toMatchInlineSnapshot(`
    "/** Imported from Makefile; every command is the one that make ran. */
    import { after, defineBuilder, make, param, task } from "builderfile";

    /** Variables that a caller may set. */
    const vars = {
      arch: param.string({ env: "ARCH", default: "amd64" }),
      arch2: param.string({ env: "ARCH", default: "arm64" }),
    };

    // from lib/Makefile:2; called "lib.txt" there
    const libLibTxt = task({
      params: { arch: vars.arch },
      env: ["GRAIN=rye"],
      cwd: "lib",
      inputs: ["lib/src.txt"],
      outputs: ["lib/lib.txt"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo \\\${ARCH} $GRAIN > lib.txt && cat src.txt >> lib.txt\`;
      },
    });

    // from Makefile:5
    const lib = task({
      needs: [libLibTxt],
    });

    // from app/deep/Makefile:2; kept: $(foreach …); called "x" there
    const appDeepX = make.target("x", { needs: [after(lib)], env: ["GRAIN=rye"], dir: "app/deep" });

    // from app/Makefile:3; called "all" there
    const appAll = task({
      needs: [appDeepX, after(lib)],
      params: { arch: vars.arch2 },
      env: ["GRAIN=rye"],
      cwd: "app",
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo app \\\${ARCH} \\\${GRAIN} >> ../log\`;
      },
    });

    // from Makefile:7
    const app = task({
      needs: [lib, appAll],
    });

    // from tools/tools.mk:2; called "one" there
    const toolsOne = task({
      env: ["GRAIN=rye"],
      cwd: "tools",
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo one >> ../log\`;
      },
    });

    // from tools/tools.mk:3; called "two" there
    const toolsTwo = task({
      env: ["GRAIN=rye"],
      cwd: "tools",
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo two >> ../log\`;
      },
    });

    // from Makefile:12
    const tools = task({
      needs: [toolsOne, toolsTwo],
      params: { arch: vars.arch },
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo tools \\\${ARCH} >> log\`;
      },
    });

    const all = task({
      needs: [lib, app, tools],
    });

    // from lib/Makefile:4; called "clean" there
    const libClean = task({
      env: ["GRAIN=rye"],
      cwd: "lib",
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`rm -f lib.txt\`;
      },
    });

    // from Makefile:9
    const clean = task({
      needs: [libClean],
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`make -C app clean\`;
      },
    });

    // from Makefile:15
    const once = task({
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo once >> log\`;
      },
    });

    // from Makefile:14
    const again = task({
      needs: [once],
    });

    // from app/Makefile:5; called "clean" there
    const appClean = task({
      env: ["GRAIN=rye"],
      cwd: "app",
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`rm -f app.txt\`;
      },
    });

    export default defineBuilder({
      default: all,
      tasks: {
        "lib-lib.txt": libLibTxt,
        lib,
        "app-deep-x": appDeepX,
        "app-all": appAll,
        app,
        "tools-one": toolsOne,
        "tools-two": toolsTwo,
        tools,
        all,
        "lib-clean": libClean,
        clean,
        once,
        again,
        "app-clean": appClean,
      },
    });
    "
  `);
});

test.each([["all"], ["all", "ARCH=s390x"], ["clean"], ["again"]])(
  "bt %s does in all folders what make does",
  async (...argv) => {
    const [p, other] = [await project(tree), await project(tree)];
    await p.bt("--import-make", "--recursive", "--yes");
    const made = (one: Project): readonly (string | undefined)[] =>
      ["log", "lib/lib.txt"].map((file) =>
        one.exists(file) ? one.read(file).split("\n").sort().join("\n") : undefined,
      );

    const result = await p.bt("-j1", ...argv);
    await run("make", ["-s", "-C", other.root, ...argv]);

    expect(result.exitCode).toBe(0);
    expect(made(p)).toEqual(made(other));
  },
);

test("without --recursive the call stays one of make", async () => {
  const p = await project(tree);

  await p.bt("--import-make", "--yes");

  expect(p.read("builderfile.ts")).toContain("await $`make -C lib ARCH=\\${ARCH}`");
  expect(p.read("builderfile.ts")).not.toContain("lib.txt");
});

test("a Makefile that calls itself in a circle is imported all the same", async () => {
  const p = await project({
    Makefile: ".PHONY: a b\na: ; $(MAKE) b\nb: ; $(MAKE) -C sub x\n",
    "sub/Makefile": ".PHONY: x\nx: ; $(MAKE) -C .. a\n",
  });

  const result = await p.bt("--import-make", "--recursive", "--yes");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(Object.keys(verdicts(result.stdout)).sort()).toEqual(["a", "b", "sub/x"]);
});

test("programs find in their environment what the Makefile exports, computed or not", async () => {
  const makefile = `REGISTRY ?= quay.io
export REGISTRY
export IMAGE ?= $(REGISTRY)/bread
export TAG := $(shell echo v1)
export PLAIN = a b
export LOUD := $(if $(PLAIN),yes,no)
.PHONY: show
show: ; @env | grep -E '^(REGISTRY|IMAGE|TAG|PLAIN|LOUD)=' | sort > shown
`;
  const [p, other] = [await project({ Makefile: makefile }), await project({ Makefile: makefile })];
  const imported = await p.bt("--import-make", "--yes");

  for (const values of [[], ["REGISTRY=r.io"], ["IMAGE=other"]]) {
    await p.bt("show", ...values);
    await run("make", ["-s", "-C", other.root, "show", ...values]);

    expect(p.read("shown")).toBe(other.read("shown"));
  }
  expect(verdicts(imported.stdout)["show"]).toBe("equivalent (what is exported is set before each command)");
});

test(".IGNORE and .ONESHELL are heeded, and recipes for something else than a shell stay with make", async () => {
  const makefile = `.ONESHELL:
.IGNORE: ign
.PHONY: ign script
ign: ; @echo ign >> log; false
script:
	@x=1
	echo "x $$x" >> log
`;
  const [p, other] = [await project({ Makefile: makefile }), await project({ Makefile: makefile })];
  const which = await project({ Makefile: "SHELL := $(shell which bash)\n.PHONY: b\nb: ; @echo b\n" });
  const python = await project({ Makefile: "SHELL := /usr/bin/env python3\n.PHONY: p\np: ; @print('hello')\n" });

  const imported = await p.bt("--import-make");
  const kept = await python.bt("--import-make");
  const found = await which.bt("--import-make", "--no-exec");
  const ran = await p.bt("-j1", "ign", "script");
  await run("make", ["-s", "-C", other.root, "ign", "script"]);

  expect(ran.exitCode).toBe(0);
  expect(p.read("log").split("\n").sort()).toEqual(other.read("log").split("\n").sort());
  expect(verdicts(imported.stdout)).toEqual({
    ign: "exact",
    script: "equivalent (a failure in the middle ends the script)",
  });
  expect(verdicts(kept.stdout)).toEqual({ p: "kept (its SHELL is python3)" });
  expect(verdicts(found.stdout)).toEqual({ b: "exact" });
});

const level = (loud: string): string => `LEVEL ?= 1
ifeq ($(LEVEL),1)
FLAGS = -q
else
FLAGS = ${loud}
endif
.PHONY: show other
show: ; @echo $(FLAGS) at $(LEVEL)
other: ; @echo other
`;

test("--accept writes down what differs; then it passes, and what is new does not", async () => {
  const p = await project({ Makefile: level("-v") });
  const importing = ["--import-make", "--force", "--accept", "accepted.json"];

  const first = await p.bt(...importing);
  const written = p.read("accepted.json");
  const second = await p.bt(...importing);
  p.write("Makefile", level("-vv"));
  const changed = await p.bt(...importing);

  expect([first.exitCode, second.exitCode, changed.exitCode]).toEqual([0, 0, 1]);
  expect(second.stdout).toBe(first.stdout);
  expect(JSON.parse(written)).toEqual({
    version: 1,
    targets: { show: { make: ["echo -v at probe-level"], bt: ["echo -q at probe-level"] } },
  });
  expect(p.read("accepted.json")).toBe(written);
  expect(first.stdout).toContain("show  equivalent (differences accepted in accepted.json)\n");
  expect(changed.stdout).toContain("show  manual (not in accepted.json)\n");
  expect(changed.stdout).toContain("  make  echo -vv at probe-level\n");
  expect(p.read("builderfile.ts")).toContain("await $`echo -q at \\${LEVEL}`");
});

test("accepted differences that are gone are named; without --accept what differs stays with make", async () => {
  const p = await project({ Makefile: level("-v") });
  await p.bt("--import-make", "--accept", "accepted.json");
  p.write("Makefile", level("-q"));

  const gone = await p.bt("--import-make", "--force", "--accept=accepted.json");
  p.write("Makefile", level("-v"));
  const kept = await p.bt("--import-make", "--force");

  expect(gone).toMatchObject({ exitCode: 0 });
  expect(gone.stdout).toContain("bt: Accepted, and no different any more: show\n");
  expect(verdicts(kept.stdout)["show"]).toBe("kept (make -n says something else when variables are given)");
});

test("--no-exec runs nothing of the Makefiles below either, and refuses those that would undo it", async () => {
  const outside = await temporaryFolder();
  const root = `X := $(shell touch ${outside}/above)\n.PHONY: all\nall: ; $(MAKE) -C sub\n`;
  const quiet = `.PHONY: x\nY := $(shell touch ${outside}/below)\nx: ; @echo $(Y)\n`;
  const sly = `include ../sly.mk\n${quiet}`;
  const [harmless, hostile] = [
    await project({ Makefile: root, "sub/Makefile": quiet }),
    await project({ Makefile: root, "sub/Makefile": sly, "sly.mk": "override SHELL := /bin/sh\n" }),
  ];

  const imported = await harmless.bt("--import-make", "--recursive", "--no-exec");
  const refused = await hostile.bt("--import-make", "--recursive", "--no-exec");

  expect(imported).toMatchObject({ exitCode: 0, stderr: "" });
  expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
  expect(refused.stderr).toContain("override SHELL, or load, in sly.mk");
  expect([fs.readdirSync(outside), hostile.exists("builderfile.ts")]).toEqual([[], false]);
});

/** A Makefile as projects of many components have them: scripts with variables, and a loop that loses failures. */
function component(name: string): string {
  return `TAG ?= devel
.PHONY: all lint push
all: lint ; VERSION=$(VERSION) ../hack/build.sh ${name} $(TAG)
lint: ; ../hack/lint.sh ${name}
push: all
\tfor arch in amd64 arm64; do \\
\t\t../hack/push.sh ${name} $$arch; \\
\tdone
`;
}

test(
  "of a tree with 18 Makefiles every target has a verdict, and every loop that loses failures is found",
  { timeout: 240_000 },
  async () => {
    const names = Array.from({ length: 17 }, (_, at) => `part-${at + 10}`);
    const root = `${names.map((name) => `${name}: ; $(MAKE) -C ${name} push\n`).join("")}all: ${names.join(" ")}\n.PHONY: all ${names.join(" ")}\n`;
    const parts = Object.fromEntries(names.map((name) => [`${name}/Makefile`, component(name)]));
    const p = await project({ Makefile: root, ...parts });

    const { stdout, exitCode } = await p.bt("--import-make", "--recursive", "--yes", "--json");

    const { targets, findings } = JSON.parse(stdout) as {
      targets: { target: string; verdict: string }[];
      findings: { file: string; code: string }[];
    };
    expect(exitCode).toBe(0);
    const wanted = names.flatMap((name) => [name, ...["all", "lint", "push"].map((one) => `${name}/${one}`)]);
    expect(targets.map(({ target }) => target).sort()).toEqual(["all", ...wanted].sort());
    expect(new Set(targets.map(({ verdict }) => verdict))).toEqual(new Set(["exact"]));
    const loops = findings.filter(({ code }) => code === "loop").map(({ file }) => file);
    expect(loops.sort()).toEqual(names.map((name) => `${name}/Makefile`));
  },
);
