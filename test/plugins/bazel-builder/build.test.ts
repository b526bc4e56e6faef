/** Building and publishing a builder without an engine: versions, architectures, the cross image, what is recorded. */
import { expect } from "vitest";
import { startRegistry } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";
import { bakery, changedFiles, commit, configOf, indexOf, recordOf, tagsOf } from "./rig.ts";

const withRegistry = testWith("docker-registry", "skopeo", "git");
const withGit = testWith("git");

withRegistry("what builder-build made is published as it is: every tag, one index, the same digests", async () => {
  const { host } = await startRegistry();
  const p = await bakery();
  const values = [`DOCKER_PREFIX=${host}/kv`, "ARCHITECTURES=amd64 arm64 s390x"];
  // What was in that variable got into the original's index.
  const env = { TMP_IMAGES: "stray" };
  const built = await p.btWith({ env }, "builder-build", ...values);
  const { version } = recordOf(p);

  const published = await p.btWith({ env }, "builder-publish", ...values);

  expect([built.exitCode, published.exitCode]).toEqual([0, 0]);
  expect(published.stdout).toMatch(/1 ran, 1 up to date/);
  expect(await tagsOf(host, "kv/builder")).toEqual([
    version,
    ...["amd64", "arm64", "s390x"].map((arch) => `${version}-${arch}`),
  ]);
  expect(await tagsOf(host, "kv/builder-cross")).toEqual([version]);
  const index = await indexOf(`${host}/kv/builder:${version}`);
  const record = recordOf(p);
  expect(index).toEqual(Object.fromEntries(record.arches.map(({ arch, digest }) => [arch, digest])));
  for (const arch of Object.keys(index))
    expect((await configOf(`${host}/kv/builder@${index[arch]}`)).config.Labels).toEqual({
      for: arch,
      bazel: arch === "amd64" ? "x86_64" : arch,
    });
  expect(await configOf(`${host}/kv/builder-cross:${version}`)).toMatchObject({ architecture: "amd64" });
  expect([record.index.status, record.cross.status]).toEqual(["pushed", "pushed"]);
  expect(await changedFiles(p)).toBe("");
});

withRegistry("a second publish sends nothing, and one with the old version builds nothing", async () => {
  const registry = await startRegistry();
  const p = await bakery();
  await p.bt("builder-publish", `DOCKER_PREFIX=${registry.host}/kv`);
  const before = recordOf(p);
  const sent = registry.log().match(/method=(POST|PUT|PATCH)/g)?.length;

  const again = await p.bt("builder-publish", `DOCKER_PREFIX=${registry.host}/kv`);

  expect(again).toMatchObject({ exitCode: 0, stderr: "" });
  expect(again.stdout).toContain("upload: nothing to send");
  expect(registry.log().match(/method=(POST|PUT|PATCH)/g)?.length).toBe(sent);
  expect(recordOf(p)).toEqual(before);
});

withGit("without its architecture the cross image is left out, with the reason", async () => {
  const p = await bakery();

  const result = await p.bt("builder-build", "ARCHITECTURES=s390x");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toContain("builder-cross-image");
  const { arches, cross } = recordOf(p);
  expect(arches.map(({ arch }) => arch)).toEqual(["s390x"]);
  expect(cross).toEqual({
    status: "skipped",
    reason: "it is built on the amd64 image, which ARCHITECTURES leaves out",
  });
});

withGit("ARCH chooses one architecture and says what to use instead; VERSION is the tag", async () => {
  const p = await bakery();

  const result = await p.btWith({ env: { ARCH: "s390x", VERSION: "bar" } }, "builder-build", "VERSION=foo");

  expect(result.stdout).toContain('warning: ARCH is outdated and taken as ARCHITECTURES="s390x": use ARCHITECTURES\n');
  expect(recordOf(p)).toMatchObject({ version: "foo", arches: [{ arch: "s390x", status: "built" }] });
});

withGit("values beat each other: argument, environment, builderfile, default", async () => {
  const p = await bakery({ options: `${variants9}, prefix: "builderfile.example/kv"` });
  const prefixOf = (): string => recordOf(p).index.ref.split(":")[0]!;
  const seen: string[] = [];

  await p.bt("builder-build", "VERSION=1");
  seen.push(prefixOf());
  await p.btWith({ env: { DOCKER_PREFIX: "environment.example/kv" } }, "builder-build", "VERSION=1");
  seen.push(prefixOf());
  const env = { DOCKER_PREFIX: "environment.example/kv" };
  await p.btWith({ env }, "builder-build", "VERSION=1", "DOCKER_PREFIX=argument.example/kv");
  seen.push(prefixOf());
  await p.btWith({ env: { DOCKER_PREFIX: "" } }, "builder-build", "VERSION=1", "DOCKER_IMAGE=oven");
  seen.push(prefixOf());

  expect(seen).toEqual([
    "builderfile.example/kv/builder",
    "environment.example/kv/builder",
    "argument.example/kv/builder",
    "builderfile.example/kv/oven",
  ]);
});

