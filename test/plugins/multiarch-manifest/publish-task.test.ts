/** What publish() says before anything is built. */
import { expect, test } from "vitest";
import { project, type Project } from "../../support/project.ts";

/** A project whose publish tasks are `lines`. */
async function bakery(...lines: readonly string[]): Promise<Project> {
  return project({
    "builderfile.ts": `import { defineBuilder, platforms, task } from "builderfile";
import { image } from "builderfile/plugins/images";
import { multiarchManifest, publish } from "builderfile/plugins/multiarch-manifest";
const build = image({ context: "oven", platforms: platforms("amd64", "arm64") });
const say = task({ description: "Says", run: () => "bread" });
${lines.join("\n")}
`,
    "oven/Dockerfile": "FROM scratch\nCOPY Dockerfile /\n",
  });
}

test("wrong destinations are named together, each with its line, before anything is built", async () => {
  const p = await bakery(
    'const one = publish({ images: build, to: "127.0.0.1:1/Bake/oven:1" });',
    'const two = publish({ images: build, to: "127.0.0.1:1/bake/oven" });',
    'export default defineBuilder({ tasks: { build, one, two, all: task({ description: "Both", needs: { one, two } }) } });',
  );

  const result = await p.bt("all");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr)
    .toBe(`bt: The reference "127.0.0.1:1/Bake/oven:1" has upper-case letters in its repository, at character 13: "Bake"
  at   builderfile.ts:6:13
       const one = publish({ images: build, to: "127.0.0.1:1/Bake/oven:1" });
                   ^
  fix  Write "127.0.0.1:1/bake/oven:1".
bt: The image "two" has no tags, so publishing it to "127.0.0.1:1/bake/oven" would show nothing
  at   builderfile.ts:7:13
       const two = publish({ images: build, to: "127.0.0.1:1/bake/oven" });
                   ^
  fix  Write "127.0.0.1:1/bake/oven:latest", or give it tags.
`);
});

test("two tasks of one run with the same destination are refused, each alone is not", async () => {
  const p = await bakery(
    'const one = publish({ images: build, to: "docker://127.0.0.1:1/bake/oven:1" });',
    'const two = publish({ images: build, to: "127.0.0.1:1/bake/oven:1" });',
    "export default defineBuilder({ tasks: { build, one, two } });",
  );

  const both = await p.bt("one", "two");
  const given = await p.bt("one", "two", "DESTINATION=oci:dist:1");
  const alone = await p.bt("-n", "two");

  expect(both).toMatchObject({ exitCode: 2, stdout: "" });
  expect(both.stderr).toBe(`bt: "one" and "two" both publish to "127.0.0.1:1/bake/oven:1"
  at   builderfile.ts:7:13
       const two = publish({ images: build, to: "127.0.0.1:1/bake/oven:1" });
                   ^
  fix  Give one of them another destination, or run only one of them.
`);
  expect(given).toMatchObject({ exitCode: 2, stdout: "" });
  expect(given.stderr).toContain('bt: "one" and "two" both publish to "oci:dist:1"\n  at   DESTINATION\n');
  expect(p.exists("dist")).toBe(false);
  expect(alone.exitCode).toBe(0);
});

test("a wrong DESTINATION is an error of the command line, also of a dry run", async () => {
  const p = await bakery(
    'const release = publish({ images: build, to: "oci:dist:1" });',
    "export default defineBuilder({ tasks: { build, release } });",
  );

  const result = await p.bt("-n", "release", "DESTINATION=quay.io/bake:");

  expect(result).toMatchObject({
    exitCode: 2,
    stderr:
      'bt: The reference "quay.io/bake:" ends with an empty tag, at character 13: ":"\n  at   DESTINATION\n  fix  Write "quay.io/bake:latest".\n',
  });
});

test("-n says what a publish would send and which tag it would move", async () => {
  const p = await bakery(
    'const release = publish({ images: build, to: "127.0.0.1:1/bake/oven:1" });',
    "export default defineBuilder({ tasks: { build, release } });",
  );

  const { stdout, exitCode } = await p.bt("-n", "release");

  expect(exitCode).toBe(0);
  expect(stdout).toContain(`
  127.0.0.1:1/bake/oven:1: linux/amd64, linux/arm64, not assembled yet
    send    to 127.0.0.1:1/bake/oven: blobs, 2 manifests, 1 index, by digest
    verify  127.0.0.1:1/bake/oven
    tag     127.0.0.1:1/bake/oven:1
`);
});

test("a task that builds no image cannot be published", async () => {
  const p = await bakery(
    'const release = publish({ images: say as never, to: "oci:dist:1" });',
    "export default defineBuilder({ tasks: { say, release } });",
  );

  const result = await p.bt("release");

  expect(result.exitCode).toBe(1);
  expect(result.stderr + result.stdout).toContain(
    `bt: What "release" is to publish has built no image: its result is "bread"
  fix  Give publish({ images }) a task whose result is an image for each platform, such as \`image({ … })\`.`,
  );
  expect(p.exists("dist")).toBe(false);
});

test("all mistakes of an index are named together, a forgotten platform before any registry is asked", async () => {
  const p = await bakery(
    `const entries = [{ platform: "amd64", source: { ref: "127.0.0.1:1/bake/oven:" } }];
const oven = { name: "127.0.0.1:1/bake/oven", tags: ["1"], requirePlatforms: ["amd64", "s390x"], entries };
export default defineBuilder({ plugins: [multiarchManifest({ images: { oven } })] });`,
  );

  const { exitCode, stderr } = await p.bt("manifest:push");

  expect(exitCode).toBe(2);
  expect(stderr).toContain('bt: The index "oven" misses s390x\n  at   builderfile.ts:8:');
  expect(stderr).toContain('bt: The reference "127.0.0.1:1/bake/oven:" ends with an empty tag');
});
