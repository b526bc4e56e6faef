/** Foreign commands with Debian's busybox, and native ones beside them: nothing of the host changes, and what a layer has deleted stays deleted. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";
import { foreignProgram } from "../images/foreign.ts";
import { components, counting, made, world, type World } from "./world.ts";

const emulator = process.arch === "arm64" ? "qemu-x86_64-static" : "qemu-aarch64-static";
const testDebian = testWith("git", "buildah", "mmdebstrap", "tar", emulator);
const testBoth = testWith("git", "buildah", "busybox", emulator);
const [host, foreign] = process.arch === "arm64" ? (["arm64", "amd64"] as const) : (["amd64", "arm64"] as const);
const machine = { amd64: "x86_64", arm64: "aarch64" };

/** Debian's static busybox for the foreign architecture: unpacked by its package manager, never run here. */
async function foreignBusybox(file: string): Promise<void> {
  const folder = await temporaryFolder();
  const tree = path.join(folder, "tree.tar");
  const options = ["--quiet", `--arch=${foreign}`, "--variant=extract", "--include=busybox-static"];
  await run("mmdebstrap", [...options, "bookworm", tree]);
  await run("tar", ["-x", "-f", tree, "-C", folder, "./bin/busybox"]);
  fs.copyFileSync(path.join(folder, "bin/busybox"), file);
}

/** What a file of an image says, by its topmost layer. */
function fileOf(w: World, component: string, suffix: string, name: string): string | undefined {
  const layers = w
    .image(component, suffix)
    .layers.map((digest) => path.join(w.root, ".bt/side-images/oci/blobs", digest.replace(":", "/")));
  const found = layers
    .map((layer) => spawnSync("tar", ["-x", "-O", "-f", layer, name], { encoding: "utf8" }))
    .findLast(({ status }) => status === 0);
  return found?.stdout;
}

testDebian(
  "Debian's busybox of a foreign architecture runs in a namespace, and not at all with EMULATION=none",
  async () => {
    const w = await world({
      files: {
        "runs/Dockerfile": `FROM scratch\nCOPY --chmod=755 busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "/bin/busybox uname -m > /made"]\n`,
      },
    });
    await foreignBusybox(path.join(w.root, components, "runs/busybox"));
    w.stub("buildah", counting("buildah"));
    const table = "/proc/sys/fs/binfmt_misc";
    const before = fs.readdirSync(table);
    const given = { COMPONENTS: "runs", ARCHITECTURES: foreign };

    const none = await w.side({ ...given, EMULATION: "none" }, "side-images");
    const asked = w.calls("buildah");
    const result = await w.side({ ...given, EMULATION: "userns" }, "side-images");

    expect(none).toMatchObject({ exitCode: 2, stdout: "" });
    expect(none.stderr).toContain(`${components}/runs/Dockerfile:3`);
    expect(asked).toEqual([]);
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(fileOf(w, "runs", foreign, "made")).toBe(`${machine[foreign]}\n`);
    expect(fs.readdirSync(table)).toEqual(before);
    expect(w.calls("sudo")).toEqual([]);
  },
);

/** A stage whose command needs emulation, so that the whole cell is built in a namespace and its own storage. */
const foreignStage = `FROM --platform=linux/${foreign} scratch AS foreign\nCOPY --chmod=755 make /bin/make\nWORKDIR /w\nRUN ["/bin/make"]\n`;
const made_ = "COPY --from=foreign /w/made /made\n";
const shell = (words: string): string => `RUN ["/bin/busybox", "sh", "-c", "${words}"]\n`;
const renew = shell("/bin/busybox rm -r /data && /bin/busybox mkdir /data && echo 2 > /data/new");
const look = shell("cd /data && echo * > /seen");

const cases = [
  ["a namespace on a parent built outside", { parent: false, child: true }],
  ["the host's own storage on a parent built in a namespace", { parent: true, child: false }],
] as const;

for (const [title, inside] of cases)
  testBoth(`a folder that a parent's layer has replaced stays so for a child built in ${title}`, async () => {
    const base = `FROM scratch\nCOPY --chmod=755 busybox /bin/busybox\nCOPY old /data/old\n`;
    const from = "FROM $REGISTRY/parent:$RELEASE_TAG\n";
    const w = await world({
      files: {
        "parent/Dockerfile": inside.parent ? `${foreignStage}${base}${made_}${renew}` : `${base}${renew}`,
        "parent/old": "1",
        "child/Dockerfile": `ARG REGISTRY\nARG RELEASE_TAG\n${inside.child ? `${foreignStage}${from}${made_}` : from}${look}`,
      },
    });
    const place = path.join(w.root, components);
    fs.copyFileSync((await run("which", ["busybox"])).trim(), path.join(place, "parent/busybox"));
    fs.writeFileSync(path.join(place, inside.parent ? "parent/make" : "child/make"), foreignProgram(foreign));

    const result = await w.side(
      { COMPONENTS: "parent child", ARCHITECTURES: host, EMULATION: "userns" },
      "side-images",
    );

    expect(result, result.stdout).toMatchObject({ exitCode: 0, stderr: "" });
    expect(made(result)).toContain(`image:parent:${host}`);
    expect(fileOf(w, inside.parent ? "parent" : "child", host, "made")).toBe(`${foreign}\n`);
    expect(fileOf(w, "child", host, "seen")).toBe("new\n");
  });
