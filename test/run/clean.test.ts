/** What tasks have made is removed, whatever modes they gave it. Root may write everywhere, so bt runs as nobody here. */
import * as fs from "node:fs";
import { expect, test } from "vitest";
import { program, project, withTasks } from "../support/project.ts";
import { canDropRights, dropRights } from "../support/rights.ts";

const testAsNobody = test.skipIf(process.getuid?.() === 0 && !canDropRights());

testAsNobody("folders that may not be written are made anew and cleaned", async () => {
  const { btWith, exists, read, root, write } = await project({
    "builderfile.ts": withTasks({
      fetch: `task({ inputs: ["version"], outputs: ["mod/"], run: "mkdir -p mod/a/b && cp version mod/a/b && chmod 555 mod/a/b mod/a mod" })`,
    }),
    version: "1\n",
  });
  fs.chmodSync(root, 0o777);
  const bt = (...argv: string[]): ReturnType<typeof btWith> =>
    btWith({ program: [...dropRights(), process.execPath, program] }, ...argv);
  await bt("fetch");
  write("version", "2\n");

  const again = await bt("fetch");
  const second = read("mod/a/b/version");
  const cleaned = await bt("--clean", "fetch");

  expect([again.stderr, again.exitCode, second]).toEqual(["", 0, "2\n"]);
  expect([cleaned.stderr, cleaned.exitCode, exists("mod")]).toEqual(["", 0, false]);
});
