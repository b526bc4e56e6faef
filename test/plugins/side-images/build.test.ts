/** What `COMPONENTS="…" bt side-images` makes, without a registry: indexes, parents, sources, and what is not made again. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { run, testWith } from "../../support/tool.ts";
import { components, counting, git, made, world } from "./world.ts";

const test = testWith("git");

test("one component is made for exactly the five architectures, and no other is touched", async () => {
  const w = await world();

  const result = await w.side({ COMPONENTS: "base-image" }, "side-images");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(Object.values(w.index("base-image").cells).map(({ platform }) => platform)).toEqual(
    ["amd64", "arm64", "arm/v7", "ppc64le", "riscv64"].map((arch) => `linux/${arch}`),
  );
  expect(w.image("base-image", "riscv64").config.config?.Labels).toEqual({ special: "riscv64" });
  expect(w.exists(".bt/side-images/coredns.json")).toBe(false);
  expect(w.calls("sudo")).toEqual([]);
});

test("children are built on the base of the same run, without any registry, whatever the order in COMPONENTS", async () => {
  const w = await world();

  const result = await w.side({ COMPONENTS: "coredns base-image", DEST_REGISTRY: "127.0.0.1:1/none" }, "side-images");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  for (const arch of ["amd64", "arm64", "arm", "ppc64le", "riscv64"]) {
    const [base] = w.image("base-image", arch).config.rootfs.diff_ids;
    const child = w.image("coredns", arch).config;
    expect(child.rootfs.diff_ids[0]).toBe(base);
    expect(child.config?.Labels?.["v"]).toBe("v1.0");
  }
});

test("a parent that was not asked for is built, not published, and named in the summary", async () => {
  const w = await world();

  const result = await w.side({ COMPONENTS: "coredns", ARCHITECTURES: "arm64" }, "side-images");

  expect(result.stdout).toContain("built for others and not published: base-image (not in COMPONENTS)\n");
  expect(w.exists(".bt/side-images/base-image.json")).toBe(false);
});

test("asking for one cell makes its parent's cell and nothing else", async () => {
  const w = await world();

  const result = await w.side({}, "side-images:image:coredns:arm");

  expect(made(result)).toEqual(["binaries:coredns:arm", "image:base-image:arm", "image:coredns:arm", "src:coredns"]);
});

test("the whole set a second and third time makes nothing; after clean the digests are the same", async () => {
  const w = await world();
  w.stub("buildah", counting("buildah"));
  const digests = (): readonly string[] => ["base-image", "coredns"].map((name) => w.index(name).index.digest);
  await w.side({}, "side-images");
  const first = digests();

  const second = await w.side({}, "side-images");
  const third = await w.side({}, "side-images:image");
  const calls = w.calls("buildah").length;
  await w.side({}, "side-images:clean");
  const again = await w.side({}, "side-images");

  expect(second.stdout).toContain("bt: 1 ran, 2 up to date");
  expect(third.stdout).toContain("bt: Nothing to do");
  expect(calls).toBe(0);
  expect(again.exitCode).toBe(0);
  expect(digests()).toEqual(first);
});

test("a change of the base makes it and its children again, a change of a child only that child", async () => {
  const w = await world();
  await w.side({}, "side-images");
  w.component("coredns/Dockerfile.arm64", "FROM scratch\nCOPY bin/coredns-arm64 /c\n");

  const child = await w.side({}, "side-images:image");
  w.component("base-image/f-arm", "other");
  const base = await w.side({}, "side-images:image");

  expect(made(child)).toEqual(["image:coredns:arm64"]);
  expect(made(base)).toEqual(["image:base-image:arm", "image:coredns:arm"]);
});

test("the folder that bt is called in does not matter, and a Makefile passes its variables on", async () => {
  const w = await world();
  w.write(
    "deep/down/Makefile",
    `images: ; COMPONENTS="$(C)" ARCHITECTURES="$(A)" ${process.execPath} ${path.resolve("dist/bt.cjs")} side-images\n`,
  );

  await run("make", ["-C", `${w.root}/deep/down`, "images", "C=base-image", "A=arm64 riscv64"]);

  expect(Object.keys(w.index("base-image").cells)).toEqual(["arm64", "riscv64"]);
});

test("three spellings of build arguments all mean the release tag", async () => {
  const files = Object.fromEntries(
    ["RELEASE_TAG", "OCP_TAG", "OKD_TAG"].map((name) => [
      `${name.toLowerCase().replace("_", "-")}/Dockerfile`,
      `ARG ${name}\nARG REGISTRY\nFROM \${REGISTRY}/base-image:$${name}\n`,
    ]),
  );
  const w = await world({ files });

  const result = await w.side({ ARCHITECTURES: "amd64", COMPONENTS: "release-tag ocp-tag okd-tag" }, "side-images");

  expect(result.exitCode).toBe(0);
  expect(w.index("okd-tag").cells["amd64"]?.parents).toEqual(["base-image:amd64"]);
});

test("VERSION is that of the component's own source, and empty without one", async () => {
  const w = await world({ files: { "plain/Dockerfile": "FROM scratch\nARG VERSION\nLABEL v=x$VERSION\n" } });

  const result = await w.side({ ARCHITECTURES: "amd64" }, "side-images");

  expect(result.exitCode).toBe(0);
  expect(w.image("coredns", "amd64").config.config?.Labels?.["v"]).toBe("v1.0");
  expect(w.image("plain", "amd64").config.config?.Labels?.["v"]).toBe("x");
});

test("a repository without tags gives the short commit as version", async () => {
  const w = await world();
  await git(path.join(w.root, "upstream"), "tag", "--delete", "v1.0");
  const commit = w.read(`${components}/coredns/commit`).trim();

  await w.side({ ARCHITECTURES: "amd64", COMPONENTS: "coredns" }, "side-images");

  expect(commit.startsWith(w.index("coredns").cells["amd64"]!.source!.version)).toBe(true);
});

test("the user's folders are as before: a src without .git in a repository with an edited file", async () => {
  const w = await world();
  w.write(".gitignore", ".bt\ncalls\n");
  w.component("coredns/src/mine.txt", "mine\n");
  await git(w.root, "init", "--quiet");
  await git(w.root, "add", "--all", "packaging", "pkg");
  await git(w.root, "commit", "--quiet", "--message", "all");
  w.component("base-image/f-arm64", "edited\n");
  const before = await git(w.root, "status", "--porcelain", "packaging");

  const result = await w.side({ ARCHITECTURES: "arm64" }, "side-images");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain("coredns/src is not used; source.useLocal uses it");
  expect(await git(w.root, "status", "--porcelain", "packaging")).toBe(before);
  expect((await git(w.root, "stash", "list")).trim()).toBe("");
  expect(w.read(`${components}/coredns/src/mine.txt`)).toBe("mine\n");
  expect(fs.existsSync(path.join(w.root, components, "coredns/bin"))).toBe(false);
});

test("a src of the component's folder is used only where the builderfile says so, and then what changes in it counts", async () => {
  const w = await world({
    options: "imageReferences: false, source: { useLocal: true }",
    files: {
      "coredns/src/README": "local\n",
      "coredns/src/page": "1\n",
      "coredns/Dockerfile": "FROM scratch\nCOPY src/page bin /\n",
    },
  });
  const one = { COMPONENTS: "coredns", ARCHITECTURES: "arm64" };

  const first = await w.side(one, "side-images:image");
  const before = w.read(".bt/side-images/work/coredns/arm64/components/coredns/bin/coredns-arm64");
  w.component("coredns/src/page", "2\n");
  const second = await w.side(one, "side-images:image");

  expect(made(first)).toEqual(["binaries:coredns:arm64", "image:coredns:arm64"]);
  expect(before).toBe("local\narm64\n");
  expect(made(second)).toEqual(["binaries:coredns:arm64", "image:coredns:arm64"]);
});

test("a new release tag builds again what asks for it, and nothing else", async () => {
  const w = await world();
  const one = { COMPONENTS: "coredns", ARCHITECTURES: "arm64" };
  await w.side(one, "side-images:image");

  const result = await w.side({ ...one, RELEASE_TAG: "4.11.0" }, "side-images:image");

  expect(made(result)).toEqual(["image:coredns:arm64"]);
});
