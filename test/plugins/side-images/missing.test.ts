/** What is missing or in the way: programs, names, caches, digests. Each is said with what needs it, and nothing half-made stays. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { counting, made, world, type World } from "./world.ts";

const test = testWith("git");
const host = process.arch === "arm64" ? "arm64" : "amd64";

/** The environment of a machine that has node and a shell. */
function barePath(w: World): Record<string, string> {
  fs.symlinkSync(process.execPath, path.join(w.root, "bin/node"));
  fs.symlinkSync("/bin/sh", path.join(w.root, "bin/sh"));
  return { PATH: `${w.root}/bin`, ARCHITECTURES: host };
}

test("an engine or git that is not installed is named with its package and what needs it; the exit code says prerequisite", async () => {
  const w = await world({ files: { "runs/Dockerfile": 'FROM scratch\nCOPY x /x\nRUN ["/x"]\n', "runs/x": "x" } });
  const bare = barePath(w);

  const engine = await w.side({ ...bare, COMPONENTS: "runs" }, "side-images");
  const git = await w.side({ ...bare, COMPONENTS: "coredns" }, "side-images");

  expect([engine.exitCode, git.exitCode]).toEqual([2, 2]);
  expect(engine.stdout).toContain(`and the Dockerfile has a RUN; it is for runs:${host}\n`);
  expect(engine.stdout).toContain("fix  Install one, on Debian with `apt-get install buildah`.\n");
  expect(git.stdout).toContain("bt: `git` is not installed; it fetches the source of coredns\n");
  expect(git.stdout).toContain("fix  Install it, on Debian with `apt-get install git`.\n");
});

test("a release program that is not installed, or a release that is not cached with OFFLINE, is refused", async () => {
  const w = await world({ options: "", files: { "cli/ImageSource": "$RELEASE_IMAGE_AMD64\n" } });
  const given = { COMPONENTS: "cli", ARCHITECTURES: "amd64" };

  const absent = await w.side({ ...barePath(w), ...given }, "side-images");
  const offline = await w.side({ ...given, OFFLINE: "yes" }, "side-images");

  expect([absent.exitCode, offline.exitCode]).toEqual([2, 2]);
  expect(absent.stdout).toContain("bt: `oc` is not installed; it reads the references of registry.ci.openshift.org");
  expect(offline.stdout).toContain("are not cached, and OFFLINE is set\n");
});

test("a work tree that cannot be made, or that git takes for part of another one, is refused before a script runs in it", async () => {
  const script = '#!/bin/sh\ntouch "$CALLS_OF_SCRIPT"\n';
  const w = await world({ files: { "coredns/build_binaries": script } });
  const given = { COMPONENTS: "coredns", ARCHITECTURES: "arm64", CALLS_OF_SCRIPT: `${w.root}/calls/script` };
  w.stub(
    "git",
    '#!/bin/sh\ncase "$*" in *--show-toplevel*) echo /elsewhere ;; *) PATH="${PATH#*:}" exec git "$@" ;; esac\n',
  );

  const outside = await w.side(given, "side-images");
  fs.rmSync(path.join(w.root, ".bt/side-images/work"), { recursive: true });
  w.write(".bt/side-images/work", "no folder");
  const blocked = await w.side(given, "side-images");

  expect([outside.exitCode, blocked.exitCode]).toEqual([1, 1]);
  expect(outside.stdout).toContain('bt: git takes "/elsewhere" for the top of the source in ');
  expect(blocked.stdout).toContain("bt: The work tree of coredns:arm64 cannot be made\n");
  expect(w.exists("calls/script")).toBe(false);
});

test("components with the same repository fetch it once, one after the other, and leave no lock", async () => {
  const w = await world({ files: { "copy/Dockerfile": "FROM scratch\nARG VERSION\nLABEL v=$VERSION\n" } });
  for (const file of ["repo", "commit"])
    w.component(`copy/${file}`, w.read(`packaging/images/components/components/coredns/${file}`));
  w.stub("git", counting("git"));

  const result = await w.side({}, "side-images:src");

  expect(result.exitCode).toBe(0);
  expect(w.calls("git").filter((line) => line.includes(" fetch "))).toHaveLength(1);
  expect(fs.readdirSync(path.join(w.root, ".bt/side-images/git"))).toEqual([
    expect.stringMatching(/^[0-9a-f]{64}\.git$/),
  ]);
});

test("a folder whose name cannot be that of an image is refused", async () => {
  const w = await world({ files: { "Dns_/Dockerfile": "FROM scratch\nLABEL a=1\n" } });

  const result = await w.side({ COMPONENTS: "Dns_" }, "side-images");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain('bt: The folder "Dns_" cannot be the name of an image\n');
});

test("digests are asked for before anything was published", async () => {
  const w = await world();

  const result = await w.side({}, "side-images:digests");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("bt: Nothing was published from here: there is no .bt/manifest/digests.json\n");
});

test("an archive that cannot be completed is not there at all", async () => {
  const w = await world({ options: 'imageReferences: false, archive: { images: ["127.0.0.1:1/none:1"] }' });

  const result = await w.side(
    { ARCHITECTURES: "arm64", COMPONENTS: "base-image", OUTPUT_DIR: "out" },
    "side-images:archive",
  );

  expect(result.exitCode).toBe(1);
  expect(fs.readdirSync(path.join(w.root, "out"))).toEqual([]);
});

test("a component that fails for one architecture does not keep the others from being made with -k", async () => {
  const w = await world({ files: { "base-image/Dockerfile.arm64": "FROM scratch\nCOPY nothing /\n" } });

  const result = await w.side({ ARCHITECTURES: "amd64 arm64 riscv64" }, "-k", "side-images");

  expect(result.exitCode).toBe(1);
  expect(made(result)).toEqual(expect.arrayContaining(["image:coredns:amd64", "image:coredns:riscv64"]));
  expect(made(result)).not.toContain("image:coredns:arm64");
  expect(w.exists(".bt/side-images/base-image.json")).toBe(false);
});

test("the doctor says what names without a registry stand for", async () => {
  const w = await world({ files: { "pause/ImageSource": "pause:1\n", "other/ImageSource": "nobody/knows:1\n" } });
  w.write("registries.conf", 'unqualified-search-registries = []\n[aliases]\npause = "quay.io/x/pause"\n');

  const { stdout } = await w.side(
    { COMPONENTS: "pause other", CONTAINERS_REGISTRIES_CONF: `${w.root}/registries.conf` },
    "side-images:doctor",
  );

  expect(stdout).toContain("ok       short name pause:1: quay.io/x/pause:1\n");
  expect(stdout).toContain('unclear  short name nobody/knows:1: The reference "nobody/knows:1" names no registry');
});
