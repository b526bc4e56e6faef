/** The plugin as people use it: a small project, one call of bt, one look at what came out. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);
const bt = join(import.meta.dirname, "../node_modules/.bin/bt");

/** A project with one file in it, which uses the plugin. */
async function project(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "checksums-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await writeFile(join(root, "loaf.txt"), "rye\n");
  await writeFile(
    join(root, "builderfile.ts"),
    `import { defineBuilder } from "builderfile";
import { checksums } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
export default defineBuilder({ plugins: [checksums({ files: ["*.txt"] })] });
`,
  );
  return root;
}

test("every file gets a line that sha256sum accepts", async () => {
  const root = await project();

  await run(bt, ["checksums"], { cwd: root });

  expect((await run("sha256sum", ["--check", "SUMS"], { cwd: root })).stdout).toBe("loaf.txt: OK\n");
});

test("the algorithm is a param, as an option and as a variable", async () => {
  const root = await project();

  await run(bt, ["checksums", "ALGORITHM=sha512"], { cwd: root });

  expect(await readFile(join(root, "SUMS"), "utf8")).toMatch(/^[0-9a-f]{128} {2}loaf\.txt\n$/);
});

test("a second run has nothing to do", async () => {
  const root = await project();

  await run(bt, ["checksums"], { cwd: root });

  expect((await run(bt, ["checksums"], { cwd: root })).stdout).toContain("up to date");
});
