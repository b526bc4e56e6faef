import * as path from "node:path";
import { expect, test } from "vitest";
import { compile } from "../../core/compile.ts";
import { evaluate, type Evaluated } from "../../core/evaluate.ts";
import { project, withTasks, type Project } from "../support/project.ts";
import { codesOf } from "./rig.ts";

const own = { task: "bt's own" };

/** Compiles and runs `builderfile.ts` of a project; "builderfile" is a small module of the test's own. */
async function load(p: Project, codeCache?: Buffer): Promise<Evaluated> {
  const file = path.join(p.root, "builderfile.ts");
  const { code, packages } = await compile(file, p.root);
  return await evaluate({
    code,
    file,
    name: path.join(p.root, ".bt/builderfile.cjs"),
    packages,
    ownModule: (specifier) => (specifier === "builderfile" ? Promise.resolve(own) : undefined),
    ...(codeCache === undefined ? {} : { codeCache }),
  });
}

const oven = {
  "node_modules/esm-oven/package.json": `{ "type": "module", "exports": "./index.js" }`,
  "node_modules/esm-oven/index.js": `export default "default of esm"; export const heat = 200;`,
  "node_modules/cjs-oven/package.json": `{}`,
  "node_modules/cjs-oven/index.js": `exports.heat = 100;`,
  "node_modules/babel-oven/package.json": `{}`,
  "node_modules/babel-oven/index.js": `Object.defineProperty(exports, "__esModule", { value: true }); exports.default = "marked"; exports.heat = 50;`,
};

test("the default export is awaited", async () => {
  const p = await project({ "builderfile.ts": `export default Promise.resolve({ cake: 1 as number });` });

  expect((await load(p)).exported).toEqual({ cake: 1 });
});

test("without a default export there is undefined", async () => {
  const p = await project({ "builderfile.ts": `export const cake = 1;` });

  expect((await load(p)).exported).toBeUndefined();
});

test("default, named and namespace imports mean what they mean in Node", async () => {
  const p = await project({
    ...oven,
    "builderfile.ts": `
import esm, { heat as esmHeat } from "esm-oven";
import cjs, { heat as cjsHeat } from "cjs-oven";
import babel from "babel-oven";
import * as all from "esm-oven";
import fs, { existsSync } from "node:fs";
import { task } from "builderfile";
export default { esm, esmHeat, cjs, cjsHeat, babel, all: all.heat, same: typeof fs.existsSync === typeof existsSync, task };
`,
  });
  const node = await project({
    ...oven,
    "run.mjs": `import babel from "babel-oven"; import cjs, { heat } from "cjs-oven"; console.log(JSON.stringify({ babel, cjs, heat }))`,
  });
  const real = await node.btWith({ program: [process.execPath, "run.mjs"] });

  const { exported } = await load(p);

  expect(exported).toMatchObject({
    esm: "default of esm",
    esmHeat: 200,
    cjs: { heat: 100 },
    cjsHeat: 100,
    all: 200,
    same: true,
    task: "bt's own",
  });
  const { babel, cjs, heat } = JSON.parse(real.stdout) as Record<string, unknown>;
  expect(exported).toMatchObject({ babel, cjs, cjsHeat: heat });
});

test("import() works for packages, files and bt itself, also after the evaluation", async () => {
  const p = await project({
    ...oven,
    "flour.ts": "export const kind = 'rye';",
    "builderfile.ts": `export default async () => [(await import("esm-oven")).heat, (await import("./flour.ts")).kind, (await import("builderfile")).task];`,
  });

  const { exported } = await load(p);

  expect(await (exported as () => Promise<unknown>)()).toEqual([200, "rye", "bt's own"]);
});

