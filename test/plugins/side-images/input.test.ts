/** What is refused before anything is built, with what message; what `side-images:plan` shows. */
import { expect } from "vitest";
import { steady } from "../../support/steady.ts";
import { testWith } from "../../support/tool.ts";
import { components, counting, references, world, type World, type WorldFacts } from "./world.ts";

const test = testWith("git");

/** A world without a repository. */
async function bare({ options, files = {} }: WorldFacts = {}): Promise<World> {
  return world({ ...(options !== undefined && { options }), files: { "coredns/build_binaries": undefined, ...files } });
}

/** The refusal of a run: nothing was made, nobody was asked. */
async function refusal(w: World, variables: Readonly<Record<string, string>>, ...argv: string[]): Promise<string> {
  w.stub("buildah", counting("buildah"));
  w.stub("git", counting("git"));
  const result = await w.side(variables, ...(argv.length === 0 ? ["side-images"] : argv));
  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect([w.calls("buildah"), w.calls("git"), w.calls("sudo"), w.exists(".bt/side-images")]).toEqual([
    [],
    [],
    [],
    false,
  ]);
  return steady(result.stderr, w.root);
}

const refusals: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[], string])[] = [
  [
    "an unknown component",
    { COMPONENTS: "base-imag" },
    [],
    "  at   the environment\n  fix  Use COMPONENTS=base-image.\n",
  ],
  [
    "an unknown architecture",
    { ARCHITECTURES: "amd64 arm46" },
    [],
    '  at   the environment\n  fix  Write "arm64" for "arm46".\n',
  ],
  ["PUSH=maybe", { PUSH: "maybe" }, [], 'bt: PUSH of task "side-images" is "maybe", but takes yes or no'],
  [
    "COMPONENT as argument",
    {},
    ["side-images", "COMPONENT=x"],
    'bt: No task of this run has a param "COMPONENT"\n  fix  Use COMPONENTS=….\n',
  ],
  [
    "a scheme",
    { DEST_REGISTRY: "https://quay.io/You" },
    [],
    'bt: DEST_REGISTRY is "https://quay.io/You", which has a scheme\n  fix  Write "quay.io/you".\n',
  ],
  [
    "upper case",
    { DEST_REGISTRY: "quay.io/You" },
    [],
    'which has upper-case letters in the name of the repository\n  fix  Write "quay.io/you".\n',
  ],
  ["a trailing slash", { DEST_REGISTRY: "quay.io/you/" }, [], "which ends in a slash\n"],
  ["a tag", { DEST_REGISTRY: "quay.io/you:1" }, [], 'which has a tag or a digest\n  fix  Write "quay.io/you".\n'],
  ["an impossible number", { PARALLEL: "0" }, [], 'bt: PARALLEL is "0", but takes yes, no or a number from 1 on\n'],
  [
    "an invalid release tag",
    { RELEASE_TAG: "a b" },
    [],
    'bt: The release tag cannot be read: "a b" is no tag of an image\n  at   RELEASE_TAG\n',
  ],
];

test("what variables and arguments say wrong is refused with its place and the way out", async () => {
  const w = await bare();
  for (const [name, variables, argv, message] of refusals)
    expect(await refusal(w, variables, ...argv), name).toContain(message);
});

test("a variable of the environment that looks misspelt is said first, with the right name, unless ignoreEnv lists it", async () => {
  const w = await bare({ options: 'imageReferences: false, components: ["base-image"]' });
  const ignoring = await bare({ options: 'imageReferences: false, ignoreEnv: ["COMPONENT"]' });
  const given = { COMPONENT: "x", DEST_REGISTERY: "x", ARCHITECTURES: "arm64" };
  const warning = (name: string, meant: string): string =>
    `warning: The environment has ${name}, which bt does not read; ${meant} is not set. Set ${meant} instead, unset ${name}, or list it in ignoreEnv\n`;

  const { exitCode, stdout } = await w.side(given, "side-images");
  const again = await w.side(given, "side-images:image");
  const plan = await w.side(given, "side-images:plan");
  const both = await w.side({ ...given, COMPONENTS: "base-image", DEST_REGISTRY: "quay.io/x" }, "side-images:plan");
  const ignored = await ignoring.side({ COMPONENT: "x" }, "side-images:plan");

  expect(exitCode).toBe(0);
  for (const text of [stdout, again.stdout, plan.stdout]) {
    expect(text).toContain(warning("COMPONENT", "COMPONENTS"));
    expect(text).toContain(warning("DEST_REGISTERY", "DEST_REGISTRY"));
    expect(text.match(/which bt does not read/g)).toHaveLength(2);
  }
  expect(stdout.indexOf("which bt does not read")).toBeLessThan(stdout.indexOf("image:base-image:arm64"));
  expect(both.stdout + ignored.stdout).not.toContain("which bt does not read");
});

