/** The local cache: what a task made is put back as it was, by the same key, wherever it is asked for. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { outcomesOf } from "../support/outcome.ts";
import { project, withTasks, type Project } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";

const bake = `task({ inputs: ["flour"], outputs: ["loaf"], run: "cp flour loaf; echo baked" })`;

/** Task to outcome. */
async function outcomes(p: Project, ...argv: string[]): Promise<Record<string, string>> {
  const { stdout, stderr } = await p.bt("--output=json", ...argv);
  expect(stderr).toBe("");
  return Object.fromEntries(outcomesOf(stdout));
}

/** Every path of a folder with kind, mode, link target or content; links are not followed. */
function describe(folder: string, at = ""): string[] {
  return fs
    .readdirSync(path.join(folder, at), { withFileTypes: true })
    .map((entry) => ({ entry, name: path.join(at, entry.name), file: path.join(folder, at, entry.name) }))
    .flatMap(({ entry, name, file }) => {
      const mode = (fs.lstatSync(file).mode & 0o7777).toString(8);
      if (entry.isSymbolicLink()) return [`${name} link ${fs.readlinkSync(file)}`];
      if (entry.isDirectory()) return [`${name} folder ${mode}`, ...describe(folder, name)];
      return [`${name} file ${mode} ${fs.readFileSync(file, "latin1")}`];
    })
    .sort();
}

const cached = (p: Project, kind: "ac" | "cas"): string[] => {
  const folder = path.join(p.root, ".bt/cache", kind);
  return fs.readdirSync(folder).map((name) => path.join(folder, name));
};

/** Puts other bytes into a file of the cache. */
function corrupt(file: string, change: (bytes: Buffer) => Buffer): void {
  const bytes = fs.readFileSync(file);
  fs.rmSync(file);
  fs.writeFileSync(file, change(bytes));
}

test("restored files equal the originals: content, modes, links, empty folders", async () => {
  const lines = [
    "mkdir -p shop/a/b shop/empty shop/private",
    "printf 'x\\0y' > shop/bytes; touch shop/nothing; echo hi > shop/a/b/c; echo run > shop/tool",
    "chmod 755 shop/tool; chmod 600 shop/bytes; chmod 444 shop/a/b/c; chmod 700 shop/private; chmod 4755 shop/nothing",
    "ln -s a/b/c shop/link; ln -s ../nowhere shop/dangling; ln -s a shop/folder; ln shop/tool shop/twin",
  ];
  const p = await project({
    "builderfile.ts": withTasks({
      shop: `task({ inputs: ["flour"], outputs: ["shop/"], run: ${JSON.stringify(lines.join("; "))} })`,
    }),
    flour: "rye",
  });
  await p.bt("shop");
  const before = describe(path.join(p.root, "shop"));
  fs.rmSync(path.join(p.root, "shop"), { recursive: true });

  expect(await outcomes(p, "shop")).toEqual({ shop: "restored" });

  expect(describe(path.join(p.root, "shop"))).toEqual(before);
  expect(before).toHaveLength(12);
  expect(await outcomes(p, "shop")).toEqual({ shop: "fresh" });
});

test("going back to earlier inputs restores what was made of them, in place of what is there", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  await p.bt("bake");
  p.write("flour", "oat");
  await p.bt("bake");

  p.write("flour", "rye");

  expect(await outcomes(p, "bake")).toEqual({ bake: "restored" });
  expect(p.read("loaf")).toBe("rye");
});

test("what is restored takes the place of what other inputs gave, whatever it was called", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], outputs: ["tray/", "crumbs/*.txt"], run: "echo > tray/$(cat flour); echo > crumbs/$(cat flour).txt" })`,
    }),
    flour: "rye",
  });
  const made = (): readonly string[] => ["tray", "crumbs"].flatMap((name) => fs.readdirSync(path.join(p.root, name)));
  await p.bt("bake");
  p.write("flour", "oat");
  await p.bt("bake");
  expect(made()).toEqual(["oat", "oat.txt"]);
  p.write("flour", "rye");

  const { stdout } = await p.bt("bake");

  expect(stdout).toContain("✔ bake restored in");
  expect(made()).toEqual(["rye", "rye.txt"]);
});

test("a sparse file comes back sparse", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      disk: `task({ inputs: [], outputs: ["disk"], run: "truncate -s 32M disk; printf x | dd of=disk bs=1 seek=9000000 conv=notrunc status=none" })`,
    }),
  });
  await p.bt("disk");
  const before = execFileSync("sha256sum", ["disk"], { cwd: p.root, encoding: "utf8" });
  fs.rmSync(path.join(p.root, "disk"));

  expect(await outcomes(p, "disk")).toEqual({ disk: "restored" });

  expect(execFileSync("sha256sum", ["disk"], { cwd: p.root, encoding: "utf8" })).toBe(before);
  for (const file of [path.join(p.root, "disk"), ...cached(p, "cas")])
    expect(fs.statSync(file).blocks * 512).toBeLessThan(1 << 20);
});

test("outputs that a glob names are restored, what lies beside them stays", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      gen: `task({ inputs: ["flour"], outputs: ["src/*.gen"], run: "cp flour src/a.gen; cp flour src/b.gen" })`,
    }),
    flour: "rye",
    "src/hand": "written",
  });
  await p.bt("gen");
  p.write("flour", "oat");
  await p.bt("gen");
  p.write("flour", "rye");

  expect(await outcomes(p, "gen")).toEqual({ gen: "restored" });

  expect(describe(path.join(p.root, "src")).map((line) => line.replace(/ .* /, " "))).toEqual([
    "a.gen rye",
    "b.gen rye",
    "hand written",
  ]);
});

test("a result and what the task printed come back, and dependents see no difference", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], outputs: ["loaf"], run: async ({ $, log }) => { await $\`cp flour loaf; echo in the oven\`; log.warn("hot"); return { grams: 500 }; } })`,
      sell: `task({ needs: { bake: "bake" }, inputs: [], run: ({ needs, log }) => log.info(JSON.stringify(needs.bake)) })`,
    }),
    flour: "rye",
  });
  await p.bt("sell");
  const log = (await p.bt("--logs", "bake")).stdout;
  fs.rmSync(path.join(p.root, ".bt/state.log"));
  fs.rmSync(path.join(p.root, "loaf"));

  const again = await p.bt("sell");

  expect(again.stdout).toContain("✔ bake restored in");
  expect(again.stdout).toContain("in the oven");
  expect(again.stdout).toContain(`{"grams":500}`);
  expect((await p.bt("--logs", "bake")).stdout).toBe(log);
});

