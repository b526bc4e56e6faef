/** Buildah and podman behind the one interface of engines, for real: what they build, what they are told, what they leave behind. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import { isBtError, processName, type Arch } from "../../../core/index.ts";
import type { BuiltImage } from "../../../plugins/images/embedded.ts";
import { buildWithEngine } from "../../../plugins/images/engine.ts";
import { createLayout, writeBlob, type Descriptor, type Layout } from "../../../plugins/multiarch-manifest/index.ts";
import { until } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";
import { createDesk, type TestDesk } from "./desk.ts";
import { foreignProgram } from "./foreign.ts";
import { build, layersOf, render, seeImage, writeContext, type Files, type Options, type Seen } from "./rig.ts";

const engines = ["buildah", "podman"] as const;
type Engine = (typeof engines)[number];

/** How one test builds. */
interface Setup {
  readonly platform?: Arch;
  readonly layout?: Layout;
  readonly dir?: string;
  readonly desk?: TestDesk;
  readonly options?: Options;
  readonly emulation?: "auto" | "none";
}

async function buildWith(
  engine: Engine,
  files: Files,
  setup: Setup = {},
): Promise<{ image: BuiltImage; layout: Layout; desk: TestDesk }> {
  const dir = setup.dir ?? (await writeContext(files));
  const desk = setup.desk ?? (await createDesk({}, dir));
  const layout = setup.layout ?? (await createLayout(await temporaryFolder()));
  const image = await buildWithEngine(
    { name: engine, program: engine },
    {
      dockerfile: join(dir, "Dockerfile"),
      context: dir,
      cwd: dir,
      platform: setup.platform ?? "amd64",
      resolveBase: async (reference) => {
        throw new Error(`${reference} was asked for`);
      },
      ...setup.options,
      into: layout,
    },
    { desk, emulation: setup.emulation ?? "auto" },
  );
  return { image, layout, desk };
}

async function buildAndSee(engine: Engine, files: Files, setup: Setup = {}): Promise<Seen> {
  const { image, layout } = await buildWith(engine, files, setup);
  return seeImage(layout, image.digest);
}

/** A base with the test program as `/bin/make`, which writes `/made`. */
async function makeBase(layout: Layout, platform: "amd64" | "arm64" | "s390x"): Promise<Descriptor> {
  const make = { executable: foreignProgram(platform).toString("latin1") };
  const dir = await writeContext({
    Dockerfile: 'FROM scratch\nCOPY make /bin/make\nENV OVEN=hot\nENTRYPOINT ["/bin/make"]\n',
    ...{ make },
  });
  await writeFile(join(dir, "make"), foreignProgram(platform));
  const { image } = await build({}, { context: dir, layout, platform });
  const { mediaType, digest, size } = image;
  return { mediaType, digest, size };
}

async function leftovers(desk: TestDesk): Promise<unknown> {
  const work = await readdir(join(desk.root, ".bt", "images", "work")).catch(() => []);
  const mounts = await readFile("/proc/self/mounts", "utf8");
  return { work, mounts: mounts.split("\n").filter((line) => line.includes(desk.root)) };
}

const nothing = { work: [], mounts: [] };

