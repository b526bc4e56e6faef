/** Filling in manifests with a small templator that takes the options of KubeVirt's. */
import * as fs from "node:fs";
import { expect } from "vitest";
import type { Project } from "../../support/project.ts";
import { testWith } from "../../support/tool.ts";
import { bakery, changedFiles } from "./rig.ts";

const withGit = testWith("git");

/** Shows its options in the second pass; puts an include in the place of a line in the first. */
const templator = `#!/bin/sh
for word; do case "$word" in
  --input-file=*) file=\${word#*=} ;;
  --generated-manifests-dir=*) folder=\${word#*=} ;;
  --process-vars) vars=yes ;;
esac; done
if grep -q BROKEN "$file"; then echo "template: broken" >&2; exit 3; fi
if [ -z "$vars" ]; then sed "s|INCLUDE|$(cat "$folder/crd.yaml")|" "$file"; exit; fi
cat "$file"
for word; do case "$word" in --process-vars|--input-file=*|--bundle-out-dir=*) ;; --*) echo "# $word" ;; esac; done
echo
`;

async function manifestBakery(files: Readonly<Record<string, string>> = {}): Promise<Project> {
  return bakery({
    options: `manifests: { templator: ["sh", "templator.sh"], vars: { "gs-sha": "abc" } }`,
    files: {
      "templator.sh": templator,
      "manifests/generated/crd.yaml": "kind: Crd",
      "manifests/generated/unused.yaml.in": "BROKEN",
      "manifests/oven.yaml.in": "INCLUDE\n",
      "manifests/olm/ovenVERSION.yaml.in": "oven\n",
      ...files,
    },
  });
}

withGit("every template is filled in with the original's options and defaults", async () => {
  const p = await manifestBakery();

  const result = await p.bt(
    "manifests",
    "DOCKER_TAG=v1.2.3",
    "FEATURE_GATES=A,B",
    "TEMPLATOR_EXTRA_FLAGS=--gs-image=x",
  );

  expect(result.exitCode).toBe(0);
  expect(fs.readdirSync(`${p.root}/_out/manifests`, { recursive: true }).sort()).toEqual([
    "olm",
    "olm/oven1.2.3.yaml",
    "oven.yaml",
  ]);
  expect(p.read("_out/manifests/oven.yaml")).toBe(`kind: Crd
# --cdi-namespace=cdi
# --container-prefix=kubevirt
# --container-tag=v1.2.3
# --csv-namespace=placeholder
# --csv-version=1.2.3
# --feature-gates=A,B
# --gs-sha=abc
# --image-prefix=
# --image-pull-policy=IfNotPresent
# --infra-replicas=0
# --test-image-replicas=6
# --kubevirt-logo-path=assets/kubevirt_logo.png
# --namespace=kubevirt
# --package-name=kubevirt-dev
# --quay-repository=
# --runbook-url-template=
# --verbosity=2
# --hypervisor=
# --gs-image=x
`);
  expect(await changedFiles(p)).toBe("");
});

withGit("without DOCKER_TAG the manifests have the tag of the push, and that is said", async () => {
  const p = await manifestBakery();

  const { stdout } = await p.bt("manifests");

  expect(stdout).toContain('warning: DOCKER_TAG is not set: the manifests name images with the tag "latest"\n');
  expect(p.read("_out/manifests/olm/oven0.0.0.yaml")).toContain(
    "# --container-tag=latest\n# --csv-namespace=placeholder\n# --csv-version=0.0.0\n",
  );
});

withGit("BAZEL_BUILDER_TEMPLATE: the broken ones are named, the old manifests stay", async () => {
  const p = await manifestBakery();
  await p.bt("manifests", "DOCKER_TAG=1");
  const before = p.read("_out/manifests/oven.yaml");
  p.write("manifests/a.yaml.in", "BROKEN\n");

  const result = await p.bt("manifests", "DOCKER_TAG=2");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("bt: A template could not be filled in; the manifests are as they were\n");
  expect(result.stdout).toContain("manifests/a.yaml.in: template: broken\n");
  expect(p.read("_out/manifests/oven.yaml")).toBe(before);
  expect(fs.readdirSync(`${p.root}/_out`)).toEqual(["manifests"]);
  expect(fs.readdirSync(`${p.root}/manifests`).sort()).toEqual(["a.yaml.in", "generated", "olm", "oven.yaml.in"]);
});

withGit("BAZEL_BUILDER_TEMPLATES: a folder without templates is named", async () => {
  const p = await bakery({ options: `manifests: { templator: ["true"], sources: "none" }` });

  const result = await p.bt("manifests");

  expect(result.stdout).toContain('There is no "*.yaml.in" below "none"');
});

withGit("values reach the templator as they are, and no shell", async () => {
  const p = await manifestBakery();

  const result = await p.bt("manifests", "DOCKER_TAG=1", "PACKAGE_NAME=x; touch evil", "QUAY_REPOSITORY=$(touch evil)");

  expect(result.exitCode).toBe(0);
  expect(p.read("_out/manifests/oven.yaml")).toContain(
    "# --package-name=x; touch evil\n# --quay-repository=$(touch evil)\n",
  );
  expect(p.exists("evil")).toBe(false);
});

withGit("a dry run shows both passes and writes nothing", async () => {
  const p = await manifestBakery();

  const { stdout } = await p.bt("-n", "manifests", "DOCKER_TAG=1");

  expect(stdout).toContain(
    `$ sh templator.sh --process-files --generated-manifests-dir=${p.root}/manifests/generated/ --input-file=${p.root}/manifests/oven.yaml.in\n`,
  );
  expect(stdout).toContain("--container-tag=1 ");
  expect(p.exists("_out")).toBe(false);
});
