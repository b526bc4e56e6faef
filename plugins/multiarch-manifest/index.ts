/** Multi-architecture images: indexes, publishing, and the registry client for other plugins. Describes; the work is loaded when it is called. */
import { checkOptions, definePlugin, describeTool, type Plugin } from "../../core/index.ts";
import { describeTasks, groupsOf, listImages } from "./describe.ts";
import { manifestMarks, type ManifestOptions } from "./options.ts";
import type { ManifestTasks } from "./tasks.ts";
import type { Shop } from "./shop.ts";

export {
  blobPath,
  createLayout,
  findBlobSize,
  openBlob,
  openLayout,
  putEntries,
  readBlob,
  readEntries,
  readJson,
  writeBlob,
  type Layout,
} from "./layout.ts";
export * from "./library.ts";
export { mediaTypes, type Descriptor, type ImageConfig, type Index, type Manifest } from "./oci.ts";
export type { ImageSource, ImageTask, IndexEntry, IndexSpec, ManifestOptions } from "./options.ts";
export type { CreateResult, CreateResults, ImageResult, PlatformResult, PublishResult, PushResult } from "./result.ts";
export { createSlots, type Slots } from "./slots.ts";
export { publish, type PublishOptions } from "./task.ts";
export type { ManifestTasks } from "./tasks.ts";

/**
 * Tasks that assemble, publish, prove and show images for several platforms. Without images they work on `IMAGE` and `SOURCES`.
 * @throws BtError PLATFORM_UNKNOWN, MANIFEST_PLATFORM_TWICE, MANIFEST_ENTRIES_EMPTY, MANIFEST_GROUP_UNKNOWN, MANIFEST_GROUP_TWICE, FIELD_UNKNOWN,
 * FIELD_MISSING, FIELD_SHAPE
 */
export function multiarchManifest<const P extends Readonly<Record<string, string>>>(
  options: ManifestOptions<P> = {},
): Plugin<ManifestTasks<P>> {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, multiarchManifest);
  const given = options as ManifestOptions; // The names of platforms matter to the compiler only.
  checkOptions("multiarchManifest()", options, manifestMarks);
  const { outDir = ".bt/manifest" } = options;
  const shop: Shop = { options: given, entries: listImages(given), outDir };
  groupsOf(given);
  return definePlugin({
    name: "multiarch-manifest",
    tasks: describeTasks(shop) as ManifestTasks<P>,
    apply(hooks) {
      hooks.doctor.tap((known, { env }) => [...known, describeTool("skopeo", { plugin: "multiarch-manifest", env })]);
      hooks.graph.tap(async (graph) => {
        if (![...graph.nodes.values()].some(({ name }) => name.startsWith("manifest:"))) return graph;
        return (await import("./narrow.ts")).narrowGraph(graph, shop, site);
      });
    },
  });
}
