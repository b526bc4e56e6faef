/** What the tasks of a recipe give as evidence: the shortcut answers for them, until anything that they have looked at has changed. */
import { chmodSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { processName } from "../../../core/index.ts";
import { until } from "../../support/processes.ts";
import { serve, statusOf, testLocal, world, writeRepository, type World, type WorldOptions } from "./rig.ts";

/** Worlds in which everything is older than what stamps distrust. */
async function settle(count: number, options: WorldOptions = {}): Promise<World[]> {
  const worlds = await Promise.all(Array.from({ length: count }, () => world(options)));
  for (const { root } of worlds) symlinkSync("motd", join(root, "recipes/small/root/etc/issue"));
  await grow();
  return worlds;
}

async function grow(): Promise<void> {
  const madeMs = Date.now();
  await until(() => Date.now() - madeMs > 2100);
}

const shortcut = "bt: Nothing has changed since the last time\n";
const isShort = ({ stdout }: { readonly stdout: string }): boolean => stdout.endsWith(shortcut);

const changes: Readonly<Record<string, (p: World) => void>> = {
  "an edited file": (p) => p.write("recipes/small/root/etc/motd", "welcome\n"),
  "another mode": (p) => chmodSync(join(p.root, "recipes/small/config.sh"), 0o644),
  "a file with a dot": (p) => p.write("recipes/small/root/.bashrc", "set -o vi\n"),
  "another target of a link": (p) => {
    rmSync(join(p.root, "recipes/small/root/etc/issue"));
    symlinkSync("./motd", join(p.root, "recipes/small/root/etc/issue"));
  },
  "a Dicefile": (p) => p.write("recipes/small/Dicefile", "Dice.configure do |config|\nend\n"),
  "another KIWI": (p) => p.write("tools/kiwi-ng", p.read("tools/kiwi-ng").replaceAll("9.24.56", "9.24.57")),
  "another package": (p) => p.write("recipes/small/packages/butter_1_all.deb", "butter"),
  "a state": (p) => p.write("recipes/small/.dice/state.json", "{}"),
};

testLocal("after every kind of change a recipe is looked at again", async () => {
  const names = Object.keys(changes);
  const worlds = await settle(names.length);

  for (const [at, name] of names.entries()) {
    const p = worlds[at]!;
    await p.dice("dice-status");
    const same = await p.dice("dice-status");
    changes[name]?.(p);
    const changed = await p.dice("dice-status");
    expect({ name, same: statusOf(same), isShort: isShort(same), changedIsShort: isShort(changed) }).toEqual({
      name,
      same: ["BuildStatus: BuildRequired", "--> never built by bt"],
      isShort: true,
      changedIsShort: false,
    });
  }
});

testLocal(
  "a recipe that was built is up to date by evidence, as long as its result is there and nobody holds it",
  async () => {
    const [p] = (await settle(1)) as [World];
    await p.dice("dice-build");
    await grow();
    await p.dice("dice-build");

    const [same, forced] = [await p.dice("dice-build"), await p.dice("dice-build", "DICE_FORCE=yes")];
    await grow();
    await p.dice("dice-build");
    await p.dice("dice-status");
    await p.dice("dice-status");
    const status = await p.dice("dice-status");
    const misspelt = await p.btWith({ env: { DICE_FORSE: "yes" } }, "dice-status");
    symlinkSync(processName(), join(p.root, "recipes/small/.dice/lock"));
    const locked = await p.dice("dice-status");
    rmSync(join(p.root, "recipes/small/.dice/lock"));
    rmSync(join(p.root, "recipes/small/.dice/build_results.tar"));
    const gone = await p.dice("dice-status");

    expect([isShort(same), isShort(forced), isShort(status), isShort(locked)]).toEqual([true, false, true, false]);
    expect([statusOf(same), statusOf(status)]).toEqual([["BuildStatus: UpToDate"], ["BuildStatus: UpToDate"]]);
    expect(same.stdout).toContain("\n--> Build result: tar -tf recipes/small/.dice/build_results.tar\n");
    expect([misspelt.exitCode, misspelt.stderr]).toEqual([2, expect.stringContaining("Set DICE_FORCE instead")]);
    expect(statusOf(gone)).toEqual(["BuildStatus: BuildRequired", "--> result is missing"]);
  },
);

testLocal("a file that keeps its size and time is read again, because its change left another stamp", async () => {
  const [p] = (await settle(1)) as [World];
  const motd = join(p.root, "recipes/small/root/etc/motd");
  utimesSync(motd, 5, 5);
  await grow();
  await p.dice("dice-build");

  const before = statusOf(await p.dice("dice-status"));
  p.write("recipes/small/root/etc/motd", "hallo\n");
  utimesSync(motd, 5, 5);
  const after = statusOf(await p.dice("dice-status"));

  expect(before).toEqual(["BuildStatus: UpToDate"]);
  expect(after).toEqual(["BuildStatus: BuildRequired", "--> root/etc/motd changed"]);
});

testLocal("repositories are asked every time, and one that needs a password is asked the long way", async () => {
  const mirror = await world();
  const folder = join(mirror.root, "mirror");
  writeRepository(folder, "bread");
  const [open, closed] = [await serve(folder), await serve(folder, "ann:secret")];
  const [[p], [q]] = (await Promise.all([
    settle(1, { repository: open.url }),
    settle(1, { repository: closed.url.replace("//", "//ann:secret@") }),
  ])) as [[World], [World]];
  for (const one of [p, q]) await one.dice("dice-status");

  const [same, secret] = [await p.dice("dice-status"), await q.dice("dice-status")];
  writeRepository(folder, "bread", "Sun, 22 Nov 2026 08:00:00 UTC");
  const later = await p.dice("dice-status");
  writeRepository(folder, "bread and butter");
  const changed = await p.dice("dice-status");
  await p.dice("dice-status");
  await open.close();
  const silent = await p.dice("dice-status");

  expect([same, later, changed, secret, silent].map(isShort)).toEqual([true, true, false, false, false]);
});
