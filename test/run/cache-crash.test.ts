/** bt killed, and disks that fail, while results are kept and restored: no part of a result is ever taken for the whole. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { createDice } from "../support/dice.ts";
import { program, project, withTasks, type Project } from "../support/project.ts";
import { removeFolder } from "../support/temporary.ts";

/** Makes a folder of files that only its input decides about. */
const shop = `task({ inputs: ["flour"], outputs: ["shop/"], run: "mkdir shop/deep; for i in $(seq 60); do { cat flour; echo $i; head -c 20000 /dev/zero; } > shop/$i; done; cp shop/1 shop/deep; ln -s ../1 shop/deep/link" })`;

function digestOf(folder: string): string {
  const digest = createHash("sha256");
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const file = path.join(folder, name);
    digest.update(`${name}\n`);
    if (fs.lstatSync(file).isFile()) digest.update(fs.readFileSync(file));
  }
  return digest.digest("hex");
}

test("no partial cache entry after a crash at any point; none ever hits", { timeout: 600_000 }, async () => {
  const p = await project({ "builderfile.ts": withTasks({ shop }), flour: "rye" });
  const dice = createDice(11);
  const right = new Map<string, string>();
  let wholeMs = 0;
  for (const flour of ["rye", "oat", "spelt"]) {
    p.write("flour", flour);
    const startMs = Date.now();
    await p.bt("shop", "--cache=off", "-B");
    wholeMs = Math.max(wholeMs, Date.now() - startMs);
    right.set(flour, digestOf(path.join(p.root, "shop")));
  }

  for (let round = 1; round <= 24; round++) {
    const flour = ["rye", "oat", "spelt"][dice(3)]!;
    p.write("flour", flour);
    removeFolder(path.join(p.root, "shop")); // What was killed may leave somebody who still writes.
    if (dice(4) === 0) removeFolder(path.join(p.root, ".bt/cache"));
    const { child, ended } = p.start({}, "shop");
    const timer = setTimeout(() => child.kill("SIGKILL"), dice(wholeMs));
    await ended;
    clearTimeout(timer);
    if (round % 4 !== 0) continue;
    const result = await p.bt("shop");
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(result.stdout).not.toContain("Warning");
    expect(digestOf(path.join(p.root, "shop"))).toBe(right.get(flour));
  }
  await p.bt("shop", "-B");
  expect(fs.readdirSync(path.join(p.root, ".bt/stage"))).toEqual([]);
  for (const name of fs.readdirSync(path.join(p.root, ".bt/cache/cas")))
    expect(
      createHash("sha256")
        .update(fs.readFileSync(path.join(p.root, ".bt/cache/cas", name)))
        .digest("hex"),
    ).toBe(name);
});

function canMount(): boolean {
  return spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
}

/** Runs bt with something mounted in a namespace of its own. */
async function mounted(p: Project, script: string): Promise<string> {
  const argv = ["unshare", "-m", "bash", "-c", script, "bash", process.execPath, program];
  const { stdout, stderr } = await p.btWith({ program: argv });
  expect(stderr).toBe("");
  return stdout;
}

test.skipIf(!canMount())("a cache on a full disk costs the cache, not the run", async () => {
  const p = await project({ "builderfile.ts": withTasks({ shop }), flour: "rye", "full/readme": "" });

  const out = await mounted(
    p,
    `mount -t tmpfs -o size=200k none full; BT_CACHE_DIR=$PWD/full "$@" shop; echo "exit $?"; ls full/ac; BT_CACHE_DIR=$PWD/full "$@" shop; ls full/stage`,
  );

  expect(out).toContain(`Cache "local" `);
  expect(out).toContain("ENOSPC");
  expect(out).toMatch(/1 ran in .*\nexit 0\nbt: Nothing to do: 1 task is up to date\n$/);
});

test.skipIf(!canMount())("a cache that may only be read is read, and says once that nothing is kept", async () => {
  const p = await project({ "builderfile.ts": withTasks({ shop }), flour: "rye", "ro/readme": "" });
  const env = { BT_CACHE_DIR: path.join(p.root, "ro") };
  await p.btWith({ env }, "shop");
  const before = digestOf(path.join(p.root, "shop"));
  fs.rmSync(path.join(p.root, "shop"), { recursive: true });

  const out = await mounted(
    p,
    `export BT_CACHE_DIR=$PWD/ro; mount --bind ro ro; mount -o remount,ro,bind ro; "$@" shop -s; echo oat > flour; "$@" shop`,
  );

  expect(out).toContain(`Warning: Cache "local" `);
  expect(out).toContain("1 ran");
  expect(out.split("Warning").length).toBe(2);
  p.write("flour", "rye");
  fs.rmSync(path.join(p.root, "shop"), { recursive: true });
  expect((await p.btWith({ env }, "shop")).stdout).toContain("1 restored");
  expect(digestOf(path.join(p.root, "shop"))).toBe(before);
});

test.skipIf(!canMount())("a project on a full disk is not restored by halves", async () => {
  const p = await project({ "builderfile.ts": withTasks({ shop }), flour: "rye" });
  await p.bt("shop");
  fs.rmSync(path.join(p.root, "shop"), { recursive: true });
  fs.mkdirSync(path.join(p.root, ".bt/stage"), { recursive: true });

  const out = await mounted(
    p,
    `mount -t tmpfs -o size=100k none .bt/stage; BT_CACHE_DIR=$PWD/.bt/cache "$@" shop; echo "exit $?"`,
  );

  expect(out).toContain("ENOSPC");
  expect(out).toMatch(/1 ran in .*\nexit 0\n$/);
  expect(fs.readdirSync(path.join(p.root, "shop"))).toHaveLength(61);
});
