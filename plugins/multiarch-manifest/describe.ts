/** Describes the tasks of the plugin and what they need of each other. Loads nothing that works; runs nothing. */
import { param, task, type NeedInput, type Param, type Task } from "../../core/index.ts";
import { connectionParams } from "./connection.ts";
import { listEntries, needOf, referenceOf, type Entry } from "./entries.ts";
import type { IndexSpec, ManifestOptions } from "./options.ts";
import type { CreateResult, FetchResult, PushResult } from "./result.ts";
import type { Shop } from "./shop.ts";
import { groupTwice, groupUnknown, nameMalformed } from "./task-errors.ts";

const list = (description: string, env?: string): Param<readonly string[]> =>
  param.list({ description, ...(env !== undefined && { env }) });

const narrowing = {
  platforms: list("Only these platforms"),
  architectures: list("The same as PLATFORMS"),
};
const shaping = {
  ...narrowing,
  format: param.enum(["oci", "v2s2"], { description: "Family of media types" }),
  allowMissing: list("Platforms that may be missing"),
};
const naming = {
  image: param.string({ description: "Name of an image of the builderfile, or HOST/REPO:TAG" }),
  sources: list("What IMAGE is made of: references, each optionally PLATFORM=REF"),
};
const tagging = {
  tags: list("Tags instead of those of the builderfile"),
  onExisting: param.enum(["overwrite", "same", "fail"], { description: "What a tag that exists means" }),
};

/** Names of images that become visible together. @throws BtError MANIFEST_GROUP_UNKNOWN, MANIFEST_GROUP_TWICE */
export function groupsOf({ publishGroup = "all", images = {} }: ManifestOptions): readonly (readonly string[])[] {
  const names = Object.keys(images);
  if (publishGroup === "all") return names.length === 0 ? [] : [names];
  if (publishGroup === "each") return names.map((name) => [name]);
  const named = publishGroup.flat();
  for (const [at, name] of named.entries()) {
    if (!names.includes(name)) throw groupUnknown(name, names);
    if (named.indexOf(name) !== at) throw groupTwice(name);
  }
  const left = names.filter((name) => !named.includes(name)).map((name) => [name]);
  return [...publishGroup.filter((group) => group.length > 0), ...left];
}

/** Entries of all images. @throws BtError MANIFEST_NAME_MALFORMED, and as listEntries() */
export function listImages({ images = {} }: ManifestOptions): ReadonlyMap<string, readonly Entry[]> {
  return new Map(
    Object.entries<IndexSpec>(images).map(([name, spec]) => {
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw nameMalformed(name);
      return [name, listEntries(name, spec)];
    }),
  );
}

/** Copies what comes from elsewhere. Runs always, since names move; its result is the same as long as they have not. */
function describeFetch(shop: Shop, name: string): Task<FetchResult> {
  return task({
    description: `Fetches the sources of ${name}`,
    private: true,
    params: { ...connectionParams, ...narrowing, allowMissing: shaping.allowMissing },
    dryRun: "record",
    run: async (context) => (await import("./fetch-task.ts")).fetchSources(context, shop, name),
  });
}

function describeCreate(shop: Shop, name: string, fetched: Task<FetchResult> | undefined): Task<CreateResult> {
  const entries = shop.entries.get(name) ?? [];
  const built = entries.flatMap((entry) => {
    const need = needOf(entry);
    return need === undefined ? [] : [[entry.arch, need] as const];
  });
  const needs: Record<string, NeedInput> = {
    ...(fetched && { fetched }),
    ...(Object.fromEntries(built) as Record<string, NeedInput>),
  };
  const { entries: _, ...spec } = shop.options.images![name]!; // The caller walks the images.
  const { tags: _tags, alsoTags: _also, onExisting: _rule, name: _name, ...content } = spec;
  const own = entries.map(({ arch, rewriteConfig, annotations, source }) => [
    arch,
    rewriteConfig,
    annotations,
    referenceOf(source),
  ]);
  return task({
    description: `Assembles the index of ${name}`,
    needs,
    params: shaping,
    inputs: [],
    salt: JSON.stringify([content, own, shop.outDir]),
    portable: true,
    dryRun: "record",
    status: async ({ root, previous }) =>
      (await import("./create-task.ts")).isAssembled(root, previous as CreateResult), // Its own last result.
    run: async (context) => (await import("./create-task.ts")).createImage(context, shop, name),
  });
}

/** Publishes images together. */
function describePush(
  shop: Shop,
  created: Readonly<Record<string, Task<CreateResult>>>,
  description: string,
): Task<PushResult> {
  return task({
    description,
    needs: created,
    params: { ...connectionParams, ...tagging },
    dryRun: "record",
    run: async (context) => (await import("./push-task.ts")).pushImages(context, shop, Object.keys(created)),
  });
}

