/** Builds with a builder of docker's buildx: images go in and out as layouts, nothing passes the daemon's store. Does not make builders. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ociPlatform } from "../../core/index.ts";
import { openLayout, readJson, readEntries, type Index, type Layout } from "../multiarch-manifest/index.ts";
import { tellFailure } from "./build-failure.ts";
import { resultUnreadable } from "./engine-errors.ts";
import type { Base, Desk, EngineOptions, ExportedImage, PreparedBuild } from "./engine-request.ts";
import { generateDockerfile, pairFlags } from "./generate.ts";
import { allBases, nameBases, writeBaseLayout } from "./prepared-build.ts";
import { retimeImage } from "./retimed-image.ts";
import { stageContext } from "./staged-context.ts";

/** Whether the current builder can write layouts: those of the daemon itself, with the driver `docker`, cannot. */
export async function hasOwnBuilder(program: string, desk: Desk): Promise<boolean> {
  const { stdout, exitCode } = await desk.exec(program, ["buildx", "inspect"], { show: false, allowedCodes: [0, 1] });
  const driver = /^Driver:\s*(\S+)/m.exec(stdout)?.[1];
  return exitCode === 0 && driver !== undefined && driver !== "docker";
}

/** Builds; the result is in a layout below the build's folder. */
export async function buildWithBuildx(
  program: string,
  build: PreparedBuild,
  { desk, options }: { readonly desk: Desk; readonly options: EngineOptions },
): Promise<ExportedImage> {
  const { request, plan, folder, timestamp } = build;
  const contexts: string[] = [];
  for (const base of allBases(build)) {
    const layout = await writeBaseLayout(base, request.into, join(folder, nameOf(base)));
    const [entry] = await readEntries(layout);
    contexts.push("--build-context", `${nameOf(base)}=oci-layout://${nameOf(base)}@${entry?.digest}`);
  }
  const file = join(folder, "Dockerfile");
  await writeFile(file, generateDockerfile(plan, nameBases(build, nameOf)));
  const words = [
    ...["buildx", "build", "--platform", ociPlatform(request.platform), "--no-cache", "--provenance=false"],
    ...["--output", "type=oci,tar=false,dest=built,compression=uncompressed"],
    ...contexts,
    ...pairFlags("--build-arg", { ...build.args, SOURCE_DATE_EPOCH: String(timestamp) }),
    ...pairFlags("--label", request.labels ?? {}),
    ...(options.extraArgs ?? []),
    ...["--file", file, await stageContext(build)],
  ];
  // In the build's folder: buildx ends the path of a layout at its first "@" or ":", and that of an output at its first ",".
  await tellFailure("docker", build, desk.exec(program, words, { cwd: folder }));
  const layout = await openLayout(join(folder, "built"));
  // Its own `rewrite-timestamp` would write the layers of bases anew as well.
  return retimeImage({ layout, digest: await findManifest(layout) }, build);
}

/** By this name the Dockerfile finds the layout that holds exactly this image. */
function nameOf({ id }: Base): string {
  return `bt-${id}`;
}

/** Some releases wrap the only image in an index. */
async function findManifest(layout: Layout): Promise<string> {
  const [entry] = await readEntries(layout);
  if (entry === undefined) throw resultUnreadable("docker", "there is nothing in it");
  if (!entry.mediaType.includes("index")) return entry.digest;
  const { manifests } = await readJson<Index>(layout, entry.digest);
  const images = manifests.filter(({ platform }) => platform?.architecture !== "unknown");
  if (images.length !== 1) throw resultUnreadable("docker", `it has ${images.length} images`);
  return images[0]!.digest;
}
