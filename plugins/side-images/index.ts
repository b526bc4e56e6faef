/** Side images: a folder of components, each taken or built for several architectures and published as one image. Describes; the work is loaded when a task runs. */
import { checkOptions, definePlugin, type Plugin } from "../../core/index.ts";
import { listComponents } from "./components.ts";
import { sideMarks, type SideImagesOptions } from "./options.ts";
import type { Site } from "./role.ts";
import { describeTasks } from "./tasks.ts";

export type {
  ImageReferences,
  SideArch,
  SideImagesOptions,
  SideMethod,
  SideOverride,
  VerifiedImage,
  Verify,
} from "./options.ts";
export type { SideImage, SideIndex } from "./result.ts";

/** The tasks that replace `build.sh` of a folder of components. List it in `plugins`. */
export function sideImages(options: SideImagesOptions): Plugin {
  checkOptions("sideImages()", options, sideMarks);
  const components = listComponents(options.dir, Object.keys(options.overrides ?? {}));
  const site: Site = {
    options,
    components,
    roles: new WeakMap(),
    groups: new Map(),
    cells: new Map(),
    made: new Set(),
    resolved: new Map(),
  };
  return definePlugin({
    name: "side-images",
    tasks: {},
    apply: (hooks) => {
      // Made here, not above: their keys hold what their images are made of, and not the whole builderfile.
      hooks.tasks.tap((all) => [...all, ...describeTasks(site)]);
      hooks.graph.tap(async (graph, tools) => (await import("./connect.ts")).connectCells(graph, tools, site));
      hooks.doctor.tap(async (known, place) => [
        ...known,
        ...(await (await import("./doctor.ts")).listRequirements(site, place)),
      ]);
    },
  });
}
