/** A release tag that a command prints: run once, as a task; what it prints is checked, and a dry run does not start it. */
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { components, made, world, type World, type WorldFacts } from "./world.ts";

const test = testWith("git");
const one = { COMPONENTS: "coredns", ARCHITECTURES: "arm64" };

/** A world whose tag is what `bin/tag` prints. */
async function tagged(script: string, facts: WorldFacts = {}): Promise<World> {
  const w = await world({ options: 'imageReferences: false, releaseTag: { cmd: ["tag", "--short"] }', ...facts });
  w.stub("tag", `#!/bin/sh\necho "$@" >> "$CALLS/tag"\n${script}\n`);
  return w;
}

test("the tag of a command names images, finds parents and fills build arguments; it is asked once in a run, and not by -n", async () => {
  const w = await tagged("echo 4.12.0-rc.1");

  const dry = await w.side(one, "-n", "side-images");
  const asked = w.calls("tag").length;
  const first = await w.side(one, "side-images");
  const second = await w.side(one, "side-images");
  const plan = await w.side(one, "side-images:plan");
  const given = await w.side({ ...one, RELEASE_TAG: "4.13.0" }, "side-images:plan");

  expect(dry).toMatchObject({ exitCode: 0, stderr: "" });
  expect(dry.stdout).toContain("$ tag --short\n");
  expect(asked).toBe(0);
  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(w.index("coredns").tag).toBe("4.12.0-rc.1");
  expect(w.index("coredns").cells["arm64"]?.parents).toEqual(["base-image:arm64"]);
  expect(first.stdout).toContain("quay.io/microshift/coredns:4.12.0-rc.1  sha256:");
  expect(made(second)).toEqual(["tag"]);
  expect(plan.stdout).toContain("quay.io/microshift/…:4.12.0-rc.1\n");
  expect(given.stdout).toContain("quay.io/microshift/…:4.13.0\n");
  expect(w.calls("tag")).toEqual(["--short", "--short", "--short"]);
});

test("another tag makes again what asks for it, and nothing else", async () => {
  const w = await tagged('cat "$CALLS/now"');
  w.write("calls/now", "4.10.18\n");
  await w.side(one, "side-images:image");
  w.write("calls/now", "4.10.19\n");

  const result = await w.side(one, "side-images:image");

  expect(made(result)).toEqual(["image:coredns:arm64", "tag"]);
});

test.each([
  ["fails", "echo no such tag >&2; exit 3", "`tag --short` ends with 3"],
  ["prints nothing", "true", "`tag --short` prints nothing"],
  ["prints no tag", "echo two words", '"two words" is no tag of an image'],
  ["prints a page", "echo 4.10.18; echo 4.10.19", '"4.10.18…" is no tag of an image'],
])("a command that %s is refused before anything is made", async (_, script, problem) => {
  const w = await tagged(script);

  const result = await w.side({}, "side-images");

  expect(result.exitCode).toBe(2);
  expect(result.stdout).toContain(`bt: The release tag cannot be read: ${problem}\n`);
  expect(made(result)).toEqual([]);
});

test("a command that is not installed or has no words is refused", async () => {
  const absent = await world({ options: 'imageReferences: false, releaseTag: { cmd: ["no-such-tagger"] }' });
  const empty = await world({ options: "imageReferences: false, releaseTag: { cmd: [] }" });

  const missing = await absent.side({}, "side-images");

  expect(missing.exitCode).toBe(2);
  expect(missing.stdout).toContain("`no-such-tagger` is not installed; it prints the release tag");
  expect(await empty.side({}, "side-images")).toMatchObject({
    exitCode: 2,
    stdout: "",
    stderr: expect.stringContaining("`releaseTag.cmd` names no program"),
  });
});

test("a secret that the command prints is no tag and is never shown", async () => {
  const w = await tagged('echo "crumb-$TOKEN"');
  const login = 'task({ description: "Logs in", params: { token: param.secret({ env: "TOKEN" }) }, run: () => "in" })';
  w.write(
    "builderfile.ts",
    w
      .read("builderfile.ts")
      .replace("{ defineBuilder }", "{ defineBuilder, param, task }")
      .replace("defineBuilder({", `defineBuilder({ tasks: { login: ${login} },`),
  );

  const result = await w.side({ TOKEN: "s3cr3t-token" }, "login", "side-images");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("✖ side-images:tag failed");
  expect(result.stdout + result.stderr).not.toContain("s3cr3t-token");
});

test("a parent that is named by the very tag is refused: it was not seen when the work was planned", async () => {
  const w = await tagged("echo 4.12.0", {
    files: { "child/Dockerfile": "FROM quay.io/microshift/base-image:4.12.0\nLABEL a=1\n" },
  });

  const result = await w.side({ COMPONENTS: "child", ARCHITECTURES: "arm64" }, "side-images");

  expect(result.exitCode).toBe(2);
  expect(result.stdout).toContain(
    'bt: "quay.io/microshift/base-image:4.12.0" is an image of this run, but is named by its tag\n',
  );
  expect(result.stdout).toContain(`${components}/child/Dockerfile`);
});
