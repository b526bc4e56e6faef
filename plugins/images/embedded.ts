/** The embedded engine: builds a Dockerfile without RUN into an OCI image, needing neither Docker nor root. Does not fetch or name images. */
import { hostPlatform, ociPlatform, type Arch, type Place } from "../../core/index.ts";
import { mediaTypes, writeBlob, type Descriptor, type Layout } from "../multiarch-manifest/index.ts";
import { loadBase, loadTree, resolveAt, type BaseImage } from "./base.ts";
import { openContext } from "./context.ts";
import { loadDockerfile } from "./dockerfile-file.ts";
import { parseTrigger } from "./dockerfile.ts";
import { runUnsupported } from "./dockerfile-errors.ts";
import { loadIgnoreRules } from "./ignore.ts";
import { createDocument, envOf, inheritDocument, renderDocument, triggersOf } from "./imageconfig.ts";
import { createImageTree, type ImageTree } from "./layerfs.ts";
import { planBuild, type BuildPlan, type Origin, type PlannedStage } from "./plan.ts";
import { createStageScope } from "./scope.ts";
import { renderTime, runStep, type StageState, type StepTools } from "./step.ts";

/** What to build. */
export interface BuildRequest {
  /** Path of the Dockerfile. */
  readonly dockerfile: string;
  /** Folder that COPY and ADD read. */
  readonly context: string;
  readonly platform: Arch;
  /** Build arguments. Default: none. */
  readonly args?: Readonly<Record<string, string>>;
  /** Name or number of the stage to build. Default: the last one. */
  readonly target?: string;
  /** Seconds since 1970: the time of everything in the image. Default: 0. */
  readonly timestamp?: number;
  /** Gets the blobs; its index.json is left as it is. */
  readonly into: Layout;
  /** Copies one platform of an image into `into` and says its manifest. */
  readonly resolveBase: (reference: string, platform: Arch) => Promise<Descriptor>;
  /** Added to those of the Dockerfile, and stronger. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Paths in messages are relative to this folder. Default: they are as given. */
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly log?: (line: string) => void;
}

/** An image in a layout. */
export interface BuiltImage {
  /** `linux/amd64`. */
  readonly platform: string;
  /** Digest of the config: the same whatever compressed the layers. */
  readonly id: string;
  /** Digest of the manifest. */
  readonly digest: string;
  /** Of the manifest, in bytes. */
  readonly size: number;
  readonly mediaType: string;
}

/**
 * Builds an image. The same files, arguments, bases and timestamp give the same id on every machine, and the same digest
 * wherever Node compresses with the same zlib.
 * @throws BtError IMAGES_…, MANIFEST_…
 */
export async function buildImage(request: BuildRequest): Promise<BuiltImage> {
  const { dockerfile, context: dir, platform, args = {}, timestamp = 0, into, signal } = request;
  const plan = planBuild(await loadDockerfile(dockerfile, request.cwd), {
    args,
    platform,
    buildPlatform: hostPlatform().arch,
    ...(request.target === undefined ? {} : { target: request.target }),
  });
  refuseRun(plan);
  const context = await openContext(dir, await loadIgnoreRules(dockerfile, dir));
  const build: Build = { request, plan, images: new Map(), done: new Map() };
  const tools = { context, global: plan.global, into, timestamp, ...(signal === undefined ? {} : { signal }) };
  for (const planned of plan.stages) build.done.set(planned.stage.index, await buildStage(build, planned, tools));
  return writeImage(build.done.get(plan.stages.at(-1)!.stage.index)!, request);
}

interface Build {
  readonly request: BuildRequest;
  readonly plan: BuildPlan;
  /** Images that were opened, by platform and reference. */
  readonly images: Map<string, Promise<{ readonly base: BaseImage; readonly tree: ImageTree }>>;
  /** Finished stages by number. */
  readonly done: Map<number, StageState>;
}

/** Before anything is fetched or written. */
function refuseRun({ stages }: BuildPlan): void {
  for (const { stage } of stages) {
    for (const { kind, at, text } of stage.instructions) if (kind === "run") throw runUnsupported(at, text);
  }
}

