/** family:ci: the family's jobs from its table, every other line of the file as it was. */
import { expect, test } from "vitest";
import { builderfile, familyProject, type FamilyProject } from "./rig.ts";

const table = `{
    "2.4": { platforms: ["linux/amd64"] },
    "2.5": { platforms: ["linux/arm64", "linux/amd64"], bootstrapWith: "2.4", timeout: "4h" },
    "2.2": {},
  }`;

const foreign = `base_images:
  src: {name: "x"}   # odd   spacing
tests:
# The checks.
- as: lint
  commands: |
    - as: test-infra-build-containers-2-4
      # no job, but a line of a script
    make lint
  container: {from: src}
- as: "test-infra-build-containers-2-4"
  run_if_changed: old
  steps: {}
# Syncs.

- as: sync-upstream
  cron: 0 1 * * *
- as: test-infra-push-containers-2-2
  steps:
    test: [oven_2.2]
zz_generated_metadata:
  org: maistra
`;

async function bakery(): Promise<FamilyProject> {
  return familyProject({
    "builderfile.ts": builderfile(table, `eol: ["2.2"], ci: { imageVariable: "MAISTRA_BUILDER_IMAGE" },`),
    ...Object.fromEntries(
      ["2.2", "2.4", "2.5"].map((version) => [`docker/oven_${version}.Dockerfile`, `FROM a:${version}\n`]),
    ),
    "ci.yaml": foreign,
  });
}

test("two jobs for each supported version, with pattern, image, timeout and bt's commands", async () => {
  const p = await bakery();

  const result = await p.bt("family:ci", "FORMAT=openshift");

  const jobs = result.stdout.split(/^(?=- as: )/m).slice(1);
  expect(jobs.map((job) => job.split("\n")[0])).toEqual([
    "- as: test-infra-build-containers-2-4",
    "- as: test-infra-push-containers-2-4",
    "- as: test-infra-build-containers-2-5",
    "- as: test-infra-push-containers-2-5",
  ]);
  expect(jobs[0]).toContain("  run_if_changed: ^docker/oven_2\\.4\\.Dockerfile|^docker/scripts\n");
  expect(jobs[0]).toContain("entrypoint bt -C /src build-containers-2.4\n");
  expect(jobs[0]).toContain("      timeout: 2h0m0s\n    workflow: servicemesh-istio-e2e-profile\n");
  expect(jobs[1]).toContain("  postsubmit: true\n");
  expect(jobs[1]).toContain("entrypoint bt -C /src oven_2.4.push REGISTRY_AUTH_FILE=/tmp/auth.json\n");
  expect(jobs[3]).toContain("      MAISTRA_BUILDER_IMAGE: quay.io/bakery/oven:2.4\n");
  expect(jobs[3]).toContain("oven_2.5.push_multi REGISTRY_AUTH_FILE=/tmp/auth.json\n");
  expect(jobs[3]).toContain("      timeout: 4h0m0s\n");
  expect(result.stdout).not.toMatch(/ -p |password|make /i);
});

test("only the family's jobs are replaced, added or removed", async () => {
  const p = await bakery();

  const result = await p.bt("family:ci", "FORMAT=openshift", "OUT=ci.yaml");

  const now = p.read("ci.yaml");
  const others = (text: string): string =>
    text
      .replaceAll(/^- as: "?test-infra-(?:build|push)-containers[^]*?(?=^(?:- |#|\s*$|[a-z]))/gm, "")
      .replaceAll(/^ {2,}.*(?:test-infra-x).*\n/gm, "");
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(others(now)).toBe(others(foreign));
  expect(now.match(/^- as: .*/gm)).toEqual([
    "- as: lint",
    "- as: test-infra-build-containers-2-4",
    "- as: sync-upstream",
    "- as: test-infra-push-containers-2-4",
    "- as: test-infra-build-containers-2-5",
    "- as: test-infra-push-containers-2-5",
  ]);
});

test("a second run changes nothing, and CHECK finds an edited line", async () => {
  const p = await bakery();
  await p.bt("family:ci", "FORMAT=openshift", "OUT=ci.yaml");
  const written = p.read("ci.yaml");

  const again = await p.bt("family:ci", "FORMAT=openshift", "OUT=ci.yaml");
  const sound = await p.bt("family:ci", "FORMAT=openshift", "OUT=ci.yaml", "CHECK=1");
  p.write("ci.yaml", written.replace("timeout: 4h0m0s", "timeout: 3h0m0s"));
  const stale = await p.bt("family:ci", "FORMAT=openshift", "OUT=ci.yaml", "CHECK=1");

  expect([again.exitCode, sound.exitCode, stale.exitCode]).toEqual([0, 0, 1]);
  expect(stale.stdout).toContain("-      timeout: 3h0m0s\n");
  expect(stale.stdout).toContain("+      timeout: 4h0m0s\n");
  expect(p.read("ci.yaml")).toBe(written.replace("timeout: 4h0m0s", "timeout: 3h0m0s"));
});

test("a file that is not there is written, and one with a list in one line is refused", async () => {
  const p = await bakery();
  p.write("flow.yaml", "tests: [{as: lint}]\n");

  const made = await p.bt("family:ci", "FORMAT=openshift", "OUT=new/ci.yaml");
  const refused = await p.bt("family:ci", "FORMAT=openshift", "OUT=flow.yaml");

  expect(made.exitCode).toBe(0);
  expect(p.read("new/ci.yaml")).toMatch(/^tests:\n- as: test-infra-build-containers-2-4\n/);
  expect(refused.stdout).toContain('bt: "flow.yaml" cannot be edited: its `tests` are not written as a block list\n');
  expect(p.read("flow.yaml")).toBe("tests: [{as: lint}]\n");
});
