/** Image families: one typed table of versions, and the tasks that build, publish and try each of them. Describes; the work is loaded when a task runs. */
import { createHash } from "node:crypto";
import { checkOptions, definePlugin, task, type Param, type Plugin, type TaskBase } from "../../../core/index.ts";
import { templateThrew } from "./table-errors.ts";
import { addFamilyTasks } from "./family-tasks.ts";
import { loadTable } from "./load-table.ts";
import { argsOf, familyMarks, type Family, type FamilyOptions } from "./options.ts";
import { rememberFamily, withRole, type RoleKind } from "./role.ts";
import { resolveTable, type Version } from "./table.ts";
import { engineParams, multiParams, pushParams, shellParams, versionsParams, type FamilyContext } from "./variables.ts";

export type { FamilyOptions } from "./options.ts";
export type { Version, VersionEntry, VersionTable } from "./table.ts";

/** Says where engines and their settings are. */
const env: readonly string[] = [
  "DOCKER_HOST",
  "DOCKER_CONFIG",
  "DOCKER_CONTEXT",
  "DOCKER_TLS_VERIFY",
  "DOCKER_CERT_PATH",
  "CONTAINER_HOST",
  "CONTAINERS_CONF",
  "CONTAINERS_STORAGE_CONF",
  "CONTAINERS_REGISTRIES_CONF",
  "STORAGE_DRIVER",
];

/** Builds that share docker's builder take turns. */
const pool = "image-family";

/**
 * A family of images, one for each version of a product. List it in `plugins`.
 * @throws BtError IMAGES_FAMILY_… for a table that cannot be right
 */
export function imageFamily(name: string, options: FamilyOptions): Plugin {
  const family = createFamily(name, options);
  const plugin = definePlugin({
    name,
    tasks: {},
    apply: (hooks) => {
      hooks.config.tap((settings) => ({ ...settings, pools: { [pool]: 1, ...settings.pools } }));
      // Made here, not above: their keys hold what their images are made of, and not the whole builderfile.
      hooks.tasks.tap((all) => addFamilyTasks(all, family, createTasks(family)));
      hooks.graph.tap(async (graph) => (await import("./select.ts")).shapeGraph(graph));
      hooks.beforeRun.tap(async (graph) => (await import("./select.ts")).checkTerminal(graph));
    },
  });
  return rememberFamily(plugin, family);
}

function createTasks(family: Family): Readonly<Record<string, TaskBase>> {
  const tasks = [...family.versions.values()].map((version) => versionTasks(family, version));
  return Object.fromEntries([aggregateTasks(family), ...tasks].flatMap((some) => Object.entries(some)));
}

function createFamily(name: string, options: FamilyOptions): Family {
  checkOptions(`the image family "${name}"`, options, familyMarks);
  const { table: written, find } = loadTable(name, options);
  const table = options.hooks?.versions?.(written) ?? written;
  const { versions, mistakes } = resolveTable(table, { eol: options.eol ?? [], find });
  const context = (options.context ?? ".").replace(/\/+$/, "") || "/";
  const rendered = renderAll(options, versions);
  return { name, options, context, table, versions, mistakes, rendered };
}

function renderAll({ template }: FamilyOptions, versions: ReadonlyMap<string, Version>): ReadonlyMap<string, string> {
  if (template === undefined) return new Map();
  const own = [...versions.values()].filter(({ sameAs }) => sameAs === undefined);
  return new Map(
    own.map((version) => {
      try {
        return [version.version, template(version)];
      } catch (error) {
        throw templateThrew(version.version, error);
      }
    }),
  );
}

function aggregateTasks(family: Family): Readonly<Record<string, TaskBase>> {
  const { name, options } = family;
  const params = { ...engineParams(name, options), ...versionsParams(name) };
  const all = [...family.versions.values()];
  const group = (kind: RoleKind, description: string, nameOf: (version: Version) => string): TaskBase =>
    withRole(
      task({
        description,
        params,
        needs: all.map(nameOf),
        run: async (context) => (await import("./summary.ts")).summarize(context, family),
        dryRun: "record",
      }),
      { kind, family },
    );
  return {
    [name]: group("all", "Builds every supported version for this machine", ({ version }) => `${name}_${version}`),
    [`${name}.push`]: group(
      "push-all",
      "Publishes every supported version",
      ({ version, platforms }) => `${name}_${version}.${platforms.length > 1 ? "push_multi" : "push"}`,
    ),
  };
}

