/** A git project with a builder in the layout of KubeVirt, and what a registry has afterwards. Knows nothing of bt but its program. */
import { join } from "node:path";
import {
  createLayout,
  mediaTypes,
  putEntries,
  writeBlob,
  type Descriptor,
} from "../../../plugins/multiarch-manifest/index.ts";
import { project, type Project } from "../../support/project.ts";
import { run } from "../../support/tool.ts";

/** Options of bazelBuilder(), as source text. */
export interface BakeryFacts {
  /** Inside `bazelBuilder({ … })`. */
  readonly options?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** Variants `cs9` and `cs10`, without RUN: they need no engine. */
export const variants = `variants: {
  cs9: { image: "builder", crossImage: "builder-cross", context: "hack/builder" },
  cs10: { image: "builder-cs10", crossImage: "builder-cs10-cross", context: "hack/builder", dockerfile: "hack/builder/Dockerfile.cs10" },
}`;

export const dockerized = `#!/usr/bin/env bash
set -e
kubevirt_builder_version="2608141129-076cf77860"
kubevirt_cs10_builder_version="2608171015-289ff4a084"

default_kubevirt_builder_image="quay.io/kubevirt/builder:\${kubevirt_builder_version}"
`;

/** A project with one commit. */
export async function bakery({ options = variants, files = {} }: BakeryFacts = {}): Promise<Project> {
  const p = await project({
    "builderfile.ts": `import { defineBuilder } from "builderfile";
import { bazelBuilder } from "builderfile/plugins/bazel-builder";
export default defineBuilder({ plugins: [bazelBuilder({ ${options} })] });
`,
    ".gitignore": "_out/\n.bt/\nbazel-*\n.config/\n.cache/\n",
    "hack/dockerized": dockerized,
    "hack/builder/Dockerfile":
      "FROM scratch\nARG ARCH\nARG BAZEL_ARCH\nCOPY oven /oven\nLABEL for=$ARCH bazel=$BAZEL_ARCH\n",
    "hack/builder/Dockerfile.cs10": "FROM scratch\nCOPY oven /oven10\n",
    "hack/builder/Dockerfile.cross-compile": 'ARG BUILDER_IMAGE\nFROM "${BUILDER_IMAGE}"\nCOPY oven /cross\n',
    "hack/builder/oven": "hot\n",
    "manifests/oven.yaml.in": "kind: Oven\n",
    ...files,
  });
  await commit(p);
  return p;
}

/** Commits all there is. */
export async function commit(p: Project): Promise<void> {
  const git = (...words: string[]): Promise<string> =>
    run("git", ["-C", p.root, "-c", "user.name=baker", "-c", "user.email=baker@example.org", ...words], {
      HOME: p.root,
    });
  await git("init", "--quiet");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "Bake");
}

/** What git sees as changed. */
export async function changedFiles(p: Project): Promise<string> {
  return run("git", ["-C", p.root, "status", "--porcelain"], { HOME: p.root });
}

/** The record of a variant. */
export function recordOf(p: Project, variant = "cs9"): Recorded {
  return JSON.parse(p.read(`_out/builder/${variant}/builder.json`)) as Recorded;
}

export interface Recorded {
  readonly version: string;
  readonly source: { readonly commit: string; readonly dirty: boolean };
  readonly arches: readonly { readonly arch: string; readonly digest?: string; readonly status: string }[];
  readonly cross: { readonly digest?: string; readonly status: string; readonly reason?: string };
  readonly index: { readonly ref: string; readonly digest?: string; readonly status: string };
}

/** Platform to digest, of an index in a registry, as skopeo sees it. */
export async function indexOf(reference: string): Promise<Readonly<Record<string, string>>> {
  const text = await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${reference}`]);
  const { manifests } = JSON.parse(text) as {
    manifests: readonly { digest: string; platform: { architecture: string } }[];
  };
  return Object.fromEntries(manifests.map(({ digest, platform }) => [platform.architecture, digest]));
}

/** The config of an image, as skopeo sees it. */
export async function configOf(reference: string): Promise<{
  readonly architecture: string;
  readonly config: { readonly Labels?: Readonly<Record<string, string>> };
}> {
  const text = await run("skopeo", ["inspect", "--config", "--tls-verify=false", `docker://${reference}`]);
  return JSON.parse(text) as Awaited<ReturnType<typeof configOf>>;
}

/** Tags of a repository, sorted. */
export async function tagsOf(host: string, repository: string): Promise<readonly string[]> {
  const answer = await fetch(`http://${host}/v2/${repository}/tags/list`);
  return (((await answer.json()) as { tags?: string[] | null }).tags ?? []).sort();
}

/** Pushes a small image for one architecture, made without an engine. */
export async function pushImage(reference: string, arch: string, dir: string): Promise<void> {
  const layout = await layoutImage(arch, dir);
  await run("skopeo", ["copy", "--quiet", "--dest-tls-verify=false", `oci:${layout}:image`, `docker://${reference}`]);
}

/** A small image, called `image`, in the new layout `DIR/image-ARCH`. */
export async function layoutImage(arch: string, dir: string): Promise<string> {
  const layout = join(dir, `image-${arch}`);
  const into = await createLayout(layout);
  const put = async (value: object, mediaType: string): Promise<Descriptor> => {
    const { digest, size } = await writeBlob(into, Buffer.from(JSON.stringify(value)));
    return { mediaType, digest, size };
  };
  const rootfs = { type: "layers", diff_ids: [] };
  const { config: configType, manifest: mediaType } = mediaTypes.oci;
  const config = await put({ architecture: arch, os: "linux", rootfs, config: {} }, configType);
  const manifest = await put({ schemaVersion: 2, mediaType, config, layers: [] }, mediaType);
  await putEntries(into, [{ ...manifest, annotations: { "org.opencontainers.image.ref.name": "image" } }]);
  return layout;
}
