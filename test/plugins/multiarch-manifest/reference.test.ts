/** References: every form that is read, and the whole text of what is said about others. */
import { expect, test } from "vitest";
import { BtError } from "../../../core/index.ts";
import { parseReference, renderReference } from "../../../plugins/multiarch-manifest/reference.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

test.each([
  ["quay.io/bake/oven:1", "docker://quay.io/bake/oven:1"],
  ["docker://quay.io/bake/oven", "docker://quay.io/bake/oven:latest"],
  ["docker://localhost/oven:1", "docker://localhost/oven:1"],
  ["localhost:5000/a/b/c:v1.2_3-x", "docker://localhost:5000/a/b/c:v1.2_3-x"],
  ["[::1]:5000/oven:1", "docker://[::1]:5000/oven:1"],
  ["docker.io/fedora:36", "docker://docker.io/library/fedora:36"],
  ["registry-1.docker.io/bake/oven:36", "docker://docker.io/bake/oven:36"],
  [`quay.io/bake/oven@${digest}`, `docker://quay.io/bake/oven@${digest}`],
  [`quay.io/bake/oven:1@${digest}`, `docker://quay.io/bake/oven:1@${digest}`],
  ["oci:out/image:1", "oci:out/image:1"],
  ["oci:out/image", "oci:out/image"],
  ["oci:out/image:quay.io/bake/oven:1", "oci:out/image:quay.io/bake/oven:1"],
  [`oci:out/image@${digest}`, `oci:out/image@${digest}`],
  ["containers-storage:localhost/oven:1", "containers-storage:localhost/oven:1"],
  [`containers-storage:${digest}`, `containers-storage:${digest.slice(7)}`],
])("parseReference() reads %s as %s", (text, canonical) => {
  expect(renderReference(parseReference(text))).toBe(canonical);
});

test.each([
  [
    "quay.io/Foo/bar:1",
    'has upper-case letters in its repository, at character 9: "Foo"',
    'Write "quay.io/foo/bar:1".',
  ],
  ["quay.io/foo/bar:", 'ends with an empty tag, at character 16: ":"', 'Write "quay.io/foo/bar:latest".'],
  [
    "docker://quay.io/repo:bad+tag",
    'has a tag with characters that are not allowed, at character 23: "bad+tag"',
    'Write "docker://quay.io/repo:bad-tag".',
  ],
  ["quay.io//bar:1", "has an empty part in its repository, at character 9", 'Write "quay.io/name/bar:1".'],
  [
    "quay.io/a/b_-c:1",
    'has a repository with characters that are not allowed, at character 11: "b_-c"',
    'Write "quay.io/a/name:1".',
  ],
  [
    "quay.io/a@sha256:12",
    'has a digest of 2 characters instead of 64 lower-case hexadecimal digits, at character 11: "sha256:12"',
    'Write "quay.io/a@sha256:<64 digits>".',
  ],
  ["oci:out:", 'ends with an empty REF, at character 8: ":"', 'Write "oci:out".'],
  ["containers-storage:", "names no image, at character 20", 'Write "containers-storage:localhost/app:1".'],
])("parseReference() says where %s is wrong and writes it right", (text, problem, fix) => {
  const failure = failureOf(() => parseReference(text, { at: { where: "builderfile.ts", line: 3 } }));

  expect(failure).toMatchObject({
    code: "MANIFEST_REFERENCE_MALFORMED",
    fix,
    at: { where: "builderfile.ts", line: 3 },
  });
  expect(failure.message).toBe(`The reference "${text}" ${problem}`);
});

test("parseReference() resolves a short name by alias, then by the only search registry", () => {
  const shortNames = { aliases: { fedora: "registry.fedoraproject.org/fedora" }, searchRegistries: ["quay.io"] };

  expect(renderReference(parseReference("fedora:36", { shortNames }))).toBe(
    "docker://registry.fedoraproject.org/fedora:36",
  );
  expect(renderReference(parseReference("bake/oven", { shortNames }))).toBe("docker://quay.io/bake/oven:latest");
});

test("parseReference() lists the candidates of a short name with several", () => {
  const failure = failureOf(() =>
    parseReference("oven:1", { shortNames: { aliases: {}, searchRegistries: ["quay.io", "docker.io"] } }),
  );

  expect(failure.message).toBe(
    'The reference "oven:1" names no registry; it could be quay.io/oven:1 or docker.io/oven:1',
  );
  expect(failure.fix).toBe('Write "quay.io/oven:1", or add an alias to registries.conf.d.');
});

test("parseReference() names the transports when another one is used", () => {
  const failure = failureOf(() => parseReference("docker:quay.io/bake/oven:1"));

  expect(failure.message).toBe(
    '"docker:" in "docker:quay.io/bake/oven:1" is none of the transports that can be used here: docker:// oci: containers-storage:',
  );
  expect(failure.fix).toBe('Write "docker://quay.io/bake/oven:1".');
});

function failureOf(act: () => unknown): BtError {
  try {
    act();
  } catch (error) {
    if (error instanceof BtError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