test("an action may import packages, files, bt and Node's modules when it runs, by any expression, without a warning", async () => {
  const tasks = {
    literal: `task({ run: async ({ log }) => log.info([(await import("esm-oven")).heat, (await import("./flour.ts")).kind, typeof (await import("builderfile")).task, typeof (await import("node:fs")).statSync].join()) })`,
    computed: `task({ params: { from: param.string({ default: "esm-oven" }) }, run: async ({ log, params }) => log.info(String((await import(params.from)).heat)) })`,
  };
  const p = await project({ ...oven, "builderfile.ts": withTasks(tasks), "flour.ts": "export const kind = 'rye';" });

  const results = [await p.bt("literal"), await p.bt("computed"), await p.bt("computed")];

  expect(results.map(({ stderr }) => stderr)).toEqual(["", "", ""]);
  expect(results[0]?.stdout).toContain("200,rye,function,function\n");
  for (const { stdout } of results.slice(1)) expect(stdout).toContain("200\n");
});

test("import.meta is that of each module, and does not move its lines", async () => {
  const p = await project({
    "builderfile.ts": `import { where } from "./tools/where.ts";\nexport default { where, own: [import.meta.filename, import.meta.dirname, import.meta.url] };`,
    "tools/where.ts": `const before = 1;\nexport const where = [import.meta.filename, import.meta.dirname, import.meta.url, before];`,
  });

  const { exported } = await load(p);

  const at = (file: string): string => path.join(p.root, file);
  expect(exported).toEqual({
    where: [at("tools/where.ts"), at("tools"), `file://${at("tools/where.ts")}`, 1],
    own: [at("builderfile.ts"), p.root, `file://${at("builderfile.ts")}`],
  });
});

test("text that only looks like code stays as it is", async () => {
  const p = await project({ "builderfile.ts": `export default "import.meta.url, import(1), __load";` });

  expect((await load(p)).exported).toBe("import.meta.url, import(1), __load");
});

test("__dirname and require are those of the source file", async () => {
  const p = await project({ ...oven, "builderfile.ts": `export default [__dirname, require("cjs-oven").heat];` });

  expect((await load(p)).exported).toEqual([p.root, 100]);
});

const reading: Readonly<Record<string, string>> = {
  "process.env.OVEN": "OVEN",
  'process.env["OVEN"]': "OVEN",
  '"OVEN" in process.env': "OVEN",
  'Object.hasOwn(process.env, "OVEN")': "OVEN",
  "(({ OVEN = 1 }) => OVEN)(process.env)": "OVEN",
};

test.each(Object.keys(reading))("a read of the environment is recorded: %s", async (expression) => {
  const p = await project({ "builderfile.ts": `export default [${expression}];` });

  const { reads } = await load(p);

  expect([...reads.env]).toEqual([reading[expression]]);
  expect([...reads.untracked]).toEqual([]);
});

test("a read of all variables cannot be tracked", async () => {
  const p = await project({ "builderfile.ts": `export default { ...process.env };` });

  expect([...(await load(p)).reads.untracked]).toEqual(["all of process.env"]);
});

const touching: Readonly<Record<string, string>> = {
  'import { readFileSync } from "node:fs"; try { readFileSync("flour"); } catch {}': "named",
  'import fs from "fs"; fs.existsSync("flour");': "default",
  'import * as fs from "node:fs"; fs.statSync(new URL("flour", "file://ROOT/"), { throwIfNoEntry: false });': "URL",
  'import { promises } from "node:fs"; await promises.readFile("flour").catch(() => {});': "promises",
  'import { readFile } from "node:fs/promises"; await readFile("flour").catch(() => {});': "fs/promises",
  'const fs = require("fs"); fs.existsSync("flour");': "require",
};

test.each(Object.keys(touching))("a read of a file is recorded, also of one that is not there: %s", async (source) => {
  const p = await project({});
  const isAwaited = source.includes("await ");
  const text = source
    .replace("ROOT", p.root)
    .replaceAll('"flour"', source.includes("new URL") ? '"flour"' : JSON.stringify(path.join(p.root, "flour")));
  const [imports, rest] = [text.slice(0, text.indexOf("; ") + 2), text.slice(text.indexOf("; ") + 2)];
  p.write(
    "builderfile.ts",
    isAwaited ? `${imports} export default (async () => { ${rest} })();` : `${text} export default 1;`,
  );

  const { reads } = await load(p);

  expect([...reads.files]).toEqual([path.join(p.root, "flour")]);
});

