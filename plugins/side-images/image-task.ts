/** Makes the image of one cell: taken from a registry, or built with its parents by ID. Does not assemble or publish. */
import { join, resolve } from "node:path";
import { isBtError, ociPlatform, type Arch, type Context } from "../../core/index.ts";
import { buildWithEngine, chooseEngine, describeBuild, type BuiltImage } from "../images/index.ts";
import { createLayout, openLayout, type Descriptor, type Layout } from "../multiarch-manifest/index.ts";
import { findArch } from "./arch.ts";
import { type Cell, type DockerfileCell, type ImageCell } from "./cell.ts";
import { fetchExternal, resolveExternal, withClient } from "./external.ts";
import { checkBase, normalize } from "./normalize.ts";
import { findReleaseImage, type ReferencesByArch } from "./references-task.ts";
import type { FetchedSource, SideImage, TreeResult } from "./result.ts";
import { parentName, places, planOf, type SideContext, type Site } from "./role.ts";
import { copyOwnFiles, treeFolder } from "./tree.ts";
import { engineImpossible } from "./value-errors.ts";
import { emulationMode } from "./values.ts";
import { verifyImage } from "./verify.ts";
import { isWhole } from "./whole.ts";

/** The image of a cell in the plugin's store. */
export async function makeImage(context: SideContext, site: Site, component: string): Promise<SideImage | undefined> {
  const { root, log } = context;
  const cell = (await planOf(site).cell(component, findArch(context.cell["arch"] ?? "") as Arch))!; // The graph tap has planned it.
  if (context.isDryRun) return sayCell(context, site, cell);
  const done = await site.slots!.take(context.signal);
  try {
    const into = await createLayout(join(root, places.store));
    const made =
      cell.kind === "image"
        ? await takeImage(context, site, { cell, into })
        : await build(context, site, { cell, into });
    await verifyImage(site, cell, { into, image: made, dir: await context.tempDir() });
    const { digest, imageId } = made;
    log.info(`[${cell.id}] ${digest}`);
    site.made.add(cell.id);
    return {
      platform: ociPlatform(cell.arch),
      digest,
      imageId,
      mediaType: made.mediaType,
      size: made.size,
      layout: places.store,
      cell: cell.id,
      method: cell.kind,
      file: cell.file,
      ...made.facts,
    };
  } finally {
    done();
  }
}

/** An image in the store, and what is known of it. */
type Made = Descriptor & {
  readonly imageId: string;
  readonly facts: Pick<SideImage, "parents" | "source" | "upstream" | "bases" | "was">;
};

async function takeImage(
  { root, log, needs, settings, signal }: SideContext,
  site: Site,
  { cell, into }: { readonly cell: ImageCell; readonly into: Layout },
): Promise<Made> {
  const plan = planOf(site);
  const references = (needs["references"] ?? {}) as ReferencesByArch; // The result of the references task.
  const reference = findReleaseImage(cell, references, plan.references)!; // Of a release it throws when there is none.
  const rewrites = plan.options.overrides?.[cell.component]?.rewriteConfig ?? [];
  const anyPlatform = rewrites.some((name) => findArch(name) === cell.arch);
  return withClient(site, { root, signal }, async (client) => {
    const mirrors = settings.mirrors === undefined ? {} : { mirrors: settings.mirrors };
    const external = await resolveExternal(site, reference, { client, platform: cell.arch, ...mirrors });
    const onWarning = (sentence: string): void => log.warn(`[${cell.id}] ${sentence}`);
    const fetched = await fetchExternal(site, external, into, { client, platform: cell.arch, anyPlatform, onWarning });
    const { image, found } = await normalize(into, fetched, cell.arch);
    if (found !== undefined) log.info(`[${cell.id}] ${found} is written as ${ociPlatform(cell.arch)}`);
    return {
      ...image,
      facts: { upstream: { ref: external.name, digest: external.digest }, ...(found !== undefined && { was: found }) },
    };
  });
}

