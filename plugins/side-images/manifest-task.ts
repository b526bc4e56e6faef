/** Assembles the index of a component from its cells, and writes down what it is made of. Sends nothing. */
import { join } from "node:path";
import { replaceFile } from "../../core/index.ts";
import {
  assemble,
  createLayout,
  openLayout,
  putEntries,
  readEntries,
  findBlobSize,
  type Assembled,
} from "../multiarch-manifest/index.ts";
import { suffixOf } from "./arch.ts";
import { places, planOf, type SideContext, type Site } from "./role.ts";
import type { SideImage, SideIndex } from "./result.ts";
import { isWhole } from "./whole.ts";

/** What a publish needs to assemble the same again. */
export interface IndexResult {
  readonly component: string;
  readonly digest: string;
  readonly size: number;
  readonly layout: string;
  /** In the order of the index. */
  readonly images: readonly SideImage[];
}

const refName = "org.opencontainers.image.ref.name";

/** Layout of a component's index, relative to the root. */
export function layoutOf(component: string): string {
  return join(places.home, component);
}

/** The index in its layout, and `.bt/side-images/C.json`. */
export async function assembleIndex(
  context: SideContext,
  site: Site,
  component: string,
): Promise<IndexResult | undefined> {
  const { root, log, needs } = context;
  const plan = planOf(site);
  if (context.isDryRun) {
    log.info(
      `[${component}] index of ${plan.arches.map((arch) => suffixOf(arch)).join(" ")} in ${layoutOf(component)}`,
    );
    return undefined;
  }
  const images = plan.arches.flatMap((arch) => (needs[suffixOf(arch)] as SideImage | undefined) ?? []); // The results of the cells.
  const index = await assembleImages(context, site, { component, images });
  await putEntries(index.layout, [{ ...index.descriptor, annotations: { [refName]: plan.tag } }]);
  for (const warning of [...index.warnings, ...compareVersions(component, images)]) log.warn(warning);
  const { digest, size } = index.descriptor;
  await describe(root, site, { component, digest, images });
  log.info(`[${component}] ${plan.values.destRegistry}/${component}:${plan.tag}  ${digest}`);
  return { component, digest, size, layout: layoutOf(component), images };
}

/** The same images give the same index. */
export async function assembleImages(
  { root }: Pick<SideContext, "root">,
  site: Site,
  { component, images }: { readonly component: string; readonly images: readonly SideImage[] },
): Promise<Assembled> {
  const plan = planOf(site);
  const entries = await Promise.all(
    images.map(async ({ platform, layout, digest, upstream }) => ({
      platform,
      layout: await openLayout(join(root, layout)),
      digest,
      ...(upstream && { upstream }),
    })),
  );
  return assemble(
    {
      name: component,
      entries,
      requirePlatforms: plan.arches,
      allowMissing: plan.values.allowMissing,
      format: plan.values.format,
      allowSharedDigest: false,
    },
    await createLayout(join(root, layoutOf(component))),
  );
}

/** Writes `.bt/side-images/C.json`: what the index is made of in this run. */
export async function describe(
  root: string,
  site: Site,
  { component, digest, images }: Pick<IndexResult, "component" | "digest" | "images">,
): Promise<void> {
  const cells = images.map((image): [string, SideIndex["cells"][string]] => {
    const { platform, imageId, method, file, parents, source, upstream, cell } = image;
    const own = { platform, imageId, digest: image.digest, method, file };
    const facts = { ...(parents && { parents }), ...(source && { source }), ...(upstream && { upstream }) };
    return [cell.slice(component.length + 1), { ...own, ...facts, cached: !site.made.has(cell) }];
  });
  writeIndex(root, {
    schema: 1,
    component,
    tag: planOf(site).tag,
    index: { digest, layout: layoutOf(component) },
    cells: Object.fromEntries(cells),
  });
}

function writeIndex(root: string, index: SideIndex): void {
  replaceFile(join(root, places.home, `${index.component}.json`), `${JSON.stringify(index, undefined, 2)}\n`);
}

/** A sentence when cells of one index have different versions that are known: of sources, and tags of references. */
function compareVersions(component: string, images: readonly SideImage[]): readonly string[] {
  const versions = images.flatMap(({ cell, source, upstream }) => {
    const version = source?.version ?? /:(v?\d[\w.-]*)$/.exec(upstream?.ref ?? "")?.[1];
    return version === undefined ? [] : [{ cell, version }];
  });
  if (new Set(versions.map(({ version }) => version.replace(/^v/, ""))).size < 2) return [];
  const list = versions.map(({ cell, version }) => `${cell} ${version}`).join(", ");
  return [`${component} has different versions in one index: ${list}`];
}

/** Whether the layout still has the index, and every image of it is whole. */
export async function isAssembled({ root, previous }: SideContext): Promise<boolean> {
  const { layout: dir, digest, size, images } = previous as IndexResult; // Its own last result.
  try {
    const layout = await openLayout(join(root, dir));
    const entries = await readEntries(layout);
    if (!entries.some((entry) => entry.digest === digest) || (await findBlobSize(layout, digest)) !== size)
      return false;
    const whole = images.map(async (image) => isWhole(await openLayout(join(root, image.layout)), image.digest));
    return (await Promise.all(whole)).every(Boolean);
  } catch {
    return false;
  }
}
