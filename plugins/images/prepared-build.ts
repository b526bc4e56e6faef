/** Makes a build ready for an engine: images by digest, a folder of its own, the files it reads. Does not start engines. */
import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { findPresence, hostPlatform, processName, type Place } from "../../core/index.ts";
import {
  blobPath,
  createLayout,
  mediaTypes,
  putEntries,
  readBlob,
  readJson,
  writeBlob,
  type Descriptor,
  type Layout,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { loadBase, resolveAt } from "./base.ts";
import { loadDockerfile } from "./dockerfile-file.ts";
import { buildImage, type BuildRequest } from "./embedded.ts";
import { chooseEmulation } from "./emulation.ts";
import type { EngineName } from "./engine-name.ts";
import type { Base, Desk, EngineOptions, PreparedBuild } from "./engine-request.ts";
import { findArgs, findCommandPlatforms, findHeredocs, type Names } from "./generate.ts";
import { planBuild, type BuildPlan } from "./plan.ts";

/** Runs `work` with a prepared build; what it needed is gone afterwards, whatever happens. */
export async function withPreparedBuild<T>(
  engine: EngineName,
  given: BuildRequest,
  { desk, options, work }: { desk: Desk; options: EngineOptions; work: (build: PreparedBuild) => Promise<T> },
): Promise<T> {
  const { args = {}, platform, timestamp = 0, target } = given;
  const dockerfile = await loadDockerfile(given.dockerfile, given.cwd);
  const request = { ...given, dockerfile: resolve(given.dockerfile), context: resolve(given.context) };
  const buildPlatform = hostPlatform().arch;
  const plan = planBuild(dockerfile, { args, platform, buildPlatform, ...(target === undefined ? {} : { target }) });
  const heredocs = findHeredocs(plan);
  const emulation = await chooseEmulation(findCommandPlatforms(plan), options.emulation ?? "auto", engine);
  const storeDir = options.storeDir ?? join(desk.root, ".bt", "images");
  const folder = await createWorkFolder(storeDir);
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 3 });
  // Once more at the task's end: after a signal the engine may still be writing now.
  desk.defer(remove);
  try {
    const bases = await resolveBases(plan, request);
    const prepared = { request, plan, bases, args: findArgs(plan), timestamp, folder, storeDir, emulation };
    if (heredocs.length === 0) return await work(prepared);
    return await work({ ...prepared, heredocs: await writeHeredocs(plan, request, join(folder, "heredocs")) });
  } finally {
    // Whatever could not be removed now is removed at the task's end.
    await remove().catch(() => undefined);
  }
}

/** All images that the build reads, those of heredocs too. */
export function allBases({ bases, heredocs }: PreparedBuild): readonly Base[] {
  return heredocs === undefined ? bases : [...bases, heredocs];
}

/** How the generated Dockerfile calls the images. */
export function nameBases(build: PreparedBuild, nameOf: (base: Base) => string): Names {
  const { bases, heredocs } = build;
  return {
    nameOf: (reference, platform) =>
      nameOf(bases.find((base) => base.reference === reference && base.platform === platform)!), // All were resolved.
    ...(heredocs === undefined ? {} : { heredocs: nameOf(heredocs) }),
  };
}

/** A layout with this image alone, called `image`; its blobs are links to those of `from`. */
export async function writeBaseLayout(base: Base, from: Layout, dir: string): Promise<Layout> {
  const layout = await createLayout(dir);
  const { layers } = base.image;
  const config = { mediaType: mediaTypes.oci.config, digest: `sha256:${base.id}`, size: 0 };
  const size = (await readBlob(from, config.digest)).length;
  for (const digest of new Set([config.digest, ...layers.map((layer) => layer.digest)]))
    await linkFile(blobPath(from, digest), blobPath(layout, digest));
  const mediaType = mediaTypes.oci.manifest;
  const manifest: Manifest = { schemaVersion: 2, mediaType, config: { ...config, size }, layers };
  const written = await writeBlob(layout, Buffer.from(JSON.stringify(manifest)));
  await putEntries(layout, [{ mediaType, ...written, annotations: { "org.opencontainers.image.ref.name": "image" } }]);
  return layout;
}

/** The rules for the context with what bt keeps left out, as one file. */
export async function writeIgnoreFile({ request, folder }: PreparedBuild): Promise<string> {
  const { dockerfile, context } = request;
  const names = [".containerignore", ".dockerignore"];
  const candidates = [...names.map((name) => `${dockerfile}${name}`), ...names.map((name) => join(context, name))];
  let text = "";
  for (const candidate of candidates) {
    const found = await readFile(candidate, "utf8").catch(() => undefined);
    if (found === undefined) continue;
    text = `${found}\n`;
    break;
  }
  const file = join(folder, "ignore");
  await writeFile(file, `${text}.bt\n**/.bt\n`);
  return file;
}

/** One file under two names; a copy between file systems. */
export async function linkFile(from: string, to: string): Promise<void> {
  await link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") return copyFile(from, to);
    return undefined;
  });
}

/** Called after its process, so that those of killed ones can be found. */
async function createWorkFolder(storeDir: string): Promise<string> {
  const parent = join(storeDir, "work");
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent)) {
    if (findPresence(name.replace(/@.*/, "")) === "gone")
      await rm(join(parent, name), { recursive: true, force: true });
  }
  const folder = join(parent, `${processName()}@${randomUUID()}`);
  await mkdir(folder);
  return folder;
}

async function resolveBases(plan: BuildPlan, request: BuildRequest): Promise<readonly Base[]> {
  const bases = new Map<string, Base>();
  for (const { stage, base, platform, sources } of plan.stages) {
    const wanted = [
      { origins: [base], at: stage.from.at },
      ...[...sources].map(([{ at }, origins]) => ({ origins, at })),
    ];
    for (const { origins, at } of wanted)
      for (const origin of origins) {
        if (origin.kind !== "image" || bases.has(`${platform} ${origin.reference}`)) continue;
        const { reference } = origin;
        const descriptor = await resolveAt(request, reference, { platform, at });
        bases.set(`${platform} ${reference}`, await openBase(request.into, descriptor, { reference, platform, at }));
      }
  }
  return [...bases.values()];
}

async function openBase(
  layout: Layout,
  descriptor: Pick<Descriptor, "mediaType" | "digest" | "size">,
  expected: Pick<Base, "reference" | "platform"> & { readonly at: Place },
): Promise<Base> {
  const image = await loadBase(layout, descriptor, expected);
  const manifest = await readJson<Manifest>(layout, descriptor.digest);
  const { reference, platform } = expected;
  return { reference, platform, id: manifest.config.digest.slice("sha256:".length), image };
}

/** The files of heredocs as an image of their own, which every engine can copy from. */
async function writeHeredocs(plan: BuildPlan, request: BuildRequest, dir: string): Promise<Base> {
  for (const { copy, folder } of findHeredocs(plan)) {
    await mkdir(join(dir, folder), { recursive: true });
    for (const { name, content } of copy.heredocs) await writeFile(join(dir, folder, name), content, { mode: 0o644 });
  }
  const dockerfile = `${dir}.Dockerfile`;
  await writeFile(dockerfile, "FROM scratch\nCOPY . /\n");
  const { into, platform, resolveBase, timestamp = 0 } = request;
  const built = await buildImage({ dockerfile, context: dir, platform, timestamp, into, resolveBase });
  return openBase(into, built, { reference: "heredocs", platform, at: { where: request.dockerfile } });
}
