/** `bt rpm-deps:import`: a script of the original's form, run by bash with a recording bazel, against what bt makes of it. Needs bash. */
import { chmodSync } from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { readScript } from "../../../plugins/rpm-deps/shell-script.ts";
import { project, type Project } from "../../support/project.ts";
import { failure } from "../../support/rpm-project.ts";
import { run } from "../../support/tool.ts";

const script = `#!/usr/bin/env bash

set -ex

source hack/common.sh
# The stream; "quotes" and $(commands) in comments do not count
KUBEVIRT_CENTOS_STREAM_VERSION=\${KUBEVIRT_CENTOS_STREAM_VERSION:-9}
SUFFIX="_cs\${KUBEVIRT_CENTOS_STREAM_VERSION}"

if [ "\${KUBEVIRT_CENTOS_STREAM_VERSION}" = "10" ]; then
    # CS10 versions

    # Pinned to 3.0: 3.1 does not
    # bake rye.
    OVEN_VERSION=\${OVEN_VERSION:-18:3.0-1.el10}
else
    # CS9 versions
    OVEN_VERSION=\${OVEN_VERSION:-17:2.0-1.el9}
fi
SINGLE_ARCH=\${SINGLE_ARCH:-""}
BASESYSTEM=\${BASESYSTEM:-"bakery-release"}
repos="--repofile rpm/repo-cs\${KUBEVIRT_CENTOS_STREAM_VERSION}.yaml"
if [ "\${CUSTOM_REPO}" ]; then
    repos="--repofile \${CUSTOM_REPO} \${repos}"
fi
if [ "\${KUBEVIRT_CENTOS_STREAM_VERSION}" = "10" ]; then FLOUR="rye"; else FLOUR="wheat"; fi

common_main="
  acl
  \${FLOUR}
"
common_extra="
  salt
"
tools_main="
  tar
  oven-\${OVEN_VERSION}
"
tools_x86_64="
  seeds-\${OVEN_VERSION}
"
tools_extra="
  water
"
shop_main="
  till
"
if [ "\${CROSS}" ]; then
    entry=$(grep 'x' rpm/BUILD.bazel | head -1 | xargs)
    sed -i "/name = \\"x\\"/,/]/{
        /@y/a\\\\        \${entry}
    }" rpm/BUILD.bazel
fi

bazel run \\
    --config=\${ARCHITECTURE} \\
    //:bazeldnf -- fetch \\
    \${repos}

if [ -z "\${SINGLE_ARCH}" ] || [ "\${SINGLE_ARCH}" == "x86_64" ]; then
    bazel run --config=\${ARCHITECTURE} //:bazeldnf -- rpmtree \\
        --public --nobest \\
        --name tools_x86_64\${SUFFIX} \\
        --basesystem \${BASESYSTEM} \\
        --force-ignore-with-dependencies '^python' \\
        \${repos} \\
        $common_main \\
        $common_extra \\
        $tools_main \\
        $tools_x86_64 \\
        $tools_extra

    bazel run --config=\${ARCHITECTURE} //:bazeldnf -- rpmtree --public --nobest --name shop_x86_64\${SUFFIX} --basesystem \${BASESYSTEM} \${repos} $common_main $common_extra $shop_main
    bazel run --config=\${ARCHITECTURE} //:bazeldnf -- rpmtree --public --nobest --name oven_tree_x86_64\${SUFFIX} --basesystem \${BASESYSTEM} \${repos} oven-\${OVEN_VERSION}
    bazel run --config=\${ARCHITECTURE} //:bazeldnf -- prune
    bazel run --config=\${ARCHITECTURE} --config=cs\${KUBEVIRT_CENTOS_STREAM_VERSION} //rpm:ldd_x86_64\${SUFFIX}
fi

if [ -z "\${SINGLE_ARCH}" ] || [ "\${SINGLE_ARCH}" == "s390x" ]; then
    bazel run --config=\${ARCHITECTURE} //:bazeldnf -- rpmtree --public --nobest --name tools_s390x\${SUFFIX} --arch s390x --basesystem \${BASESYSTEM} --force-ignore-with-dependencies '^python' \${repos} $common_main $common_extra $tools_main $tools_extra
    bazel run --config=\${ARCHITECTURE} //:bazeldnf -- rpmtree --public --nobest --name oven_tree_s390x\${SUFFIX} --arch s390x --basesystem \${BASESYSTEM} \${repos} oven-\${OVEN_VERSION}
    bazel run --config=\${ARCHITECTURE} //:bazeldnf -- prune
    bazel run --config=\${ARCHITECTURE} --config=cs\${KUBEVIRT_CENTOS_STREAM_VERSION} //rpm:ldd_s390x\${SUFFIX}
fi
`;

