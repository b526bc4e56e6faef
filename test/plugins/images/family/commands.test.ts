/** Every task starts the command lines that its engine needs; the engines are stubs that write them down. */
import { expect, test } from "vitest";
import { builderfile, commandsOf, familyProject } from "./rig.ts";

const ref = "quay.io/bakery/oven";
const buildx = (output: string, tags: string): string =>
  `docker buildx build --builder project-v4-builder ${output} --platform=linux/amd64,linux/arm64 ${tags} --build-arg TARGETOS=linux --build-arg BUILDKIT_PARALLEL_LIMIT=1 --progress=plain -f docker/oven_2.Dockerfile docker`;
const builder = (command: string): readonly string[] => [
  "docker buildx inspect project-v4-builder",
  "docker buildx create --name project-v4-builder",
  command,
  "docker buildx rm project-v4-builder",
];

/** Without a tag for the content, so that the lines are those of the moving tag alone. */
const plain = { "builderfile.ts": builderfile(undefined, "immutableTag: false,") };

const lines: readonly (readonly [task: string, engine: string, commands: readonly string[]])[] = [
  ["oven_1", "docker", [`docker build -t ${ref}:1 -f docker/oven_1.Dockerfile docker`]],
  ["oven_1", "podman", [`podman build -t ${ref}:1 -f docker/oven_1.Dockerfile docker`]],
  ["oven_1", "buildah", [`buildah build -t ${ref}:1 -f docker/oven_1.Dockerfile docker`]],
  [
    "oven",
    "docker",
    [
      `docker build -t ${ref}:1 -f docker/oven_1.Dockerfile docker`,
      `docker build -t ${ref}:2 -f docker/oven_2.Dockerfile docker`,
      `docker tag ${ref}:2 ${ref}:3`,
    ],
  ],
  ["oven_2_multi", "docker", builder(buildx("--output=type=oci,dest=.bt/families/oven_2.tar", `--tag ${ref}:2`))],
  [
    "oven_2_multi",
    "podman",
    [
      `podman manifest rm ${ref}:2`,
      `podman build --platform linux/amd64,linux/arm64 --manifest ${ref}:2 -f docker/oven_2.Dockerfile docker`,
    ],
  ],
  [
    "oven_2_multi",
    "buildah",
    [
      `buildah manifest rm ${ref}:2`,
      `buildah build --platform linux/amd64,linux/arm64 --manifest ${ref}:2 -f docker/oven_2.Dockerfile docker`,
    ],
  ],
  [
    "oven_2.push_multi",
    "podman",
    [
      `podman manifest rm ${ref}:2`,
      `podman build --platform linux/amd64,linux/arm64 --manifest ${ref}:2 -f docker/oven_2.Dockerfile docker`,
      `podman manifest push --all ${ref}:2 docker://${ref}:2`,
    ],
  ],
  ["oven_2.push_multi", "docker", builder(buildx("--push", `--tag ${ref}:2`))],
  [
    "oven_2.push_multi",
    "buildah",
    [
      `buildah manifest rm ${ref}:2`,
      `buildah build --platform linux/amd64,linux/arm64 --manifest ${ref}:2 -f docker/oven_2.Dockerfile docker`,
      `buildah manifest push --all ${ref}:2 docker://${ref}:2`,
    ],
  ],
  ["oven_1.push", "docker", [`docker build -t ${ref}:1 -f docker/oven_1.Dockerfile docker`, `docker push ${ref}:1`]],
  ["oven_1.push", "podman", [`podman build -t ${ref}:1 -f docker/oven_1.Dockerfile docker`, `podman push ${ref}:1`]],
  [
    "oven_1.push",
    "buildah",
    [`buildah build -t ${ref}:1 -f docker/oven_1.Dockerfile docker`, `buildah push ${ref}:1 docker://${ref}:1`],
  ],
];

test.each(lines)("%s with %s", async (task, engine, commands) => {
  const p = await familyProject(plain);

  const result = await p.bt("-n", task, `CONTAINER_CLI=${engine}`);

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(commandsOf(result)).toEqual(commands);
});

