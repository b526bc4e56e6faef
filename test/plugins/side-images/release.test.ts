/** What a release and git repositories say, and what happens when they say nothing or something wrong. `oc` is a stub: OpenShift's client cannot run here. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { startRegistry } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";
import { pushSingle } from "./release.ts";
import { components, git, made, oc, references, upstream, world, type World } from "./world.ts";

const test = testWith("git");
const testRegistry = testWith("docker-registry", "skopeo", "git");
const one = { COMPONENTS: "coredns", ARCHITECTURES: "arm64" };

/** A world whose release speaks through a stub; coredns has no files `repo` and `commit`. */
async function released(options = "", files: Readonly<Record<string, string>> = {}): Promise<World> {
  const w = await world({ options, files });
  fs.rmSync(path.join(w.root, components, "coredns/repo"), { force: true });
  fs.rmSync(path.join(w.root, components, "coredns/commit"), { force: true });
  w.stub("oc", oc);
  return w;
}

function say(w: World, entries: Parameters<typeof references>[0]): void {
  w.write("calls/oc.json", references(entries));
}

async function sourceOf(w: World): Promise<{ repo: string; commit: string }> {
  const repo = path.join(w.root, "upstream");
  return { repo, commit: (await git(repo, "rev-parse", "HEAD")).trim() };
}

