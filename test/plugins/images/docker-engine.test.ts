/** Docker behind the one interface of engines, with a real daemon: what it builds, and that it keeps nothing. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import type { BuiltImage } from "../../../plugins/images/embedded.ts";
import { buildWithEngine } from "../../../plugins/images/engine.ts";
import { retimeTar } from "../../../plugins/images/retime.ts";
import { createLayout, type Descriptor, type Layout } from "../../../plugins/multiarch-manifest/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";
import { createDesk, type TestDesk } from "./desk.ts";
import { startDockerd } from "./dockerd.ts";
import { foreignProgram } from "./foreign.ts";
import { build, seeImage, writeContext, type Files, type Options } from "./rig.ts";

/** What containers need where the test's daemon has no bridge. */
const extraArgs = ["--network=host", "--ulimit", "nofile=1024:1024"];

const withDocker = testWith("dockerd", "docker");

async function buildWithDocker(
  files: Files,
  desk: TestDesk,
  options: Options & { readonly into: Layout },
): Promise<BuiltImage> {
  const dir = await writeContext(files);
  return buildWithEngine(
    { name: "docker", program: "docker" },
    {
      dockerfile: join(dir, "Dockerfile"),
      context: dir,
      cwd: dir,
      platform: "amd64",
      resolveBase: async (reference) => {
        throw new Error(`${reference} was asked for`);
      },
      ...options,
    },
    { desk, extraArgs },
  );
}

async function makeBase(layout: Layout): Promise<Descriptor & { readonly id: string }> {
  const dir = await writeContext({
    Dockerfile: "FROM scratch\nCOPY --chmod=755 make /bin/make\nENV OVEN=hot\n",
    make: "",
  });
  await writeFile(join(dir, "make"), foreignProgram("amd64"));
  const { mediaType, digest, size, id } = (await build({}, { context: dir, layout })).image;
  return { mediaType, digest, size, id };
}

/** IDs and names of images, and containers, that the daemon has. */
async function kept(host: string): Promise<readonly string[]> {
  const env = { DOCKER_HOST: host };
  const images = await run("docker", ["images", "--all", "--no-trunc", "--format", "{{.ID}} {{.Repository}}"], env);
  return [...images.trim().split("\n"), (await run("docker", ["ps", "--all", "--quiet"], env)).trim()].filter(Boolean);
}

withDocker(
  "docker makes the same files and config as the embedded engine, twice the same, and keeps nothing",
  async () => {
    const host = await startDockerd();
    const layout = await createLayout(await temporaryFolder());
    const desk = await createDesk({ DOCKER_HOST: host });
    const files: Files = {
      Dockerfile: [
        "ARG WHAT=bread",
        "FROM scratch AS baker",
        "ARG WHAT",
        "COPY --chown=3:4 $WHAT /shop/bread",
        'COPY <<"A" /note',
        "$one",
        "A",
        "FROM scratch AS unused",
        "COPY nowhere /",
        "FROM scratch",
        "ARG TARGETARCH",
        "COPY --from=0 /shop /shop",
        "COPY --from=baker /note /note",
        "COPY shop /all",
        "LABEL arch=$TARGETARCH",
        "ENV A=1",
        'HEALTHCHECK CMD ["/x"]',
        'ENTRYPOINT ["/x"]',
      ].join("\n"),
      "Dockerfile.dockerignore": "shop/secret\n",
      ".dockerignore": "bread\n",
      bread: "rye",
      "shop/secret": "x",
      "shop/mix": { executable: "#!" },
      "shop/today": { link: "mix" },
      "shop/.bt/state": "never",
    };

    const theirs = await buildWithDocker(files, desk, { into: layout, labels: { more: "a b" } });
    const again = await buildWithDocker(files, desk, { into: layout, labels: { more: "a b" } });
    const ours = await build(files, { layout, labels: { more: "a b" } });

    const [seen, expected] = [await seeImage(layout, theirs.digest), await seeImage(layout, ours.image.digest)];
    const { Env, Entrypoint, Labels, Healthcheck } = seen.config;
    expect(seen.files).toEqual(expected.files);
    expect({ Env, Entrypoint, Labels, Healthcheck }).toEqual({
      Env: expected.config["Env"],
      Entrypoint: ["/x"],
      Labels: { arch: "amd64", more: "a b" },
      Healthcheck: { Test: ["CMD", "/x"] },
    });
    expect(again).toEqual(theirs);
    expect(seen.document["created"]).toBe("1970-01-01T00:00:00Z");
    expect(await kept(host)).toEqual([]);
  },
);