test.for([
  ["all", true, true],
  ["failed", false, true],
  ["none", false, false],
] as const)("--replay-log=%s: what a restored task had printed", async ([word, isShown, isLogged]) => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  await p.bt("bake");
  fs.rmSync(path.join(p.root, "loaf"));

  const { stdout } = await p.bt("bake", `--replay-log=${word}`);

  expect(stdout).toContain("1 restored");
  expect(stdout.includes("\nbaked\n") || stdout.startsWith("baked\n")).toBe(isShown);
  const logs = path.join(p.root, ".bt/runs", fs.readdirSync(path.join(p.root, ".bt/runs")).sort().at(-1)!);
  expect(fs.existsSync(path.join(logs, "bake.log"))).toBe(isLogged);
});

test("worktrees of one repository share a cache", async () => {
  const p = await project({ "shop/builderfile.ts": withTasks({ bake }), "shop/flour": "rye" });
  const git = (...args: string[]): unknown =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: p.root, stdio: "ignore" });
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "flour");
  const other = path.join(await temporaryFolder(), "other");
  git("worktree", "add", "-q", other);
  await p.btWith({ cwd: "shop" }, "bake");

  const there = await p.bt("-C", path.join(other, "shop"), "bake");

  expect(there.stdout).toContain("1 restored");
  expect(fs.readFileSync(path.join(other, "shop/loaf"), "utf8")).toBe("rye");
  expect(fs.existsSync(path.join(other, "shop/.bt/cache"))).toBe(false);
});

test("checkouts that name one folder share it", async () => {
  const env = { BT_CACHE_DIR: await temporaryFolder() };
  const [p, q] = await Promise.all([1, 2].map(() => project({ "builderfile.ts": withTasks({ bake }), flour: "rye" })));
  await p!.btWith({ env }, "bake");

  expect((await q!.btWith({ env }, "bake")).stdout).toContain("1 restored");
  expect(q!.read("loaf")).toBe("rye");
});

test.for([
  ["bytes differ", (bytes: Buffer) => Buffer.from(bytes.map((byte) => byte ^ 1))],
  ["the end is missing", (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
  ["nothing is left", () => Buffer.alloc(0)],
] as const)(
  "cache digests are verified on read: a file of the cache in which %s is a miss, said and removed",
  async ([, change]) => {
    const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
    await p.bt("bake");
    for (const file of cached(p, "cas")) corrupt(file, change);
    fs.rmSync(path.join(p.root, "loaf"));

    const result = await p.bt("bake");

    expect(result.stdout).toContain(`Cache "local" `);
    expect(result.stdout).toContain("1 ran");
    expect(p.read("loaf")).toBe("rye");
    fs.rmSync(path.join(p.root, "loaf"));
    expect(await outcomes(p, "bake")).toEqual({ bake: "restored" });
  },
);

test("a result that cannot be read is a miss, said and removed", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  await p.bt("bake");
  for (const file of cached(p, "ac")) corrupt(file, (bytes) => Buffer.from(bytes.toString().replace("loaf", "lamb")));
  fs.rmSync(path.join(p.root, "loaf"));

  const result = await p.bt("bake");

  expect(result.stdout).toContain(`Cache "local" had a damaged result for task "bake"; it is removed`);
  expect(result.stdout).toContain("1 ran");
});

test("editing what was restored harms nobody", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }), flour: "rye" });
  await p.bt("bake");
  fs.rmSync(path.join(p.root, "loaf"));
  await p.bt("bake");

  fs.appendFileSync(path.join(p.root, "loaf"), "!");

  expect(await outcomes(p, "bake")).toEqual({ bake: "restored" });
  expect(p.read("loaf")).toBe("rye");
});
