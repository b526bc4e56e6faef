/** The embedded engine's own promises: reproducible layers, heredocs, what is recorded, and what other tools think of the result. */
import { chmod, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { mediaTypes, readBlob } from "../../../plugins/multiarch-manifest/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";
import { build, buildAndSee, nameImage, seeImage, seeLayer, writeContext, type Files } from "./rig.ts";

const bakery: Files = {
  Dockerfile: "FROM scratch\nCOPY . /shop/\nCOPY --chown=5:6 mix /usr/bin/mix\nWORKDIR /work\nENV A=1\nUSER 5\n",
  bread: "rye",
  mix: { executable: "#!/bin/sh\n" },
  "deep/today": { link: "../bread" },
};

test("two copies with other times and other permissions give the same image", async () => {
  const [one, two] = [await writeContext(bakery), await writeContext(bakery)];
  await chmod(join(two, "bread"), 0o600);
  await chmod(join(two, "mix"), 0o711);
  await chmod(join(two, "deep"), 0o700);
  await utimes(join(two, "bread"), 1e9, 1e9);

  const [first, second] = [
    await build({}, { context: one, dockerfile: join(one, "Dockerfile") }),
    await build({}, { context: two, dockerfile: join(two, "Dockerfile") }),
  ];

  expect(second.image).toEqual(first.image);
});

test("files written under another umask give the same image", async () => {
  const before = process.umask(0o077);
  const strict = await writeContext({ Dockerfile: "FROM scratch\nCOPY . /\n" });
  await writeFile(join(strict, "bread"), "rye");
  process.umask(0o000);
  const open = await writeContext({ Dockerfile: "FROM scratch\nCOPY . /\n" });
  await writeFile(join(open, "bread"), "rye");
  process.umask(before);

  const [first, second] = [
    await build({}, { context: strict, dockerfile: join(strict, "Dockerfile") }),
    await build({}, { context: open, dockerfile: join(open, "Dockerfile") }),
  ];

  expect(second.image.digest).toBe(first.image.digest);
});

test("the id of an image does not change between versions of bt", async () => {
  const { image } = await build({ Dockerfile: 'FROM scratch\nCOPY bread /bread\nCMD ["/bread"]\n', bread: "rye" });

  expect(image).toMatchObject({
    platform: "linux/amd64",
    mediaType: mediaTypes.oci.manifest,
    id: "sha256:8e42eb585e5d75540eb5371a4213d34de64ffd3e337c319038a4997f03e57e61",
  });
});

test("every COPY, ADD and WORKDIR that makes a folder is one layer, the rest is history only", async () => {
  const seen = await buildAndSee(bakery, { timestamp: 1_700_000_000 });

  expect(seen.layers).toHaveLength(3);
  expect(seen.document["created"]).toBe("2023-11-14T22:13:20Z");
  expect(seen.document.history).toEqual([
    { created: "2023-11-14T22:13:20Z", created_by: "COPY . /shop/" },
    { created: "2023-11-14T22:13:20Z", created_by: "COPY --chown=5:6 mix /usr/bin/mix" },
    { created: "2023-11-14T22:13:20Z", created_by: "WORKDIR /work" },
    { created: "2023-11-14T22:13:20Z", created_by: "ENV A=1", empty_layer: true },
    { created: "2023-11-14T22:13:20Z", created_by: "USER 5", empty_layer: true },
  ]);
});

test("a layer has sorted entries of one time, missing parents, and a gzip head that says nothing", async () => {
  const { image, layout } = await build(
    { Dockerfile: "FROM scratch\nCOPY b a /x/y/\n", a: "1", b: "2" },
    { timestamp: 86_400 },
  );
  const { layers } = await seeImage(layout, image.digest);
  const compressed = await readBlob(layout, layers[0]!.digest);
  const tar = gunzipSync(compressed);

  expect([...(await seeLayer(layout, layers[0]!.digest)).keys()]).toEqual(["x", "x/y", "x/y/a", "x/y/b"]);
  expect([...compressed.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  expect(
    [0, 512, 1024, 2048].map((offset) => Number.parseInt(tar.toString("latin1", offset + 136, offset + 147), 8)),
  ).toEqual([86_400, 86_400, 86_400, 86_400]);
});

test("names, owners and permissions that old tar headers cannot hold are kept", async () => {
  const long = `${"deep/".repeat(60)}${"n".repeat(120)}`;
  const { files } = await buildAndSee({
    Dockerfile: "FROM scratch\nCOPY --chown=1000000:2000000 --chmod=0 . /\n",
    ".dockerignore": "Dockerfile\n.dockerignore\n",
    [long]: "x",
    Brötchen: "y",
  });

  expect(files[0]).toBe('Brötchen file 0 1000000:2000000 "y"');
  expect(files[1]).toBe("deep directory 0 1000000:2000000");
  expect(files.at(-1)).toBe(`${long} file 0 1000000:2000000 "x"`);
});

test("a big file goes through without being held in memory", async () => {
  const dir = await writeContext({
    Dockerfile: "FROM scratch AS a\nCOPY big /big\nFROM scratch\nCOPY --from=a /big /copy\n",
  });
  await writeFile(join(dir, "big"), Buffer.alloc(300 << 20));
  const before = process.memoryUsage().rss;
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);

  await build({}, { context: dir, dockerfile: join(dir, "Dockerfile") });

  clearInterval(watch);
  expect(most - before).toBeLessThan(150 << 20);
});

test("heredocs become files, with variables replaced unless the name is in quotes", async () => {
  const { files } = await buildAndSee({
    Dockerfile: [
      "FROM scratch",
      "ARG FLOUR=rye",
      "COPY <<EOF /one",
      "flour is $FLOUR, \"${X:-none}\", 'it' \\$5 a\\b \\",
      "# no comment",
      "EOF",
      "COPY --chmod=700 <<-'EOF' <<plain bread /dir/",
      "\t$FLOUR",
      "",
      "\tEOF",
      "two",
      "plain",
      "COPY <<EOF /empty",
      "EOF",
    ].join("\n"),
    bread: "x",
  });

  expect(files).toEqual([
    "dir directory 755 0:0",
    'dir/EOF file 700 0:0 "$FLOUR\\n\\n"',
    'dir/bread file 700 0:0 "x"',
    'dir/plain file 700 0:0 "two\\n"',
    'empty file 644 0:0 ""',
    `one file 644 0:0 ${JSON.stringify("flour is rye, \"none\", 'it' $5 a\\b \\\n# no comment\n")}`,
  ]);
});

test("fields that only Docker knows are recorded", async () => {
  const { config, document } = await buildAndSee({
    Dockerfile: [
      "FROM scratch",
      'SHELL ["/bin/bash", "-c"]',
      "HEALTHCHECK --interval=1m30s --timeout=1.5s --retries=3 CMD curl localhost",
      "ONBUILD COPY a /b",
      "MAINTAINER baker <b@example.com>",
      "CMD echo $X",
      "EXPOSE 8000-8002/udp",
    ].join("\n"),
  });

  expect(config).toEqual({
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    Shell: ["/bin/bash", "-c"],
    Healthcheck: { Test: ["CMD-SHELL", "curl localhost"], Interval: 90e9, Timeout: 1.5e9, Retries: 3 },
    OnBuild: ["COPY a /b"],
    Cmd: ["/bin/bash", "-c", "echo $X"],
    ExposedPorts: { "8000/udp": {}, "8001/udp": {}, "8002/udp": {} },
  });
  expect(document["author"]).toBe("baker <b@example.com>");
});

test("labels of the request win over those of the Dockerfile", async () => {
  const { config } = await buildAndSee({ Dockerfile: "FROM scratch\nLABEL a=1 b=2\n" }, { labels: { b: "3", Z: "4" } });

  expect(config["Labels"]).toEqual({ Z: "4", a: "1", b: "3" });
});

test("a folder of a source goes through a link to a folder in the image, which stays", async () => {
  const { files } = await buildAndSee({
    Dockerfile: "FROM scratch\nCOPY image /\nCOPY add /\n",
    "image/usr/bin/mix": "1",
    "image/bin": { link: "usr/bin" },
    "add/bin/stir": "2",
  });

  expect(files).toEqual([
    "bin symlink 777 0:0 -> usr/bin",
    "usr directory 755 0:0",
    "usr/bin directory 755 0:0",
    'usr/bin/mix file 644 0:0 "1"',
    'usr/bin/stir file 644 0:0 "2"',
  ]);
});

test("an ignore file beside a named Dockerfile wins, and letters with a meaning in regular expressions have none", async () => {
  const files = {
    Dockerfile: "FROM scratch\nCOPY . /\n",
    "Dockerfile.dockerignore": "**/a+b\n(x)\nDockerfile*\n.docker*\n",
    ".dockerignore": "*\n",
    "a+b": "1",
    "d/a+b": "2",
    aab: "3",
    "(x)": "4",
  };

  expect((await buildAndSee(files)).files).toEqual(['aab file 644 0:0 "3"', "d directory 755 0:0"]);
});

test("exceptions bring files of ignored folders back, however deep", async () => {
  const files = {
    Dockerfile: "FROM scratch\nCOPY . /\n",
    ".dockerignore": "*\n!a/b*/keep\n!deep/**/*.md\n",
    "a/bread/keep": "1",
    "a/bread/drop": "2",
    "c/keep": "3",
    "deep/x/y/z.md": "4",
    "deep/x/z.txt": "5",
  };

  const seen = await buildAndSee(files);

  expect(seen.files.map((line) => line.split(" ")[0])).toEqual([
    "a",
    "a/bread",
    "a/bread/keep",
    "deep",
    "deep/x",
    "deep/x/y",
    "deep/x/y/z.md",
  ]);
});

test("the context may be a link, and what bt remembers in it is no part of the image", async () => {
  const dir = await writeContext({
    Dockerfile: "FROM scratch\nCOPY . /\n",
    bread: "rye",
    ".bt/oci/x": "1",
    "link-to-it": { link: "." },
  });

  const seen = await buildAndSee({}, { context: join(dir, "link-to-it"), dockerfile: join(dir, "Dockerfile") });

  expect(seen.files.map((line) => line.split(" ")[0])).toEqual(["Dockerfile", "bread", "link-to-it"]);
});

test("a build logs every instruction, and an abort ends it", async () => {
  const lines: string[] = [];
  await build(
    { Dockerfile: "FROM scratch AS a\nCOPY . \\\n /\nFROM scratch\nCOPY --from=a / /\n" },
    { log: (line) => lines.push(line) },
  );
  const aborted = build({ Dockerfile: "FROM scratch\nCOPY . /\n" }, { signal: AbortSignal.abort(new Error("enough")) });

  expect(lines).toEqual(["[a] FROM scratch AS a", "[a] COPY .  /", "[1] FROM scratch", "[1] COPY --from=a / /"]);
  await expect(aborted).rejects.toThrow("enough");
});

testWith("skopeo")("skopeo reads the image and copies it", async () => {
  const { image, layout } = await build(bakery);
  const copy = await temporaryFolder();
  await nameImage(layout, image, "1");

  const inspected = JSON.parse(await run("skopeo", ["inspect", `oci:${layout.dir}:1`])) as Record<string, unknown>;
  await run("skopeo", ["copy", `oci:${layout.dir}:1`, `dir:${copy}`]);

  expect(inspected).toMatchObject({
    Digest: image.digest,
    Architecture: "amd64",
    Os: "linux",
    Created: "1970-01-01T00:00:00Z",
  });
});
