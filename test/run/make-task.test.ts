/** Targets of a Makefile as tasks of bt: variables, outputs, dry runs, failures with their place. */
import { expect } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

const test = testWith("make");

const makefile = `FLOUR ?= rye
loaf: grain ; @echo "$(FLOUR) $(SALT)" > $@
burn: ; @echo smoke; exit 3
show: ; @echo '[$(FLOUR)] [$(SALT)] [$(ARCH)] [$(PIN)] $(MAKEFLAGS)'
deep: ; @$(MAKE) -C sub
`;
const files = { Makefile: makefile, grain: "g", "sub/Makefile": "all:\n\t@false\n" };
const builderfile = withTasks(
  {
    loaf: `make.target("loaf", { inputs: ["grain", "Makefile"], outputs: ["loaf"], params: { flour: param.string({ default: "oat" }), salt: param.flag() } })`,
    show: `make.target("show", { params: { flour: param.string({ default: "a b $x" }), pin: param.secret({ env: "PIN" }) }, vars: { SALT: "it's" } })`,
    cells: `make({ targets: ["show"], matrix: { arch: ["arm64", "s390x"] }, vars: ({ cell }) => ({ ARCH: cell.arch }) })`,
    raw: `make({ targets: ["show"], raw: true, vars: { SALT: "$(FLOUR)!" } })`,
    heir: `make({ targets: ["show"], inheritVars: true })`,
    burn: `make.target("burn")`,
    deep: `make.target("deep")`,
  },
  `import { make } from "builderfile";`,
);

test("params and variables reach make as they are; it is up to date like any other task", async () => {
  const p = await project({ "builderfile.ts": builderfile, ...files });

  const first = await p.bt("loaf", "FLOUR=corn", "SALT=yes");
  const again = await p.bt("loaf", "FLOUR=corn", "SALT=yes");
  const shown = await p.btWith({ env: { PIN: "1234" } }, "show");

  expect([first.exitCode, p.read("loaf")]).toEqual([0, "corn true\n"]);
  expect(again.stdout).toBe("bt: Nothing to do: 1 task is up to date\n");
  expect(shown.stdout).toContain("[a b $x] [its] [] [***]");
  expect(shown.stdout).not.toContain("1234");
});

test("cells, expanded values, and the variables of a make above when they are wanted", async () => {
  const p = await project({ "builderfile.ts": builderfile, ...files });
  const above = { env: { MAKELEVEL: "1", MAKEFLAGS: " -- SALT=sea\\ salt", SALT: "sea salt" } };

  const cells = await p.bt("cells", "-j1");
  const raw = await p.bt("raw");
  const heir = await p.btWith(above, "heir");
  const stranger = await p.btWith(above, "show");

  expect(cells.stdout).toMatch(/\[arm64\][^]*\[s390x\]/);
  expect(raw.stdout).toContain("[rye] [rye!]");
  expect(heir.stdout).toContain("[rye] [sea salt]");
  expect(stranger.stdout).toContain("[its]");
});

test("a dry run prints the command line and runs nothing", async () => {
  const p = await project({ "builderfile.ts": builderfile, ...files });

  const result = await p.bt("-n", "loaf", "SALT=no");

  expect(result.stdout).toBe(
    "loaf (it has never run)\n  $ make --no-print-directory loaf FLOUR=oat SALT=\nbt: 1 would run\n",
  );
  expect(p.exists("loaf")).toBe(false);
});

test("-k and -s go on to make", async () => {
  const p = await project({ "builderfile.ts": builderfile, ...files });

  const result = await p.bt("-k", "-j1", "cells");

  expect(result.stdout).toContain("] k -j1 --no-print-directory");
});

test("a failure below in another folder is placed where it began", async () => {
  const p = await project({ "builderfile.ts": builderfile, ...files });

  const result = await p.bt("-j1", "deep");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("  at   Makefile:2\n");
});
