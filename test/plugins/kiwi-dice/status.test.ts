/** `dice-status` can be trusted: it names what changed, writes nothing, and never says up to date when it does not know. */
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { listStamps, serve, statusOf, testLocal, world, writeRepository } from "./rig.ts";

testLocal("a recipe that was never built requires a build, and asking changes nothing", async () => {
  const p = await world();
  const before = listStamps(p.root, "recipes");

  const result = await p.dice("dice-status");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(statusOf(result)).toEqual(["BuildStatus: BuildRequired", "--> never built by bt"]);
  expect(listStamps(p.root, "recipes")).toEqual(before);
});

testLocal("every change of a recipe is a reason of its own", async () => {
  const p = await world();
  await p.dice("dice-build");
  const ask = async (): Promise<readonly string[]> => {
    const before = listStamps(p.root, "recipes");
    const result = await p.dice("dice-status");
    expect(listStamps(p.root, "recipes")).toEqual(before);
    return statusOf(result);
  };
  const recipe = join(p.root, "recipes/small");

  expect(await ask()).toEqual(["BuildStatus: UpToDate"]);
  p.write("recipes/small/root/etc/motd", "welcome\n");
  expect(await ask()).toEqual(["BuildStatus: BuildRequired", "--> root/etc/motd changed"]);
  p.write("recipes/small/root/etc/motd", "hello\n");
  chmodSync(join(recipe, "config.sh"), 0o644);
  expect(await ask()).toEqual(["BuildStatus: BuildRequired", "--> mode of config.sh 0755 → 0644"]);
  chmodSync(join(recipe, "config.sh"), 0o755);
  p.write("recipes/small/root/.bashrc", "set -o vi\n");
  expect(await ask()).toEqual(["BuildStatus: BuildRequired", "--> root/.bashrc is new"]);
  rmSync(join(recipe, "root/.bashrc"));
  symlinkSync("motd", join(recipe, "root/etc/issue"));
  expect(await ask()).toEqual(["BuildStatus: BuildRequired", "--> root/etc/issue is new"]);
  rmSync(join(recipe, "root/etc/issue"));
  expect(await ask()).toEqual(["BuildStatus: UpToDate"]);
  renameSync(join(recipe, "config.xml"), join(recipe, "x.kiwi"));
  expect(await ask()).toEqual(["BuildStatus: BuildRequired", "--> config.xml is gone", "--> x.kiwi is new"]);
});

testLocal("options, KIWI's version and the result itself count too", async () => {
  const p = await world();
  await p.dice("dice-build");
  const result = p.read("recipes/small/.dice/build_results.tar");

  expect(statusOf(await p.dice("dice-status", "DICE_BUNDLE_ID=Other"))).toEqual([
    "BuildStatus: BuildRequired",
    "--> option bundle.id DiceBuild → Other",
  ]);
  p.write("tools/kiwi-ng", p.read("tools/kiwi-ng").replaceAll("9.24.56", "9.24.57"));
  expect(statusOf(await p.dice("dice-status"))).toEqual(["BuildStatus: BuildRequired", "--> kiwi 9.24.56 → 9.24.57"]);
  p.write("tools/kiwi-ng", p.read("tools/kiwi-ng").replaceAll("9.24.57", "9.24.56"));
  p.write("recipes/small/.dice/build_results.tar", `${result}x`);
  expect(statusOf(await p.dice("dice-status"))).toEqual(["BuildStatus: BuildRequired", "--> result changed"]);
  rmSync(join(p.root, "recipes/small/.dice/build_results.tar"));
  expect(statusOf(await p.dice("dice-status"))).toEqual(["BuildStatus: BuildRequired", "--> result is missing"]);
});

testLocal("type and profiles are those of the last build unless they are named, as in Dice", async () => {
  const p = await world();
  await p.dice("dice-build", "DICE_KIWIPROFILE=plain");

  const [same, other] = [await p.dice("dice-status"), await p.dice("dice-status", "DICE_KIWITYPE=tbz")];

  expect(statusOf(same)).toEqual(["BuildStatus: UpToDate"]);
  expect(statusOf(other)).toEqual(["BuildStatus: BuildRequired", "--> option type unset → tbz"]);
});

testLocal("a status that a mistake in recipe or call makes impossible is refused, as a build is", async () => {
  const p = await world();

  const [type, profile] = [
    await p.dice("dice-status", "DICE_KIWITYPE=tbx"),
    await p.dice("dice-status", "DICE_KIWIPROFILE=plane"),
  ];

  p.write("recipes/small/config.xml", "<image");
  const malformed = await p.dice("dice-status");
  rmSync(join(p.root, "recipes/small/config.xml"));
  const missing = await p.dice("dice-status");

  expect([type, profile, malformed, missing].map(({ exitCode }) => exitCode)).toEqual([2, 2, 2, 2]);
  expect(malformed.stdout + malformed.stderr).toContain("recipes/small/config.xml:1:7");
  expect(type.stdout + type.stderr).toMatch(/The description has no image type "tbx"[\s\S]*Use "tbz"/);
  expect(profile.stdout + profile.stderr).toMatch(
    /The description has no profile "plane"[\s\S]*its profiles are plain/,
  );
});

