/** What counts besides files: code with all it captures, commands, params, variables, tools. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { ran, why } from "../support/outcome.ts";
import { project, withTasks } from "../support/project.ts";

test("a changed command names the old and the new one", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ inputs: [], run: "echo rye" })` }) });
  await p.bt("bake");

  p.write("builderfile.ts", withTasks({ bake: `task({ inputs: [], run: "echo oat" })` }));

  expect(await why(p, "bake")).toEqual(["its command changed: echo rye → echo oat"]);
});

test("words that are split in another way are another command", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ inputs: [], run: ["touch", "a b"] })` }) });
  await p.bt("bake");

  p.write("builderfile.ts", withTasks({ bake: `task({ inputs: [], run: ["touch", "a", "b"] })` }));

  expect(await ran(p, "bake")).toEqual(["bake"]);
});

test("a changed builderfile runs its functions again, but not its commands", async () => {
  const tasks = { knead: `task({ inputs: [], run: () => {} })`, bake: `task({ inputs: [], run: "true" })` };
  const p = await project({ "builderfile.ts": withTasks(tasks) });
  await p.bt("knead", "bake");

  p.write("builderfile.ts", withTasks(tasks, "const salt = 1;"));

  expect(await why(p, "knead", "bake")).toEqual(["its code changed"]);
  expect(await ran(p, "knead", "bake")).toEqual(["knead"]);
});

test("a changed module runs the functions of the modules that import it, and no others", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder } from "builderfile"; import { knead } from "./knead.ts"; import { bake } from "./bake.ts"; export default defineBuilder({ tasks: { knead, bake } });`,
    "knead.ts": `import { task } from "builderfile"; import { grams } from "./scale.ts"; export const knead = task({ inputs: [], run: () => grams });`,
    "bake.ts": `import { task } from "builderfile"; export const bake = task({ inputs: [], run: () => "done" });`,
    "scale.ts": `export const grams = 100;`,
  });
  await p.bt("knead", "bake");

  p.write("scale.ts", `export const grams = 200;`);

  expect(await ran(p, "knead", "bake")).toEqual(["knead"]);
});

test("a module that is imported only when it is used counts as well", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      knead: `task({ inputs: [], outputs: ["dough"], run: async () => (await import("./scale.ts")).weigh() })`,
    }),
    "scale.ts": `import { writeFileSync } from "node:fs"; export const weigh = () => writeFileSync("dough", "100");`,
  });
  await p.bt("knead");

  p.write("scale.ts", p.read("scale.ts").replace("100", "200"));

  expect(await ran(p, "knead")).toEqual(["knead"]);
  expect(p.read("dough")).toBe("200");
});

test("a changed option of a plugin runs the functions that the plugin made with it", async () => {
  const builderfile = (grams: number): string =>
    `import { defineBuilder } from "builderfile"; import { bakery } from "./bakery.ts"; export default defineBuilder({ plugins: [bakery({ grams: ${grams} })] });`;
  const p = await project({
    "builderfile.ts": builderfile(100),
    "bakery.ts": `import { definePlugin, task } from "builderfile"; import { writeFileSync } from "node:fs";
      export const bakery = ({ grams }: { grams: number }) => definePlugin({ name: "bakery", tasks: { weigh: task({ inputs: [], outputs: ["dough"], run: () => writeFileSync("dough", String(grams)) }) } });`,
  });
  await p.bt("weigh");

  p.write("builderfile.ts", builderfile(200));

  expect(await why(p, "weigh")).toEqual(["its code changed"]);
  expect(await ran(p, "weigh")).toEqual(["weigh"]);
  expect(p.read("dough")).toBe("200");
});

test("a function can capture what the builderfile has read: a file or a variable that changed runs it", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { print: `task({ inputs: [], outputs: ["label"], run: () => writeFileSync("label", version + " " + baker) })` },
      `import { readFileSync, writeFileSync } from "node:fs"; const version = readFileSync("VERSION", "utf8"); const baker = process.env["BAKER"];`,
    ),
    VERSION: "1",
  });
  await p.btWith({ env: { BAKER: "Ann" } }, "print");
  expect(p.read("label")).toBe("1 Ann");

  p.write("VERSION", "2");
  await p.btWith({ env: { BAKER: "Ann" } }, "print");
  expect(p.read("label")).toBe("2 Ann");
  await p.btWith({ env: { BAKER: "Bob" } }, "print");
  expect(p.read("label")).toBe("2 Bob");
});

test("another version of a package that the builderfile imports runs its functions", async () => {
  const files = {
    "node_modules/yeast/index.js": "exports.brand = 'x';",
    "node_modules/yeast/package.json": `{"name":"yeast","version":"1.0.0"}`,
  };
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: [], run: () => brand })` }, `import { brand } from "yeast";`),
    ...files,
  });
  await p.bt("bake");
  expect(await ran(p, "bake")).toEqual([]);

  p.write("node_modules/yeast/package.json", `{"name":"yeast","version":"1.1.0"}`);

  expect(await ran(p, "bake")).toEqual(["bake"]);
});

test("declared variables count, others do not; unset and empty differ", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: [], env: ["FLOUR"], run: "true" })` }),
  });
  await p.bt("bake");
  const changed = async (env: Record<string, string>): Promise<boolean> =>
    (await p.btWith({ env }, "-q", "bake")).exitCode === 1;

  expect(await changed({ YEAST: "dry" })).toBe(false);
  expect(await changed({ FLOUR: "" })).toBe(true);
  expect(await changed({ FLOUR: "rye" })).toBe(true);
});

test("a param that changed is named with both values", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: [], params: { flour: param.string({ default: "rye" }) }, run: "true" })`,
    }),
  });
  await p.bt("bake");

  expect(await why(p, "bake", "FLOUR=oat")).toEqual([`param "flour" changed: rye → oat`]);
});

test("a tool that was replaced runs the tasks that use it, also behind a link", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: [], tools: ["oven"], run: "oven" })` }),
    "bin/oven-1": "#!/bin/sh\n",
  });
  fs.chmodSync(path.join(p.root, "bin/oven-1"), 0o755);
  fs.symlinkSync("oven-1", path.join(p.root, "bin/oven"));
  const env = { PATH: `${p.root}/bin:${process.env["PATH"]}` };
  await p.btWith({ env }, "bake");
  expect((await p.btWith({ env }, "-q", "bake")).exitCode).toBe(0);

  p.write("bin/oven-1", "#!/bin/sh\ntrue\n");

  expect((await p.btWith({ env }, "--why", "bake")).stdout).toContain(`tool "oven" changed`);
});

test("a task made within map() is up to date like the rest", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
const loaves = ["rye", "oat"].map((flour) => [flour, task({ inputs: [], run: () => flour })]);
export default defineBuilder({ tasks: Object.fromEntries(loaves) });`,
  });
  await p.bt("rye", "oat");

  expect(await ran(p, "rye", "oat")).toEqual([]);
});