const repofile = "repositories:\n- name: os\n  baseurl: http://127.0.0.1/os/\n";
const build = `bazeldnf(
    name = "ldd_x86_64_cs9",
    command = "ldd",
    libs = ["/usr/lib64/liboven.so.1"],
    rpmtree = ":tools_x86_64_cs9",
    rulename = "oven-libs_x86_64_cs9",
)

bazeldnf(
    name = "ldd_x86_64_cs10",
    command = "ldd",
    libs = ["/usr/lib64/liboven.so.2"],
    rpmtree = ":tools_x86_64_cs10",
    rulename = "oven-libs_x86_64_cs10",
)

rpmtree(
    name = "tools_s390x_cs9",
    capabilities = {"/usr/bin/oven": ["cap_net_bind_service"]},
    rpms = [],
    symlinks = {"/var/run": "../run"},
)
`;

const builderfile = (options: string, more = ""): string => `import { defineBuilder } from "builderfile";
import { rpmDeps } from "builderfile/plugins/rpm-deps";
${more}
export default defineBuilder({ plugins: [rpmDeps(${options})] });
`;

async function bakery(): Promise<Project> {
  const p = await project({
    "builderfile.ts": builderfile(""),
    "hack/rpm-deps.sh": script,
    "hack/common.sh": "",
    "rpm/repo-cs9.yaml": repofile,
    "rpm/repo-cs10.yaml": repofile,
    "rpm/BUILD.bazel": build,
    WORKSPACE: "",
    "bin/bazel": `#!/bin/sh\necho "bazel $*" >>calls\n`,
  });
  chmodSync(path.join(p.root, "bin/bazel"), 0o755);
  return p;
}

test("what bt would call after the import is what bash calls, for every stream and architecture", async () => {
  const p = await bakery();
  const imported = await p.bt("rpm-deps:import");
  const options = `{ ...rpms, backend: { launcher: "bazel", configs: ["x86_64"] } }`;
  p.write("builderfile.ts", builderfile(options, `import { rpms } from "./rpms.ts";`));

  const said = [];
  for (const stream of ["9", "10"]) {
    const variables = {
      HOME: p.root,
      SHLVL: "1",
      ARCHITECTURE: "x86_64",
      KUBEVIRT_CENTOS_STREAM_VERSION: stream,
      PATH: `${p.root}/bin:${process.env["PATH"] ?? ""}`,
    };
    await run("bash", ["-c", `cd ${p.root} && bash hack/rpm-deps.sh </dev/null`], variables);
    said.push((await p.bt("-n", "rpm-deps", `KUBEVIRT_CENTOS_STREAM_VERSION=${stream}`)).stdout);
  }

  expect(imported.stdout).toContain("Wrote rpms.ts and rpm/pins.json: 3 groups, cs9 and cs10\n");
  expect(imported.stdout).toContain(
    "Planned again, every tree has the same packages in the same order as in the script\n",
  );
  expect(imported.stdout).toContain("cs10 OVEN stays at 18:3.0-1.el10: Pinned to 3.0: 3.1 does not bake rye.\n");
  const ours = [...said.join("").matchAll(/^ *\$ (.*)$/gm)].map(([, line]) => line!.replaceAll("'", ""));
  expect(ours).toEqual(p.read("calls").trimEnd().split("\n"));
  expect(JSON.parse(p.read("rpm/pins.json"))).toEqual({
    cs9: { OVEN: "17:2.0-1.el9" },
    cs10: { OVEN: { evr: "18:3.0-1.el10", hold: "Pinned to 3.0: 3.1 does not bake rye." } },
  });
});

