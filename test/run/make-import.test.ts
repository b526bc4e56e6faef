/** `bt --import-make`: the builderfile it writes, what it finds dangerous, and that its report is true. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { project, type Project } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { run, testWith } from "../support/tool.ts";

const test = testWith("make");

const makefile = `# Where images go
REGISTRY ?= quay.io/bakery
IMAGE ?= $(REGISTRY)/bread
TAG := $(shell echo v1)
NOTE ?=
FLAGS = -q --label 'by=$(REGISTRY)'
LIST = a b
export GRAIN := rye

.PHONY: all image push loop sub odd deep grouped shown
all: image out/loaf ## Makes everything

image: | out ## Builds the image
	@echo build $(FLAGS) -t $(IMAGE):$(TAG) "$(NOTE)" '$$HOME' $$GRAIN >> log
	-@echo second \\
		line $@ >> log; false

out: ; mkdir -p $@

out/loaf: grain.txt | out
	cat $< > $@

push: image
	docker push $(IMAGE) && docker login -p $(PUSH_TOKEN)

loop:
	for one in $(LIST); do false; done
	cd nowhere; rm -rf $(OUT)/x | tee log

sub:
	$(MAKE) -C below hello

deep:
	@echo $(foreach one,$(LIST),[$(one)]) >> log

g1 g2 &: ; touch g1 g2

tray-%: ; @echo tray $* of $@ >> log
shown: tray-1 tray-2

lost: missing.txt ; @true
flagged: ; +@echo forced
`;
const files = { Makefile: makefile, "grain.txt": "rye\n", "below/Makefile": "hello: ; @echo below\n" };

async function imported(
  more: Readonly<Record<string, string>> = {},
  ...argv: string[]
): Promise<{ p: Project; stdout: string; exitCode: number | undefined }> {
  const p = await project({ ...files, ...more });
  const { stdout, stderr, exitCode } = await p.bt("--import-make", "--yes", ...argv);
  expect(stderr).toBe("");
  return { p, stdout, exitCode };
}

/** Verdict and reason of each target. */
function verdicts(stdout: string): Readonly<Record<string, string>> {
  const lines = stdout.slice(0, stdout.indexOf("Findings")).split("\n");
  return Object.fromEntries(lines.filter((line) => /^\S/.test(line)).map((line) => line.split(/ {2}/, 2)));
}

test("every target has a verdict, and what only make can do stays with make", async () => {
  const { stdout, exitCode } = await imported();

  expect(exitCode).toBe(0);
  expect(verdicts(stdout)).toMatchInlineSnapshot(`
    {
      "all": "equivalent ($(shell …) runs when the command runs)",
      "deep": "kept ($(foreach …))",
      "flagged": "not compared (make -n would run its lines with \`+\`; --allow-run lets it)",
      "g1": "exact",
      "g2": "exact",
      "grouped": "exact",
      "image": "equivalent ($(shell …) runs when the command runs)",
      "loop": "exact",
      "lost": "kept (nothing that makes "missing.txt")",
      "odd": "exact",
      "out": "exact",
      "out/loaf": "exact",
      "push": "equivalent ($(shell …) runs when the command runs)",
      "shown": "exact",
      "sub": "equivalent (values for bt do not reach the make that it calls)",
      "tray-%": "kept (a pattern has no task; make goes on making whatever it is asked for)",
      "tray-1": "exact",
      "tray-2": "exact",
    }
  `);
  expect(stdout.slice(stdout.indexOf("Findings"))).toMatchInlineSnapshot(`
    "Findings
      Makefile:15  image: a failure before \`;\` is lost; use \`&&\`
      Makefile:15  image: \`-\`: a failure is thrown away; \`allowFailure\` says so aloud
      Makefile:24  push: pushed under its name before everything that belongs to it is there
      Makefile:24  push: a secret on a command line is seen by everybody on the machine; hand it over in the environment or on standard input
      Makefile:27  loop: a loop ends as its last round does: failures of the others are lost; make it a matrix
      Makefile:28  loop: a failure before \`;\` is lost; use \`&&\`
      Makefile:28  loop: a pipe ends as its last program does; bt runs recipes with \`pipefail\`
      Makefile:28  loop: \`cd\` without \`&&\`: what follows runs even if the folder is not there
      Makefile:28  loop: \`rm -r\` of a variable: when it is empty, something else goes
      Makefile:41  lost: it makes no file of its name and is not in .PHONY: a file called so would stop it
      Makefile:42  flagged: it makes no file of its name and is not in .PHONY: a file called so would stop it
    bt: 18 targets of Makefile: 10 exact, 4 equivalent, 3 kept, 1 not compared; builderfile.ts is written
    "
  `);
});