async function buildStage(
  build: Build,
  planned: PlannedStage,
  common: Omit<StepTools, "openFrom">,
): Promise<StageState> {
  const { stage, platform } = planned;
  const { log, signal } = build.request;
  const openFrom: StepTools["openFrom"] = async (copy) => {
    const origin = planned.sources.get(copy)?.[0] ?? { kind: "image", reference: copy.from ?? "" };
    return openOrigin(build, origin, { platform, at: copy.at });
  };
  const { state: start, triggers } = await startStage(build, planned);
  const instructions = [...triggers.map((text) => parseTrigger(text, stage.from)), ...stage.instructions];
  const label = `[${stage.name ?? stage.index}]`;
  log?.(`${label} ${stage.from.text}`);
  let state = start;
  for (const instruction of instructions) {
    signal?.throwIfAborted();
    log?.(`${label} ${instruction.text}`);
    state = await runStep(state, instruction, { ...common, openFrom });
  }
  return state;
}

async function startStage(
  build: Build,
  planned: PlannedStage,
): Promise<{ state: StageState; triggers: readonly string[] }> {
  const { base, platform, stage } = planned;
  const label = `stage "${stage.name ?? stage.index}"`;
  const scope = (env: ReadonlyMap<string, string>): StageState["scope"] =>
    createStageScope(build.plan.global.options, env);
  switch (base.kind) {
    case "scratch": {
      const document = createDocument(platform);
      return {
        state: {
          document,
          layers: [],
          tree: createImageTree(label),
          scope: scope(envOf(document)),
          platform,
          hasCmd: false,
        },
        triggers: [],
      };
    }
    case "stage": {
      const before = build.done.get(base.index)!;
      const document = inheritDocument(before.document);
      const state = {
        document,
        layers: before.layers,
        tree: createImageTree(label, before.tree),
        scope: scope(envOf(document)),
        platform,
        hasCmd: false,
      };
      return { state, triggers: triggersOf(before.document) };
    }
    case "image": {
      const image = await openImage(build, base.reference, { platform, at: stage.from.at });
      const document = inheritDocument(image.base.config);
      const state = {
        document,
        layers: image.base.layers,
        tree: createImageTree(label, image.tree),
        scope: scope(envOf(document)),
        platform,
        hasCmd: false,
      };
      return { state, triggers: triggersOf(image.base.config) };
    }
  }
}

async function openOrigin(
  build: Build,
  origin: Origin,
  wanted: { readonly platform: Arch; readonly at: Place },
): Promise<ImageTree> {
  switch (origin.kind) {
    case "scratch":
      return createImageTree("scratch");
    case "stage":
      return build.done.get(origin.index)!.tree;
    case "image":
      return (await openImage(build, origin.reference, wanted)).tree;
  }
}

function openImage(
  build: Build,
  reference: string,
  wanted: { readonly platform: Arch; readonly at: Place },
): Promise<{ readonly base: BaseImage; readonly tree: ImageTree }> {
  const { into } = build.request;
  const key = `${wanted.platform} ${reference}`;
  const open = async (): Promise<{ base: BaseImage; tree: ImageTree }> => {
    const descriptor = await resolveAt(build.request, reference, wanted);
    const base = await loadBase(into, descriptor, { reference, ...wanted });
    return { base, tree: await loadTree(into, base, wanted.at) };
  };
  const opened = build.images.get(key) ?? open();
  build.images.set(key, opened);
  return opened;
}

async function writeImage(state: StageState, { into, labels, timestamp = 0 }: BuildRequest): Promise<BuiltImage> {
  const config = await writeBlob(into, Buffer.from(renderDocument(state.document, renderTime(timestamp), labels)));
  const mediaType = mediaTypes.oci.manifest;
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: mediaTypes.oci.config, ...config },
    layers: state.layers,
  };
  const written = await writeBlob(into, Buffer.from(JSON.stringify(manifest)));
  return { platform: ociPlatform(state.platform), id: config.digest, ...written, mediaType };
}