test("a release file that is missing, says nothing or something else is refused with its path", async () => {
  const w = await bare();
  w.write("pkg/release/release.go", "package release\n");
  const empty = await refusal(w, {});
  w.write("pkg/release/release.go", 'var Base = "not a tag"\n');
  const wrong = await refusal(w, {});
  const elsewhere = await bare({ options: 'imageReferences: false, releaseTag: { goFile: "no.go", goVar: "Base" }' });

  expect(empty).toContain(
    'bt: The release tag cannot be read: it has no line `var Base = "…"`\n  at   pkg/release/release.go\n',
  );
  expect(wrong).toContain('"not a tag" is no tag of an image\n  at   pkg/release/release.go\n');
  expect(await refusal(elsewhere, {})).toContain('there is no file "packaging/images/components/no.go"');
});

test("a cell without a method names the four files that were looked for", async () => {
  const w = await bare({ files: { "pause/ImageSource.amd64": "quay.io/you/pause:1" } });

  expect(await refusal(w, { COMPONENTS: "pause", ARCHITECTURES: "amd64 riscv64" })).toBe(
    `bt: Nothing says how to make the image pause:riscv64
  at   ${components}/pause
       looked for ImageSource.riscv64
       looked for Dockerfile.riscv64
       looked for ImageSource
       looked for Dockerfile
  fix  Add one of these files, or set ALLOW_MISSING=riscv64.
`,
  );
});

test("all mistakes are found at once", async () => {
  const files = {
    "one/ImageSource": "$OCP_IMAG_AMD64\n",
    "two/ImageSource": "a/b:1\nc/d:2\n",
    "three/ImageSource": "quay.io/You/x:1\n",
    "four/Dockerfile": "FROM $NOBODY\n",
    "five/ImageSource": "\n",
  };
  const told = await refusal(await bare({ files }), { ARCHITECTURES: "amd64" });

  expect(told).toContain('"$OCP_IMAG_AMD64" is no value that bt knows');
  expect(told).toContain(`${components}/two/ImageSource has 2 lines; it names one image`);
  expect(told).toContain(`${components}/three/ImageSource:1`);
  expect(told).toContain(`${components}/four/Dockerfile:1`);
  expect(told).toContain(`${components}/five/ImageSource is empty`);
});

test("images that are based on each other are refused with the whole circle", async () => {
  const from = (name: string): string => `ARG REGISTRY\nARG OCP_TAG\nFROM $REGISTRY/${name}:$OCP_TAG\n`;
  const w = await bare({ files: { "a/Dockerfile": from("b"), "b/Dockerfile": from("c"), "c/Dockerfile": from("a") } });

  expect(await refusal(w, { COMPONENTS: "a", ARCHITECTURES: "amd64" })).toContain(
    "Images are based on each other in a circle: a:amd64 → b:amd64 → c:amd64 → a:amd64",
  );
});

test("a RUN for a foreign architecture without emulation is refused with its line", async () => {
  const w = await bare({ files: { "runs/Dockerfile": 'FROM scratch\nCOPY x /x\nRUN ["/x"]\n', "runs/x": "x" } });
  const foreign = process.arch === "arm64" ? "amd64" : "arm64";

  const told = await refusal(w, { COMPONENTS: "runs", ARCHITECTURES: foreign, EMULATION: "none" });

  expect(told).toContain(`runs:${foreign} runs commands of a foreign architecture`);
  expect(told).toContain(`${components}/runs/Dockerfile:3`);
});

test("a folder without components is refused", async () => {
  const w = await bare();
  w.write(
    "builderfile.ts",
    w.read("builderfile.ts").replace('dir: "packaging/images/components"', 'dir: "packaging", releaseTag: "1"'),
  );

  expect(await refusal(w, {})).toContain('There is no component below "packaging/components"');
});

