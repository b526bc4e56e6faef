/** The launcher `bazel` with the real Bazel; the solver behind it is the recording stand-in. Needs the Debian package bazel-bootstrap. */
import * as path from "node:path";
import { expect } from "vitest";
import { rpmProject } from "../../support/rpm-project.ts";
import { createRecorder } from "../../support/rpm-recorder.ts";
import { renderRepofile, serveFolder, writeMetadata } from "../../support/rpm-repository.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";

testWith("bazel")("bazel run passes the words on, and its exit code back", { timeout: 600_000 }, async () => {
  const folder = await temporaryFolder();
  const specs = ["bread", "bakery-release"].map((name) => ({ name, evr: "1.0-1.el9" }));
  writeMetadata(path.join(folder, "os"), specs);
  const mirror = await serveFolder(folder);
  const recorder = await createRecorder(specs);
  const p = await rpmProject({
    repofile: renderRepofile(mirror.url, { os: { path: "os" } }),
    options: {
      arches: ["s390x"],
      groups: { shop: { main: ["bread"] } },
      base: { main: [] },
      backend: { launcher: "bazel", configs: ["x86_64"] },
    },
    files: {
      // Without a server nothing is left behind.
      ".bazelrc": "startup --batch\nbuild:x86_64 --define=cpu=x86_64\n",
      WORKSPACE: `workspace(name = "bakery")\nload("//:rpm.bzl", "rpm")\n`,
      "rpm.bzl": "def rpm(**kwargs):\n    pass\n\ndef rpmtree(**kwargs):\n    pass\n",
      "BUILD.bazel": `genrule(name = "bazeldnf", srcs = ["solver.sh"], outs = ["bazeldnf.sh"], cmd = "cp $< $@", executable = True)\n`,
      "rpm/BUILD.bazel": `load("//:rpm.bzl", "rpmtree")\n`,
      "solver.sh": `#!/bin/sh\ncd "$BUILD_WORKSPACE_DIRECTORY" && exec "${recorder.bin}" "$@"\n`,
    },
  });

  const good = await p.bt("rpm-deps");
  const after = ["WORKSPACE", "rpm/BUILD.bazel"].map(p.read);
  recorder.behave({ prune: { fail: "panic: no scissors" } });
  const bad = await p.bt("rpm-deps");

  expect(good.exitCode, good.stdout).toBe(0);
  expect(recorder.calls().map(({ argv }) => argv[0])).toEqual([
    "fetch",
    "rpmtree",
    "prune",
    "fetch",
    "rpmtree",
    "prune",
  ]);
  expect(recorder.calls()[1]?.argv.slice(0, 8)).toEqual([
    "rpmtree",
    "--public",
    "--nobest",
    "--name",
    "shop_s390x_cs9",
    "--arch",
    "s390x",
    "--basesystem",
  ]);
  expect(after[0]).toContain(`name = "bread-0__1.0-1.el9.s390x"`);
  expect(bad.exitCode).toBe(1);
  expect(bad.stdout).toContain("panic: no scissors");
  expect(["WORKSPACE", "rpm/BUILD.bazel"].map(p.read)).toEqual(after);
});