/** All tasks, those of single images after the others. */
export function describeTasks(shop: Shop): Readonly<Record<string, Task>> {
  const names = [...shop.entries.keys()];
  const fetches: Record<string, Task> = {};
  const creates: Record<string, Task<CreateResult>> = {};
  const pushes: Record<string, Task<PushResult>> = {};
  for (const name of names) {
    const isForeign = (shop.entries.get(name) ?? []).some(({ source }) => !("task" in source));
    const fetched = isForeign ? describeFetch(shop, name) : undefined;
    if (fetched !== undefined) fetches[`manifest:fetch:${name}`] = fetched;
    const created = describeCreate(shop, name, fetched);
    creates[name] = created;
    pushes[name] = describePush(shop, { [name]: created }, `Publishes the index of ${name}`);
  }
  const pick = (group: readonly string[]): Record<string, Task<CreateResult>> =>
    Object.fromEntries(group.map((name) => [name, creates[name]!])); // Groups hold only names of images.
  const groups = groupsOf(shop.options);
  const isOne = groups.length <= 1;
  const together: Record<string, Task<PushResult>> = {};
  for (const group of isOne ? [] : groups.filter(({ length }) => length > 1))
    together[`manifest:push:${group.join("+")}`] = describePush(
      shop,
      pick(group),
      `Publishes ${group.join(", ")} together`,
    );
  const parts: Record<string, NeedInput> = isOne
    ? pick(groups[0] ?? [])
    : Object.fromEntries(
        groups.map((group) => [
          group.join("+"),
          group.length > 1 ? together[`manifest:push:${group.join("+")}`]! : pushes[group[0]!]!,
        ]),
      );
  const prefixed = <T>(prefix: string, tasks: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(tasks).map(([name, one]) => [`${prefix}${name}`, one]));
  return {
    ...describeMain(shop, { creates, parts, isOne }),
    ...fetches,
    ...prefixed("manifest:create:", creates),
    ...together,
    ...prefixed("manifest:push:", pushes),
  } as Readonly<Record<string, Task>>;
}

interface Parts {
  readonly creates: Readonly<Record<string, Task<CreateResult>>>;
  /** What `manifest:push` waits for: the images of the only group, or the groups. */
  readonly parts: Readonly<Record<string, NeedInput>>;
  readonly isOne: boolean;
}

function describeMain(shop: Shop, { creates, parts, isOne }: Parts): Readonly<Record<string, Task>> {
  const { outDir } = shop;
  const create = task({
    description: "Assembles the indexes into layouts",
    needs: creates,
    params: { ...naming, ...shaping, ...connectionParams },
    dryRun: "record",
    run: async (context) => (await import("./create-task.ts")).createAll(context, shop),
  });
  const push = task({
    description: "Assembles and publishes the indexes, all platforms or none",
    needs: parts,
    params: { ...naming, ...shaping, ...tagging, ...connectionParams },
    dryRun: "record",
    run: async (context) => (await import("./push-task.ts")).pushAll(context, shop, { isOne }),
  });
  const verify = task({
    description: "Proves what is published; changes nothing",
    params: {
      image: naming.image,
      ...shaping,
      ...connectionParams,
      deep: param.flag({ description: "Also read and hash every layer" }),
    },
    dryRun: "record",
    run: async (context) => (await import("./verify-task.ts")).verifyImages(context, shop),
  });
  const inspect = task({
    description: "Shows platforms, digests, sizes and what is attached",
    params: {
      image: naming.image,
      ...connectionParams,
      json: param.flag({ description: "Show it as JSON" }),
    },
    dryRun: "record",
    run: async (context) => (await import("./inspect-task.ts")).inspectImages(context, shop),
  });
  const digests = task({
    description: `Prints what was published, by digest`,
    params: { out: param.path({ description: `Also write it to this file, beside ${outDir}/digests.json` }) },
    dryRun: "record",
    run: async (context) => (await import("./digests-task.ts")).showDigests(context, shop),
  });
  const archive = task({
    description: "Writes the indexes as tar files of OCI layouts",
    needs: creates,
    params: {
      ...naming,
      ...shaping,
      ...connectionParams,
      split: param.flag({ description: "One file for each platform" }),
      outputDir: param.path({ default: "dist", description: "Folder of the tar files" }),
    },
    dryRun: "record",
    run: async (context) => (await import("./archive-task.ts")).archiveImages(context, shop),
  });
  return {
    "manifest:create": create,
    "manifest:push": push,
    "manifest:verify": verify,
    "manifest:inspect": inspect,
    "manifest:digests": digests,
    "manifest:archive": archive,
  } as Readonly<Record<string, Task>>;
}