test("a component or group of the builderfile that does not exist is refused with the nearest name", async () => {
  const w = await bare({ options: 'imageReferences: false, publishGroup: [["base-image", "coredn"]]' });

  expect(await refusal(w, {})).toContain('There is no component "coredn"; there are base-image, coredns');
});

test("what is named twice counts once", async () => {
  const w = await bare();

  const result = await w.side({ COMPONENTS: "base-image base-image", ARCHITECTURES: "arm,arm64 armhf" }, "side-images");

  expect(result.exitCode).toBe(0);
  expect(result.stdout + result.stderr).toContain("COMPONENTS names base-image twice; it counts once");
  expect(Object.keys(w.index("base-image").cells)).toEqual(["arm", "arm64"]);
});

test("the plan as JSON is sorted, without absolute paths and times", async () => {
  const w = await world({
    options:
      'imageReferences: false, overrides: { coredns: { repo: "https://baker:crumb@example.org/x", commit: "v1.0" } }',
    files: { "coredns/ImageSource.amd64": "quay.io/you/coredns:1" },
  });

  const result = await w.side({ ARCHITECTURES: "amd64 arm" }, "side-images:plan", "--json");

  const last = JSON.parse(result.stdout.trim().split("\n").at(-1)!) as { values: Record<string, unknown> };
  const file = (name: string): string => `${components}/${name}`;
  expect(last.values["side-images:plan"]).toEqual({
    schema: 1,
    tag: "4.10.18",
    registry: "quay.io/microshift",
    components: ["base-image", "coredns"],
    architectures: ["amd64", "arm/v7"],
    cells: [
      {
        component: "base-image",
        arch: "amd64",
        platform: "linux/amd64",
        file: file("base-image/Dockerfile"),
        method: "Dockerfile",
      },
      {
        component: "base-image",
        arch: "arm",
        platform: "linux/arm/v7",
        file: file("base-image/Dockerfile"),
        method: "Dockerfile",
      },
      {
        component: "coredns",
        arch: "amd64",
        platform: "linux/amd64",
        file: file("coredns/ImageSource.amd64"),
        method: "ImageSource",
        reference: "quay.io/you/coredns:1",
      },
      {
        component: "coredns",
        arch: "arm",
        platform: "linux/arm/v7",
        file: file("coredns/Dockerfile"),
        method: "Dockerfile",
        parents: ["base-image"],
        source: { repo: "https://***@example.org/x", commit: "v1.0" },
        binaries: true,
      },
    ],
    warnings: [],
  });
});

test("a script for sh that compares as bash does is said in the plan", async () => {
  const w = await world({
    files: { "coredns/build_binaries": '#!/bin/sh\n\nif [ "x$1" == "xriscv64" ]; then echo; fi\n' },
  });
  const bash = await world({
    options: 'imageReferences: false, binariesShell: "bash"',
    files: {
      "coredns/build_binaries":
        '#!/bin/sh\nset -e\nmkdir bin\nif [ "$1" == "arm64" ]; then echo yes > "bin/coredns-$1"; fi\n',
    },
  });

  const plan = await w.side({}, "side-images:plan");
  await bash.side({ ARCHITECTURES: "arm64" }, "side-images:binaries:coredns");

  expect(plan.stdout + plan.stderr).toContain("coredns/build_binaries:3 uses == inside [, which sh does not know here");
  expect(bash.read(".bt/side-images/work/coredns/arm64/components/coredns/bin/coredns-arm64")).toBe("yes\n");
});

test("references in a file are checked before anything runs: absent, not valid, or without what a component asks for", async () => {
  const files = { "cli/ImageSource": "$RELEASE_IMAGE_AMD64\n" };
  const w = await bare({ files, options: 'imageReferences: { file: "references.json" }' });
  const none = await bare({ files });
  const given = { COMPONENTS: "cli", ARCHITECTURES: "amd64" };

  const absent = await refusal(w, given);
  w.write("references.json", "{}");
  const invalid = await refusal(w, given);
  w.write("references.json", references({ cil: { image: "quay.io/x/cil:1" } }));
  const missing = await refusal(w, given);

  expect(absent).toContain("bt: `read references.json` finds no such file\n");
  expect(invalid).toContain("bt: The image references in references.json have no spec.tags\n");
  expect(missing).toContain('the release for amd64 has no image of "cli"');
  expect(missing).toContain('it has one of "cil"');
  expect(await refusal(none, given)).toContain('`imageReferences: false` has no image of "cli"');
});