test("attributes and libraries come from the rules; groups are data that one can read", async () => {
  const p = await bakery();

  await p.bt("rpm-deps:import");

  const [, data = ""] = /= (\{[^]*\});/.exec(p.read("rpms.ts")) ?? [];
  expect(JSON.parse(data.replaceAll(/^(\s*)(\w+):/gm, `$1"$2":`))).toEqual({
    streams: {
      cs9: { repofiles: ["rpm/repo-cs9.yaml"], suffix: "_cs9" },
      cs10: { repofiles: ["rpm/repo-cs10.yaml"], suffix: "_cs10" },
    },
    pinsFile: "rpm/pins.json",
    arches: ["x86_64", "s390x"],
    basesystem: "bakery-release",
    base: { main: ["acl", "wheat"], extra: ["salt"], streams: { cs10: { replace: { wheat: "rye" } } } },
    groups: {
      tools: {
        main: ["tar", "oven-{OVEN}"],
        arch: { x86_64: ["seeds-{OVEN}"] },
        extra: ["water"],
        forceIgnore: ["^python"],
        attrs: { symlinks: { "/var/run": "../run" }, capabilities: { "/usr/bin/oven": ["cap_net_bind_service"] } },
        ldd: [
          {
            rule: "oven-libs_{arch}_{stream}",
            target: "//rpm:ldd_{arch}_{stream}",
            libs: ["/usr/lib64/liboven.so.1"],
            streams: ["cs9"],
          },
          {
            rule: "oven-libs_{arch}_{stream}",
            target: "//rpm:ldd_{arch}_{stream}",
            libs: ["/usr/lib64/liboven.so.2"],
            streams: ["cs10"],
          },
        ],
      },
      shop: { main: ["till"], only: ["x86_64"] },
      oven_tree: { main: ["oven-{OVEN}"], noBase: true },
    },
  });
});

test("nothing of the script is executed", () => {
  const text = `X_VERSION=\${X_VERSION:-$(touch owned)}\nrm -rf /\nbazel run //:bazeldnf -- prune "$(touch owned)" '$HOME' \\\n  "a b" $LIST\n`;

  const { calls, skipped } = readScript(text, "s.sh", { LIST: "one two" });

  expect(calls.map(({ words }) => words.map((word) => word.text))).toEqual([
    ["bazel", "run", "//:bazeldnf", "--", "prune", "", "$HOME", "a b", "one", "two"],
  ]);
  expect(skipped).toEqual(["s.sh:2: `rm` is left out"]);
});

test.each([
  ["RPM_DEPS_IMPORT_MISSING", ["SCRIPT=none.sh"], {}, `There is no script "none.sh"`],
  ["RPM_DEPS_IMPORT_EXISTS", [], { "rpms.ts": "" }, `The file "rpms.ts" is there already`],
  ["RPM_DEPS_IMPORT: no call", [], { "hack/rpm-deps.sh": "echo hello\n" }, "it calls no `bazel run … rpmtree`"],
  [
    "RPM_DEPS_IMPORT: a condition",
    [],
    { "hack/rpm-deps.sh": "\nif grep -q x y; then\nA=b\nfi\n" },
    "hack/rpm-deps.sh:2",
  ],
  [
    "RPM_DEPS_REPOFILE_MALFORMED",
    [],
    { "rpm/repo-cs9.yaml": "repositories:\n- baseurl: x\n" },
    "rpm/repo-cs9.yaml:2:3",
  ],
])("%s: nothing is written", async (_, words, files, text) => {
  const p = await bakery();
  for (const [name, content] of Object.entries(files)) p.write(name, content);

  const result = await p.bt("rpm-deps:import", ...words);

  expect(result.exitCode).not.toBe(0);
  expect(failure(result)).toContain(text);
  expect(p.exists("rpm/pins.json")).toBe(false);
});
