/** Several caches in a row: who is asked, who is filled, and what becomes of one that lies, fails or is slow. The far one lies in memory or in a folder. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, type Project } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";

/** A store in a folder, as a plugin of the project; `more` replaces some of its functions. */
function farStore(folder: string, more = ""): string {
  return `const folder = ${JSON.stringify(folder)};
const note = (text) => fs.appendFileSync(folder + "/calls", text + "\\n");
const find = (name) => fs.existsSync(folder + "/" + name) ? fs.readFileSync(folder + "/" + name) : undefined;
const far = {
  name: "far", canWrite: true,
  findResult: async (key) => { note("ask"); const found = find(key + ".json"); return found === undefined ? undefined : JSON.parse(found); },
  readBlob: async ({ digest }) => { note("read"); const bytes = find(digest); return bytes === undefined ? undefined : (async function* () { yield bytes; })(); },
  findMissing: async (blobs) => blobs.filter(({ digest }) => find(digest) === undefined),
  writeBlob: async ({ digest }, open) => { const parts = []; for await (const part of open()) parts.push(part); note("blob"); fs.writeFileSync(folder + "/" + digest, Buffer.concat(parts)); },
  writeResult: async (result) => {
    const old = find(result.key + ".json");
    if (old !== undefined) return { kept: JSON.parse(old) };
    note("result"); fs.writeFileSync(folder + "/" + result.key + ".json", JSON.stringify(result)); return {};
  },
  close: async () => note("close"),
  ${more}
};`;
}

const bake = `task({ inputs: ["flour"], outputs: ["loaf"], run: "cp flour loaf; echo baked" })`;

interface Shop {
  readonly p: Project;
  readonly folder: string;
  /** What the far store was asked since this was last called. */
  readonly calls: () => string[];
}

async function shop({ more = "", task = bake, folder = "" } = {}): Promise<Shop> {
  const own = folder === "" ? await temporaryFolder() : folder;
  const p = await project({
    "builderfile.ts": `import * as fs from "node:fs";
import { defineBuilder, task } from "builderfile";
${farStore(own, more)}
export default defineBuilder({ tasks: { bake: ${task} }, apply: (hooks) => hooks.cache.tap((stores) => [...stores, far]) });`,
    flour: "rye",
  });
  const calls = (): string[] => {
    const file = path.join(own, "calls");
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    fs.rmSync(file, { force: true });
    return text.trim().split("\n").filter(Boolean);
  };
  return { p, folder: own, calls };
}

/** As if nothing had ever been made here. */
function forget(p: Project, ...more: string[]): void {
  for (const file of ["loaf", ".bt/state.log", ".bt/fresh", ...more])
    fs.rmSync(path.join(p.root, file), { recursive: true, force: true });
}

test("what is made goes into every cache, blobs first; the nearest that has it is asked, the others are not", async () => {
  const { p, calls } = await shop();

  await p.bt("bake");

  expect(calls()).toEqual(["ask", "blob", "blob", "blob", "result", "close"]);
  forget(p);
  expect((await p.bt("bake")).stdout).toContain("✔ bake restored in");
  expect(calls()).toEqual(["close"]);
});

test("a hit further away is put into the nearer cache, with its log", async () => {
  const { p, calls } = await shop();
  await p.bt("bake");
  forget(p, ".bt/cache");
  calls();

  const result = await p.bt("bake");

  expect(result.stdout).toContain(`✔ bake restored from cache "far" in`);
  expect(result.stdout).toContain("baked");
  expect(p.read("loaf")).toBe("rye");
  expect(calls()).toEqual(["ask", "read", "read", "close"]);
  forget(p);
  expect((await p.bt("bake")).stdout).toContain("✔ bake restored in");
  expect(calls()).toEqual(["close"]);
});