test("a run starts what a dry run prints", async () => {
  const p = await familyProject(plain);

  const result = await p.stubbed("oven_2_multi", "HUB=quay.io/bakery");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.calls()).toEqual(builder(buildx("--output=type=oci,dest=.bt/families/oven_2.tar", `--tag ${ref}:2`)));
});

test("the tag for the content is all that an engine pushes; the moving tag is made the same last", async () => {
  const p = await familyProject();

  const result = await p.bt("-n", "oven_1.push", "CONTAINER_CLI=podman");

  expect(commandsOf(result).slice(1)).toEqual([
    expect.stringMatching(/^podman tag quay.io\/bakery\/oven:1 quay.io\/bakery\/oven:1-[0-9a-f]{12}$/),
    expect.stringMatching(/^podman push quay.io\/bakery\/oven:1-[0-9a-f]{12}$/),
  ]);
  expect(result.stdout).toMatch(
    / {2}quay.io\/bakery\/oven:1 would then be made the same as quay.io\/bakery\/oven:1-[0-9a-f]{12}\n/,
  );
});

test("arguments stand before the Dockerfile, in the order of the table", async () => {
  const table = `{ "1": { platforms: ["linux/amd64"], args: { FLOUR: "550", SALT: "a b" } } }`;
  const p = await familyProject({
    "builderfile.ts": builderfile(table),
    "docker/oven_1.Dockerfile": "ARG FLOUR=405\nFROM scratch\nARG SALT\n",
  });

  const result = await p.bt("-n", "oven_1");

  expect(commandsOf(result)).toEqual([
    `docker build -t ${ref}:1 --build-arg FLOUR=550 --build-arg 'SALT=a b' -f docker/oven_1.Dockerfile docker`,
  ]);
});

test("BUILDX_BUILD_ARGS is split like a shell would, and only docker's multi builds get it", async () => {
  const p = await familyProject(plain);
  const args = `BUILDX_BUILD_ARGS=--build-arg "NAME=two words" --no-cache`;

  const multi = await p.bt("-n", "oven_2_multi", args, "BUILDX_OUTPUT=--output type=local,dest=out");
  const podman = await p.bt("-n", "oven_2_multi", args, "CONTAINER_CLI=podman");

  expect(commandsOf(multi)[2]).toBe(
    `docker buildx build --builder project-v4-builder --output type=local,dest=out --platform=linux/amd64,linux/arm64 --tag ${ref}:2 --build-arg 'NAME=two words' --no-cache -f docker/oven_2.Dockerfile docker`,
  );
  expect(podman.stdout).not.toContain("--no-cache");
});

test.each([
  [
    "argument",
    { argv: ["HUB=a.io/x", "CONTAINER_CLI=/opt/bin/podman"], env: { HUB: "b.io/y" } },
    "/opt/bin/podman",
    "a.io/x",
  ],
  ["environment", { argv: ["HUB="], env: { HUB: "b.io/y", CONTAINER_CLI: "podman" } }, "podman", "b.io/y"],
  ["builderfile", { argv: [], env: { HUB: "" } }, "buildah", "quay.io/bakery"],
])("HUB and CONTAINER_CLI from the %s", async (_, { argv, env }, engine, hub) => {
  const p = await familyProject({ "builderfile.ts": builderfile(undefined, `engine: "buildah",`) });

  const result = await p.btWith({ env }, "-n", "oven_1", ...argv);

  expect(commandsOf(result)).toEqual([`${engine} build -t ${hub}/oven:1 -f docker/oven_1.Dockerfile docker`]);
});

test("PLATFORMS beats a version's platforms for _multi, and is the default of a version without any", async () => {
  const p = await familyProject({ "builderfile.ts": builderfile(`{ "1": {}, "2": { platforms: ["linux/amd64"] } }`) });

  const given = await p.bt("-n", "oven_2_multi", "PLATFORMS=linux/s390x linux/arm64", "CONTAINER_CLI=podman");
  const fallback = await p.bt("-n", "oven_1_multi", "CONTAINER_CLI=podman");

  expect(given.stdout).toContain("--platform linux/s390x,linux/arm64 ");
  expect(fallback.stdout).toContain("--platform linux/arm64,linux/amd64 ");
});