/** What bt said, on both streams. */
function all({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): string {
  return stdout + stderr;
}

test("oc is asked once, for the release of the tag; later runs and -n ask nobody", async () => {
  const w = await released();
  say(w, { coredns: await sourceOf(w) });

  const dry = await w.side(one, "-n", "side-images");
  const asked = w.calls("oc").length;
  const first = await w.side(one, "side-images");
  const second = await w.side(one, "side-images");

  expect(asked).toBe(0);
  expect(dry.stdout).toContain(
    "$ oc adm release extract registry.ci.openshift.org/ocp/release:4.10.18 --file=image-references",
  );
  expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
  expect(w.calls("oc")).toEqual([
    "adm release extract registry.ci.openshift.org/ocp/release:4.10.18 --file=image-references",
  ]);
  expect(w.index("coredns").cells["arm64"]!.source?.version).toBe("v1.0");
});

test("a failing oc ends the run before anything is built and leaves no cache; the next run asks again", async () => {
  const w = await released();

  const failed = await w.side(one, "side-images");
  const left = w.exists(".bt/side-images/references");
  say(w, { coredns: await sourceOf(w) });
  const works = await w.side(one, "side-images");

  expect(failed.exitCode).toBe(2);
  expect(all(failed)).toContain(
    "`oc adm release extract registry.ci.openshift.org/ocp/release:4.10.18 --file=image-references` ends with 1",
  );
  expect(all(failed)).toContain("error: unauthorized");
  expect(made(failed)).not.toContain("image:base-image:arm64");
  expect(left).toBe(false);
  expect(works.exitCode).toBe(0);
});

test.each([
  ["nothing", "", "are empty"],
  ["half a document", "{", "are not JSON"],
  ["a document without tags", "{}", "have no spec.tags"],
])("oc that prints %s is refused", async (_, text, problem) => {
  const w = await released();
  w.write("calls/oc.json", text);

  const result = await w.side(one, "side-images");

  expect(result.exitCode).toBe(2);
  expect(made(result)).not.toContain("image:base-image:arm64");
  expect(all(result)).toContain(`The image references of registry.ci.openshift.org/ocp/release:4.10.18 ${problem}`);
});

test("an invalid cache file of build.sh is ignored with a warning, a valid one is used", async () => {
  const w = await released();
  say(w, { coredns: await sourceOf(w) });
  const old = "packaging/images/components/.image-references.4.10.18";
  w.write(old, "");

  const empty = await w.side(one, "side-images:src:coredns");
  w.write(old, references({ coredns: { repo: "/nowhere", commit: "v9" } }));
  fs.rmSync(path.join(w.root, ".bt"), { recursive: true });
  const valid = await w.side(one, "side-images:src:coredns");

  expect(all(empty)).toContain(`${old} is not used: The image references in ${old} are empty`);
  expect(all(valid)).toContain('There is no commit "v9" in /nowhere');
});

test("an annotation that is null or missing is not there: the files count", async () => {
  const w = await released();
  const { repo, commit } = await sourceOf(w);
  say(w, { coredns: { repo: null, commit: null }, other: {} });
  w.component("coredns/repo", repo);
  w.component("coredns/commit", commit);

  const result = await w.side(one, "side-images:src:coredns");

  expect(result.stdout).toContain(`[coredns] ${repo} ${commit} v1.0`);
});

test("the release beats the files, unless precedence is files", async () => {
  const other = async (w: World): Promise<void> => {
    const { repo, commit } = await upstream(w.root, "other");
    w.component("coredns/repo", repo);
    w.component("coredns/commit", commit);
  };
  const release = await released();
  const files = await released('source: { precedence: "files" }');
  for (const w of [release, files]) {
    say(w, { coredns: await sourceOf(w) });
    await other(w);
  }

  const first = await release.side(one, "side-images:src:coredns");
  const second = await files.side(one, "side-images:src:coredns");

  expect(first.stdout).toContain(`[coredns] ${release.root}/upstream `);
  expect(second.stdout).toContain(`[coredns] ${files.root}/other `);
  expect(files.calls("oc")).toEqual([]);
});

testRegistry(
  "every spelling of the release's image is understood; an entry that is missing is said before anything is built",
  async () => {
    const { host } = await startRegistry();
    await pushSingle(`${host}/rel/cli:amd64`, "amd64");
    const names = ["$RELEASE_IMAGE_AMD64", "${OCP_IMAGE_AMD64}", "$OKD_IMAGE", "$RELEASE_IMAGE"];
    const files = Object.fromEntries(names.map((name, at) => [`c${at}/ImageSource.amd64`, `${name}\n`]));
    const w = await released("", { ...files, "missing/ImageSource.amd64": "$OCP_IMAGE_AMD64\n" });
    say(w, Object.fromEntries(names.map((_, at) => [`c${at}`, { image: `${host}/rel/cli:amd64` }])));
    const given = { COMPONENTS: "c0 c1 c2 c3", ARCHITECTURES: "amd64" };

    const result = await w.side(given, "side-images");
    const refused = await w.side({ ...given, COMPONENTS: "missing base-image" }, "side-images", "-B");

    expect(result.exitCode).toBe(0);
    expect(w.index("c3").cells["amd64"]!.upstream?.ref).toBe(`${host}/rel/cli:amd64`);
    expect(refused.exitCode).toBe(2);
    expect(all(refused)).toContain('$OCP_IMAGE_AMD64: the release for amd64 has no image of "missing"');
    expect(all(refused)).toContain(`${components}/missing/ImageSource.amd64:1`);
    expect(made(refused)).not.toContain("image:base-image:amd64");
  },
);

testRegistry("each architecture can have its own release", async () => {
  const { host } = await startRegistry();
  await pushSingle(`${host}/rel/cli:arm64`, "arm64");
  const release = `imageReferences: { release: { amd64: "r/a:1", arm64: "r/b:1" }, command: ["oc", "x"] }`;
  const w = await released(release, { "cli/ImageSource": "$RELEASE_IMAGE\n" });
  say(w, { cli: { image: `${host}/rel/cli:arm64` } });

  const result = await w.side({ COMPONENTS: "cli", ARCHITECTURES: "arm64" }, "side-images");

  expect(result.exitCode).toBe(0);
  expect([...w.calls("oc")].sort()).toEqual(["x r/a:1 --file=image-references", "x r/b:1 --file=image-references"]);
});

test.each([
  ["repo", undefined, 'The component "coredns" has a repo and no commit'],
  [undefined, "commit", 'The component "coredns" has a commit and no repo'],
  ["--upload-pack=x", "commit", '"--upload-pack=x" is no repo that git can be given (coredns)'],
  ["repo", "--all", '"--all" is no commit that git can be given (coredns)'],
])("a source %s %s that cannot be used is refused", async (repo, commit, problem) => {
  const w = await released("imageReferences: false");
  const real = await sourceOf(w);
  if (repo !== undefined) w.component("coredns/repo", repo === "repo" ? real.repo : repo);
  if (commit !== undefined) w.component("coredns/commit", commit === "commit" ? real.commit : commit);

  const result = await w.side(one, "side-images");

  expect(result.exitCode).toBe(2);
  expect(all(result)).toContain(problem);
});

test("a commit that the repository does not have ends the run before any component is built; -k builds the others", async () => {
  const w = await released("imageReferences: false");
  w.component("pause/Dockerfile", 'FROM scratch\nCOPY Dockerfile /pause\nCMD ["/pause"]\n');
  w.component("coredns/repo", (await sourceOf(w)).repo);
  w.component("coredns/commit", "0123456789abcdef");
  const three = { COMPONENTS: "base-image pause coredns", ARCHITECTURES: "amd64 arm64" };

  const result = await w.side(three, "side-images", "-j8");
  const kept = await w.side(three, "side-images", "-j8", "-k");

  expect(result.exitCode).toBe(2);
  expect(all(result)).toContain(`There is no commit "0123456789abcdef" in ${w.root}/upstream`);
  expect(made(result).filter((name) => /^(image|binaries|manifest):/.test(name))).toEqual([]);
  expect(kept.exitCode).toBe(2);
  expect(made(kept).filter((name) => name.startsWith("image:"))).toEqual([
    ...["image:base-image:amd64", "image:base-image:arm64", "image:pause:amd64", "image:pause:arm64"],
  ]);
});

test("a commit that is cached needs no repository any more; with OFFLINE one that is not is refused", async () => {
  const w = await released("imageReferences: false");
  const { repo, commit } = await sourceOf(w);
  w.component("coredns/repo", repo);
  w.component("coredns/commit", commit);
  const early = await w.side({ ...one, OFFLINE: "yes" }, "side-images:src:coredns");
  await w.side(one, "side-images:src:coredns");
  fs.renameSync(repo, `${repo}.away`);

  const result = await w.side(one, "side-images:src:coredns", "-B");

  expect(early.exitCode).toBe(2);
  expect(all(early)).toContain("and OFFLINE is set");
  expect(result.stdout).toContain(`${commit} v1.0`);
});

test("scripts of different architectures patch and stash without each other, with a patch of a sibling", async () => {
  const script = [
    "#!/bin/sh",
    "set -e",
    "mkdir -p bin; cd src",
    "git apply ../../kube-rbac-proxy/fix.patch",
    'cp README "../bin/coredns-$1"',
    "git stash --quiet",
    'grep -q upstream README; test ! -t 0; echo "$ARCH $TARGETARCH $VERSION" >> "../bin/coredns-$1"',
  ];
  const w = await world({ files: { "coredns/build_binaries": `${script.join("\n")}\n` } });
  w.component("kube-rbac-proxy/fix.patch", "--- a/README\n+++ b/README\n@@ -1 +1 @@\n-upstream\n+patched\n");

  const result = await w.side({ COMPONENTS: "coredns" }, "side-images:binaries:coredns");

  expect(result.exitCode).toBe(0);
  for (const arch of ["amd64", "arm64", "arm", "ppc64le", "riscv64"])
    expect(w.read(`.bt/side-images/work/coredns/${arch}/components/coredns/bin/coredns-${arch}`)).toBe(
      `patched\n${arch} ${arch} v1.0\n`,
    );
});

test("a script that is not executable is not run, which is said; a generic ImageSource needs no binaries at all", async () => {
  const w = await world({
    files: { "coredns/ImageSource": "127.0.0.1:1/none:1\n", "coredns/Dockerfile.arm64": "FROM scratch\nLABEL a=1\n" },
  });
  fs.chmodSync(path.join(w.root, components, "coredns/build_binaries"), 0o644);

  const result = await w.side(one, "side-images");
  const plan = await w.side({ ...one, ARCHITECTURES: "amd64" }, "-n", "side-images");

  expect(all(result)).toContain("[coredns:arm64] build_binaries is not run: it is not executable");
  expect(plan.stdout).not.toContain("build_binaries");
});
