/** Describes the tasks that build, publish, prove and write back a builder. Loads nothing that works. */
import { param, platforms, task, type Arch, type Need, type Task, type TaskBase } from "../../core/index.ts";
import { image } from "../images/index.ts";
import type { ImageResult } from "../multiarch-manifest/index.ts";
import { needName } from "./names.ts";
import type { Shop, Variant } from "./options.ts";
import { builderIdle, builderParams, idleParams, pushParams, referenceVariable } from "./params.ts";
import type { BuiltBuilder, PublishedBuilder, VerifiedBuilder } from "./result.ts";

/** Handles of the builder's tasks. */
export interface BuilderTasks {
  readonly build: Task<BuiltBuilder>;
  readonly publish: Task<PublishedBuilder>;
  readonly verify: Task<VerifiedBuilder>;
  readonly version: Task<string>;
  readonly bump: Task<readonly string[]>;
  readonly ref: Task<string>;
}

/** The tasks, by their names without `builder-`. */
export function describeBuilder(shop: Shop): BuilderTasks & Readonly<Record<string, TaskBase>> {
  // Loops, not callbacks: what a task is made of is told from the calls that led to it, and native ones cannot be looked into.
  const images = new Map<string, Images>();
  for (const variant of shop.variants) images.set(variant.name, describeImages(shop, variant));
  const others: Record<string, TaskBase> = {};
  for (const [at, variant] of shop.variants.entries()) {
    const { arches, cross } = images.get(variant.name)!; // Made above.
    const suffix = at === 0 ? "" : `-${variant.name}`;
    others[`image${suffix}`] = arches;
    if (cross !== undefined) others[`cross-image${suffix}`] = cross;
  }
  const needs = Object.fromEntries(
    shop.variants.flatMap((variant) => needsOf(shop, variant, images.get(variant.name)!)),
  );
  const build = describeBuild(shop, needs);
  for (const variant of shop.variants.slice(1)) {
    const suffix = variant.stream === undefined ? variant.name : `centos-stream-${variant.stream}`;
    const own = describeBuild(shop, Object.fromEntries(needsOf(shop, variant, images.get(variant.name)!)), variant);
    others[`build-${suffix}`] = own as TaskBase;
    others[`publish-${suffix}`] = describePublish(shop, own, variant) as TaskBase;
  }
  return {
    build,
    publish: describePublish(shop, build),
    verify: describeVerify(shop),
    version: describeVersion(build),
    bump: describeBump(shop),
    ref: describeRef(shop),
    ...others,
  };
}

interface Images {
  readonly arches: TaskBase;
  readonly cross?: TaskBase;
}

/** The cross image is built on the image of this run: the name that its FROM gets leads nowhere else. */
function describeImages(shop: Shop, variant: Variant): Images {
  const { name, context, dockerfile, buildArgs, cross, crossArch } = variant;
  const own = `builder.invalid/${name}:built-here`;
  const { engine, emulation } = shop.options;
  const how = { ...(engine === undefined ? {} : { engine }), ...(emulation === undefined ? {} : { emulation }) };
  const arches = image({
    ...how,
    platforms: platforms(...shop.arches),
    name: own,
    context,
    dockerfile,
    args: buildArgs,
    description: `Builds the image of builder ${name} for one architecture`,
  });
  const shared = { allowFailure: true, params: { ...arches.params, kubevirtCri: engineVariable } };
  if (cross === undefined) return { arches: { ...arches, ...shared } };
  const made = image({
    ...how,
    platforms: platforms(crossArch),
    context,
    dockerfile: cross.dockerfile,
    args: { BUILDER_IMAGE: own },
    description: `Builds the cross image of builder ${name}`,
  });
  const run: TaskBase["run"] = async (built: never) =>
    (await import("./cross.ts")).buildCross(built, variant, made.run as (context: never) => unknown); // image() gives a function.
  return { arches: { ...arches, ...shared }, cross: { ...made, ...shared, run } };
}

const engineVariable = param.enum(["podman", "docker", "buildah"], {
  env: "KUBEVIRT_CRI",
  description: "Container engine. Default: the first that works",
});

function needsOf(shop: Shop, variant: Variant, images: Images): [string, Need<ImageResult>][] {
  const cell = (need: TaskBase, cellName: Arch): Need<ImageResult> => ({ need, kind: "result", cellName });
  const { arches, cross } = images;
  return [
    ...shop.arches.map((arch): [string, Need<ImageResult>] => [needName(variant.name, arch), cell(arches, arch)]),
    ...(cross === undefined
      ? []
      : [[needName(variant.name, "cross"), cell(cross, variant.crossArch)] satisfies [string, Need<ImageResult>]]),
  ];
}

