/** The embedded engine makes what buildah makes: the same files with the same owners and permissions, and the same config. */
import { randomUUID } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished } from "vitest";
import { pack } from "tar-stream";
import { testWith } from "../../support/tool.ts";
import { buildahAndSee, buildahImage, buildAndSee, type Files, type Seen } from "./rig.ts";

const passwd = "root:x:0:0::/:/bin/sh\nbaker:x:77:88::/:/bin/sh\n";
const group = "root:x:0:\nbakers:x:88:\nguests:x:99:\n";

const recipes: Readonly<Record<string, Files>> = {
  "one file": { Dockerfile: "FROM scratch\nCOPY bread /bread\n", bread: "rye" },
  "an executable in a new folder": {
    Dockerfile: "FROM scratch\nCOPY mix /usr/local/bin/mix\n",
    mix: { executable: "#!/bin/sh\n" },
  },
  "folders, links and an empty folder": {
    Dockerfile: "FROM scratch\nCOPY shop /shop/\nCOPY . /all\n",
    "shop/bread": "rye",
    "shop/today": { link: "bread" },
    "shop/out": { link: "/etc/passwd" },
    "shop/back/oven": { executable: "hot" },
    "shop/shelf": { folder: true },
  },
  "links as sources are followed": {
    Dockerfile: "FROM scratch\nCOPY today /one\nCOPY store /two\nCOPY shop/today /three/\n",
    "shop/bread": "rye",
    "shop/today": { link: "bread" },
    today: { link: "shop/today" },
    store: { link: "shop" },
  },
  wildcards: {
    Dockerfile: "FROM scratch\nCOPY b*d r?e /a/\nCOPY [a-c]* /b/\nCOPY */oven /c/\nCOPY [^b]*e /d/\n",
    bread: "1",
    bird: "2",
    rye: "3",
    rice: "4",
    cake: "5",
    "x/oven": "6",
    "y/oven": "7",
    "z/stove": "8",
  },
  "several sources, JSON form, a name with a space": {
    Dockerfile: 'FROM scratch\nCOPY ["two words", "bread", "/my shop/"]\nCOPY two /multi/\nADD bread two /added/\n',
    "two words": "a",
    bread: "b",
    "two/deep": "c",
  },
  "relative destinations and WORKDIR": {
    Dockerfile:
      "FROM scratch\nWORKDIR /shop\nWORKDIR back\nCOPY bread .\nCOPY bread ../front/\nCOPY bread ./a/../b\nWORKDIR ../$X/cellar\n",
    bread: "rye",
  },
  "owners by number and by name": {
    Dockerfile: [
      "FROM scratch",
      "COPY etc /etc",
      "COPY --chown=7:8 bread /new/folder/bread",
      "COPY --chown=9 bread /nine",
      "COPY --chown=baker bread /baker",
      "COPY --chown=baker:guests shop /guests",
      "COPY --chown=:99 bread /group",
      "USER baker",
      "WORKDIR /home/baker",
      "COPY bread .",
    ].join("\n"),
    "etc/passwd": passwd,
    "etc/group": group,
    bread: "rye",
    "shop/bread": "rye",
    "shop/link": { link: "bread" },
  },
  "permissions by --chmod": {
    Dockerfile:
      "FROM scratch\nCOPY --chmod=700 shop /shop\nCOPY --chmod=0444 bread /a/bread\nCOPY --chmod=4755 bread /setuid\n",
    bread: "rye",
    "shop/bread": "rye",
    "shop/back/oven": { executable: "hot" },
    "shop/link": { link: "bread" },
  },
  "other stages by name and by number": {
    Dockerfile: [
      "FROM scratch AS baker",
      "COPY --chown=3:4 shop /shop",
      "COPY shop /usr/bin",
      "FROM scratch AS unused",
      "COPY nowhere /",
      "FROM scratch",
      "COPY --from=baker /shop /copied",
      "COPY --from=0 /shop/today /today",
      "COPY --from=baker /usr/bin/b* /shop/back /picked/",
    ].join("\n"),
    "shop/bread": "rye",
    "shop/today": { link: "bread" },
    "shop/back/oven": { executable: "hot" },
  },
  "a stage on a stage": {
    Dockerfile:
      'FROM scratch AS base\nCOPY bread /a\nENV X=1 Y=2\nCMD ["a"]\nLABEL one=1\nFROM base\nCOPY bread /b\nENV X=3\nENTRYPOINT ["b"]\nLABEL two=2\n',
    bread: "rye",
  },
  "destinations behind links": {
    Dockerfile:
      "FROM scratch\nCOPY root /\nCOPY bread /bin/bread\nCOPY bread /lib/\nCOPY shop /bin\nCOPY bread /today\nWORKDIR /lib/deep\nCOPY bread /bin\n",
    "root/usr/bin/mix": { executable: "x" },
    "root/bin": { link: "usr/bin" },
    "root/lib": { link: "/usr/lib" },
    "root/today": { link: "usr/bin/mix" },
    bread: "rye",
    "shop/oven": "hot",
  },
  "files that are written again": {
    Dockerfile: "FROM scratch\nCOPY one /x/\nCOPY --chown=5:5 two /x/\nCOPY one/a /x/b\n",
    "one/a": "1",
    "one/c/d": "1",
    "two/a": "2",
    "two/b": "2",
    "two/c/e": "2",
  },
  archives: {
    Dockerfile:
      "FROM scratch\nADD shop.tar /tar/\nADD shop.tar.gz /gz\nADD --chown=1:1 shop.tar /own/\nCOPY shop.tar /kept.tar\nADD plain.gz /\n",
    "plain.gz": gzipSync("no archive", { level: 9 }),
  },
  "an ignore file": {
    Dockerfile: "FROM scratch\nCOPY . /all\nCOPY shop /shop\n",
    ".dockerignore": "# comment\n*.log\nshop/**\n!shop/back\nsecret\n\nDockerfile\n",
    "oven.log": "x",
    "deep/oven.log": "kept",
    "shop/bread": "x",
    "shop/back/bread": "kept",
    "secret/key": "x",
    "deep/aab": "kept",
  },
  variables: {
    Dockerfile: [
      "ARG GLOBAL=one",
      "FROM scratch",
      "ARG GLOBAL",
      "ARG PLAIN=two",
      "ARG TARGETARCH",
      "ARG EMPTY",
      "ENV A=$GLOBAL B=${PLAIN} C=${NONE:-three} D=${PLAIN:+four} E=\\$PLAIN F='$PLAIN' G=\"$PLAIN $A\" H=a\\ b",
      "ENV A=changed I=$A J=${EMPTY:-empty}",
      "COPY f-$TARGETARCH /${A}/$B",
      'LABEL l=$A "q u"="$B c"',
      "WORKDIR /$A",
      "EXPOSE ${PORT:-80} 81/udp",
      "USER ${NONE:-5}",
      "STOPSIGNAL SIG${NONE:-TERM}",
      'CMD ["$A"]',
    ].join("\n"),
    "f-amd64": "x",
  },
  "a config with everything": {
    Dockerfile: [
      "FROM scratch",
      "COPY bread /data/bread",
      "ENV PATH=/shop:$PATH \\",
      "  # a comment between",
      '  X="a b"',
      'LABEL a=b "c d"="e',
      '"',
      "EXPOSE 80 443/tcp 53/udp",
      "VOLUME /data /new",
      "USER 5:6",
      "WORKDIR /shop",
      "STOPSIGNAL 9",
      "CMD echo $X | cat",
      'ENTRYPOINT ["/bin/sh", "-c"]',
    ]
      .join("\n")
      .replace('"e\n"', '"e"'),
    bread: "rye",
  },
  "shell form with its own comments, case and continued lines": {
    Dockerfile: "# escape=`\nfrom scratch\ncopy bread `\n\n # why\n /a\nentrypoint run   `\n  this\nCmd\tnothing\n",
    bread: "rye",
  },
};

