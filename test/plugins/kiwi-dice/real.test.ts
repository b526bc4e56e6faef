/**
 * The real KIWI from Debian builds a small Debian image from the Debian mirror of this machine: once here, for all tests of this file.
 * With BT_SLOW_TESTS=1 it also builds it over ssh, in a container, and without bt, and all of them must hold the same files; that takes minutes.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished } from "vitest";
import { until } from "../../support/processes.ts";
import { program } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { removeFolder } from "../../support/temporary.ts";
import { run, slow, slowTestWith, testWith } from "../../support/tool.ts";
import { startDockerd } from "../images/dockerd.ts";
import { findMirror, writeRecipe } from "./debian.ts";
import { startSsh } from "./ssh-host.ts";

const tools = ["kiwi-ng", "debootstrap", "unshare", "setpriv", "rsync", "umoci", "skopeo", "docker-registry"];
const testReal = testWith(...tools);
const testSlow = slowTestWith(...tools);
const testSlowDocker = slowTestWith(...tools, "mmdebstrap", "dockerd", "docker");
/** Milliseconds. */
const patience = 600_000;

let root = "";

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bt(words: readonly string[], more: Readonly<Record<string, string>> = {}): Ended {
  const env = { PATH: process.env["PATH"] ?? "", HOME: root, NO_COLOR: "1", ...more };
  return spawnSync(process.execPath, [program, ...words], { cwd: root, env, encoding: "utf8", maxBuffer: 1 << 26 });
}

/** Paths, types, modes and link targets in the image; times and sizes are the build's own. */
function listImage(archive: string): readonly string[] {
  const [{ Layers }] = JSON.parse(execFileSync("tar", ["-xOf", archive, "manifest.json"], { encoding: "utf8" }));
  const script = 'tar -xOf "$1" "$2" | tar --numeric-owner -tv';
  return (Layers as string[]).flatMap((layer) =>
    execFileSync("sh", ["-c", script, "sh", archive, layer], { encoding: "utf8", maxBuffer: 1 << 28 })
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^(\S+) +(\S+) +(?:\d+,)?\d+ \S+ \S+ /, "$1 $2 "))
      .sort(),
  );
}

/** The files of the result. */
function unpack(name: string): {
  readonly archive: string;
  readonly image: readonly string[];
  readonly packages: string;
} {
  const folder = join(root, name);
  mkdirSync(folder);
  execFileSync("tar", ["-C", folder, "-xf", result()]);
  const archive = join(folder, "bt-debian.x86_64-1.0.0-DiceBuild.docker.tar");
  const packages = readFileSync(join(folder, "bt-debian.x86_64-1.0.0-DiceBuild.packages"), "utf8");
  return { archive, image: listImage(archive), packages };
}

const repository = join(import.meta.dirname, "../../..");
const result = (): string => join(root, "images/small/.dice/build_results.tar");

