/** Builds with docker's daemon: images go in and out as files, and what the daemon kept of the build is removed. Does not know where bases come from. */
import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ociPlatform, type ExecResult } from "../../core/index.ts";
import { tellFailure } from "./build-failure.ts";
import { readDockerArchive, writeDockerArchive } from "./docker-archive.ts";
import type { Base, Desk, EngineOptions, ExportedImage, PreparedBuild } from "./engine-request.ts";
import { generateDockerfile, pairFlags } from "./generate.ts";
import { allBases, nameBases } from "./prepared-build.ts";
import { stageContext } from "./staged-context.ts";

/** What the steps of one build share. */
interface Session {
  readonly program: string;
  readonly build: PreparedBuild;
  readonly desk: Desk;
  readonly options: EngineOptions;
  /** Names everything of this build: `bt.build=…`. */
  readonly mark: string;
  /** Tags of loaded images by ID. */
  readonly tags: ReadonlyMap<string, string>;
}

/** Builds; the blobs of the result are in the layout of the request. The classic builder, which takes images by ID. */
export async function buildWithDocker(
  program: string,
  build: PreparedBuild,
  { desk, options }: { readonly desk: Desk; readonly options: EngineOptions },
): Promise<ExportedImage> {
  const run = randomUUID();
  const tags = new Map(allBases(build).map(({ id }) => [id, `localhost/bt/${run}/${id}:latest`]));
  const session: Session = { program, build, desk, options, mark: `bt.build=${run}`, tags };
  // Here, and not at the end of this function: after a signal nothing can be started until the task has ended.
  let removed = false;
  desk.defer(() => (removed ? undefined : removeTraces(session)));
  const names = new Map<string, string>();
  for (const base of allBases(build)) names.set(base.id, await loadImage(session, base));
  const id = await runBuild(session, names);
  const file = join(build.folder, "built.tar");
  await docker(session, ["save", "--output", file, id]);
  await removeTraces(session);
  removed = true;
  return readDockerArchive(file, {
    into: build.request.into,
    bases: allBases(build),
    mark: session.mark,
    timestamp: build.timestamp,
    signal: desk.signal,
  });
}

/** How the Dockerfile calls the image: its ID, or the tag where docker has IDs of its own. */
async function loadImage(session: Session, base: Base): Promise<string> {
  const { build, tags } = session;
  const tag = tags.get(base.id)!; // Of all bases.
  const path = join(build.folder, `${base.id}.tar`);
  await writeDockerArchive(base, build.request.into, { path, tag });
  await docker(session, ["load", "--quiet", "--input", path]);
  const { stdout } = await docker(session, ["image", "inspect", "--format", "{{.Id}}", tag]);
  return stdout.trim() === `sha256:${base.id}` ? base.id : tag;
}

async function runBuild(session: Session, names: ReadonlyMap<string, string>): Promise<string> {
  const { build, options, mark } = session;
  const { plan, request, folder } = build;
  const file = join(folder, "Dockerfile");
  const idFile = join(folder, "id");
  await writeFile(file, generateDockerfile(plan, { ...nameBases(build, ({ id }) => names.get(id) ?? id), mark }));
  const words = [
    "build",
    ...["--platform", ociPlatform(request.platform), "--no-cache", "--force-rm", "--iidfile", idFile],
    ...pairFlags("--build-arg", build.args),
    ...pairFlags("--label", request.labels ?? {}),
    ...(options.extraArgs ?? []),
    ...["--file", file, await stageContext(build)],
  ];
  await tellFailure("docker", build, docker(session, words));
  return (await readFile(idFile, "utf8")).trim();
}

/** Containers and images of this build; images that others have a name for stay. */
async function removeTraces(session: Session): Promise<void> {
  const { mark, tags } = session;
  const list = async (words: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await docker(session, [...words, "--quiet", "--no-trunc", "--filter", `label=${mark}`], {
      show: false,
    });
    return [...new Set(stdout.split("\n").filter((id) => id !== ""))];
  };
  const containers = await list(["ps", "--all"]);
  if (containers.length > 0) await docker(session, ["rm", "--force", ...containers], { show: false });
  const images = await list(["images", "--all"]);
  // One that is gone with its child is no failure.
  const gone = { show: false, allowedCodes: [0, 1] };
  if (images.length > 0) await docker(session, ["rmi", "--force", ...images], gone);
  if (tags.size > 0) await docker(session, ["rmi", ...tags.values()], gone);
}

function docker(
  { program, desk }: Session,
  words: readonly string[],
  options: { readonly show?: boolean; readonly allowedCodes?: readonly number[] } = {},
): Promise<ExecResult> {
  return desk.exec(program, words, { env: { ...desk.env, DOCKER_BUILDKIT: "0" }, ...options });
}