test.for([
  ["each by itself", 5],
  ["as one blob", 20],
] as const)("files whose bytes come one by one come back as they were, %s", async ([, contents]) => {
  const { p } = await shop({
    more: `readBlob: async ({ digest }) => (async function* () {
      for (const byte of find(digest)) yield Buffer.from([byte]);
    })(),`,
    task: `task({ inputs: ["flour"], outputs: ["tray/"], run: "for n in $(seq 20); do echo $((n % ${contents})) > tray/$n; done; chmod 666 tray/1" })`,
  });
  await p.bt("bake");
  const tray = (): readonly string[] =>
    Array.from({ length: 20 }, (_, n) =>
      [p.read(`tray/${n + 1}`), fs.statSync(path.join(p.root, `tray/${n + 1}`)).mode].join(),
    );
  const before = tray();

  forget(p, "tray", ".bt/cache");
  const far = await p.bt("bake");
  const afterFar = tray();
  forget(p, "tray");
  const near = await p.bt("bake");

  expect(far.stdout).toContain(`✔ bake restored from cache "far" in`);
  expect(near.stdout).toContain("✔ bake restored in");
  expect([afterFar, tray()]).toEqual([before, before]);
});

test.for([
  ["throws", `findResult: async () => { throw new Error("no way"); },`, `Cache "far" failed: no way`],
  ["lacks a blob", `readBlob: async () => undefined,`, `Cache "far" failed: it has no `],
  [
    "gives other bytes",
    `readBlob: async ({ size }) => (async function* () { yield Buffer.alloc(size, "x"); })(),`,
    `Cache "far" gave bytes that are not `,
  ],
  [
    "ends in the middle",
    `readBlob: async () => (async function* () { yield Buffer.from("r"); })(),`,
    `Cache "far" gave bytes that are not `,
  ],
  [
    "never ends",
    `readBlob: async () => (async function* () { for (;;) yield Buffer.alloc(1000); })(),`,
    `Cache "far" gave bytes that are not `,
  ],
  [
    "has a result of another key",
    `findResult: async (key) => ({ v: 1, key: "0".repeat(64), task: "bake", outputs: [], document: { digest: key, size: 1 }, durationMs: 1, madeMs: 1, by: "" }),`,
    `Cache "far" gave a result of another key`,
  ],
] as const)("a cache that %s is a miss: the task runs, with one warning", async ([, more, warning]) => {
  const folder = await temporaryFolder();
  const good = await shop({ folder });
  await good.p.bt("bake");
  const { p } = await shop({ folder, more });

  const result = await p.bt("bake", "--cache=local:rw,far:r");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout.split("Warning: ").slice(1)).toEqual([expect.stringContaining(warning)]);
  expect(result.stdout).toContain("1 ran");
  expect(p.read("loaf")).toBe("rye");
});

test.for([
  ["outside of the project", `[file("../loaf")]`],
  ["an absolute one", `[file("/tmp/loaf")]`],
  ["one that is no output", `[file("flour")]`],
  ["one beside an output", `[file("loafs")]`],
  ["a way out of an output", `[file("loaf/../flour")]`],
  ["through a link", `[{ path: "loaf/out", kind: "link", mode: 0o777, target: ".." }, file("loaf/out/flour")]`],
  ["a file and a link at once", `[file("loaf"), { path: "loaf", kind: "link", mode: 0o777, target: "flour" }]`],
])("a cache cannot write where the task does not: %s", async ([, outputs]) => {
  const more = `findResult: async (key) => { const bytes = Buffer.from("evil"); const digest = (await import("node:crypto")).createHash("sha256").update(bytes).digest("hex");
    fs.writeFileSync(folder + "/" + digest, bytes);
    const file = (path) => ({ path, kind: "file", mode: 0o644, blob: { digest, size: 4 } });
    return { v: 1, key, task: "bake", outputs: ${outputs}, document: { digest: key, size: 1 }, durationMs: 1, madeMs: 1, by: "" }; },`;
  const { p } = await shop({ more });

  const result = await p.bt("bake", "--cache=far:r");

  expect(result.stdout).toContain(`Cache "far" gave `);
  expect(result.stdout).toContain("1 ran");
  expect(p.read("flour")).toBe("rye");
});

test("after three errors in a row a cache is left alone, and that is said once", async () => {
  const names = ["a", "b", "c", "d", "e"];
  const folder = await temporaryFolder();
  const p = await project({
    "builderfile.ts": `import * as fs from "node:fs";
import { defineBuilder, task } from "builderfile";
${farStore(folder, `findResult: async () => { note("ask"); throw new Error("server is down"); },`)}
export default defineBuilder({
  tasks: { ${names.map((name) => `${name}: task({ inputs: [], outputs: ["out/${name}"], run: "touch out/${name}" })`).join(", ")}, all: task({ needs: ${JSON.stringify(names)} }) },
  apply: (hooks) => hooks.cache.tap((stores) => [...stores, far]),
});`,
  });

  const result = await p.bt("-j1", "all", "--cache=far:r");

  expect(result.stdout.split("Warning: ").slice(1)).toEqual([
    expect.stringContaining(`Cache "far" is not used any more in this run: server is down`),
  ]);
  expect(result.stdout).toContain("5 ran");
  const calls = fs.readFileSync(path.join(folder, "calls"), "utf8");
  expect(calls.trim().split("\n")).toEqual(["ask", "ask", "ask", "close"]);
});

