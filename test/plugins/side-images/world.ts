/** A tree like MicroShift's: components with all kinds of methods, an upstream git repository, a release with a stub `oc`. */
import * as fs from "node:fs";
import * as path from "node:path";
import { project, type Project, type Result, type RunSettings } from "../../support/project.ts";
import { run } from "../../support/tool.ts";

/** Where the components are. */
export const components = "packaging/images/components/components";

/** What is different in this world. */
export interface WorldFacts {
  /** Options of sideImages() as source text, behind `dir`. */
  readonly options?: string;
  /** Files below the folder of components; undefined removes one. */
  readonly files?: Readonly<Record<string, string | undefined>>;
}

export interface World extends Project {
  /** bt with `bin` first in PATH, where stubs and counting wrappers are. */
  readonly side: (variables: Readonly<Record<string, string>>, ...argv: string[]) => Promise<Result>;
  readonly settings: (variables: Readonly<Record<string, string>>) => RunSettings;
  readonly component: (file: string, content: string) => void;
  /** Puts a program into `bin`. */
  readonly stub: (name: string, script: string) => void;
  /** Lines that stubs have written. */
  readonly calls: (name: string) => readonly string[];
  /** The index of a component, as `.bt/side-images/C.json` says it. */
  readonly index: (component: string) => IndexFile;
  /** The manifest and config of a cell. */
  readonly image: (
    component: string,
    suffix: string,
  ) => { readonly layers: readonly string[]; readonly config: Config };
}

interface IndexFile {
  readonly tag: string;
  readonly index: { readonly digest: string; readonly layout: string };
  readonly cells: Readonly<
    Record<
      string,
      {
        readonly platform: string;
        readonly imageId: string;
        readonly digest: string;
        readonly source?: { readonly repo: string; readonly commit: string; readonly version: string };
        readonly upstream?: { readonly ref: string; readonly digest: string };
        readonly parents?: readonly string[];
        readonly cached: boolean;
      }
    >
  >;
}