test("the builderfile reads as one that a person has written", async () => {
  const { p } = await imported();

  expect(p.read("builderfile.ts")).toMatchInlineSnapshot(`
    "/** Imported from Makefile; every command is the one that make ran. */
    import { after, defineBuilder, make, param, task } from "builderfile";

    /** Variables that a caller may set. */
    const vars = {
      image: param.string({ env: "IMAGE" }),
      note: param.string({ env: "NOTE" }),
      registry: param.string({ env: "REGISTRY", default: "quay.io/bakery" }),
      pushToken: param.secret({ env: "PUSH_TOKEN" }),
      out: param.string({ env: "OUT" }),
    };

    // from Makefile:36
    const g1 = task({
      env: ["GRAIN=rye"],
      inputs: [],
      outputs: ["g1", "g2"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`touch g1 g2\`;
      },
    });

    const g2 = task({
      needs: [g1],
    });

    const grouped = task({});

    const odd = task({});

    // from Makefile:18
    const out = task({
      env: ["GRAIN=rye"],
      inputs: [],
      outputs: ["out"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`mkdir -p out\`;
      },
    });

    // from Makefile:14
    const image = task({
      description: "Builds the image",
      needs: [after(out)],
      params: { image: vars.image, note: vars.note, registry: vars.registry },
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo build -q --label 'by='"\\\${REGISTRY}"'' -t \\\${IMAGE:-\\\${REGISTRY}/bread}:$(echo v1) "\\\${NOTE-}" '$HOME' $GRAIN >> log\`;
        await $\`echo second \\\\
    	line image >> log; false\`.nothrow();
      },
    });

    // from Makefile:21; called "out/loaf" there
    const outLoaf = task({
      needs: [after(out)],
      env: ["GRAIN=rye"],
      inputs: ["grain.txt"],
      outputs: ["out/loaf"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`cat grain.txt > out/loaf\`;
      },
    });

    const all = task({
      description: "Makes everything",
      needs: [image, outLoaf],
    });

    // from Makefile:24
    const push = task({
      needs: [image],
      params: { image: vars.image, pushToken: vars.pushToken, registry: vars.registry },
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`docker push \\\${IMAGE:-\\\${REGISTRY}/bread} && docker login -p \\\${PUSH_TOKEN-}\`;
      },
    });

    // from Makefile:27
    const loop = task({
      params: { out: vars.out },
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`for one in a b; do false; done\`;
        await $\`cd nowhere; rm -rf \\\${OUT-}/x | tee log\`;
      },
    });

    // from Makefile:31
    const sub = task({
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`make -C below hello\`;
      },
    });

    // from Makefile:34; kept: $(foreach …)
    const deep = make.target("deep");

    // from Makefile:38
    const tray1 = task({
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo tray 1 of tray-1 >> log\`;
      },
    });

    // from Makefile:38
    const tray2 = task({
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo tray 2 of tray-2 >> log\`;
      },
    });

    const shown = task({
      needs: [tray1, tray2],
    });

    // from Makefile:41; kept: nothing that makes "missing.txt"
    const lost = make.target("lost");

    // from Makefile:42
    const flagged = task({
      env: ["GRAIN=rye"],
      dryRun: "record",
      run: async ({ $ }) => {
        await $\`echo forced\`;
      },
    });

    export default defineBuilder({
      default: all,
      tasks: {
        g1,
        g2,
        grouped,
        odd,
        out,
        image,
        "out-loaf": outLoaf,
        all,
        push,
        loop,
        sub,
        deep,
        "tray-1": tray1,
        "tray-2": tray2,
        shown,
        lost,
        flagged,
      },
    });
    "
  `);
});

test("the builderfile type-checks", async () => {
  const { p } = await imported();
  const repository = path.join(import.meta.dirname, "../..");
  const options = {
    strict: true,
    module: "nodenext",
    target: "es2023",
    noEmit: true,
    skipLibCheck: true,
    types: ["node"],
  };
  p.write("tsconfig.json", JSON.stringify({ compilerOptions: options, include: ["builderfile.ts"] }));
  p.write("package.json", `{ "type": "module" }`);
  fs.mkdirSync(path.join(p.root, "node_modules"));
  fs.symlinkSync(repository, path.join(p.root, "node_modules/builderfile"));
  fs.symlinkSync(path.join(repository, "node_modules/@types"), path.join(p.root, "node_modules/@types"));

  const tsc = spawnSync(process.execPath, [path.join(repository, "node_modules/typescript/bin/tsc"), "-p", p.root], {
    encoding: "utf8",
  });

  expect(tsc.stdout).toBe("");
});