test("a cache that was left alone stays so when a question that was open is answered after all", async () => {
  // Eight uploads at once: the fourth is taken, all others are refused, in their order.
  const more = `writeBlob: async () => {
    const mine = (far.count = (far.count ?? 0) + 1);
    far.all ??= new Promise((resolve) => (far.go = resolve));
    if (mine === 8) far.go();
    await far.all;
    for (let n = 0; n < mine; n++) await new Promise(setImmediate);
    if (mine !== 4) throw new Error("refused " + mine);
  },`;
  const task = (name: string): string =>
    `task({ inputs: [], outputs: ["${name}/"], run: "for n in 1 2; do echo ${name} $n > ${name}/$n; done; echo ${name}" })`;
  const { p } = await shop({
    more,
    task: `task({ needs: ["rye", "spelt"] }), rye: ${task("rye")}, spelt: ${task("spelt")}`,
  });

  const result = await p.bt("bake");

  expect(result.stdout.split("Warning: ").slice(1)).toEqual([
    expect.stringContaining(`Cache "far" is not used any more in this run: refused 3`),
  ]);
});

test("a cache may ask for many blobs at once", async () => {
  const { p } = await shop({
    more: `findMissing: async (blobs, signal) => {
      for (let n = 0; n < 20; n++) signal.addEventListener("abort", () => {});
      return [];
    },`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toContain("Warning");
});

test("a cache that never answers an upload delays the end only so long", async () => {
  const { p } = await shop({ more: `writeBlob: () => new Promise(() => {}),` });
  p.write(".config/bt/config.json", JSON.stringify({ cacheWaitSeconds: 0.2 }));

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain("Warning: A result was not uploaded: 0.2 s were over");
  forget(p);
  expect((await p.bt("bake", "--cache=local:r")).stdout).toContain("1 restored");
});

test("a cache that may not be written gets nothing", async () => {
  const { p, calls } = await shop({ more: "canWrite: false," });

  await p.bt("bake", "--cache=local:rw,far:rw");

  expect(calls()).toEqual(["ask", "close"]);
});

test("another result for the same key is reported with the first output that differs, and the first one stays", async () => {
  const task = `task({ inputs: ["flour"], outputs: ["loaf"], run: "cp flour loaf; test -e .bt/again && date +%s%N >> loaf; mkdir -p .bt; touch .bt/again" })`;
  const { p, calls } = await shop({ task });
  await p.bt("bake");
  calls();

  const result = await p.bt("bake", "--force");

  for (const name of ["local", "far"])
    expect(result.stdout).toContain(
      `Task "bake" is not reproducible: output "loaf" differs from what cache "${name}" holds for the same key`,
    );
  forget(p, ".bt/cache");
  await p.bt("bake");
  expect(p.read("loaf")).toBe("rye");
});

test("no cache is asked in a dry run, unless it may", async () => {
  const { p, calls } = await shop();
  await p.bt("bake");
  forget(p, ".bt/cache");
  calls();

  const plain = await p.bt("-n", "bake");
  const why = await p.bt("--why", "bake");
  expect([plain.stdout, why.stdout]).toEqual([
    expect.stringContaining("1 would run"),
    expect.stringContaining("bake would run"),
  ]);
  expect(calls()).toEqual([]);

  const asked = await p.bt("--dry-run=remote", "bake");
  const explained = await p.bt("--why", "--remote", "bake");

  expect(asked.stdout).toContain("1 would be restored");
  expect(asked.stdout).toContain(`it is in cache "far"`);
  expect(explained.stdout).toContain(`bake would be restored from cache "far", because`);
  expect(p.exists("loaf")).toBe(false);
  expect(p.exists(".bt/cache")).toBe(false);
});