describe("an image that the real KIWI built", () => {
  let built: Ended | undefined;
  let first: ReturnType<typeof unpack> | undefined;
  const build = (): Ended => (built ??= bt(["dice-build"]));
  const unpacked = (): ReturnType<typeof unpack> => {
    build();
    return (first ??= unpack("unpacked"));
  };
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
      "./bt-debian.x86_64-1.0.0-DiceBuild.docker.tar",
      "./bt-debian.x86_64-1.0.0-DiceBuild.docker.tar.sha256",
      "./bt-debian.x86_64-1.0.0-DiceBuild.packages",
      "./bt-debian.x86_64-1.0.0-DiceBuild.verified",
    ]);
    unpacked();
    execFileSync("sh", ["-c", "sha256sum -c *.sha256"], { cwd: join(root, "unpacked") });
  });

  testReal(
    "holds the overlay, its dotfile, what config.sh wrote, and Debian's own modes",
    { timeout: patience },
    () => {
      const { image } = unpacked();

      expect(image.filter((line) => /bt-| (root|tmp)\/$/.test(line))).toEqual([
        "-rw-r--r-- 0/0 etc/.bt-dot",
        "-rw-r--r-- 0/0 etc/bt-config",
        "-rw-r--r-- 0/0 etc/bt-overlay",
        "drwx------ 0/0 root/",
        "drwxrwxrwt 0/0 tmp/",
      ]);
    },
  );

  testReal("is a container image with its label, which a registry takes", { timeout: patience }, async () => {
    const from = `docker-archive:${unpacked().archive}`;
    const { host } = await startRegistry();
    const to = `docker://${host}/bt/debian:1.0.0`;

    const quick = ["--dest-compress-format", "gzip", "--dest-compress-level", "1"];
    await run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", ...quick, from, to]);

    const seen = JSON.parse(await run("skopeo", ["inspect", "--tls-verify=false", to])) as { Labels: object };
    expect(seen).toMatchObject({ Labels: { maker: "bt" }, RepoTags: ["1.0.0"] });
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
        "Creating bt-debian.x86_64-1.0.0-DiceBuild.docker.tar",
      ]),
    );
  });

  testReal("has a description that kiwi:info understands, and so have the README and the example", () => {
    const page = readFileSync(join(repository, "plugins/kiwi-dice/README.md"), "utf8");
    mkdirSync(join(root, "readme"));
    writeFileSync(join(root, "readme/config.xml"), /^```xml .*\n([^]*?)^```/m.exec(page)?.[1] ?? "");
    cpSync(join(repository, "examples/kiwi-appliance/appliance"), join(root, "example"), { recursive: true });

    const words = [["kiwi:info"], ["kiwi:info", "RECIPE=readme"], ["kiwi:info", "RECIPE=example"]];
    const told = words.map((one) => bt(one));

    expect(told.map(({ status, stdout }) => [status, /"image": "(.*)"/.exec(stdout)?.[1]])).toEqual([
      [0, "bt-debian"],
      [0, "toolbox"],
      [0, "appliance"],
    ]);
  });

  testReal("is up to date afterwards, and nothing of the build is left", { timeout: patience }, () => {
    build();

    const again = bt(["dice-build"]);

    expect(again.stdout).toContain("BuildStatus: UpToDate\n");
    expect(readdirSync(join(root, ".bt/kiwi-dice"))).toEqual([]);
    expect(readFileSync("/proc/mounts", "utf8")).not.toContain(root);
  });

  testReal("leaves nothing when it is ended in the middle of debootstrap", { timeout: patience }, async () => {
    cpSync(join(root, "images/small"), join(root, "ended"), {
      recursive: true,
      filter: (name) => !name.includes(".dice"),
    });
    const words = [program, "dice-build", "RECIPE=ended"];
    const env = { PATH: process.env["PATH"] ?? "", HOME: root };
    const child = spawn(process.execPath, words, { cwd: root, env, stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    const ended = once(child, "exit");
    const log = join(root, "ended/.dice/build.log");
    await until(() => existsSync(log) && readFileSync(log, "utf8").includes("bootstrap: I: Retrieving"));

    child.kill("SIGTERM");

    expect(await ended).toEqual([null, "SIGTERM"]);
    expect(readdirSync(join(root, ".bt/kiwi-dice"))).toEqual([]);
    expect(readdirSync(join(root, "ended/.dice")).sort()).toEqual(["build.log", "history.ndjson"]);
    expect(readFileSync("/proc/mounts", "utf8")).not.toContain(root);
  });

  testSlow(`is the same over ssh, and the same as KIWI makes without bt (${slow})`, { timeout: patience }, async () => {
    const here = unpacked();
    const host = await startSsh();
    writeRecipe(root, host.fields());

    expect(bt(["dice-build", "DICE_FORCE=yes"])).toMatchObject({ status: 0, stderr: "" });

    const there = unpack("there");
    expect([there.image, there.packages]).toEqual([here.image, here.packages]);
    expect(readdirSync(host.workdir).sort()).toEqual(["lock", "owner"]);
    const [plain, config] = [join(root, "plain"), join(root, "kiwi.yml")];
    writeFileSync(config, "container:\n  - compress: none\n");
    const words = ["--config", config, "system", "build", "--description", join(root, "images/small")];
    execFileSync("unshare", ["-m", "-p", "-f", "--mount-proc", "kiwi-ng", ...words, "--target-dir", plain], {
      stdio: "ignore",
    });
    expect(listImage(join(plain, "bt-debian.x86_64-1.0.0.docker.tar"))).toEqual(here.image);
    expect(readFileSync(join(plain, "bt-debian.x86_64-1.0.0.packages"), "utf8")).toBe(here.packages);
  });

  testSlowDocker(`is the same in a container of docker (${slow})`, { timeout: patience }, async () => {
    const here = unpacked();
    const env = { DOCKER_HOST: await startDockerd() };
    const programs = "kiwi,debootstrap,umoci,skopeo,rsync,xz-utils,ca-certificates,mount,fdisk,procps,passwd";
    const tree = join(root, "tree.tar");
    await run("mmdebstrap", ["--quiet", "--variant=apt", `--include=${programs}`, "bookworm", tree, findMirror()]);
    await run("docker", ["import", tree, "kiwi:1"], env);
    // That daemon has no bridge, and this machine may give it fewer open files than it asks for.
    const more = 'network: "host", args: ["--ulimit", "nofile=1024:1024"]';
    writeRecipe(root, `buildhost: { kind: "docker", image: "kiwi:1", ${more} }`);

    expect(bt(["dice-build", "DICE_FORCE=yes"], env)).toMatchObject({ status: 0, stderr: "" });

    const there = unpack("container");
    const common = (lines: readonly string[]): readonly string[] =>
      lines.filter((line) => !line.endsWith(" etc/hostname")); // The build host's own.
    expect([common(there.image), there.packages]).toEqual([common(here.image), here.packages]);
    expect(await run("docker", ["ps", "--all", "--quiet"], env)).toBe("");
  });
});
