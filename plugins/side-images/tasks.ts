/** The tasks of the plugin, as descriptions. The work is loaded when one runs. */
import { param, task, type NamedTask, type ParamSet, type TaskBase } from "../../core/index.ts";
import { suffixes } from "./arch.ts";
import { sideParams } from "./params.ts";
import { planOf, type RoleKind, type SideContext, type Site } from "./role.ts";

const prefix = "side-images";
const variablesOfEngines = ["CONTAINER_CLI", "DOCKER", "BUILDAH_ISOLATION", "STORAGE_DRIVER"] as const;

/** All tasks, those of single components behind those of all. */
export function describeTasks(site: Site): readonly NamedTask[] {
  const { components, options } = site;
  const params: ParamSet = sideParams(options, components);
  const named: NamedTask[] = [];
  const add = (name: string, kind: RoleKind, made: TaskBase, component?: string): void => {
    site.roles.set(made.handle, { kind, ...(component !== undefined && { component }) });
    named.push({ name, task: made, plugin: prefix });
  };
  const all = (step: string): readonly string[] => components.map((component) => `${prefix}:${step}:${component}`);
  const group = (kind: RoleKind, description: string): void =>
    add(`${prefix}:${kind}`, kind, task({ description, params, needs: all(kind) }));

  add(
    prefix,
    "all",
    task({
      description: "Makes the images of all components, and publishes them with PUSH=yes",
      params,
      needs: all("manifest"),
      dryRun: "record",
      run: async (context) => (await import("./summary.ts")).summarize(asSide(context), site),
    }),
  );
  add(
    `${prefix}:plan`,
    "plan",
    task({
      description: "Shows how every image would be made",
      params: { ...params, asJson: param.flag({ env: "JSON", description: "As JSON" }) },
      dryRun: "record",
      run: async (context) => (await import("./plan-task.ts")).showPlan(asSide(context), site),
    }),
  );
  add(
    `${prefix}:tag`,
    "tag",
    task({
      description: "Has the release tag printed by the builderfile's command",
      params,
      private: true,
      dryRun: "record",
      run: async (context) => (await import("./tag-task.ts")).takeTag(asSide(context), site),
    }),
  );
  add(
    `${prefix}:warnings`,
    "warnings",
    task({
      description: "Says what looks like a mistake and is none",
      params,
      private: true,
      dryRun: "record",
      run: (context) => planOf(site).warnings.forEach((warning) => asSide(context).log.warn(warning)),
    }),
  );
  add(
    `${prefix}:references`,
    "references",
    task({
      description: "Has the references of the release, and checks what is asked of them",
      params,
      private: true,
      inputs: [],
      dryRun: "record",
      versions: async () => (await import("./references-task.ts")).findReleaseDigests(site),
      status: async ({ root }) => (await import("./references-task.ts")).hasReferences(root, site),
      run: async (context) => (await import("./references-task.ts")).takeReferences(asSide(context), site),
    }),
  );
  group("src", "Fetches the sources of all components");
  group("binaries", "Builds the binaries of all components");
  group("image", "Makes the image of every component for every architecture");
  group("manifest", "Assembles the index of every component");
  group("push", "Publishes all components");
  for (const component of components) addComponent(component);
  add(
    `${prefix}:archive`,
    "archive",
    task({
      description: "Packs the images of each architecture into one tar file",
      params: {
        ...params,
        outputDir: param.path({ default: "./archive", description: "Where the files go" }),
        baseVersion: param.string({ description: "Version in the names of the files. Default: the release tag" }),
      },
      dryRun: "record",
      run: async (context) => (await import("./archive-task.ts")).archiveImages(asSide(context), site),
    }),
  );
  add(
    `${prefix}:digests`,
    "other",
    task({
      description: "Prints digests.json: what was published",
      run: async (context) => (await import("./digests-task.ts")).showDigests(asSide(context)),
    }),
  );
  add(
    `${prefix}:doctor`,
    "other",
    task({
      description: "Lists the programs that are needed here",
      params,
      run: async (context) => (await import("./doctor.ts")).examine(asSide(context), site),
    }),
  );
  add(
    `${prefix}:clean`,
    "other",
    task({
      description: "Removes images, work trees and indexes of this plugin",
      params: { cache: param.flag({ description: "Also sources and references" }) },
      dryRun: "record",
      run: async (context) => (await import("./clean-task.ts")).clean(asSide(context), site),
    }),
  );
  return named;

  function addComponent(component: string): void {
    add(
      `${prefix}:src:${component}`,
      "src",
      task({
        description: `Fetches the source of ${component}`,
        params,
        inputs: [],
        dryRun: "record",
        status: async (context) => (await import("./source.ts")).hasSource(asSide(context), site),
        run: async (context) => (await import("./source.ts")).takeSource(asSide(context), site, component),
      }),
      component,
    );
    add(
      `${prefix}:binaries:${component}`,
      "binaries",
      task({
        description: `Builds the binaries of ${component} in a work tree for each architecture`,
        params,
        matrix: { arch: suffixes },
        inputs: [],
        dryRun: "record",
        status: async (context) => (await import("./tree.ts")).hasTree(asSide(context)),
        run: async (context) => (await import("./binaries-task.ts")).buildBinaries(asSide(context), site, component),
      }),
      component,
    );
    add(
      `${prefix}:image:${component}`,
      "image",
      task({
        description: `Makes the image of ${component} for each architecture`,
        params,
        matrix: { arch: suffixes },
        env: variablesOfEngines,
        inputs: [],
        dryRun: "record",
        versions: async (bound) => (await import("./versions.ts")).findVersions(bound, site, component),
        status: async (context) => (await import("./image-task.ts")).isMade(asSide(context)),
        run: async (context) => (await import("./image-task.ts")).makeImage(asSide(context), site, component),
      }),
      component,
    );
    add(
      `${prefix}:manifest:${component}`,
      "manifest",
      task({
        description: `Assembles the index of ${component}`,
        params,
        inputs: [],
        dryRun: "record",
        status: async (context) => (await import("./manifest-task.ts")).isAssembled(asSide(context)),
        run: async (context) => (await import("./manifest-task.ts")).assembleIndex(asSide(context), site, component),
      }),
      component,
    );
    add(
      `${prefix}:push:${component}`,
      "push",
      task({
        description: `Publishes ${component}`,
        params,
        dryRun: "record",
        run: async (context) => (await import("./push-task.ts")).pushGroup(asSide(context), site, component),
      }),
      component,
    );
  }
}

function asSide(context: unknown): SideContext {
  return context as SideContext; // Params and needs are checked where they are used; the graph tap adds some.
}
