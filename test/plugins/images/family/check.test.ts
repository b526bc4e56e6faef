/** family:check: every finding once, with its file and line. */
import { expect, test } from "vitest";
import { builderfile, dockerfile, familyProject } from "./rig.ts";

const two = `{\n    "1": { platforms: ["linux/amd64"] },\n    "2": { platforms: ["linux/amd64", "linux/arm64"] },\n  }`;

const findings: readonly (readonly [name: string, more: Readonly<Record<string, string>>, finding: string])[] = [
  [
    "a Dockerfile without an entry",
    { "docker/oven_9.9.Dockerfile": dockerfile },
    'docker/oven_9.9.Dockerfile:1: there is no version "9.9" in the table',
  ],
  [
    "an entry without a Dockerfile",
    { "builderfile.ts": builderfile(`{\n    "1": {},\n    "2": {},\n    "7": {},\n  }`) },
    'builderfile.ts:11: version "7" has no Dockerfile "docker/oven_7.Dockerfile"',
  ],
  [
    "two equal Dockerfiles",
    { "builderfile.ts": builderfile(two), "docker/oven_2.Dockerfile": dockerfile },
    'docker/oven_2.Dockerfile:1: duplicate: equal to "docker/oven_1.Dockerfile"; give version "2" `sameAs: "1"`',
  ],
  [
    "sameAs that names nothing",
    {
      "builderfile.ts": builderfile(`{\n    "1": {},\n    "2": {},\n    "3": { sameAs: "5" },\n  }`),
      "docker/oven_3.Dockerfile": "FROM a\n",
    },
    'builderfile.ts:11: `sameAs` names version "5", which is not in the table',
  ],
  [
    "bootstrapWith in a circle",
    { "builderfile.ts": builderfile(`{\n    "1": { bootstrapWith: "2" },\n    "2": { bootstrapWith: "1" },\n  }`) },
    "builderfile.ts:9: `bootstrapWith` leads in a circle: 1 → 2 → 1",
  ],
  [
    "eol that names nothing",
    { "builderfile.ts": builderfile(undefined, `eol: ["0"],`) },
    'builderfile.ts:8: `eol` names version "0", which is not in the table',
  ],
  [
    "one tag of two versions",
    { "builderfile.ts": builderfile(two, `tags: () => ["latest"],`) },
    'builderfile.ts:10: tag "latest" is also that of version "1"',
  ],
  [
    "an argument that is not declared",
    { "builderfile.ts": builderfile(`{\n    "1": { args: { FLOUR: "550" } },\n    "2": {},\n  }`) },
    'builderfile.ts:9: "docker/oven_1.Dockerfile" does not declare ARG FLOUR',
  ],
  [
    "CI jobs that are not written",
    { "builderfile.ts": builderfile(undefined, `ci: { file: "ci.yaml" },`), "ci.yaml": "base_images: {}\n" },
    "ci.yaml:2: the CI jobs are not what the table says",
  ],
];

test.each(findings)("%s", async (_, more, finding) => {
  const p = await familyProject(more);

  const result = await p.bt("family:check");

  expect(result.exitCode).toBe(1);
  expect(
    result.stdout.split("\n").filter((line) => /^[\w./]+(:\d+)?: /.test(line) && !line.startsWith("bt:")),
  ).toContain(finding);
  expect(result.stdout).toContain("bt: family:check found ");
});

test("an architecture by name is a warning, unless TARGETARCH or uname chooses it", async () => {
  const text = `FROM scratch
# x86_64 in a comment
RUN case $(uname -m) in x86_64) echo a;; aarch64) echo b;; esac
RUN case "$TARGETARCH" in \\
    amd64) echo a;; \\
    arm64) echo b;; \\
    esac
RUN if [ "$TARGETARCH" = amd64 ]; then \\
      echo amd64; \\
    fi
ENV LD=/lib/x86_64-linux-gnu
`;
  const p = await familyProject({ "docker/oven_2.Dockerfile": text });

  const result = await p.bt("family:check");

  expect(result.exitCode).toBe(0);
  expect(result.stdout.match(/docker\/oven_2.Dockerfile:\d+: .*/g)).toEqual([
    'docker/oven_2.Dockerfile:11: "x86_64" stands outside of a case or if on TARGETARCH, and the version has 2 platforms',
  ]);
});

test("a sound family has no findings", async () => {
  const p = await familyProject();

  const result = await p.bt("family:check");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain("No mistakes\n");
});

test("lint runs shellcheck on every script, or says how to get it", async () => {
  const p = await familyProject({ ".stub/bin/shellcheck": "" });

  const missing = await p.btWith(
    { env: { PATH: `${p.root}/.stub/none` }, program: [process.execPath, `${process.cwd()}/dist/bt.cjs`] },
    "lint",
  );

  expect(missing.exitCode).toBe(1);
  expect(missing.stdout).toContain(
    'bt: There is no program "shellcheck"\n  task lint\n  fix  Install it: `apt-get install shellcheck`.\n',
  );
});