const variants9 = `variants: { cs9: { image: "builder", context: "hack/builder" } }`;

withGit("the version is time and commit, stays while nothing changes, and FORCE makes another one", async () => {
  const p = await bakery({
    options: `${variants9}, version: ({ commit, dirty }) => \`\${commit}-\${process.hrtime.bigint()}\${dirty ? "-dirty" : ""}\``,
  });
  const build = async (...words: string[]): Promise<string> => {
    expect((await p.bt("builder-build", ...words)).exitCode).toBe(0);
    return recordOf(p).version;
  };

  const first = await build();
  const same = await build();
  const elsewhere = await build("DOCKER_PREFIX=quay.io/me");
  const forced = await build("FORCE=yes");
  p.write("hack/builder/oven", "hotter\n");
  const changed = await build();
  await commit(p);
  const committed = await build();

  expect([same, elsewhere]).toEqual([first, first]);
  expect(new Set([first, forced, changed, committed]).size).toBe(4);
  expect([first.endsWith("-dirty"), changed.endsWith("-dirty"), committed.endsWith("-dirty")]).toEqual([
    false,
    true,
    false,
  ]);
});

withGit("the default version has minutes of local time and the short commit", async () => {
  const p = await bakery();

  await p.btWith({ env: { TZ: "Asia/Tokyo" } }, "builder-build");

  expect(recordOf(p).version).toMatch(/^\d{10}-[0-9a-f]{7,}$/);
  expect(recordOf(p).source).toEqual({ commit: expect.stringMatching(/^[0-9a-f]{40}$/) as string, dirty: false });
});

withGit("the other variant has tasks of its own, and VARIANT chooses it too", async () => {
  const p = await bakery();

  const own = await p.bt("builder-build-centos-stream-10", "VERSION=1", "DOCKER_CS10_IMAGE=ten");
  const record = recordOf(p, "cs10");
  const chosen = await p.bt("builder-build", "VARIANT=cs10", "VERSION=1");

  expect([own.exitCode, chosen.exitCode]).toEqual([0, 0]);
  expect(record.index.ref).toBe("quay.io/kubevirt/ten:1");
  expect(recordOf(p, "cs10").index.ref).toBe("quay.io/kubevirt/builder-cs10:1");
  expect(p.exists("_out/builder/cs9")).toBe(false);
});

withGit("scripts get the version, and nothing else, from builder-version", async () => {
  const p = await bakery();

  const result = await p.bt("-s", "builder-version", "VERSION=v1");

  expect(result).toMatchObject({ exitCode: 0, stdout: "v1\n", stderr: "" });
});

withGit("variables without effect are named with what to use instead", async () => {
  const p = await bakery();

  const { stdout } = await p.btWith(
    { env: { TMP_IMAGES: "stray", BUILD_ARCH: "s390x" } },
    "builder-build",
    "VERSION=1",
  );

  expect(stdout.split("\n").filter((line) => line.startsWith("warning:"))).toEqual([
    "warning: TMP_IMAGES has no effect here: the index has what this run built",
    "warning: BUILD_ARCH has no effect here: use ARCHITECTURES",
  ]);
});

withRegistry("a dry run names every tag, asks nobody and writes nothing", async () => {
  const p = await bakery();

  const result = await p.bt("-n", "builder-publish", "DOCKER_PREFIX=127.0.0.1:1/kv", "ARCHITECTURES=x86_64,aarch64");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain(`builder-publish (it declares no inputs)
  push    127.0.0.1:1/kv/builder:<version>-amd64@<digest of amd64>
  push    127.0.0.1:1/kv/builder:<version>-arm64@<digest of arm64>
  push    127.0.0.1:1/kv/builder-cross:<version>@<digest of the cross image>
  index   127.0.0.1:1/kv/builder:<version>@<digest of the index>: amd64, arm64
  verify  127.0.0.1:1/kv/builder:<version>
  write   _out/builder/cs9/builder.json
`);
  expect([p.exists("_out"), p.exists(".bt/oci")]).toEqual([false, false]);
});