testLocal("an unchanged recipe is answered without KIWI, in Dice's words and as data", async () => {
  const p = await world();
  await p.dice("dice-build");
  const calls = p.calls();

  const again = await p.dice("dice-build");
  const asData = await p.dice("dice-status", "--output=json");

  expect(again.stdout).toContain(
    "BuildStatus: UpToDate\n--> Build result: tar -tf recipes/small/.dice/build_results.tar\n",
  );
  expect(p.calls()).toEqual(calls);
  const last = JSON.parse(asData.stdout.trimEnd().split("\n").at(-1)!) as { values: Record<string, object> };
  expect(Object.values(last.values)).toEqual([
    {
      small: {
        state: "UpToDate",
        reasons: [],
        lastBuild: { time: expect.any(String), duration: expect.any(Number), host: "this machine", kiwi: "9.24.56" },
        result: {
          file: "recipes/small/.dice/build_results.tar",
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          files: [
            { name: "small.x86_64-1.0.0-DiceBuild.tar.xz", sha256: expect.any(String), size: expect.any(Number) },
            { name: "small.x86_64-1.0.0-DiceBuild.tar.xz.sha256", sha256: expect.any(String), size: 102 },
          ],
        },
      },
    },
  ]);
});

testLocal("a repository's packages count, its dates and other components do not", async () => {
  const p = await world();
  const folder = join(p.root, "mirror");
  writeRepository(folder, "bread");
  const { url } = await serve(folder);
  const q = await world({ repository: url });
  await q.dice("dice-build");

  writeRepository(folder, "bread", "Sun, 22 Nov 2026 08:00:00 UTC");
  const later = await q.dice("dice-status");
  writeRepository(folder, "bread and butter");
  const changed = await q.dice("dice-status", "--exit-code");

  expect(statusOf(later)).toEqual(["BuildStatus: UpToDate"]);
  expect(statusOf(changed)).toEqual(["BuildStatus: BuildRequired", "--> repository debian changed"]);
  expect(changed.exitCode).toBe(10);
});

testWith(
  "apt-ftparchive",
  "debootstrap",
  "rsync",
)("a package that is added to a real apt repository requires a build", async () => {
  const p = await world();
  const folder = join(p.root, "mirror");
  const release = (packages: string): void => {
    p.write("mirror/dists/bookworm/main/binary-amd64/Packages", packages);
    const words = ["-o", "APT::FTPArchive::Release::Codename=bookworm", "release", "dists/bookworm"];
    p.write("mirror/dists/bookworm/Release", execFileSync("apt-ftparchive", words, { cwd: folder, encoding: "utf8" }));
  };
  mkdirSync(folder);
  release("Package: bread\nVersion: 1\n");
  const { url } = await serve(folder);
  const q = await world({ repository: url });
  await q.dice("dice-build");

  release("Package: bread\nVersion: 1\n");
  const same = await q.dice("dice-status");
  release("Package: bread\nVersion: 1\n\nPackage: butter\nVersion: 1\n");
  const changed = await q.dice("dice-status");

  expect(statusOf(same)).toEqual(["BuildStatus: UpToDate"]);
  expect(statusOf(changed)).toEqual(["BuildStatus: BuildRequired", "--> repository debian changed"]);
});

testLocal("a repository that does not answer makes the state unknown, unless bt is told to do without", async () => {
  const p = await world();
  const folder = join(p.root, "mirror");
  writeRepository(folder, "bread");
  const server = await serve(folder);
  const q = await world({ repository: server.url });
  await q.dice("dice-build");
  await server.close();

  const [unknown, offline] = [
    await q.dice("dice-status", "--exit-code"),
    await q.dice("dice-status", "DICE_OFFLINE=yes"),
  ];
  const build = await q.dice("dice-build");
  q.write("recipes/small/root/etc/motd", "welcome\n");
  const changed = await q.dice("dice-status", "DICE_OFFLINE=yes");

  expect(unknown.exitCode).toBe(13);
  expect(statusOf(unknown)[0]).toBe("BuildStatus: Unknown");
  expect(statusOf(unknown)[1]).toMatch(/^--> repository debian cannot be read: .*ECONNREFUSED/);
  expect(statusOf(offline)).toEqual(["BuildStatus: UpToDate", "--> repositories were not asked"]);
  expect(statusOf(changed)).toEqual(["BuildStatus: BuildRequired", "--> root/etc/motd changed"]);
  expect(build.exitCode).toBe(1);
  expect(build.stdout).toContain("Whether a build is needed is unknown: small");
});
