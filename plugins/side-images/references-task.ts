/** Has the references of the release, and checks what the cells of the run ask of them. The only place that starts `oc`. */
import { isBtError, parsePlatform, type Arch, type Versions } from "../../core/index.ts";
import type { ImageCell } from "./cell.ts";
import { sourceIncomplete } from "./errors.ts";
import { throwMistakes } from "./mistakes.ts";
import { resolveExternal, withClient } from "./external.ts";
import {
  findReferences,
  findValidReferences,
  parseReferences,
  writeReferences,
  type ReferenceSource,
  type References,
  type ReleaseImage,
} from "./references.ts";
import { pendingTag } from "./release-tag.ts";
import { planOf, type SideContext, type Site } from "./role.ts";
import { lastLines, runUserCommand } from "./user-command.ts";
import { referencesFailed, referencesOffline, releaseEntryMissing } from "./value-errors.ts";

/** References by the architecture whose images they name. */
export type ReferencesByArch = Readonly<Record<string, References>>;

/** Whose repositories and commits count where there are several releases. */
export function sourcesOf(references: ReferencesByArch): References {
  return references["amd64"] ?? Object.values(references)[0] ?? {};
}

/** Where the tags of the releases point now: the references that are kept may be those of an older one. */
export async function findReleaseDigests(site: Site): Promise<Versions> {
  const { references, root, values } = planOf(site);
  if (references.kind !== "releases" || values.offline) return {};
  const releases = references.releases.filter(({ reference }) => !reference.includes(pendingTag));
  // One try is enough: a registry that does not answer is no reason to ask for the release again.
  return withClient(site, { root, backoffMs: 0 }, async (client) => {
    const digests = releases.map(async ({ reference }) => {
      const found = await resolveExternal(site, reference, { client }).catch(() => undefined);
      return [reference, found?.digest] as const;
    });
    return Object.fromEntries(await Promise.all(digests));
  });
}

/** Whether all files of references are there and valid. */
export async function hasReferences(root: string, site: Site): Promise<boolean> {
  const { references } = planOf(site);
  if (references.kind !== "releases") return references.kind === "none";
  const found = await Promise.all(references.releases.map(({ cacheFile }) => findValidReferences(root, cacheFile)));
  return found.every((one) => one !== undefined);
}

/** What is on disk, for a plan that starts nothing. Undefined: nothing is. */
export async function findCached(root: string, source: ReferenceSource): Promise<ReferencesByArch | undefined> {
  if (source.kind === "none") return undefined;
  if (source.kind === "file") return { amd64: (await findReferences(root, source.file)) ?? {} };
  const found = await Promise.all(
    source.releases.map(async ({ arch, cacheFile }) => [arch, await findValidReferences(root, cacheFile)] as const),
  );
  if (found.every(([, references]) => references !== undefined)) return Object.fromEntries(found) as ReferencesByArch;
  const old = source.releases.length === 1 ? await findValidReferences(root, source.oldFile) : undefined;
  return old === undefined ? undefined : { [source.releases[0]!.arch]: old };
}

/** @throws BtError SIDE_IMAGES_REFERENCES_…, SIDE_IMAGES_RELEASE_ENTRY, SIDE_IMAGES_SOURCE_INCOMPLETE */
export async function takeReferences(context: SideContext, site: Site): Promise<ReferencesByArch> {
  const { references: source } = planOf(site);
  const references = await collect(context, site, source);
  if (context.isDryRun) return references;
  throwMistakes(findReleaseMistakes(site, references, source));
  return references;
}

/** What the cells of the run ask of the release and it does not have. */
function findReleaseMistakes(site: Site, references: ReferencesByArch, source: ReferenceSource): readonly unknown[] {
  const mistakes: unknown[] = [];
  for (const cell of site.cells.values()) {
    try {
      if (cell.kind === "image") findReleaseImage(cell, references, source);
      else if (cell.needsTree) checkEntry(cell.component, sourcesOf(references));
    } catch (error) {
      if (!isBtError(error)) throw error;
      mistakes.push(error);
    }
  }
  return mistakes;
}

/** The same for references that are a file of the project or for none: before anything runs. */
export async function findEarlyMistakes(site: Site): Promise<readonly unknown[]> {
  const { references: source, root } = planOf(site);
  if (source.kind === "releases") return [];
  try {
    return findReleaseMistakes(site, source.kind === "none" ? {} : await readFileReferences(root, source.file), source);
  } catch (error) {
    return [error];
  }
}

async function readFileReferences(root: string, file: string): Promise<ReferencesByArch> {
  const found = await findReferences(root, file);
  if (found === undefined) throw referencesFailed(`read ${file}`, "finds no such file", []);
  return { amd64: found };
}

/** The release's image of a cell. @throws BtError SIDE_IMAGES_RELEASE_ENTRY */
export function findReleaseImage(
  { source, component, arch }: ImageCell,
  references: ReferencesByArch,
  from: ReferenceSource,
): string | undefined {
  if (source.kind === "reference") return source.reference;
  const wanted: Arch = source.arch ?? arch;
  const entries = references[wanted];
  const image = entries?.[component]?.image;
  if (image !== undefined) return image;
  const known = Object.entries(entries ?? {}).flatMap(([name, entry]) => (entry.image === undefined ? [] : [name]));
  const { goarch } = parsePlatform(wanted);
  const release = from.kind === "none" ? "`imageReferences: false`" : `the release for ${goarch}`;
  throw releaseEntryMissing(source.value, component, source.at, { release, known });
}

function checkEntry(component: string, references: References): void {
  const { repo, commit } = references[component] ?? {};
  const at = { where: `release reference "${component}"` };
  if (repo !== undefined && commit === undefined) throw sourceIncomplete(component, "repo", at);
}

async function collect(context: SideContext, site: Site, source: ReferenceSource): Promise<ReferencesByArch> {
  const { root } = context;
  if (source.kind === "none") return {};
  if (source.kind === "file") return readFileReferences(root, source.file);
  const found: Record<string, References> = {};
  for (const release of source.releases)
    found[release.arch] = (await findOld(context, source)) ?? (await take(context, site, release));
  return found;
}

/** What build.sh has left beside the components, where it is valid. */
async function findOld(
  { root, log }: SideContext,
  { releases, oldFile }: Extract<ReferenceSource, { kind: "releases" }>,
): Promise<References | undefined> {
  if (releases.length !== 1) return undefined;
  return findValidReferences(root, oldFile, (error) => log.warn(`${oldFile} is not used: ${error.message}`));
}

async function take(
  context: SideContext,
  site: Site,
  { command, reference, cacheFile }: ReleaseImage,
): Promise<References> {
  const { root, exec, isDryRun } = context;
  if (isDryRun) {
    const [program = "", ...words] = command;
    await exec(program, words);
    return {};
  }
  if (planOf(site).values.offline) {
    const cached = await findValidReferences(root, cacheFile);
    if (cached === undefined) throw referencesOffline(reference);
    return cached;
  }
  const purpose = { what: `it reads the references of ${reference}`, install: "openshift-clients" };
  const { exitCode, stdout, stderr } = await runUserCommand(context, command, purpose);
  if (exitCode !== 0)
    throw referencesFailed(command.join(" "), `ends with ${exitCode}`, lastLines(`${stdout}\n${stderr}`));
  const found = parseReferences(stdout, `of ${reference}`);
  writeReferences(root, cacheFile, stdout);
  return found;
}
