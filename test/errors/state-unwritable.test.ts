import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { program, project, withTasks } from "../support/project.ts";
import { canDropRights, dropRights } from "../support/rights.ts";

const bake = withTasks({ bake: `task({ inputs: ["flour"], outputs: ["cake"], run: "cp flour cake" })` });

test("STATE_UNWRITABLE: a file is where `.bt` should be", async () => {
  const p = await project({ "builderfile.ts": bake, flour: "1", ".bt": "" });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The state cannot be written: a file is where the folder should be
      at   .bt/state.log
      fix  Remove that file, then run bt again; what was remembered before is still there.
    "
  `);
  expect(p.exists("cake")).toBe(false);
});

test.skipIf(process.getuid?.() === 0 && !canDropRights())("STATE_UNWRITABLE: `.bt` is not writable", async () => {
  const p = await project({ "builderfile.ts": bake, flour: "1", ".bt/readme.txt": "" });
  fs.chmodSync(p.root, 0o777);
  fs.chmodSync(path.join(p.root, ".bt"), 0o555);

  const result = await p.btWith({ program: [...dropRights(), process.execPath, program] }, "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The state cannot be written: permission is denied
      at   .bt/state.log
      fix  Make the folder writable, then run bt again; what was remembered before is still there.
    "
  `);
});

test("STATE_UNWRITABLE: the log may not grow any further; what was remembered is still there", async () => {
  const p = await project({ "builderfile.ts": bake, flour: "1" });
  await p.bt("bake");
  const before = p.read(".bt/state.log");
  p.write("flour", "2");

  // The limit counts in KiB: the record of the first run fits, a second one does not.
  const limit = Math.ceil(before.length / 1024);
  const result = await p.btWith(
    { program: ["bash", "-c", `ulimit -f ${limit}; exec "$@"`, "bash", process.execPath, program] },
    "bake",
    "-s",
  );

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The state cannot be written: the file may not grow any further
      at   .bt/state.log
      fix  Raise the limit of file sizes (\`ulimit -f\`), then run bt again; what was remembered before is still there.
    "
  `);
  expect(p.read(".bt/state.log").startsWith(before)).toBe(true);
});

/** Runs bt twice on a disk of its own, which is full before the second run; says how that ended, and what became of the log. */
const twiceOnFullDisk = `
  mount -t tmpfs -o size=128k none .bt
  "$@" bake -s --cache=off && cp .bt/state.log before
  cat /dev/zero > .bt/filler 2>/dev/null
  echo 2 > flour
  "$@" bake -s --cache=off
  echo "exit $?"
  cmp -n "$(stat -c %s before)" before .bt/state.log && echo kept
`;
const onFullDisk = { program: ["unshare", "-m", "bash", "-c", twiceOnFullDisk, "bash", process.execPath, program] };

test.skipIf(!canMount())("STATE_UNWRITABLE: the disk is full; what was remembered is still there", async () => {
  // The record of one run is longer than what is left of the log's last block.
  const long = withTasks({
    bake: `task({ inputs: ["flour"], outputs: ["cake"], salt: "s".repeat(5000), run: "cp flour cake" })`,
  });
  const p = await project({ "builderfile.ts": long, flour: "1", ".bt/readme.txt": "" });

  const result = await p.btWith(onFullDisk);

  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The state cannot be written: the disk is full
      at   .bt/state.log
      fix  Make room on the disk, then run bt again; what was remembered before is still there.
    "
  `);
  expect(result.stdout).toMatch(/exit 2\nkept\n$/);
});

test.skipIf(!canMount())("a disk too full for the record of a run does not fail the run", async () => {
  const p = await project({ "builderfile.ts": bake, flour: "1", ".bt/readme.txt": "" });

  const result = await p.btWith(onFullDisk);

  expect(result.stderr).toBe("");
  expect(result.stdout).toMatchInlineSnapshot(`
    "bt: Warning: The record of the run is not whole: ENOSPC: no space left on device, write
    exit 0
    kept
    "
  `);
});

test.skipIf(!canMount())(
  "a disk that is full for a while costs the record of a run its logs, not its end",
  async () => {
    const p = await project({
      ".bt/readme.txt": "",
      "builderfile.ts": withTasks({
        fill: `task({ run: "cat /dev/zero > .bt/filler 2> /dev/null || seq 9999" })`,
        bake: `task({ needs: ["fill"], run: "rm .bt/filler; exit 3" })`,
      }),
    });
    const script = `mount -t tmpfs -o size=256k none .bt; "$@" bake -s > /dev/null; "$@" --runs`;

    const result = await p.btWith({
      program: ["unshare", "-m", "bash", "-c", script, "bash", process.execPath, program],
    });

    expect(result.stderr).toBe("");
    expect(result.stdout).toMatch(/^\S+ {2}exit 1 {2}bake\n/);
  },
);

/** Mounting needs the rights of root, which a container may lack. */
function canMount(): boolean {
  return spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
}
