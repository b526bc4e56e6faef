/** `dice-build` on this machine: results that stay, locks, signals, killed builds. KIWI is a stand-in; the real one is in real.test.ts. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { run } from "../../support/tool.ts";
import { serve, statusOf, testLocal, until, world, writeRepository, type World } from "./rig.ts";

/** A `config.sh` that mounts something as KIWI does, says it is there and waits for ever. */
const waiting =
  "#!/bin/sh\nset -e\nmkdir dev\nmount --bind /dev dev\necho building > started\nwhile :; do sleep 1; done\n";

/** Folders of jobs that are there now. */
function jobs(p: World): readonly string[] {
  return p.exists(".bt/kiwi-dice") ? readdirSync(join(p.root, ".bt/kiwi-dice")) : [];
}

/** A lock is a link that leads nowhere. */
function isLocked(p: World): boolean {
  return readdirSync(join(p.root, "recipes/small/.dice")).includes("lock");
}

/** Processes whose command line names the project. */
function processes(p: World): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        const isZombie = / Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
        return !isZombie && words.some((word) => word.includes(`${p.root}/`)) ? [words.join(" ")] : [];
      } catch {
        return []; // It has ended.
      }
    });
}

async function startedBuild(p: World, ...words: string[]): Promise<ReturnType<World["start"]>> {
  p.write("recipes/small/config.sh", waiting);
  const running = p.start({}, "dice-build", ...words);
  await until(() => jobs(p).some((job) => p.exists(`.bt/kiwi-dice/${job}/build/started`)));
  return running;
}

testLocal("a build leaves one archive, a log, a state and a history, and nothing else", async () => {
  const p = await world();

  const result = await p.dice("dice-build");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await run("tar", ["-tf", join(p.root, "recipes/small/.dice/build_results.tar")])).toBe(
    "./\n./small.x86_64-1.0.0-DiceBuild.tar.xz\n./small.x86_64-1.0.0-DiceBuild.tar.xz.sha256\n",
  );
  expect(readdirSync(join(p.root, "recipes/small/.dice")).sort()).toEqual([
    "build.log",
    "build_results.tar",
    "history.ndjson",
    "state.json",
  ]);
  expect(jobs(p)).toEqual([]);
  expect(p.read("recipes/small/.dice/build.log")).toContain("Loading XML description");
});

testLocal("overlay dotfiles, links and modes reach KIWI; .dice, .bt and .git do not", async () => {
  const p = await world({ files: { "recipes/small/.git/HEAD": "main\n", "recipes/small/root/.git/config": "kept\n" } });

  await p.dice("dice-build");

  const tar = join(p.root, "recipes/small/.dice/build_results.tar");
  const image = await run("sh", ["-c", 'tar -xOf "$1" ./small.x86_64-1.0.0-DiceBuild.tar.xz | tar -tJ', "sh", tar]);
  expect(image.split("\n").filter((line) => /\/\.|motd/.test(line))).toEqual([
    "./root/.git/",
    "./root/.git/config",
    "./root/.profile",
    "./root/etc/motd",
  ]);
});

testLocal("results can also be placed in a folder, with KIWI's own names and without a bundle", async () => {
  const p = await world({ fields: `resultDir: "out", bundle: false` });

  await p.dice("dice-build");

  expect(readdirSync(join(p.root, "out"))).toEqual(["small.x86_64-1.0.0.tar.xz"]);
});

testLocal("a failing config.sh is told in KIWI's words, and the last result stays byte by byte", async () => {
  const p = await world();
  await p.dice("dice-build");
  const before = p.read("recipes/small/.dice/build_results.tar");
  p.write("recipes/small/config.sh", "#!/bin/sh\necho no flour\nexit 3\n");

  const result = await p.dice("dice-build");
  const status = await p.dice("dice-status");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("\nno flour\n");
  expect(result.stdout).toContain(
    'bt: KIWI could not build recipe "small": KiwiScriptFailed: config.sh failed\n  task dice-build:small\n  at   recipes/small/.dice/build.log\n',
  );
  expect(p.read("recipes/small/.dice/build_results.tar")).toBe(before);
  expect(statusOf(status)).toEqual(["BuildStatus: BuildRequired", "--> config.sh changed"]);
  expect(jobs(p)).toEqual([]);
});

