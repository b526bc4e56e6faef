/** Cells with commands: buildah builds them, foreign ones in a private binfmt namespace; nothing is left after a signal. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { startServer } from "../../support/fake-registry.ts";
import { until } from "../../support/processes.ts";
import { testWith } from "../../support/tool.ts";
import { foreignProgram } from "../images/foreign.ts";
import { components, counting, made, world, type World } from "./world.ts";

const test = testWith("git", "buildah");
const testEmulated = testWith("git", "buildah", "qemu-aarch64-static");
const foreign = process.arch === "arm64" ? "amd64" : "arm64";

/** base-image with a program of each architecture, and a child that runs it. */
async function running(run: string): Promise<World> {
  const w = await world({
    files: {
      "base-image/Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY --chmod=755 p-$TARGETARCH /bin/make\n",
      "runs/Dockerfile": `ARG REGISTRY\nARG RELEASE_TAG\nFROM $REGISTRY/base-image:$RELEASE_TAG\nWORKDIR /w\n${run}\n`,
    },
  });
  for (const arch of ["amd64", "arm64"] as const)
    fs.writeFileSync(path.join(w.root, components, `base-image/p-${arch}`), foreignProgram(arch));
  w.stub("buildah", counting("buildah"));
  return w;
}

/** What a run could leave behind. */
function traces(w: World): unknown {
  const { stdout } = spawnSync("ps", ["-eo", "stat=,args="], { encoding: "utf8" });
  const processes = stdout.split("\n").filter((line) => !line.startsWith("Z") && line.includes(path.basename(w.root)));
  const mounts = fs
    .readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(w.root));
  const work = path.join(w.root, ".bt/side-images/engine/work");
  return { processes, mounts, containers: containers(w), work: fs.existsSync(work) ? fs.readdirSync(work) : [] };
}

/** Those that buildah's own stores list: `STORE/overlay-containers/containers.json`, or of another driver. */
function containers(w: World): readonly unknown[] {
  const engine = path.join(w.root, ".bt/side-images/engine");
  const folders = (at: string): readonly string[] =>
    fs.existsSync(at) ? fs.readdirSync(at).map((name) => path.join(at, name)) : [];
  return folders(engine)
    .flatMap((store) => folders(store).filter((name) => name.endsWith("-containers")))
    .map((folder) => path.join(folder, "containers.json"))
    .flatMap((file) => (fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as unknown[]) : []));
}

const nothing = { processes: [], mounts: [], containers: [], work: [] };

testEmulated("commands of a foreign architecture run without the host's table, on the base of this run", async () => {
  const w = await running('RUN ["/bin/make"]');
  const table = (): readonly string[] => fs.readdirSync("/proc/sys/fs/binfmt_misc");
  const before = table();

  const result = await w.side({ COMPONENTS: "runs", ARCHITECTURES: "amd64 arm64", EMULATION: "userns" }, "side-images");
  const calls = w.calls("buildah").length;
  const again = await w.side(
    { COMPONENTS: "runs", ARCHITECTURES: "amd64 arm64", EMULATION: "userns" },
    "side-images:image",
  );

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(table()).toEqual(before);
  expect(w.calls("sudo")).toEqual([]);
  expect(calls).toBeGreaterThan(0);
  expect(again.stdout).toContain("Nothing to do");
  expect(w.calls("buildah")).toHaveLength(calls);
  expect(w.image("runs", "arm64").layers).toHaveLength(2);
  expect(traces(w)).toEqual(nothing);
});

test("every image that buildah reads is named by its ID, and nothing is pulled", async () => {
  const host = process.arch === "arm64" ? "arm64" : "amd64";
  const w = await running('RUN ["/bin/make"]');
  const given = { COMPONENTS: "runs", ARCHITECTURES: host, DEST_REGISTRY: "127.0.0.1:1/none" };

  await w.side(given, "side-images");

  const built = w.calls("buildah").filter((line) => /\bbud\b/.test(line));
  expect(built).toHaveLength(1);
  expect(built[0]).toContain("--pull=never");
  expect(
    w.calls("buildah").filter((line) => / (pull|from) /.test(line) && !/ oci:bt-[0-9a-f]{64}:image$/.test(line)),
  ).toEqual([]);
});

test("after clean buildah gives the same digests as before", async () => {
  const host = process.arch === "arm64" ? "arm64" : "amd64";
  const w = await running('RUN ["/bin/make"]');
  const given = { COMPONENTS: "runs", ARCHITECTURES: host };
  await w.side(given, "side-images");
  const before = w.index("runs").index.digest;

  await w.side(given, "side-images:clean");
  const { exitCode } = await w.side(given, "side-images");

  expect([exitCode, w.index("runs").index.digest]).toEqual([0, before]);
});