function versionTasks(family: Family, version: Version): Readonly<Record<string, TaskBase>> {
  const { name, options } = family;
  const id = `${name}_${version.version}`;
  const engine = engineParams(name, options);
  const multi = { ...engine, ...multiParams() };
  const isMulti = version.platforms.length > 1;
  const salt = saltOf(family, version);
  const inputs = async ({ root }: { readonly root: string }): Promise<readonly string[]> =>
    (await import("./inputs.ts")).findVersionInputs(root, family, version);
  const same = (suffix: string): readonly string[] =>
    version.sameAs === undefined ? [] : [`${name}_${version.sameAs}${suffix}`];
  const roled = (kind: RoleKind, described: TaskBase): TaskBase => withRole(described, { kind, family, version });
  return {
    [id]: roled(
      "build",
      task({
        description: `Builds version ${version.version} for this machine${version.isEol ? " (end of life)" : ""}`,
        params: engine,
        env,
        needs: same(""),
        inputs,
        salt,
        status: async (context) => (await import("./build.ts")).isBuilt(asTask(context)),
        run: async (context) => (await import("./build.ts")).build(asTask(context), family, version),
        dryRun: "record",
      }),
    ),
    [`${id}_multi`]: roled(
      "multi",
      task({
        description: `Builds version ${version.version} for all its platforms`,
        params: multi,
        env,
        needs: same("_multi"),
        inputs,
        salt: `${salt} ${version.platforms.join(" ")}`,
        pool,
        status: async (context) => (await import("./build.ts")).isBuilt(asTask(context)),
        run: async (context) => (await import("./build.ts")).buildMulti(asTask(context), family, version),
        dryRun: "record",
      }),
    ),
    [`${id}.push`]: roled(
      "push",
      task({
        description: isMulti ? `Refused: use ${id}.push_multi` : `Builds and publishes version ${version.version}`,
        params: { ...engine, ...pushParams() },
        env,
        needs: isMulti ? [] : [id],
        run: async (context) => (await import("./publish.ts")).push(asTask(context), family, version),
        dryRun: "record",
      }),
    ),
    [`${id}.push_multi`]: roled(
      "push-multi",
      task({
        description: `Publishes version ${version.version} for all its platforms as one index`,
        params: { ...multi, ...pushParams() },
        env,
        needs: [`${id}_multi`],
        pool,
        run: async (context) => (await import("./publish.ts")).pushMulti(asTask(context), family, version),
        dryRun: "record",
      }),
    ),
    [`build-containers-${version.version}`]: roled(
      "self-test",
      task({
        description: `Lets the image of version ${version.version} build itself`,
        params: engine,
        env,
        needs: [id],
        run: async (context) => (await import("./self-test.ts")).selfTest(asTask(context), family, version),
        dryRun: "record",
      }),
    ),
    ...shellTasks(family, version, { ...engine, ...pushParams(), ...shellParams() }),
  };
}

function shellTasks(
  family: Family,
  version: Version,
  params: Readonly<Record<string, Param>>,
): Readonly<Record<string, TaskBase>> {
  const id = `${family.name}_${version.version}`;
  const describe = (kind: RoleKind, description: string, more: object): TaskBase =>
    withRole(
      task({
        description,
        params,
        env,
        needs: [`${id}:image`],
        run: async (context) => (await import("./shell.ts")).enter(asTask(context), family, version),
        dryRun: "record",
        ...more,
      }),
      { kind, family, version },
    );
  return {
    [`${id}:image`]: describe("image", `Has the image for a shell in version ${version.version}`, {
      private: true,
      needs: [],
      run: async (context: unknown) => (await import("./shell.ts")).prepareImage(asTask(context), family, version),
    }),
    [`${id}:shell`]: describe("shell", `A shell in version ${version.version}, or its base, for any architecture`, {
      pool: "console",
    }),
    [`${id}:run`]: describe("run", `One command in version ${version.version}, or its base, for any architecture`, {}),
  };
}

/** What a key holds besides files and params. */
function saltOf(family: Family, version: Version): string {
  const text = family.rendered.get(version.version);
  const template = text === undefined ? {} : { template: createHash("sha256").update(text).digest("hex") };
  return JSON.stringify({ args: argsOf(family, version), ...template });
}

function asTask(context: unknown): FamilyContext {
  return context as FamilyContext; // Every task above declares params of variables.ts.
}