test.each(["child_process", "http", "net", "dns"])("what is read through %s cannot be tracked", async (name) => {
  const p = await project({
    "builderfile.ts": `import * as outside from "node:${name}"; try { (Object.values(outside).find((one) => typeof one === "function" && !/^[A-Z]|^class/.test(one.name + String(one))) as () => void)(); } catch {} export default 1;`,
  });

  expect([...(await load(p)).reads.untracked].join()).toMatch(new RegExp(`^${name}\\.`));
});

test("nothing is recorded after the evaluation, and process.env is as before", async () => {
  const { env } = process;
  const p = await project({
    "builderfile.ts": `import { existsSync } from "node:fs"; export default () => [process.env.OVEN, existsSync("/flour")];`,
  });

  const { exported, reads } = await load(p);
  (exported as () => unknown)();

  expect([reads.env.size, reads.files.size]).toEqual([0, 0]);
  expect(process.env).toBe(env);
});

test("process.env is as before when the evaluation throws", async () => {
  const { env } = process;
  const p = await project({ "builderfile.ts": `throw new Error("No flour");` });

  await expect(load(p)).rejects.toThrow("No flour");
  expect(process.env).toBe(env);
});

test("V8's compiled form is made once and taken the next time", async () => {
  const p = await project({ "builderfile.ts": `export default { bake: () => 1 };` });

  const { codeCache } = await load(p);
  const again = await load(p, codeCache);
  const other = await project({ "builderfile.ts": `export default { fry: () => 2 };` });
  const refused = await load(other, Buffer.from("rubbish"));

  expect([codeCache instanceof Buffer, again.codeCache, refused.codeCache instanceof Buffer]).toEqual([
    true,
    undefined,
    true,
  ]);
});

test("a package that is missing is told from one that misses another", async () => {
  const missing = await project({ "builderfile.ts": `import "@kitchen/oven/heat"; export default 1;` });
  const hidden = await project({ ...oven, "builderfile.ts": `import "esm-oven/secret"; export default 1;` });
  const broken = await project({
    "node_modules/oven/package.json": `{ "type": "module", "exports": "./index.js" }`,
    "node_modules/oven/index.js": `import "./gas.js";`,
    "builderfile.ts": `import "oven"; export default 1;`,
  });
  const nested = await project({
    "node_modules/oven/package.json": "{}",
    "node_modules/oven/index.js": `require("gas")`,
    "builderfile.ts": `import "oven"; export default 1;`,
  });

  await expect(load(missing)).rejects.toMatchObject({
    name: "ImportError",
    specifier: "@kitchen/oven/heat",
    packageName: "@kitchen/oven",
  });
  await expect(load(hidden)).rejects.toMatchObject({ name: "ImportError", packageName: "esm-oven" });
  expect(await codesOf(() => load(nested))).toEqual(["MODULE_NOT_FOUND"]);
  expect(await codesOf(() => load(broken))).toEqual(["ERR_MODULE_NOT_FOUND"]);
});

test("compile() lists local modules with their imports, and packages, types left out", async () => {
  const p = await project({
    "builderfile.ts": `import { sift } from "./flour.ts"; import type { Gas } from "gas"; import "oven"; export default (gas: Gas) => sift(gas);`,
    "flour.ts": `import { bag } from "./bag.js"; export const sift = (x: unknown) => [bag, x];`,
    "bag.js": `export const bag = 1;`,
  });

  const { modules, packages } = await compile(path.join(p.root, "builderfile.ts"), p.root);

  const at = (name: string): string => path.join(p.root, name);
  expect(modules).toEqual({
    [at("builderfile.ts")]: [at("flour.ts")],
    [at("flour.ts")]: [at("bag.js")],
    [at("bag.js")]: [],
  });
  expect(packages).toEqual(["oven"]);
});
