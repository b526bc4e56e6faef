/** Publishes one version: the tag for its content first, proven in the registry, and its moving tags last. Does not know how it was built. */
import { findPlatform, isBtError } from "../../../core/index.ts";
import {
  closeClient,
  findImage,
  openClient,
  retag,
  type Client,
  type FoundImage,
  type RetagOptions,
} from "../../multiarch-manifest/index.ts";
import { buildx, platformsOf } from "./build.ts";
import { pushCommand, pushListCommand, tagCommand, type Argv } from "./commands.ts";
import { run, textOf } from "./engine.ts";
import { indexMissing, pushLost, pushRefused, pushSeveral } from "./errors.ts";
import { immutableTagOf } from "./inputs.ts";
import { tagsOf, type Family } from "./options.ts";
import type { Version } from "./table.ts";
import { isInsecure, refOf, repositoryOf, toolOf, type FamilyContext } from "./variables.ts";

/** What a version's publish has come to. */
export interface PublishedVersion {
  readonly version: string;
  readonly task: string;
  readonly status: "pushed" | "unchanged";
  readonly reason: string;
  readonly ref: string;
  readonly immutableRef?: string;
  /** Absent: a dry run. */
  readonly digest?: string;
  readonly platforms: readonly string[];
  readonly seconds: number;
}

/** How the registry is asked. */
interface Desk extends Pick<FamilyContext, "log"> {
  readonly client: Client;
}

/** Names of one version in the registry. */
interface Names {
  /** The engine's own name for the image or list. */
  readonly local: string;
  readonly moving: readonly string[];
  readonly immutable?: string;
}

/** One image, made on this machine for this machine. */
export async function push(context: FamilyContext, family: Family, version: Version): Promise<PublishedVersion> {
  const { params } = context;
  if (version.platforms.length > 1) throw pushSeveral(`${family.name}_${version.version}`, version.platforms);
  const tool = toolOf(params);
  return publish(context, family, version, async (names, ref) => {
    if (ref !== names.local) await run(context, tagCommand(tool, names.local, ref));
    await send(context, pushCommand(tool, ref, isInsecure(params)), ref);
  });
}

/** All platforms as one index. */
export async function pushMulti(context: FamilyContext, family: Family, version: Version): Promise<PublishedVersion> {
  const { params } = context;
  const tool = toolOf(params);
  if (tool.engine === "docker") return pushBuildx(context, family, version);
  return publish(context, family, version, async ({ local }, ref) =>
    send(context, pushListCommand(tool, { ref: local, to: ref }, isInsecure(params)), ref),
  );
}

/** docker builds and pushes in one step. */
async function pushBuildx(context: FamilyContext, family: Family, version: Version): Promise<PublishedVersion> {
  return publish(context, family, version, async (_, ref) =>
    buildx(context, family, { version, output: ["--push"], ref }),
  );
}

/** `sendTo` makes the registry have one name, the content's own where there is one; the others follow when that is proven. */
async function publish(
  context: FamilyContext,
  family: Family,
  version: Version,
  sendTo: (names: Names, ref: string) => Promise<void>,
): Promise<PublishedVersion> {
  const startedMs = Date.now();
  const names = namesOf(context, family, version);
  const { immutable, moving } = names;
  const platforms = platformsOf(context.params, version);
  const conclude = (
    status: PublishedVersion["status"],
    reason: string,
    digest: string | undefined,
  ): PublishedVersion => {
    const [ref = names.local] = moving;
    if (!context.isDryRun) context.log.info(`${ref}${digest === undefined ? "" : `@${digest}`} ${status}: ${reason}`);
    return {
      version: version.version,
      task: context.name,
      status,
      reason,
      ref,
      ...(immutable === undefined ? {} : { immutableRef: immutable }),
      ...(digest === undefined ? {} : { digest }),
      platforms,
      seconds: Math.round((Date.now() - startedMs) / 100) / 10,
    };
  };
  const [first = names.local, ...others] = [...(immutable === undefined ? [] : [immutable]), ...moving];
  if (context.isDryRun) {
    await sendTo(names, first);
    if (others.length > 0) context.log.info(`${others.join(", ")} would then be made the same as ${first}`);
    return conclude("pushed", "dry run", undefined);
  }
  const desk = await openDesk(context);
  const there = immutable === undefined ? undefined : await findWhole(desk, immutable, platforms);
  if (there !== undefined && (family.options.pushWhen ?? "changed") === "changed") {
    const stale = await findStale(desk, moving, there);
    if (stale.length === 0) return conclude("unchanged", "the registry has this content under all its tags", there);
    await move(context, desk, { digest: there, to: stale, beforeTags: context.publishing });
    return conclude("pushed", `${stale.join(", ")} did not name this content`, there);
  }
  await context.publishing([first, ...others]);
  const before = immutable === undefined ? await findDigest(desk, first) : undefined;
  try {
    await sendTo(names, first);
    const digest = await proveDigest(desk, first, platforms);
    await move(context, desk, { digest, to: others });
    return conclude("pushed", "its content is new", digest);
  } catch (error) {
    if (before !== undefined) await putBack(context, first, before); // A moving tag that the engine itself had to push.
    throw error;
  }
}