for (const [name, files] of Object.entries(recipes)) {
  testWith("buildah")(`the engine makes the same image as buildah: ${name}`, async () => {
    const all = name === "archives" ? { ...files, ...(await archives()) } : files;

    const [ours, theirs] = [await buildAndSee(all), await buildahAndSee(all)];

    expect(ours.files).toEqual(theirs.files);
    expect(comparable(ours)).toEqual(comparable(theirs));
  });
}

testWith("buildah")(
  "the engine makes the same image as buildah with a target, build arguments and another platform",
  async () => {
    const files = {
      Dockerfile:
        "ARG BASE=none\nFROM scratch AS one\nARG NAME=x\nARG TARGETARCH\nARG TARGETPLATFORM\nCOPY $NAME /$TARGETARCH\nENV P=$TARGETPLATFORM\nFROM $BASE AS two\nCOPY nowhere /\n",
      bread: "rye",
    };

    const ours = await buildAndSee(files, { args: { NAME: "bread" }, target: "one", platform: "arm64" });
    const theirs = await buildahAndSee(files, [
      "--build-arg",
      "NAME=bread",
      "--target",
      "one",
      "--platform",
      "linux/arm64",
    ]);

    expect(ours.files).toEqual(theirs.files);
    expect(comparable(ours)).toEqual(comparable(theirs));
    expect(ours.document["architecture"]).toBe("arm64");
  },
);

