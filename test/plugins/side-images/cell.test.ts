/** What a cell depends on: parents in every place that can name one, files, arguments; when it is made again, and what the records say. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { made, world, type World } from "./world.ts";

const test = testWith("git");
const foreign = process.arch === "arm64" ? "amd64" : "arm64";

/** The cell's line of the plan, with single blanks. */
async function planned(w: World, component: string, arch = "arm64"): Promise<string | undefined> {
  const { stdout } = await w.side({ COMPONENTS: component, ARCHITECTURES: arch }, "side-images:plan");
  return stdout
    .split("\n")
    .find((line) => line.startsWith(`${component}:`))
    ?.replace(/ +/g, " ");
}

test("a parent is found in COPY --from, in RUN --mount, behind a default, and not in the name of a stage", async () => {
  const base = "quay.io/microshift/base-image:4.10.18";
  const w = await world({
    files: {
      "copies/Dockerfile": `FROM scratch\nCOPY --from=${base} /f /g\n`,
      "mounts/Dockerfile": `FROM scratch\nCOPY x /x\nRUN --mount=type=bind,from=${base},target=/b ["/x"]\n`,
      "mounts/x": "x",
      "defaults/Dockerfile": `ARG NAME\nFROM \${NAME:-${base}}\nLABEL a=1\n`,
      "stages/Dockerfile": `FROM scratch AS base-image\nCOPY x /x\nFROM base-image\nLABEL a=1\n`,
      "stages/x": "x",
    },
  });

  const result = await w.side({ COMPONENTS: "copies defaults", ARCHITECTURES: "arm64" }, "side-images");

  expect(await planned(w, "copies")).toBe("copies:arm64 Dockerfile Dockerfile FROM base-image");
  expect(await planned(w, "mounts", process.arch === "arm64" ? "arm64" : "amd64")).toMatch(/ FROM base-image$/);
  expect(await planned(w, "defaults")).toMatch(/ FROM base-image$/);
  expect(await planned(w, "stages")).toBe("stages:arm64 Dockerfile Dockerfile");
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(w.index("copies").cells["arm64"]?.parents).toEqual(["base-image:arm64"]);
  expect(w.image("copies", "arm64").layers).toHaveLength(1);
});

test("a stage for the machine that builds needs no emulation, whatever the image is for", async () => {
  const stage = 'FROM --platform=$BUILDPLATFORM scratch AS tool\nCOPY x /x\nRUN ["/x"]\n';
  const w = await world({
    files: { "crossed/Dockerfile": `${stage}FROM scratch\nCOPY --from=tool /x /x\n`, "crossed/x": "x" },
  });

  const result = await w.side({ COMPONENTS: "crossed", ARCHITECTURES: foreign, EMULATION: "none" }, "side-images:plan");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).not.toContain("emulates");
});

test("the index is in the order of ARCHITECTURES", async () => {
  const w = await world();

  await w.side({ COMPONENTS: "base-image", ARCHITECTURES: "riscv64 amd64 arm" }, "side-images");

  const { layout, digest } = w.index("base-image").index;
  const { manifests } = JSON.parse(w.read(`${layout}/blobs/${digest.replace(":", "/")}`)) as {
    readonly manifests: readonly { readonly platform: { readonly architecture: string } }[];
  };
  expect(manifests.map(({ platform }) => platform.architecture)).toEqual(["riscv64", "amd64", "arm"]);
});

test("SOURCE_DATE_EPOCH is the time of what is built, 0 without it", async () => {
  const w = await world();
  const given = { COMPONENTS: "base-image", ARCHITECTURES: "arm64" };
  const created = (): string | undefined => w.image("base-image", "arm64").config.created;

  await w.side(given, "side-images");
  const first = created();
  await w.side({ ...given, SOURCE_DATE_EPOCH: "1661904000" }, "side-images");

  expect([first, created()]).toEqual(["1970-01-01T00:00:00Z", "2022-08-31T00:00:00Z"]);
});

test("build arguments arrive as they are; no shell sees them", async () => {
  const value = "one two; $(touch seen) 'x' \"y\" `z`";
  const w = await world({
    options: `imageReferences: false, buildArgs: { NOTE: ${JSON.stringify(value)} }`,
    files: { "notes/Dockerfile": "FROM scratch\nARG NOTE\nLABEL note=$NOTE\n" },
  });

  await w.side({ COMPONENTS: "notes", ARCHITECTURES: "arm64" }, "side-images");

  expect(w.image("notes", "arm64").config.config?.Labels).toEqual({ note: value });
  expect(w.exists("seen")).toBe(false);
});

test("a file that is ignored is no reason to make an image again, one that is copied is, and is named", async () => {
  const w = await world({
    files: {
      "dish/Dockerfile": "FROM scratch\nCOPY . /\n",
      "dish/.dockerignore": "*.txt\n",
      "dish/salt": "1",
      "dish/note.txt": "1",
    },
  });
  const given = { COMPONENTS: "dish", ARCHITECTURES: "arm64" };
  await w.side(given, "side-images:image");
  w.component("dish/note.txt", "2");

  const ignored = await w.side(given, "side-images:image");
  w.component("dish/salt", "2");
  const why = await w.side(given, "--why", "side-images:image:dish:arm64");
  const copied = await w.side(given, "side-images:image");

  expect(ignored.stdout).toContain("Nothing to do");
  expect(why.stdout).toContain("dish/salt");
  expect(made(copied)).toEqual(["image:dish:arm64"]);
});

test("an image whose layer is gone or cut is made again, and only that one; the record says which images were there", async () => {
  const w = await world();
  const given = { COMPONENTS: "base-image", ARCHITECTURES: "amd64 arm64" };
  const cached = (): readonly unknown[] => Object.values(w.index("base-image").cells).map((cell) => cell.cached);
  await w.side(given, "side-images");
  const first = cached();
  const [layer = ""] = w.image("base-image", "arm64").layers;
  const blob = path.join(w.root, ".bt/side-images/oci/blobs", layer.replace(":", "/"));
  fs.truncateSync(blob, 3);

  const cut = await w.side(given, "side-images");
  const second = cached();
  fs.rmSync(blob);
  const gone = await w.side(given, "side-images");
  await w.side(given, "side-images");

  expect(made(cut), cut.stdout).toContain("image:base-image:arm64");
  expect(made(cut)).not.toContain("image:base-image:amd64");
  expect(made(gone)).toContain("image:base-image:arm64");
  expect([first, second, cached()]).toEqual([
    [false, false],
    [true, false],
    [true, true],
  ]);
});

test("-C names the project's folder", async () => {
  const w = await world();
  const elsewhere = { ...w.settings({ COMPONENTS: "base-image", ARCHITECTURES: "arm64" }), cwd: ".." };

  const result = await w.btWith(elsewhere, "-C", w.root, "side-images");

  expect(result).toMatchObject({ exitCode: 0 });
  expect(Object.keys(w.index("base-image").cells)).toEqual(["arm64"]);
});