for (const engine of engines) {
  const check = testWith(engine);

  check(`${engine} makes the same files and config as the embedded engine`, async () => {
    const files: Files = {
      Dockerfile: [
        "ARG WHAT=bread",
        "FROM scratch AS baker",
        "ARG WHAT",
        "COPY --chown=3:4 $WHAT /shop/",
        "FROM scratch AS unused",
        "COPY nowhere /",
        "FROM scratch",
        "ARG TARGETARCH",
        "COPY --from=0 /shop /from/number",
        "COPY --from=baker /shop /from/name",
        "COPY . /all",
        "LABEL arch=$TARGETARCH",
        "ENV A=1",
        "WORKDIR /all",
        'ENTRYPOINT ["/x"]',
      ].join("\n"),
      ".dockerignore": "secret\n",
      secret: "x",
      bread: "rye",
      "deep/mix": { executable: "#!" },
      today: { link: "bread" },
      ".bt/state": "never",
    };
    const own = { labels: { more: "a b" }, args: { WHAT: "bread", UNKNOWN: "x" } };

    const theirs = await buildAndSee(engine, files, { platform: "arm64", options: own });
    const ours = await build(files, { platform: "arm64", ...own });

    const expected = await seeImage(ours.layout, ours.image.digest);
    expect(theirs.files).toEqual(expected.files);
    expect(comparable(theirs)).toEqual(comparable(expected));
    expect(theirs.document).toMatchObject({ architecture: "arm64", os: "linux", created: "1970-01-01T00:00:00Z" });
  });

  check(`${engine} gets images by ID, whatever they are called, and pulls nothing`, async () => {
    const layout = await createLayout(await temporaryFolder());
    const base = await makeBase(layout, "amd64");
    const asked: string[] = [];
    const files = {
      Dockerfile:
        'FROM nowhere.invalid/base:1 AS one\nRUN ["/bin/make"]\nFROM nowhere.invalid/base:1\nCOPY --from=one /made /one\nCOPY --from=nowhere.invalid/base:1 /bin/make /again\n',
    };
    const resolveBase = async (reference: string, platform: Arch): Promise<Descriptor> => {
      asked.push(`${reference} ${platform}`);
      return base;
    };

    const { image, desk } = await buildWith(engine, files, { layout, options: { resolveBase } });

    const seen = await seeImage(layout, image.digest);
    expect(seen.files).toContain('one file 644 0:0 "amd64\\n"');
    expect(seen.config).toMatchObject({
      Entrypoint: ["/bin/make"],
      Env: expect.arrayContaining(["OVEN=hot"]) as unknown,
    });
    expect(asked).toEqual(["nowhere.invalid/base:1 amd64"]);
    const [ours, theirs] = await Promise.all([layersOf(layout, image.digest), layersOf(layout, base.digest)]);
    expect(ours.slice(0, theirs.length)).toEqual(theirs); // Not compressed anew.
    const words = desk.commands.find((command) => command.includes(" --pull=never "));
    expect(words).toContain("--isolation chroot");
    expect(desk.commands.join("\n")).not.toContain("nowhere.invalid");
    expect(desk.output()).not.toMatch(/warn/i);
    expect(await leftovers(desk)).toEqual(nothing);
  });

  check(`${engine} builds the same digest twice, with a health check that OCI has no word for`, async () => {
    const files = {
      Dockerfile: 'FROM scratch\nCOPY bread /\nHEALTHCHECK CMD ["/x"]\nSHELL ["/bin/ash", "-c"]\n',
      bread: "rye",
    };

    const one = await buildWith(engine, files);
    const two = await buildWith(engine, files);

    expect(two.image).toEqual(one.image);
    expect((await seeImage(one.layout, one.image.digest)).config).toMatchObject({
      Healthcheck: { Test: ["CMD", "/x"] },
      Shell: ["/bin/ash", "-c"],
    });
    expect(one.image.mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
  });

  check(`${engine} copies heredocs, which 1.28 of buildah does not know`, async () => {
    const files = {
      Dockerfile: `FROM scratch\nCOPY <<A <<"B" /notes/\none\nA\n$two\nB\nCOPY --chown=5:6 <<-END /three\n\tthree\n\tEND\n`,
    };

    const seen = await buildAndSee(engine, files);

    expect(seen.files).toEqual([
      "notes directory 755 0:0",
      'notes/A file 644 0:0 "one\\n"',
      'notes/B file 644 0:0 "$two\\n"',
      'three file 644 5:6 "three\\n"',
    ]);
  });

  for (const platform of ["arm64", "s390x"] as const)
    testWith(engine, "qemu-s390x-static")(
      `${engine} runs commands of linux/${platform}, and the host's table stays as it was`,
      async () => {
        const layout = await createLayout(await temporaryFolder());
        const base = await makeBase(layout, platform);
        const native = await makeBase(layout, "amd64");
        const table = await readdir("/proc/sys/fs/binfmt_misc").catch(() => []);
        const files = {
          Dockerfile:
            'FROM --platform=$BUILDPLATFORM native AS tools\nRUN ["/bin/make"]\nFROM base\nRUN ["/bin/make"]\nCOPY --from=tools /made /native\n',
        };
        const resolveBase = async (reference: string): Promise<Descriptor> => (reference === "native" ? native : base);

        const { image, desk } = await buildWith(engine, files, { layout, platform, options: { resolveBase } });

        const seen = await seeImage(layout, image.digest);
        expect(seen.files).toContain(`made file 644 0:0 "${platform}\\n"`);
        expect(seen.files).toContain('native file 644 0:0 "amd64\\n"');
        expect(seen.document).toMatchObject({ architecture: platform });
        expect(await readdir("/proc/sys/fs/binfmt_misc").catch(() => [])).toEqual(table);
        expect(await leftovers(desk)).toEqual(nothing);
      },
    );

  check(`${engine} keeps what a layer of the base removed removed`, async () => {
    const layout = await createLayout(await temporaryFolder());
    const programs = { s390x: await makeBase(layout, "s390x"), amd64: await makeBase(layout, "amd64") };

    for (const platform of ["s390x", "amd64"] as const) {
      const seen = await buildAndSee(
        engine,
        { Dockerfile: 'FROM base AS base\nFROM tool\nRUN ["/bin/make"]\nCOPY --from=base /shop /shop\n' },
        {
          layout,
          platform,
          options: {
            resolveBase: async (name) => (name === "tool" ? programs[platform] : opaqueBase(layout, platform)),
          },
        },
      );
      expect(seen.files.filter((line) => line.startsWith("shop/"))).toEqual(['shop/new file 644 0:0 "2"']);
    }
  });

  testWith(engine, "qemu-s390x-static")(`${engine} builds cells side by side, native and foreign`, async () => {
    const layout = await createLayout(await temporaryFolder());
    const bases = { s390x: await makeBase(layout, "s390x"), amd64: await makeBase(layout, "amd64") };
    const dir = await writeContext({ Dockerfile: 'FROM base\nRUN ["/bin/make"]\n' });
    const platforms = ["amd64", "s390x", "amd64", "s390x", "amd64", "s390x"] as const;

    const built = await Promise.all(
      platforms.map(async (platform) => {
        const resolveBase = async (): Promise<Descriptor> => bases[platform];
        return buildWith(engine, {}, { dir, layout, platform, options: { resolveBase } });
      }),
    );

    const [native, foreign] = built.map(({ image }) => image);
    expect(built.map(({ image }) => image)).toEqual([native, foreign, native, foreign, native, foreign]);
    expect(await leftovers(built[0]!.desk)).toEqual(nothing);
  });

  check(`${engine} leaves nothing behind when a command fails`, async () => {
    const layout = await createLayout(await temporaryFolder());
    const base = await makeBase(layout, "amd64");
    const dir = await writeContext({
      Dockerfile: 'FROM base AS one\nCOPY . /x\nFROM base\nCOPY --from=one /x /x\nRUN ["/bin/none"]\n',
    });
    const desk = await createDesk({}, dir);

    const failed = await buildWith(engine, {}, { dir, desk, layout, options: { resolveBase: async () => base } }).then(
      () => "built",
      (error: Error) => error.message,
    );

    expect(failed).toContain("/bin/none");
    expect(await leftovers(desk)).toEqual(nothing);
  });

  check(`${engine} leaves nothing behind when the task is ended`, async () => {
    const layout = await createLayout(await temporaryFolder());
    const base = await makeBase(layout, "amd64");
    const dir = await writeContext({ Dockerfile: 'FROM base\nRUN ["/bin/make", "for ever"]\n' });
    const desk = await createDesk({}, dir);
    const building = buildWith(engine, {}, { dir, desk, layout, options: { resolveBase: async () => base } }).then(
      () => "built",
      () => "failed",
    );
    await until(() => desk.output().includes("for ever"));
    desk.abort();

    expect(await building).toBe("failed");
    await desk.end();
    expect(await leftovers(desk)).toEqual(nothing);
  });
}

testWith("buildah")(
  "the folder of a build that was killed is removed by the next one; that of a living one stays",
  async () => {
    const dir = await writeContext({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    const desk = await createDesk({}, dir);
    const work = join(dir, ".bt", "images", "work");
    const names = [
      `${processName().replace(/^\d+-\w+/, `${process.pid}-1`)}@${randomUUID()}`,
      `${processName()}@x`,
      `2147483647-1-1-elsewhere-x@x`,
    ];
    for (const name of names) await mkdir(join(work, name, "store"), { recursive: true });

    await buildWith("buildah", {}, { dir, desk });

    expect((await readdir(work)).sort()).toEqual(names.slice(1).sort());
  },
);

testWith("buildah")("BUILDAH_ISOLATION is obeyed", async () => {
  const dir = await writeContext({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
  const desk = await createDesk({ BUILDAH_ISOLATION: "rootless" }, dir);

  await buildWith("buildah", {}, { dir, desk });

  expect(desk.commands.join("\n")).toContain("--isolation rootless");
});

testWith("buildah")("an image for another platform than asked for is refused", async () => {
  const layout = await createLayout(await temporaryFolder());
  const resolveBase = (): Promise<Descriptor> => makeBase(layout, "amd64");
  const setup = { platform: "s390x", layout, options: { resolveBase } } as const;

  const error = await failure(buildWith("buildah", { Dockerfile: "FROM --platform=linux/amd64 base\n" }, setup));

  expect(error.split("\n").slice(0, 2)).toEqual([
    "IMAGES_RESULT_PLATFORM",
    "buildah built an image for linux/amd64, and linux/s390x was asked for",
  ]);
});

const refusals = [
  [
    "RUN <<EOF\necho a\nEOF",
    "RUN has a heredoc, which not every engine understands\nDockerfile:2:1\nPut the commands into a file, COPY it and RUN it, or join them with `&&`.",
  ],
  [
    "RUN cat <<-'EOF' > /x\necho a\nEOF",
    "RUN has a heredoc, which not every engine understands\nDockerfile:2:1\nPut the commands into a file, COPY it and RUN it, or join them with `&&`.",
  ],
  [
    "COPY bread <<EOF /x/\na\nEOF",
    "A heredoc stands beside other sources, which not every engine understands\nDockerfile:2:1\nGive the heredoc a COPY of its own.",
  ],
  [
    "COPY <<EOF /x\n$HOME\nEOF",
    "A heredoc has variables or escapes, which not every engine replaces\nDockerfile:2:1\nPut the name of the heredoc in quotes so that its text stays as it is, or COPY a file.",
  ],
] as const;

test.each(refusals)("IMAGES_HEREDOC_UNSUPPORTED before anything is started: %j", async (lines, message) => {
  const dir = await writeContext({ Dockerfile: `FROM scratch\n${lines}\n`, bread: "rye" });
  const desk = await createDesk({}, dir);

  const error = await failure(buildWith("buildah", {}, { dir, desk }));

  expect(error).toBe(`IMAGES_HEREDOC_UNSUPPORTED\n${message}`);
  expect(desk.commands).toEqual([]);
});

test("a foreign command without emulation is refused before anything is started", async () => {
  const dir = await writeContext({ Dockerfile: 'FROM scratch\nRUN ["/x"]\n' });
  const desk = await createDesk({}, dir);
  const platform = process.arch === "s390x" ? "arm64" : "s390x";

  const error = await failure(buildWith("buildah", {}, { dir, desk, platform, emulation: "none" }));

  expect(error).toContain("IMAGES_EMULATION_OFF");
  expect(desk.commands).toEqual([]);
});

async function failure(building: Promise<unknown>): Promise<string> {
  const error = await building.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  return isBtError(error) ? render(error) : String(error);
}

/** What both write; the engines add a label that names themselves. */
function comparable({ config }: Seen): unknown {
  const { Env, Entrypoint, WorkingDir, Labels } = config;
  const { "io.buildah.version": _, ...labels } = Labels as Record<string, string>;
  return { Env, Entrypoint, WorkingDir, labels };
}

/** A folder with a file, made anew by the next layer with another one. */
async function opaqueBase(layout: Layout, architecture: string = "amd64"): Promise<Descriptor> {
  const layers = [await layerOf({ "shop/old": "1" }), await layerOf({ "shop/.wh..wh..opq": "", "shop/new": "2" })];
  const written = await Promise.all(layers.map(async ({ gzip }) => writeBlob(layout, gzip)));
  const config = {
    architecture,
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
  };
  const type = "application/vnd.oci.image";
  const manifest = {
    schemaVersion: 2,
    mediaType: `${type}.manifest.v1+json`,
    config: { mediaType: `${type}.config.v1+json`, ...(await writeBlob(layout, Buffer.from(JSON.stringify(config)))) },
    layers: written.map((blob) => ({ mediaType: `${type}.layer.v1.tar+gzip`, ...blob })),
  };
  return { mediaType: manifest.mediaType, ...(await writeBlob(layout, Buffer.from(JSON.stringify(manifest)))) };
}

async function layerOf(files: Readonly<Record<string, string>>): Promise<{ gzip: Buffer; diffId: string }> {
  const tar = pack();
  tar.entry({ name: "shop/", type: "directory", mode: 0o755, mtime: new Date(0) });
  for (const [name, text] of Object.entries(files)) tar.entry({ name, mode: 0o644, mtime: new Date(0) }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return { gzip: gzipSync(bytes), diffId: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
}