function describeBuild(
  shop: Shop,
  needs: Readonly<Record<string, Need<ImageResult>>>,
  fixed?: Variant,
): Task<BuiltBuilder> {
  const made = task({
    description:
      fixed === undefined ? "Builds the builder: all architectures and the cross image" : `The same for ${fixed.name}`,
    params: {
      ...builderParams(shop, fixed),
      ...idleParams(builderIdle),
      builderImage: referenceVariable(),
      kubevirtCri: engineVariable,
    },
    needs,
    inputs: [],
    versions: async ({ root }) => ({ commit: await (await import("./version.ts")).findCommit(root) }),
    salt: JSON.stringify([shop.outDir, shop.prefix, typeof shop.options.version]),
    dryRun: "record",
    status: async (context) => (await import("./build.ts")).isBuilt(context, shop, fixed),
    evidence: async (bound) => (await import("./build.ts")).findBuildEvidence(bound, shop, fixed),
    run: async (context): Promise<BuiltBuilder> => (await import("./build.ts")).finishBuild(context, shop, fixed),
  });
  return made as Task<BuiltBuilder>;
}

function describePublish(shop: Shop, build: Task<BuiltBuilder>, fixed?: Variant): Task<PublishedBuilder> {
  const made = task({
    description:
      fixed === undefined ? "Pushes what was built, joins it in an index and proves it" : `The same for ${fixed.name}`,
    params: { ...builderParams(shop, fixed), ...idleParams(builderIdle), ...registryParams },
    needs: { built: build },
    dryRun: "record",
    run: async (context): Promise<PublishedBuilder> =>
      (await import("./publish.ts")).publishBuilder(context, shop, fixed),
  });
  return made as Task<PublishedBuilder>;
}

/** Login of pushes; the password reaches neither words nor logs. */
const registryParams = {
  username: param.secret({ env: "QUAY_USERNAME", description: "Login of the registry, together with QUAY_PASSWORD" }),
  password: param.secret({ env: "QUAY_PASSWORD", description: "Its password" }),
  authFile: param.path({ env: "REGISTRY_AUTH_FILE", description: "The only auth file to use" }),
};

function describeVersion(build: Task<BuiltBuilder>): Task<string> {
  return task({
    description: "Prints the version that was built, for scripts: bt -s builder-version",
    needs: { built: build },
    pool: "console",
    dryRun: "record",
    run: async ({ needs, exec, isDryRun }) => {
      const version = isDryRun ? "<version>" : needs.built.version;
      await exec("printf", ["%s\\n", version]);
      return version;
    },
  }) as Task<string>;
}

function describeVerify(shop: Shop): Task<VerifiedBuilder> {
  const made = task({
    description: "Proves a published VERSION: index, architectures, and the smoke commands inside each image",
    params: {
      ...builderParams(shop),
      ...idleParams(builderIdle),
      ...registryParams,
      kubevirtCri: engineVariable,
      smoke: param.flag({ default: true, env: "SMOKE", description: "Run the smoke commands" }),
    },
    dryRun: "record",
    run: async (context): Promise<VerifiedBuilder> => (await import("./verify.ts")).verifyBuilder(context, shop),
  });
  return made as Task<VerifiedBuilder>;
}

function describeBump(shop: Shop): Task<readonly string[]> {
  const made = task({
    description: "Writes the published version into the project's scripts",
    params: {
      ...builderParams(shop),
      ...idleParams(builderIdle),
      ...registryParams,
      builderImage: referenceVariable(),
      offline: param.flag({ description: "Do not ask the registry whether the version is there" }),
    },
    dryRun: "record",
    run: async (context): Promise<readonly string[]> => (await import("./bump.ts")).bumpBuilder(context, shop),
  });
  return made as Task<readonly string[]>;
}

function describeRef(shop: Shop): Task<string> {
  const { buildArch, stream } = pushParams(shop);
  const made = task({
    description: "Prints the builder that a build would use: bt -s builder-ref",
    params: { buildArch, stream, builderImage: referenceVariable() },
    pool: "console",
    dryRun: "record",
    run: async (context): Promise<string> => (await import("./ref.ts")).printReference(context, shop),
  });
  return made as Task<string>;
}