/** Moves tags, all of them or none. */
async function move(
  { params, defer }: FamilyContext,
  { client }: Desk,
  {
    digest,
    to,
    beforeTags,
  }: { readonly digest: string; readonly to: readonly string[] } & Pick<RetagOptions, "beforeTags">,
): Promise<void> {
  const moved = retag(`${repositoryOf(params)}@${digest}`, to, { client, ...(beforeTags && { beforeTags }) });
  defer(async () => moved.catch(() => undefined)); // An abort waits until the tags are moved or put back.
  await moved;
}

/** Also after an abort, which ends the desk's connections. */
async function putBack(context: FamilyContext, ref: string, digest: string): Promise<void> {
  const desk = await openDesk(context, new AbortController().signal);
  await move(context, desk, { digest, to: [ref] }).catch((error: unknown) => {
    context.log.warn(`${ref} could not be put back to ${digest}: ${textOf(error).split("\n")[0]}`);
  });
}

/** Its connections end with the task. */
async function openDesk(context: FamilyContext, signal: AbortSignal = context.signal): Promise<Desk> {
  const { params, env, defer, log } = context;
  const { registryAuthFile, registryInsecure } = params;
  const client = await openClient({
    env: { ...process.env, ...env },
    signal,
    ...(registryAuthFile === undefined ? {} : { authFile: registryAuthFile }),
    ...(registryInsecure === "1" ? { tlsVerify: false } : {}),
  });
  defer(async () => closeClient(client));
  return { log, client };
}

function namesOf({ root, params }: FamilyContext, family: Family, version: Version): Names {
  const repository = repositoryOf(params);
  const immutable = immutableTagOf(root, family, version);
  return {
    local: refOf(params, version.version),
    moving: tagsOf(family, version).map((tag) => `${repository}:${tag}`),
    ...(immutable === undefined ? {} : { immutable: `${repository}:${immutable}` }),
  };
}

/** Moving tags that name something else, or nothing. */
async function findStale(desk: Desk, moving: readonly string[], digest: string): Promise<readonly string[]> {
  const found = await Promise.all(moving.map((ref) => findDigest(desk, ref)));
  return moving.filter((_, at) => found[at] !== digest);
}

/** Undefined: the registry has nothing under this name, or cannot be asked; then the engine's push says why. */
async function findDigest({ log, client }: Desk, ref: string): Promise<string | undefined> {
  try {
    return (await findImage(ref, { client }))?.digest;
  } catch (error) {
    log.warn(`${ref} cannot be looked up: ${textOf(error).split("\n")[0]}`);
    return undefined;
  }
}

/** The digest of a name with every platform in it. Undefined: it has to be pushed. */
async function findWhole(
  { log, client }: Desk,
  ref: string,
  platforms: readonly string[],
): Promise<string | undefined> {
  try {
    const found = await findImage(ref, { client });
    if (found !== undefined) checkPlatforms(ref, found, platforms);
    return found?.digest;
  } catch (error) {
    log.warn(`${textOf(error).split("\n")[0]}: it is pushed again`);
    return undefined;
  }
}

/** The digest of what was just pushed, once every platform is in it. @throws BtError IMAGES_FAMILY_LOST, IMAGES_FAMILY_INDEX, REGISTRY_… */
async function proveDigest({ client }: Desk, ref: string, platforms: readonly string[]): Promise<string> {
  const found = await findImage(ref, { client });
  if (found === undefined) throw pushLost(ref);
  checkPlatforms(ref, found, platforms);
  return found.digest;
}

/** One platform is an image, several are an index with all of them. @throws BtError IMAGES_FAMILY_INDEX */
function checkPlatforms(ref: string, found: FoundImage, platforms: readonly string[]): void {
  const missing = platforms.filter((platform) => {
    const known = findPlatform(platform);
    return !found.platforms.includes(known === undefined ? platform : `linux/${known.arch}`);
  });
  if (platforms.length > 1 && (found.kind === "image" || missing.length > 0))
    throw indexMissing(ref, { platforms, found: found.platforms });
}

/** Pushes; buildah and podman try again by themselves, docker does not. */
async function send(context: FamilyContext, command: Argv, ref: string): Promise<void> {
  const tries = toolOf(context.params).engine === "docker" ? 3 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      await run(context, command);
      return;
    } catch (error) {
      const text = textOf(error);
      const isDenied = /\b(401|403)\b|unauthorized|forbidden|denied|no basic auth/i.test(text);
      const isPassing = /\b5\d\d\b|connection re(fused|set)|timeout|EOF|dial tcp|TLS handshake/i.test(text);
      if (isBtError(error) && error.code !== "COMMAND_FAILED") throw error;
      if (isDenied || !isPassing || attempt === tries) throw pushRefused(ref, lastLine(text), isDenied);
      context.log.warn(`Try ${attempt} of ${tries} failed: ${lastLine(text)}`);
    }
  }
}

/** What the registry or the engine said last. */
function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.findLast((line) => /error|status|denied|unauthorized/i.test(line)) ?? lines.at(-1) ?? "";
}