async function build(
  context: SideContext,
  site: Site,
  { cell, into }: { readonly cell: DockerfileCell; readonly into: Layout },
): Promise<Made> {
  const { root, needs, settings, log, signal } = context;
  const { values, options } = planOf(site);
  const tree = needs["binaries"] as TreeResult | undefined; // The result of the cell's own work tree.
  const { source } = (needs["source"] ?? {}) as FetchedSource; // The result of the source task.
  const own = join(options.dir, "components", cell.component);
  if (tree !== undefined) await copyOwnFiles(join(root, own), join(root, tree.folder));
  const engine = await chooseEngine({ engine: values.engine, runs: cell.runs }, context.env, settings).catch(
    (error: unknown) => {
      throw isBtError(error) ? engineImpossible(listEngineCells(site), error) : error;
    },
  );
  if (engine.name !== "embedded")
    log.info(`[${cell.id}] ${engine.name} ${engine.version ?? ""} builds: ${engine.reason}`);
  const bases: Record<string, string> = {};
  const registriesConf = values.registriesConf ?? options.registriesConf;
  const built = await withClient(site, { root, signal }, (client) =>
    buildWithEngine(
      engine,
      {
        dockerfile: resolve(root, cell.file),
        context: resolve(root, tree?.folder ?? own),
        platform: cell.arch,
        args: { VERSION: source?.version ?? "", ...cell.args },
        timestamp: values.sourceDateEpoch ?? 0,
        into,
        cwd: root,
        signal,
        resolveBase: async (reference, platform) => {
          const link = cell.parents.find((one) => one.reference === reference && one.arch === platform);
          const parent = link && (needs[parentName(link)] as SideImage | undefined); // The result of another cell.
          if (parent !== undefined) {
            bases[reference] = parent.digest;
            return { mediaType: parent.mediaType, digest: parent.digest, size: parent.size };
          }
          const mirrors = settings.mirrors === undefined ? {} : { mirrors: settings.mirrors };
          const external = await resolveExternal(site, reference, { client, platform, ...mirrors });
          bases[external.name] = external.digest;
          const fetched = await fetchExternal(site, external, into, { client, platform });
          return (await normalize(into, fetched, platform)).image;
        },
      },
      {
        desk: context as unknown as Context, // Engines use what both have.
        emulation: emulationMode(values.emulation),
        storeDir: resolve(root, options.graphRoot ?? places.engine),
        ...(options.isolation && { isolation: options.isolation }),
        ...(registriesConf !== undefined && { registriesConf: resolve(root, registriesConf) }),
      },
    ),
  );
  const parents = cell.parents.flatMap((link) => (needs[parentName(link)] as SideImage | undefined) ?? []);
  await checkBase(into, cell, { image: built, parents });
  const facts = {
    ...(parents.length > 0 && { parents: parents.map((parent) => parent.cell) }),
    ...(source && { source }),
    ...(Object.keys(bases).length > 0 && { bases }),
  };
  return { ...toDescriptor(built), imageId: built.id, facts };
}

/** Cells of the run that bt does not build itself. */
function listEngineCells(site: Site): readonly string[] {
  const { engine } = planOf(site).values;
  const isBuilt = (cell: Cell): boolean => cell.kind === "dockerfile" && (cell.runs || engine !== undefined);
  return [...site.cells.values()]
    .filter(isBuilt)
    .map(({ id }) => id)
    .sort();
}

function toDescriptor({ mediaType, digest, size }: BuiltImage): Descriptor {
  return { mediaType, digest, size };
}

/** Whether the image of the last success is still whole. */
export async function isMade({ root, previous }: SideContext): Promise<boolean> {
  const { layout: dir, digest } = previous as SideImage; // Its own last result.
  const layout = await openLayout(join(root, dir)).catch(() => undefined);
  return layout !== undefined && (await isWhole(layout, digest));
}

/** What would be fetched or started. */
async function sayCell(context: SideContext, site: Site, cell: Cell): Promise<undefined> {
  const { root, log } = context;
  if (cell.kind === "image") {
    const { source } = cell;
    log.info(
      `[${cell.id}] fetch ${source.kind === "reference" ? source.reference : source.value} for ${ociPlatform(cell.arch)}`,
    );
    return undefined;
  }
  const { values, options } = planOf(site);
  const folder = cell.needsTree ? treeFolder(cell) : join(options.dir, "components", cell.component);
  await describeBuild(
    context as unknown as Context, // It uses what both have.
    { engine: values.engine, runs: cell.runs },
    {
      dockerfile: resolve(root, cell.file),
      context: resolve(root, folder),
      platform: cell.arch,
      args: { VERSION: cell.needsTree ? "<version of the source>" : "", ...cell.args },
      timestamp: values.sourceDateEpoch ?? 0,
      isolation: options.isolation,
      tellBase: (reference, arch) => {
        const parent = cell.parents.find((one) => one.reference === reference && one.arch === arch);
        return parent === undefined
          ? `${reference}@<digest for ${arch}>`
          : `the image of this run of ${parent.component} for ${arch}`;
      },
    },
  );
  return undefined;
}
