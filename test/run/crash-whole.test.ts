/** bt killed at any moment of runs that build, keep, restore, publish, and share results: no half of anything counts. */
import * as path from "node:path";
import { expect } from "vitest";
import { startNginx } from "../plugins/remote-cache/rig.ts";
import { publishedDigest } from "../support/bakery.ts";
import { createDice } from "../support/dice.ts";
import { project, type Project } from "../support/project.ts";
import { digestAt } from "../support/publish.ts";
import { startRegistry } from "../support/registry.ts";
import { removeFolder } from "../support/temporary.ts";
import { testWith } from "../support/tool.ts";

const test = testWith("docker-registry", "nginx");

/** 500 take some minutes. */
const rounds = process.env["BT_SLOW_TESTS"] === "1" ? 500 : 16;
/** Kills between two runs that are let go to their end. */
const stride = 4;

const env = { BAKER: "baker:crumb" };
const flours = ["rye", "oat", "spelt"];

/** Files from a few inputs, which come back; an image of other content each time, published under two names; a cache of this machine and a server. */
async function bakery(registry: string, cache: string): Promise<Project> {
  return project({
    flour: "rye",
    "bread.txt": "bread\n",
    Dockerfile: "FROM scratch\nCOPY bread.txt /bread.txt\n",
    "builderfile.ts": `import { defineBuilder, platforms, task } from "builderfile";
import { image } from "builderfile/plugins/images";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
import { remoteCache } from "builderfile/plugins/remote-cache";
const build = image({ platforms: platforms("amd64") });
const images = { oven: { name: "${registry}/bake/oven", tags: ["1"], alsoTags: ["latest"], entries: build } };
const knead = task({ inputs: ["flour"], outputs: ["dough"], run: "cat flour > dough; cat flour >> dough" });
const shop = task({ needs: { knead }, inputs: ["dough"], outputs: ["shop/"],
  run: "mkdir -p shop/deep; for i in 1 2 3 4 5 6 7 8; do { cat dough; echo $i; head -c 20000 /dev/zero; } > shop/deep/$i; done; ln -s deep/8 shop/last" });
const all = task({ needs: [shop, "manifest:push"] });
export default defineBuilder({
  plugins: [multiarchManifest({ images }), remoteCache({ url: "${cache}", write: { env: "BAKER" } })], tasks: { build, knead, shop, all },
});
`,
  });
}

/** The task's outputs that are not what its input makes of them. */
function wrongOutputs(p: Project): readonly string[] {
  const dough = p.read("flour").repeat(2);
  const files = [1, 2, 3, 4, 5, 6, 7, 8].map(
    (n) => [`shop/deep/${n}`, `${dough}${n}\n${"\0".repeat(20_000)}`] as const,
  );
  const all = [["dough", dough] as const, ...files, ["shop/last", files[7]![1]] as const];
  const isLeftOut = (file: string): boolean => file === "dough" && !p.exists(file); // When the cache has what is made of it.
  return all.flatMap(([file, text]) => (isLeftOut(file) || (p.exists(file) && p.read(file) === text) ? [] : [file]));
}

test(
  "killed at any moment, bt leaves no half of a result here, in the cache, on its server or in the registry",
  { timeout: 3_600_000 },
  async () => {
    const [{ host }, { url }] = await Promise.all([startRegistry(), startNginx()]);
    const p = await bakery(host, url);
    const dice = createDice(17);
    const startMs = Date.now();
    await p.btWith({ env }, "all");
    const wholeMs = Date.now() - startMs;

    for (let round = 1; round <= rounds; round++) {
      if (dice(2) === 0) p.write("bread.txt", `bread ${round}\n`);
      p.write("flour", dice(4) === 0 ? `flour ${round}` : flours[dice(3)]!);
      if (dice(3) === 0) for (const name of ["shop", "dough"]) removeFolder(path.join(p.root, name));
      if (dice(3) === 0) removeFolder(path.join(p.root, ".bt/cache"));
      const { child, ended } = p.start({ env }, "all");
      const timer = setTimeout(() => child.kill("SIGKILL"), dice(wholeMs));
      await ended;
      clearTimeout(timer);
      if (round % stride !== 0) continue;
      const result = await p.btWith({ env }, "all");
      expect(result).toMatchObject({ exitCode: 0, stderr: "" });
      expect(result.stdout).not.toMatch(/damaged|gave |could not be restored|cannot be used/);
      expect(wrongOutputs(p)).toEqual([]);
      const tags = [await digestAt(host, "bake/oven", "1"), await digestAt(host, "bake/oven", "latest")];
      expect(tags).toEqual([publishedDigest(p), publishedDigest(p)]);
      expect((await p.btWith({ env }, "-q", "shop")).exitCode).toBe(0);
    }
    const other = await bakery(host, url); // As the first run was, which was let go to its end. What it kneaded is not needed.
    expect((await other.btWith({ env }, "shop")).stdout).toContain("bt: 1 restored");
    expect(wrongOutputs(other)).toEqual([]);
  },
);
