/**
 * The real KIWI from Debian builds a small Debian image from the Debian mirror of this machine: once here, for all tests of this file.
 * With BT_SLOW_TESTS=1 it also builds it over ssh, and without bt, and all three must hold the same files; that takes two more minutes.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { program } from "../../support/project.ts";
import { removeFolder } from "../../support/temporary.ts";
import { slow, slowTestWith, testWith } from "../../support/tool.ts";
import { writeRecipe } from "./debian.ts";
import { startSsh } from "./ssh-host.ts";

const tools = ["kiwi-ng", "debootstrap", "unshare", "setpriv", "rsync", "xz"];
const testReal = testWith(...tools);
const testSlow = slowTestWith(...tools);
/** Milliseconds. */
const patience = 600_000;

let root = "";

function bt(...words: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const env = { PATH: process.env["PATH"] ?? "", HOME: root, NO_COLOR: "1" };
  return spawnSync(process.execPath, [program, ...words], { cwd: root, env, encoding: "utf8", maxBuffer: 1 << 26 });
}

/** Paths, types, modes and link targets in the image; times and sizes are the build's own. */
function listImage(tar: string): readonly string[] {
  const inner = execFileSync("tar", ["-tf", tar], { encoding: "utf8" })
    .split("\n")
    .find((name) => name.endsWith(".tar.xz"));
  const text = execFileSync("sh", ["-c", 'tar -xOf "$1" "$2" | tar --numeric-owner -tvJ', "sh", tar, inner ?? ""], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/^(\S+) +(\S+) +(?:\d+,)?\d+ \S+ \S+ /, "$1 $2 "))
    .sort();
}

const result = (): string => join(root, "images/small/.dice/build_results.tar");

describe("an image that the real KIWI built", () => {
  let built: ReturnType<typeof bt> | undefined;
  const build = (): ReturnType<typeof bt> => (built ??= bt("dice-build"));
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "bt-kiwi-"));
    writeRecipe(root);
  });
  afterAll(() => removeFolder(root));

  testReal("has KIWI's files under the bundle's names, and their digests hold", { timeout: patience }, () => {
    expect(build()).toMatchObject({ status: 0, stderr: "" });

    const names = execFileSync("tar", ["-tf", result()], { encoding: "utf8" });
    expect(names.trimEnd().split("\n")).toEqual([
      "./",
      "./bt-debian.x86_64-1.0.0-DiceBuild.changes.xz",
      "./bt-debian.x86_64-1.0.0-DiceBuild.packages",
      "./bt-debian.x86_64-1.0.0-DiceBuild.tar.xz",
      "./bt-debian.x86_64-1.0.0-DiceBuild.tar.xz.sha256",
      "./bt-debian.x86_64-1.0.0-DiceBuild.verified",
    ]);
    const folder = join(root, "unpacked");
    mkdirSync(folder);
    execFileSync("tar", ["-C", folder, "-xf", result()]);
    execFileSync("sh", ["-c", "sha256sum -c *.sha256"], { cwd: folder });
  });

  testReal("holds the overlay, its dotfile, and what config.sh wrote", { timeout: patience }, () => {
    build();

    const own = listImage(result()).filter((line) => line.includes("bt-"));
    expect(own.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual(
      ["-rw-r--r-- 0/0 ./etc/.bt-dot", "-rw-r--r-- 0/0 ./etc/bt-config", "-rw-r--r-- 0/0 ./etc/bt-overlay"].map(
        (line) => expect.stringContaining(line.replace("./", "")),
      ),
    );
  });

  testReal("told step by step what KIWI was at", { timeout: patience }, () => {
    build();

    const runs = join(root, ".bt/runs");
    const events = readFileSync(join(runs, readdirSync(runs).sort()[0]!, "events.ndjson"), "utf8")
      .trimEnd()
      .split("\n");
    const steps = events.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "task-step");
    expect(steps.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        "Preparing new root system",
        "Installing bootstrap packages",
        "Calling config.sh script",
        "Creating XZ compressed tar archive",
      ]),
    );
  });

  testReal("is up to date afterwards, and nothing of the build is left", { timeout: patience }, () => {
    build();

    const again = bt("dice-build");

    expect(again.stdout).toContain("BuildStatus: UpToDate\n");
    expect(readdirSync(join(root, ".bt/kiwi-dice"))).toEqual([]);
    expect(readFileSync("/proc/mounts", "utf8")).not.toContain(root);
  });

  testSlow(`is the same over ssh, and the same as KIWI makes without bt (${slow})`, { timeout: patience }, async () => {
    build();
    const here = listImage(result());
    const host = await startSsh();
    writeRecipe(root, host.fields());

    expect(bt("dice-build", "DICE_FORCE=yes")).toMatchObject({ status: 0, stderr: "" });

    expect(listImage(result())).toEqual(here);
    expect(readdirSync(host.workdir).sort()).toEqual(["lock", "owner"]);
    const plain = join(root, "plain");
    const config = join(root, "kiwi.yml");
    writeFileSync(config, 'xz:\n  - options: "-0 --threads=0"\n');
    const words = [
      "--config",
      config,
      "system",
      "build",
      "--description",
      join(root, "images/small"),
      "--target-dir",
      plain,
    ];
    execFileSync("unshare", ["-m", "-p", "-f", "--mount-proc", "kiwi-ng", ...words], { stdio: "ignore" });
    const tar = join(root, "plain.tar");
    execFileSync("tar", ["-C", plain, "-cf", tar, "./bt-debian.x86_64-1.0.0.tar.xz"]);
    expect(listImage(tar)).toEqual(here);
    expect(existsSync(join(plain, "kiwi.result.json"))).toBe(true);
  });
});
