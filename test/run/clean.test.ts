/** What tasks have made is removed, whatever modes they gave it. Root may write everywhere, so bt runs without root's powers here. */
import { expect, test } from "vitest";
import { program, project, withTasks } from "../support/project.ts";

const powerless = process.getuid?.() === 0 ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] : [];

test("folders that may not be written are made anew and cleaned", async () => {
  const { btWith, exists, read, write } = await project({
    "builderfile.ts": withTasks({
      fetch: `task({ inputs: ["version"], outputs: ["mod/"], run: "mkdir -p mod/a/b && cp version mod/a/b && chmod 555 mod/a/b mod/a mod" })`,
    }),
    version: "1\n",
  });
  const bt = (...argv: string[]): ReturnType<typeof btWith> =>
    btWith({ program: [...powerless, process.execPath, program] }, ...argv);
  await bt("fetch");
  write("version", "2\n");

  const again = await bt("fetch");
  const second = read("mod/a/b/version");
  const cleaned = await bt("--clean", "fetch");

  expect([again.stderr, again.exitCode, second]).toEqual(["", 0, "2\n"]);
  expect([cleaned.stderr, cleaned.exitCode, exists("mod")]).toEqual(["", 0, false]);
});