interface Config {
  readonly architecture: string;
  readonly variant?: string;
  readonly created?: string;
  readonly config?: { readonly Labels?: Readonly<Record<string, string>> };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

const parent = "ARG RELEASE_TAG\nARG REGISTRY\nFROM $REGISTRY/base-image:$RELEASE_TAG\n";

/** base-image for five architectures and coredns on top of it; no release, no network. */
export async function world({ options = "imageReferences: false", files = {} }: WorldFacts = {}): Promise<World> {
  const all: Record<string, string | undefined> = {
    ...Object.fromEntries(["amd64", "arm64", "arm", "ppc64le"].map((arch) => [`base-image/f-${arch}`, arch])),
    "base-image/f-riscv64": "riscv64",
    "base-image/Dockerfile": "FROM scratch\nARG TARGETARCH\nCOPY f-$TARGETARCH /f\n",
    "base-image/Dockerfile.riscv64": "FROM scratch\nCOPY f-riscv64 /f\nLABEL special=riscv64\n",
    "coredns/Dockerfile": `${parent}ARG TARGETARCH\nARG VERSION\nLABEL v=$VERSION\nCOPY bin/coredns-$TARGETARCH /usr/bin/coredns\n`,
    "coredns/build_binaries":
      '#!/bin/sh\nset -e\nmkdir -p bin\ncat src/README > "bin/coredns-$1"\necho "$1" >> "bin/coredns-$1"\n',
    ...files,
  };
  const p = await project({
    "pkg/release/release.go": 'package release\n\nvar Base = "4.10.18"\n',
    "builderfile.ts": builderfile(options),
  });
  for (const [file, content] of Object.entries(all))
    if (content !== undefined) p.write(`${components}/${file}`, content);
  for (const file of Object.keys(all).filter((name) => name.endsWith("/build_binaries") && all[name] !== undefined))
    fs.chmodSync(path.join(p.root, components, file), 0o755);
  if (fs.existsSync(path.join(p.root, components, "coredns/build_binaries"))) {
    const { repo, commit } = await upstream(p.root);
    p.write(`${components}/coredns/repo`, `${repo}\n`);
    p.write(`${components}/coredns/commit`, `${commit}\n`);
  }
  fs.mkdirSync(path.join(p.root, "bin"));
  const settings = (variables: Readonly<Record<string, string>>): RunSettings => ({
    env: { PATH: `${p.root}/bin:${process.env["PATH"] ?? ""}`, ...variables },
  });
  const readJson = (file: string): unknown => JSON.parse(p.read(file));
  const blob = (digest: string): unknown => readJson(`.bt/side-images/oci/blobs/${digest.replace(":", "/")}`);
  const index: World["index"] = (component) => readJson(`.bt/side-images/${component}.json`) as IndexFile;
  const w: World = {
    ...p,
    settings,
    side: (variables, ...argv) => p.btWith(settings(variables), ...argv),
    component: (file, content) => p.write(`${components}/${file}`, content),
    stub: (name, script) => {
      p.write(`bin/${name}`, script.replaceAll("$CALLS", `${p.root}/calls`));
      fs.chmodSync(path.join(p.root, "bin", name), 0o755);
    },
    calls: (name) =>
      p.exists(`calls/${name}`)
        ? p
            .read(`calls/${name}`)
            .split("\n")
            .filter((line) => line !== "")
        : [],
    index,
    image: (component, suffix) => {
      const cell = index(component).cells[suffix]!;
      const manifest = blob(cell.digest) as {
        readonly config: { readonly digest: string };
        readonly layers: readonly { readonly digest: string }[];
      };
      return { layers: manifest.layers.map(({ digest }) => digest), config: blob(manifest.config.digest) as Config };
    },
  };
  fs.mkdirSync(path.join(p.root, "calls"));
  // Nobody may ask for more rights than the caller has.
  w.stub("sudo", '#!/bin/sh\necho "$@" >> "$CALLS/sudo"\nexit 1\n');
  return w;
}

function builderfile(options: string): string {
  return `import { defineBuilder } from "builderfile";
import { sideImages } from "builderfile/plugins/side-images";
export default defineBuilder({ plugins: [sideImages({ dir: "packaging/images/components", ${options} })] });
`;
}

/** A repository with one commit and the tag v1.0. */
export async function upstream(
  root: string,
  name = "upstream",
): Promise<{ readonly repo: string; readonly commit: string }> {
  const repo = path.join(root, name);
  fs.mkdirSync(repo);
  fs.writeFileSync(path.join(repo, "README"), `${name}\n`);
  await git(repo, "init", "--quiet", "--initial-branch=main");
  await git(repo, "add", ".");
  await git(repo, "commit", "--quiet", "--message", "first");
  await git(repo, "tag", "v1.0");
  return { repo, commit: (await git(repo, "rev-parse", "HEAD")).trim() };
}

/** git with an identity and fixed dates. */
export async function git(dir: string, ...words: string[]): Promise<string> {
  const who = {
    GIT_AUTHOR_NAME: "baker",
    GIT_AUTHOR_EMAIL: "b@ker",
    GIT_COMMITTER_NAME: "baker",
    GIT_COMMITTER_EMAIL: "b@ker",
  };
  const when = { GIT_AUTHOR_DATE: "2022-08-31T00:00:00Z", GIT_COMMITTER_DATE: "2022-08-31T00:00:00Z" };
  return run("git", ["-C", dir, ...words], { ...who, ...when });
}

/** A wrapper that writes down how the real program is called. */
export function counting(program: string): string {
  return `#!/bin/sh\necho "$@" >> "$CALLS/${program}"\nPATH="\${PATH#*:}" exec ${program} "$@"\n`;
}

/** The references of a release, as `oc` prints them. */
export function references(
  entries: Readonly<Record<string, { image?: string; repo?: string | null; commit?: string | null }>>,
): string {
  const tags = Object.entries(entries).map(([name, { image, repo, commit }]) => ({
    name,
    ...(image !== undefined && { from: { kind: "DockerImage", name: image } }),
    annotations: {
      ...(repo !== undefined && { "io.openshift.build.source-location": repo }),
      ...(commit !== undefined && { "io.openshift.build.commit.id": commit }),
    },
  }));
  return JSON.stringify({ kind: "ImageStream", apiVersion: "image.openshift.io/v1", spec: { tags } });
}

/** A stand-in for OpenShift's client, which cannot run here: prints the file `oc.json`, or fails when there is none. */
export const oc =
  '#!/bin/sh\necho "$@" >> "$CALLS/oc"\nif [ -f "$CALLS/oc.json" ]; then cat "$CALLS/oc.json"; else echo "error: unauthorized" >&2; exit 1; fi\n';

/** The tasks that ran, without the plugin's prefix, sorted. */
export function made({ stdout }: Result): readonly string[] {
  return [...stdout.matchAll(/^[✔▸] side-images:(\S+)/gm)].map(([, id]) => id!).sort();
}