test.each([["VERSIONS=3 1"], ["BUILD_IMAGE_VERSIONS=oven_3,oven_1"]])("%s narrows an aggregate", async (variable) => {
  const p = await familyProject();

  const result = await p.bt("-n", "oven.push", variable);

  expect(result.stdout.match(/^\S+/gm)).toEqual(["oven_1", "oven_1.push", "oven_3.push_multi", "oven.push", "bt:"]);
});

test("a version at the end of its life is built by its own task only", async () => {
  const p = await familyProject({ "builderfile.ts": builderfile(undefined, `eol: ["1"],`) });

  const all = await p.stubbed("oven");
  const own = await p.stubbed("oven_1");

  expect(all.stdout).not.toContain("oven_1");
  expect(own.stdout).toContain('Version "1" is at the end of its life');
});

test("build-containers-V runs the image with docker inside it, and what builds the image", async () => {
  const p = await familyProject();

  const result = await p.stubbed("build-containers-1", "HUB=quay.io/bakery");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  const inside = "/" + "work";
  expect(p.calls()[1]).toBe(
    `docker run --privileged -v ${p.root}:${inside} --workdir ${inside} -v /var/lib/docker --entrypoint entrypoint ${ref}:1 docker build -t ${ref}:1 -f docker/oven_1.Dockerfile docker`,
  );
});

test("build-containers-V runs the family's own command", async () => {
  const p = await familyProject({
    "builderfile.ts": builderfile(undefined, `selfTest: { privileged: false, cmd: ["make", "bread"] },`),
  });

  const result = await p.bt("-n", "build-containers-1", "CONTAINER_CLI=podman");

  expect(commandsOf(result).at(-1)).toMatch(
    /^podman run -v .* --entrypoint entrypoint quay.io\/bakery\/oven:1 make bread$/,
  );
});

test.each([
  ["docker", `docker run --rm --name bt-oven-1-amd64-run --platform linux/amd64 --privileged -v /var/lib/docker`],
  ["podman", `podman run --rm --name bt-oven-1-amd64-run --arch amd64 --privileged -v /var/lib/docker`],
])("F_V:run with %s", async (engine, start) => {
  const p = await familyProject();

  const result = await p.stubbed(
    "oven_1:run",
    "ARCH=x86_64",
    "CMD=uname -m",
    `CONTAINER_CLI=${engine}`,
    "IMAGE=base.io/a:1",
    "EMULATION=none",
  );

  expect(p.calls().at(-1)).toBe(`${start} -v ${p.root}/docker:/src:ro base.io/a:1 uname -m`);
  expect(result.stderr).toBe("");
});

test("hooks change arguments and tags of every version", async () => {
  const hooks = `hooks: {
    buildArgs: (args, version) => ({ ...args, RELEASE: version.version }),
    tags: (tags, { version }) => [...tags, \`\${version}-latest\`],
  }, immutableTag: false,`;
  const p = await familyProject({
    "builderfile.ts": builderfile(undefined, hooks),
    "docker/oven_1.Dockerfile": "FROM scratch\nARG RELEASE\n",
  });

  const result = await p.bt("-n", "oven_1.push");

  expect(commandsOf(result)).toEqual([
    `docker build -t ${ref}:1 --build-arg RELEASE=1 -f docker/oven_1.Dockerfile docker`,
    `docker push ${ref}:1`,
  ]);
  expect(result.stdout).toContain(`${ref}:1-latest would then be made the same as ${ref}:1\n`);
});

test("a template is built from a temporary file that is gone afterwards", async () => {
  const template = "template: ({ version }) => `FROM scratch\\nLABEL version=${version}\\n`,";
  const p = await familyProject({ "builderfile.ts": builderfile(`{ "1": { platforms: ["linux/amd64"] } }`, template) });

  const result = await p.stubbed("oven_1");

  expect(result.exitCode).toBe(0);
  const [, file = ""] = /-f (\S+)/.exec(p.calls()[0] ?? "") ?? [];
  expect(file).toMatch(/oven_1\.Dockerfile$/);
  expect(p.exists(`../${file}`)).toBe(false);
});

test("a dry run of a shell needs no terminal, and shows what a person at one would get", async () => {
  const p = await familyProject();

  const result = await p.stubbed("-n", "oven_1:shell");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toMatch(/docker run -it --rm .* \/bin\/bash\n/);
});