withDocker("docker gets images by ID, runs commands, and keeps the user's own image", async () => {
  const host = await startDockerd();
  const layout = await createLayout(await temporaryFolder());
  const desk = await createDesk({ DOCKER_HOST: host });
  const base = await makeBase(layout);
  const files = {
    Dockerfile:
      'FROM nowhere.invalid/base:1 AS one\nRUN ["/bin/make"]\nFROM nowhere.invalid/base:1\nCOPY --from=one /made /one\nCOPY --from=nowhere.invalid/base:1 /bin/make /again\nRUN ["/bin/make"]\n',
  };
  await buildWithDocker({ Dockerfile: "FROM base\nLABEL a=b\n" }, desk, {
    into: layout,
    resolveBase: async () => base,
  });
  await importImage(host, "mine:1");
  const before = await kept(host);

  const image = await buildWithDocker(files, desk, { into: layout, resolveBase: async () => base });

  const seen = await seeImage(layout, image.digest);
  expect(seen.files).toEqual([
    expect.stringMatching(/^again file 755/),
    "bin directory 755 0:0",
    expect.stringMatching(/^bin\/make file 755/),
    'made file 644 0:0 "amd64\\n"',
    'one file 644 0:0 "amd64\\n"',
  ]);
  expect(seen.config).toMatchObject({ Env: expect.arrayContaining(["OVEN=hot"]) as unknown });
  expect(desk.commands.join("\n")).not.toContain("nowhere.invalid");
  expect(await kept(host)).toEqual(before);
});

withDocker("two builds on the same base do not take it from each other", async () => {
  const host = await startDockerd();
  const layout = await createLayout(await temporaryFolder());
  const base = await makeBase(layout);
  const desks = [await createDesk({ DOCKER_HOST: host }), await createDesk({ DOCKER_HOST: host })];

  const images = await Promise.all(
    desks.map((desk) =>
      buildWithDocker({ Dockerfile: 'FROM base\nRUN ["/bin/make"]\n' }, desk, {
        into: layout,
        resolveBase: async () => base,
      }),
    ),
  );
  for (const desk of desks) await desk.end();

  expect(images[0]).toEqual(images[1]);
  expect(await kept(host)).toEqual([]);
});

withDocker("docker keeps nothing of a build that fails", async () => {
  const host = await startDockerd();
  const layout = await createLayout(await temporaryFolder());
  const desk = await createDesk({ DOCKER_HOST: host });
  const base = await makeBase(layout);

  const failed = await buildWithDocker(
    { Dockerfile: 'FROM base AS one\nENV A=1\nFROM base\nCOPY --from=one /bin /x\nRUN ["/bin/none"]\n' },
    desk,
    { into: layout, resolveBase: async () => base },
  ).then(
    () => "built",
    (error: Error) => error.message,
  );
  await desk.end();

  expect(failed).toContain("/bin/none");
  expect(await kept(host)).toEqual([]);
});

test("retimeTar() changes times and sums only, however the bytes are cut", async () => {
  const tar = (mtime: Date): Promise<Buffer> => {
    const archive = pack();
    archive.entry({ name: `long/${"x".repeat(120)}`, mtime, mode: 0o600 }, "a".repeat(700));
    archive.entry({ name: "link", type: "symlink", linkname: "y", mtime });
    archive.entry({ name: "empty", mtime }, "");
    archive.finalize();
    return collect(archive as AsyncIterable<Uint8Array>);
  };
  const [early, late] = [await tar(new Date(5000)), await tar(new Date(1_700_000_000_000))];
  async function* cut(size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < late.length; at += size) yield late.subarray(at, at + size);
  }

  const results = await Promise.all([1, 511, 512, 513, 4096].map((size) => collect(retimeTar(cut(size), 5))));

  // The library gives the extra head of a long name no time of its own.
  const expected = await collect(retimeTar(single(early), 5));
  for (const result of results) expect(result.equals(expected)).toBe(true);
  expect(early.length).toBe(expected.length);
});

async function* single(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function importImage(host: string, name: string): Promise<void> {
  const dir = await writeContext({ file: "x" });
  await run("tar", ["-C", dir, "-cf", join(dir, "image.tar"), "file"]);
  await run("docker", ["import", join(dir, "image.tar"), name], { DOCKER_HOST: host });
}