test("an image that an engine has built on another base than the one it was given is refused", async () => {
  const host = process.arch === "arm64" ? "arm64" : "amd64";
  const w = await running('COPY --chmod=755 p /bin/p\nRUN ["/bin/p"]');
  fs.writeFileSync(path.join(w.root, components, "runs/p"), foreignProgram(host));
  // Stands for an engine that takes an older base for the new one; this one takes none.
  w.stub(
    "buildah",
    `#!/bin/sh\nfor word; do case $before in --file) sed -i 's/^FROM .*/FROM scratch/' "$word" ;; esac; before=$word; done\nPATH="\${PATH#*:}" exec buildah "$@"\n`,
  );

  const result = await w.side({ COMPONENTS: "runs", ARCHITECTURES: host }, "side-images");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(`bt: runs:${host} does not begin with the layers of base-image:${host}\n`);
  expect(w.exists(".bt/side-images/runs.json")).toBe(false);
});

test("buildah and bt's own engine give the same layers of the base to a child", async () => {
  const w = await running('LABEL a="1"');
  const given = { COMPONENTS: "runs", ARCHITECTURES: "amd64" };

  await w.side(given, "side-images");
  const own = w.image("runs", "amd64").config.rootfs.diff_ids;
  const result = await w.side({ ...given, ENGINE: "buildah" }, "side-images:manifest:runs");

  expect(made(result)).toEqual(["image:base-image:amd64", "image:runs:amd64", "manifest:runs"]);
  expect(w.image("runs", "amd64").config.rootfs.diff_ids).toHaveLength(own.length);
});

for (const signal of ["SIGINT", "SIGTERM"] as const)
  testEmulated(`${signal} in the middle of a build leaves no process, mount or container`, async () => {
    const w = await running(`RUN ["/bin/make", "wait-for-ever"]`);
    const { child, ended } = w.start(
      w.settings({ COMPONENTS: "runs", ARCHITECTURES: foreign, EMULATION: "userns" }),
      "side-images",
    );
    await until(
      () =>
        /\bbin\/make wait-for-ever/.test(spawnSync("ps", ["-eo", "args="], { encoding: "utf8" }).stdout) &&
        w.calls("buildah").some((line) => /\bbud\b/.test(line)),
    );

    child.kill(signal);
    const result = await ended;

    expect(result.signal).toBe(signal); // A shell says 130 or 143.
    await until(() => JSON.stringify(traces(w)) === JSON.stringify(nothing));
    expect(w.calls("sudo")).toEqual([]);
    expect(w.exists(".bt/side-images/runs.json")).toBe(false);
  });

test("a dry run prints every call and starts nothing", async () => {
  const w = await running('RUN ["/bin/make"]');
  w.stub("git", counting("git"));

  const registry = await startServer((_, answer) => void answer.writeHead(404).end());
  const given = {
    COMPONENTS: "runs coredns",
    ARCHITECTURES: foreign,
    DEST_REGISTRY: `${registry.host}/ms`,
    PUSH: "yes",
  };

  const result = await w.side(given, "-n", "side-images");

  expect(registry.seen).toEqual([]);
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain(` bud --isolation chroot --platform linux/${foreign} --pull=never`);
  expect(result.stdout).toContain("$ git -C ");
  expect(result.stdout).toContain(`$ ./build_binaries ${foreign}`);
  expect(result.stdout).toContain(`publish ${registry.host}/ms/runs:4.10.18`);
  expect([w.calls("buildah"), w.calls("git"), w.exists(".bt/side-images")]).toEqual([[], [], false]);
});

test("what buildah is told is what a dry run has shown, but for what only a run can know", async () => {
  const host = process.arch === "arm64" ? "arm64" : "amd64";
  const w = await running('RUN ["/bin/make"]');
  const runs = { COMPONENTS: "runs", ARCHITECTURES: host };

  const dry = await w.side(runs, "-n", "side-images");
  await w.side(runs, "side-images");

  const shown = [...dry.stdout.matchAll(/^ *\$ buildah (.*)$/gm)].map(([, words]) => words!.replaceAll("'", ""));
  const told = w.calls("buildah").filter((line) => line.startsWith("--root "));
  expect(shown.map((words) => words.replace(/ .*(pull|bud|push) .*/, " $1"))).toEqual([
    "--root pull",
    "--root bud",
    "--root push",
  ]);
  expect(told).toEqual(
    shown.map((words) => {
      const parts = words.split(/<[^>]*>/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
      return expect.stringMatching(new RegExp(`^${parts.join("\\S+")}$`)) as string;
    }),
  );
});

test("doctor lists what the cells need and fails when a program is missing", async () => {
  const w = await world({ options: 'imageReferences: false, requires: ["riscv64-none-gcc"]' });

  const result = await w.side({}, "side-images:doctor");
  const general = await w.side({}, "--doctor");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("ok       git (sources): ");
  expect(result.stdout).toContain("bt: Missing: riscv64-none-gcc (build_binaries)");
  expect(general.stdout).toContain("riscv64-none-gcc");
});
