/** Projects that declare rpms: a builderfile with one plugin, its pins and repository lists. */
import type { RpmDepsOptions } from "../../plugins/rpm-deps/index.ts";
import { project, type Project, type Result } from "./project.ts";

/** What differs from a project with the groups `tools` (tar, oven with the pin OVEN) and `shop` (bread, without the base). */
export interface RpmProject {
  readonly options?: Partial<RpmDepsOptions>;
  readonly pins?: unknown;
  /** `rpm/repo-cs9.yaml`. */
  readonly repofile: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** The options that `rpmProject` starts from. */
const bakery: RpmDepsOptions = {
  streams: { cs9: { repofiles: ["rpm/repo-cs9.yaml"], suffix: "_cs9" } },
  pinsFile: "rpm/pins.json",
  arches: ["amd64", "arm64", "s390x"],
  basesystem: "bakery-release",
  base: { main: ["acl"], extra: ["coreutils"] },
  groups: {
    tools: { main: ["tar", "oven-{OVEN}"], arch: { x86_64: ["seeds-{OVEN}"] }, forceIgnore: ["^python"] },
    shop: { main: ["bread"], noBase: true },
  },
};

/** A project with an empty `WORKSPACE` and `rpm/BUILD.bazel`. */
export async function rpmProject({ options = {}, pins, repofile, files = {} }: RpmProject): Promise<Project> {
  return await project({
    "builderfile.ts": `import { defineBuilder } from "builderfile";
import { rpmDeps } from "builderfile/plugins/rpm-deps";
export default defineBuilder({ plugins: [rpmDeps(${JSON.stringify({ ...bakery, ...options })})] });
`,
    "rpm/pins.json": `${JSON.stringify(pins ?? { cs9: { OVEN: "17:2.0-1.el9" } }, undefined, 2)}\n`,
    "rpm/repo-cs9.yaml": repofile,
    WORKSPACE: `workspace(name = "bakery")\n`,
    "rpm/BUILD.bazel": `load("@bazeldnf//bazeldnf:defs.bzl", "rpmtree")\n`,
    ...files,
  });
}

/** The one message of a task that failed, without the lines that name the task and its log. */
export function failure({ stdout }: Result): string {
  const [, text = stdout] = /^bt: (.*?^  fix  [^\n]*\n)/ms.exec(stdout) ?? [];
  return text.replaceAll(/^  (task|log) .*\n/gm, "").replaceAll(/^ {7}/gm, "  ");
}