testWith("buildah")("the engine builds on an image that buildah has made as buildah does", async () => {
  const base = await buildahImage(
    {
      Dockerfile:
        "FROM scratch\nCOPY shop /shop\nCOPY etc /etc\nCOPY --chown=7:8 bread /shop/bread\nENV A=1\nWORKDIR /shop\n",
      "shop/old": "1",
      "shop/today": { link: "old" },
      "etc/passwd": passwd,
      bread: "rye",
    },
    ["--layers"],
  );
  // Buildah takes only small letters in the path of a layout.
  const dir = join(tmpdir(), `bt-test-${randomUUID()}`);
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await cp(base.layout.dir, dir, { recursive: true });
  const files = {
    Dockerfile: `FROM oci:${dir}:built\nCOPY --chown=baker bread today/../new/\nENV B=$A\nCOPY --from=oci:${dir}:built /shop/t* /etc /copied/\n`,
    bread: "rye",
  };

  const theirs = await buildahAndSee(files);
  const ours = await buildAndSee(files, { layout: base.layout, resolveBase: async () => base.manifest });

  expect(ours.files).toEqual(theirs.files);
  expect(comparable(ours)).toEqual(comparable(theirs));
  expect(ours.layers).toHaveLength(5);
});

/** The fields that both engines write; buildah adds a label that names itself. */
function comparable({ config }: Seen): Readonly<Record<string, unknown>> {
  const { Env, Entrypoint, Cmd, WorkingDir, User, ExposedPorts, Volumes, StopSignal, Labels } = config;
  const { "io.buildah.version": _, ...labels } = (Labels ?? {}) as Record<string, string>;
  // Buildah moves a variable that is set again to the end, Docker leaves it in its place.
  const env = [...(Env as readonly string[])].sort();
  return { env, Entrypoint, Cmd, WorkingDir, User, ExposedPorts, Volumes, StopSignal, labels };
}

async function archives(): Promise<Files> {
  const tar = pack();
  const owned = { uid: 5, gid: 6, mtime: new Date(0) };
  tar.entry({ name: "./", type: "directory", mode: 0o755, ...owned });
  tar.entry({ name: "./shop/", type: "directory", mode: 0o750, ...owned });
  tar.entry({ name: "./shop/bread", mode: 0o600, ...owned }, "rye");
  tar.entry({ name: "./shop/again", type: "link", linkname: "./shop/bread", mode: 0o600, ...owned });
  tar.entry({ name: "./shop/today", type: "symlink", linkname: "bread", ...owned });
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return { "shop.tar": bytes, "shop.tar.gz": gzipSync(bytes) };
}