testLocal("an exit code of 0 without a list of results is a failure", async () => {
  const p = await world();
  p.write("tools/kiwi-ng", p.read("tools/kiwi-ng").replace(/^ {2}echo '\{"root_archive.*$/m, "  ;;"));

  const result = await p.dice("dice-build");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain('KIWI ended without an error, but "kiwi.result.json" of recipe "small" is not there');
});

testLocal.for(["SIGTERM", "SIGINT"] as const)(
  "%s in the middle of a build leaves nothing but the last result",
  async (signal) => {
    const p = await world();
    await p.dice("dice-build");
    const before = p.read("recipes/small/.dice/build_results.tar");
    const running = await startedBuild(p);

    running.child.kill(signal);
    const result = await running.ended;

    expect(result.signal).toBe(signal);
    expect([jobs(p), processes(p), existsSync("/dev/null")]).toEqual([[], [], true]);
    expect(p.read("recipes/small/.dice/build_results.tar")).toBe(before);
    expect(readdirSync(join(p.root, "recipes/small/.dice")).sort()).toEqual([
      "build.log",
      "build.log.1",
      "build_results.tar",
      "history.ndjson",
      "state.json",
    ]);
    p.write("recipes/small/config.sh", "#!/bin/sh\nexit 0\n");
    expect(await p.dice("dice-build")).toMatchObject({ exitCode: 0 });
  },
);

testLocal("a build that takes longer than it may is ended, and leaves nothing", async () => {
  const p = await world({ fields: "timeout: 1" });
  p.write("recipes/small/config.sh", waiting);

  const result = await p.dice("dice-build");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toMatch(/bt: KIWI could not build recipe "small": .*1 s/);
  expect([jobs(p), processes(p), isLocked(p)]).toEqual([[], [], false]);
});

testLocal("a second build of a recipe names the first one, or waits for it", async () => {
  const p = await world();
  const running = await startedBuild(p);
  const status = await p.dice("dice-status", "--exit-code");

  const second = await p.dice("dice-build", "DICE_FORCE=yes");
  const waiting = p.start({}, "dice-build", "DICE_LOCK_TIMEOUT=50");
  running.child.kill("SIGTERM");
  p.write("recipes/small/config.sh", "#!/bin/sh\nexit 0\n");

  expect(status.exitCode).toBe(12);
  expect(statusOf(status)[0]).toBe("BuildStatus: BuildRunning");
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toMatch(/Recipe "small" is locked by process \d+ of \S+ on \S+ since /);
  await running.ended;
  expect(await waiting.ended).toMatchObject({ exitCode: 0 });
});

testLocal("after kill -9 no process and no mount is left, and the next build takes over and tidies up", async () => {
  const p = await world();
  const running = await startedBuild(p);
  const [left] = jobs(p);

  running.child.kill("SIGKILL");
  await running.ended;
  await until(() => processes(p).length === 0);
  expect(readFileSync("/proc/mounts", "utf8")).not.toContain(p.root);
  expect(jobs(p)).toEqual([left]);
  p.write("recipes/small/config.sh", "#!/bin/sh\nexit 0\n");
  const result = await p.dice("dice-build");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain(`Removed ${p.root}/.bt/kiwi-dice/${left}, which an interrupted build had left`);
  expect(jobs(p)).toEqual([]);
});

testLocal("dice-cleanup removes what is stale, and refuses a lock in use", async () => {
  const p = await world();
  const running = await startedBuild(p);

  const refused = await p.dice("dice-cleanup", "--lock");
  running.child.kill("SIGKILL");
  await running.ended;
  await until(() => processes(p).length === 0);
  const before = isLocked(p);
  const cleaned = await p.dice("dice-cleanup", "--lock", "--job-folders");

  expect(refused.exitCode).toBe(1);
  expect(refused.stdout).toContain('The lock of recipe "small" is in use by process');
  expect(cleaned.exitCode).toBe(0);
  expect([before, jobs(p), isLocked(p)]).toEqual([true, [], false]);
});

testLocal(
  "a repository's password is in no command, log, state or history, and KIWI gets it all the same",
  async () => {
    const p = await world();
    writeRepository(join(p.root, "mirror"), "bread");
    const { url } = await serve(join(p.root, "mirror"), "ann:s3cret-bread");
    const secret = url.replace("//", "//ann:s3cret-bread@");
    const q = await world({
      recipes: ["it's; small"],
      repository: secret,
      fields: `kiwi: { addRepos: [{ source: ${JSON.stringify(`${secret}/more`)}, type: "apt-deb", alias: "more", distribution: "bookworm" }] }`,
    });
    q.write(
      "builderfile.ts",
      q.read("builderfile.ts").replace("kiwi: { addRepos", `kiwi: { bin: ${JSON.stringify(q.kiwi)}, addRepos`),
    );
    writeRepository(join(p.root, "mirror/more"), "butter");

    const result = await q.dice("dice-build");
    const status = await q.dice("dice-status");

    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(statusOf(status)).toEqual(["BuildStatus: UpToDate"]);
    expect(result.stdout).toContain('source path="http://ann:***@');
    const kept = await run("grep", ["-rl", "s3cret-bread", q.root]).catch(() => "");
    const files = kept
      .trimEnd()
      .split("\n")
      .map((file) => file.slice(q.root.length + 1));
    // bt keeps the compiled builderfile, which says what the builderfile says.
    expect(files.filter((file) => !file.startsWith(".bt/builder/")).sort()).toEqual([
      "builderfile.ts",
      "recipes/it's; small/config.xml",
    ]);
  },
);

testLocal("what root builds belongs to the owner of the recipe, and only they can write it", async () => {
  const p = await world();
  await run("chown", ["-R", "1234:1234", join(p.root, "recipes")]);

  await p.dice("dice-build");

  const folder = join(p.root, "recipes/small/.dice");
  const facts = readdirSync(folder).map((name) => statSync(join(folder, name)));
  expect(facts.map(({ uid, mode }) => [uid, mode & 0o022])).toEqual(facts.map(() => [1234, 0]));
  onTestFinished(async () => void (await run("chown", ["-R", "0:0", p.root])));
});

testLocal("forty recipes are built without a false lock", async () => {
  const recipes = Array.from({ length: 40 }, (_, at) => `recipe-${at}`);
  const p = await world({ recipes });

  const result = await p.bt("dice-build", "-j2", "-s");
  const status = await p.dice("dice-status");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(statusOf(status)).toEqual(recipes.map(() => "BuildStatus: UpToDate"));
});

testLocal("a schedule builds what requires it, fails alone, and ends with a table", async () => {
  const p = await world({ recipes: ["broken", "fresh", "good", "odd"], files: { "recipes/README": "not a recipe\n" } });
  p.write("recipes/odd/config.xml", "<image");
  p.write("recipes/broken/config.sh", "#!/bin/sh\nexit 3\n");
  await p.dice("dice-build:fresh");

  const result = await p.dice("dice-schedule", "DIR=recipes");
  expect(result.stderr).toBe("");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("skipped README: it holds no description\n");
  const table = /^recipe .*\n(?:.*\n){4}/m.exec(result.stdout)?.[0].replaceAll(/\d+ s/g, "0 s");
  expect(table?.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["recipe", "before", "result", "duration", "log"],
    ["broken", "BuildRequired", "failed", "0 s", "recipes/broken/.dice/build.log"],
    ["fresh", "UpToDate", "up to date", "0 s", "recipes/fresh/.dice/build.log"],
    ["good", "BuildRequired", "built", "0 s", "recipes/good/.dice/build.log"],
    ["odd", "unknown", "failed", "0 s"],
    [""],
  ]);
});