test.each([["all", "REGISTRY=r.io/x", "NOTE=a  b"], ["all", "IMAGE=other"], ["shown"], ["sub"], ["deep"], ["g1"]])(
  "bt %s does what make does",
  async (target, ...values) => {
    const { p } = await imported();
    const other = await project(files);
    const made = (one: Project): readonly (string | undefined)[] =>
      ["log", "out/loaf", "g1"].map((file) => (one.exists(file) ? one.read(file) : undefined));

    const result = await p.bt("-j1", target, ...values);
    await run("make", ["-s", "-C", other.root, target, ...values]);

    expect(result.exitCode).toBe(0);
    expect(made(p)).toEqual(made(other));
  },
);

const hostile = `X := $(shell touch shell-ran)
Y != touch bang-ran; echo y
include made.mk
made.mk: ; touch include-ran; echo 'Z := 1' > $@
.PHONY: all
all: ; +touch plus-ran
`;

test("the folder itself is left as it was, whatever reading the Makefile runs", async () => {
  const p = await project({ Makefile: hostile });

  const result = await p.bt("--import-make", "--yes");

  expect(fs.readdirSync(p.root).sort()).toEqual(["Makefile", "builderfile.ts"]);
  expect(result.stdout).toContain("all  not compared (make -n would run its lines with `+`; --allow-run lets it)");
});

test("--no-exec runs nothing of the Makefile, not even in the copy", async () => {
  const outside = await temporaryFolder();
  const p = await project({ Makefile: `X := $(shell touch ${outside}/ran)\nall: ; @echo $(X)\n.PHONY: all\n` });

  const result = await p.bt("--import-make", "--no-exec");

  expect(result.exitCode).toBe(0);
  expect(fs.readdirSync(outside)).toEqual([]);
  expect(p.exists("builderfile.ts")).toBe(true);
});

test("-n lists what reading it would run, and does nothing", async () => {
  const p = await project({ Makefile: hostile });

  const result = await p.bt("-n", "--import-make");

  expect(result).toMatchObject({
    exitCode: 0,
    stdout: "1: X := $(shell touch shell-ran)\n2: Y != touch bang-ran; echo y\n3: include made.mk\n",
  });
  expect(fs.readdirSync(p.root)).toEqual(["Makefile"]);
});

test("--json gives the report to machines", async () => {
  const { stdout } = await imported({}, "--json");

  const report = JSON.parse(stdout) as { targets: { target: string; verdict: string }[]; findings: { code: string }[] };
  expect(report.targets.find(({ target }) => target === "image")?.verdict).toBe("equivalent");
  expect(report.findings.map(({ code }) => code)).toContain("loop");
});

test("what a condition compares with is tried too; what only make decides is told", async () => {
  const makefile = `DEBUG ?= 0
UNAME := $(shell uname)
ifeq ($(UNAME),Linux)
  SYSTEM ?= linux
endif
ifeq ($(DEBUG),1)
  FLAGS := -g
endif
.PHONY: bake eat
bake: ; echo $(FLAGS) $(DEBUG)
eat: ; echo $(DEBUG) $(SYSTEM)
`;

  const { stdout } = await imported({ Makefile: makefile });

  expect(verdicts(stdout)).toEqual({
    bake: "kept (make -n says something else when variables are given)",
    eat: "exact",
  });
  expect(stdout).toContain(
    "  Makefile:3  ifeq ($(UNAME),Linux): decided while make reads: the builderfile has what holds here, and no param for UNAME\n",
  );
  expect(stdout).not.toContain("ifeq ($(DEBUG),1)");
});

test("a comment describes the target below it, whatever its name is made of", async () => {
  const makefile =
    "NAME = loaf\n# Eats it\n$(NAME).eat: ; echo eat\n# Any flavour.\n$(NAME)_%:\n\techo $@\nall: $(NAME)_rye\n";

  const { p } = await imported({ Makefile: makefile });

  const listed = (await p.bt("--list")).stdout;
  expect(listed).toContain("loaf.eat  Eats it");
  expect(listed).toContain("loaf_rye  Any flavour");
});
