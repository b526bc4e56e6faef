/** A small family in a project of its own, and engines that only write down how they are called. Knows nothing of bt but its program. */
import * as fs from "node:fs";
import * as path from "node:path";
import { project, type Project, type Result } from "../../../support/project.ts";

/** A project with a family, whose engines may be stubs. */
export interface FamilyProject extends Project {
  /** bt with the stubs in PATH. */
  readonly stubbed: (...argv: string[]) => Promise<Result>;
  /** What the stubs were called with, without questions that change nothing. */
  readonly calls: () => readonly string[];
  readonly forget: () => void;
  readonly env: Readonly<Record<string, string>>;
}

/** Version 1 for one platform, 2 for two, 3 is another name of 2. */
const versions = `{
    "1": { platforms: ["linux/amd64"] },
    "2": { platforms: ["linux/amd64", "linux/arm64"] },
    "3": { sameAs: "2" },
  }`;

/** A builderfile with the family `oven`; `more` are further options. */
export function builderfile(table: string = versions, more = ""): string {
  return `import { defineBuilder } from "builderfile";
import { imageFamily } from "builderfile/plugins/images";

const oven = imageFamily("oven", {
  hub: "quay.io/bakery",
  context: "docker",
  sharedInputs: ["docker/scripts/**"],
  versions: ${table},
  ${more}
});

export default defineBuilder({ plugins: [oven] });
`;
}

export const dockerfile = "FROM scratch\nCOPY scripts /scripts\n";

export const files: Readonly<Record<string, string>> = {
  "builderfile.ts": builderfile(),
  "docker/oven_1.Dockerfile": dockerfile,
  "docker/oven_2.Dockerfile": `${dockerfile}ENV OVEN=2\n`,
  "docker/scripts/mix.sh": "#!/bin/sh\necho mix\n",
};

/**
 * Stands for an engine that cannot run here: writes its words down, fails where `fail` (a pattern) says so, and knows
 * whether a builder was created. `stall` makes a build wait for its end.
 */
const stub = `#!/bin/sh
here=$(dirname "$0")/..
echo "$(basename "$0") $*" >> "$here/calls"
if [ -s "$here/fail" ] && echo "$*" | grep -Eq -f "$here/fail"; then cat "$here/says" >&2 2>/dev/null; exit 1; fi
case "$*" in
  "buildx inspect"*) test -e "$here/builder" ;;
  "buildx create"*) touch "$here/builder" ;;
  "buildx rm"*) rm "$here/builder" ;;
  *Architecture*) echo amd64 ;;
  *inspect*) echo sha256:1 ;;
  "manifest exists"*) exit 1 ;;
  *build*) if [ -e "$here/stall" ]; then echo started >> "$here/started"; sleep 60; fi ;;
esac
`;

/** A folder of stubs beside the project, so that they are no part of it. */
export async function familyProject(more: Readonly<Record<string, string>> = {}): Promise<FamilyProject> {
  const p = await project({ ...files, ...more });
  for (const name of ["docker", "podman", "buildah"]) {
    if (!p.exists(`.stub/bin/${name}`)) p.write(`.stub/bin/${name}`, stub);
    fs.chmodSync(path.join(p.root, ".stub/bin", name), 0o755);
  }
  const env = { PATH: `${p.root}/.stub/bin:${process.env["PATH"] ?? ""}`, HUB: "127.0.0.1:1/bakery" };
  const read = (): string => (p.exists(".stub/calls") ? p.read(".stub/calls") : "");
  const isQuestion = (call: string): boolean => /(^\w+|image|manifest) (inspect|exists)/.test(call);
  return {
    ...p,
    env,
    stubbed: (...argv) => p.btWith({ env }, ...argv),
    calls: () =>
      read()
        .split("\n")
        .filter((call) => call !== "" && !isQuestion(call)),
    forget: () => fs.rmSync(path.join(p.root, ".stub/calls"), { force: true }),
  };
}

/** The real buildah with a store of its own, which goes away with the project. */
export function ownBuildah(p: Project): string {
  return ownEngine(p, "buildah");
}

export function ownPodman(p: Project): string {
  return ownEngine(p, "podman");
}

function ownEngine(p: Project, name: string): string {
  const file = `.stub/real/${name}`;
  const store = `${p.root}/.stub/store`;
  const options = `--root ${store}/root --runroot ${store}/run --storage-driver vfs`;
  if (!p.exists(file)) p.write(file, `#!/bin/sh\nexec /usr/bin/${name} ${options} "$@"\n`);
  fs.chmodSync(path.join(p.root, file), 0o755);
  return path.join(p.root, file);
}

/** Commands that a dry run prints, without questions that change nothing. */
export function commandsOf({ stdout }: Result): readonly string[] {
  return stdout
    .split("\n")
    .flatMap((line) => (/^\s+\$ /.test(line) ? [line.replace(/^\s+\$ /, "")] : []))
    .filter((line) => !/ (image inspect|manifest inspect|manifest exists|inspect --type)/.test(line));
}
