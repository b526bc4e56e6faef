/** The layout is Bazel's: Debian's real Bazel on the same nginx, beside bt's entries and reading one. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { project } from "../../support/project.ts";
import { removeFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";
import { get, openStore, put, resultOf, startNginx } from "./rig.ts";

const test = testWith("bazel", "nginx");
const write = { env: "BAKER" };
const env = { BAKER: "baker:crumb" };

test("Bazel and bt share a server, and Bazel takes what bt has written as its own", { timeout: 600_000 }, async () => {
  const { url, dir } = await startNginx();
  const p = await project({
    WORKSPACE: 'workspace(name = "bakery")\n',
    BUILD: 'genrule(name = "bread", srcs = ["flour"], outs = ["loaf"], cmd = "cp $< $@")\n',
    flour: "baked by Bazel\n",
  });
  const own = fs.mkdtempSync(join(os.tmpdir(), "bt-bazel-"));
  const bazel = (...args: readonly string[]): string => {
    const result = spawnSync("bazel", [`--output_user_root=${own}`, ...args], { cwd: p.root, encoding: "utf8" });
    expect(result.status, result.stderr).toBe(0);
    return result.stderr;
  };
  onTestFinished(() => {
    spawnSync("bazel", [`--output_user_root=${own}`, "shutdown"], { cwd: p.root });
    spawnSync("chmod", ["-R", "u+w", own]); // Bazel takes the right to write away from what it has made.
    removeFolder(own);
  });
  const build = (): string => bazel("build", `--remote_cache=${url}/protected`, "//:bread");
  const { store } = openStore({ url, write }, env);
  const bun = resultOf("flour", { bun: "baked by bt\n" });
  await put(store, bun);

  build();
  bazel("clean");
  const again = build();

  expect(again).toContain("1 remote cache hit");
  expect(await get(store, bun.result.key)).toEqual({ bun: "baked by bt\n" });

  // What bt would write for the same output, under Bazel's key.
  const keys = fs.readdirSync(join(dir, "protected/ac")).filter((key) => key !== bun.result.key);
  const path = fs.realpathSync(join(p.root, "bazel-bin/loaf")).replace(/^.*\/execroot\/[^/]+\//, "");
  expect(keys).toHaveLength(1);
  // A few outputs stand in the entry, many in a Tree.
  for (const count of [0, 150]) {
    const more = Array.from({ length: count }, (_, n) => [`bazel-out/more/${n % 9}/${n}`, `bun ${n}`]);
    const loaf = resultOf(`dough ${count}`, {
      [path]: `baked by bt with ${count} more\n`,
      ...Object.fromEntries(more),
    });
    await put(store, loaf);
    fs.copyFileSync(join(dir, "protected/ac", loaf.result.key), join(dir, "protected/ac", keys[0]!));
    bazel("clean");

    expect(build()).toContain("1 remote cache hit");
    expect(p.read("bazel-bin/loaf")).toBe(`baked by bt with ${count} more\n`);
  }
});
