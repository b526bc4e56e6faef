/** One cell of the plan: how one component gets its image for one architecture, and what that needs. Reads Dockerfiles; starts nothing. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { hostPlatform, parsePlatform, type Arch, type Place } from "../../core/index.ts";
import { planDockerfile, type BuildPlan } from "../images/index.ts";
import { parseReference } from "../multiarch-manifest/index.ts";
import { suffixOf } from "./arch.ts";
import { methodMissing } from "./errors.ts";
import { parseImageSource, type ImageSource } from "./image-source.ts";
import { findMethod, methodNames } from "./method.ts";
import type { SideImagesOptions } from "./options.ts";

/** An image of another component that a Dockerfile names. */
export interface ParentLink {
  readonly reference: string;
  readonly component: string;
  readonly arch: Arch;
}

/** What every cell has. */
interface CellFacts {
  /** `coredns:arm64`. */
  readonly id: string;
  readonly component: string;
  readonly arch: Arch;
  readonly suffix: string;
  /** Method file, relative to the project root. */
  readonly file: string;
}

/** A cell that takes an image. */
export type ImageCell = CellFacts & { readonly kind: "image"; readonly source: ImageSource };

/** A cell that is built. */
export type DockerfileCell = CellFacts & {
  readonly kind: "dockerfile";
  /** Those that the Dockerfile declares, but VERSION, which is known when the source is. */
  readonly args: Readonly<Record<string, string>>;
  readonly parents: readonly ParentLink[];
  /** Images that are not of this project. */
  readonly bases: readonly { readonly reference: string; readonly platform: Arch; readonly at: Place }[];
  /** Whether a needed stage has a RUN. */
  readonly runs: boolean;
  /** Stages with a RUN: platform and place of the first one. */
  readonly commands: readonly { readonly platform: Arch; readonly at: Place }[];
  /** The image is built in a work tree: from a source, with a script, or both. */
  readonly needsTree: boolean;
  /** The image has files of `src`, or may have. */
  readonly copiesSource: boolean;
  /** Its script is there, relative to the project root. */
  readonly script?: string;
  /** The image that the last stage begins with. Absent: none, or another stage. */
  readonly base?: string;
  /** Where ENTRYPOINT or CMD stands, or else the last FROM. */
  readonly startAt: Place;
};

export type Cell = ImageCell | DockerfileCell;

/** What cells are planned with. */
export interface CellOptions {
  readonly root: string;
  readonly options: SideImagesOptions;
  readonly registry: string;
  readonly tag: string;
  readonly components: readonly string[];
}

/** Undefined: nothing says how. @throws BtError about the method file */
export async function planCell(component: string, arch: Arch, given: CellOptions): Promise<Cell | undefined> {
  const { root, options } = given;
  const method = findMethod(root, options, { component, arch });
  if (method === undefined) return undefined;
  const suffix = suffixOf(arch);
  const facts = { id: `${component}:${suffix}`, component, arch, suffix };
  if (method.kind === "dockerfile") return planBuiltCell({ ...facts, file: method.file }, given);
  if ("reference" in method) {
    const at = { where: `overrides.${component}` };
    await checkReference(method.reference, at);
    return { ...facts, kind: "image", file: at.where, source: { kind: "reference", reference: method.reference, at } };
  }
  const source = parseImageSource(await readFile(join(root, method.file), "utf8"), method.file);
  if (source.kind === "reference") await checkReference(source.reference, source.at);
  return { ...facts, kind: "image", file: method.file, source };
}

/** The mistake of a cell that nothing says how to make. */
export function missingMethod(component: string, arch: Arch, { options }: Pick<CellOptions, "options">): Error {
  const suffix = suffixOf(arch);
  const folder = join(options.dir, "components", component);
  return methodMissing(`${component}:${suffix}`, folder, methodNames(suffix), suffix);
}

async function planBuiltCell(facts: CellFacts, given: CellOptions): Promise<DockerfileCell> {
  const { root, options, registry, tag } = given;
  const { component, arch, file } = facts;
  const args = {
    REGISTRY: registry,
    RELEASE_TAG: tag,
    OCP_TAG: tag,
    OKD_TAG: tag,
    ...options.buildArgs,
    ...options.overrides?.[component]?.buildArgs,
  };
  // The path is absolute and messages are not: `cwd` shortens it.
  const plan = await planDockerfile(resolve(root, file), { args: { VERSION: "", ...args }, platform: arch, cwd: root });
  const bases = basesOf(plan);
  const parents = bases.flatMap(({ reference, platform }) => {
    const name = given.components.find((one) => reference === `${registry}/${one}:${tag}`);
    return name === undefined ? [] : [{ reference, component: name, arch: platform }];
  });
  const commands = plan.stages.flatMap(({ stage, platform }) => {
    const run = stage.instructions.find(({ kind }) => kind === "run");
    return run === undefined ? [] : [{ platform, at: run.at }];
  });
  const folder = join(options.dir, "components", component);
  const script = join(folder, "build_binaries");
  const hasScript = existsSync(join(root, script));
  const sources = contextSources(plan);
  const last = plan.stages.at(-1)!.stage;
  const { base } = plan.stages.at(-1)!;
  const start = last.instructions.findLast(({ kind }) => kind === "entrypoint" || kind === "cmd") ?? last.from;
  return {
    ...facts,
    kind: "dockerfile",
    args: keepDeclared(plan, args),
    parents: options.parents === "registry" ? [] : parents,
    bases:
      options.parents === "registry"
        ? bases
        : bases.filter(({ reference }) => !parents.some((one) => one.reference === reference)),
    runs: commands.length > 0,
    commands,
    needsTree: hasScript || readsVersion(plan) || sources.some((source) => /^src(\/|$)/.test(source)),
    copiesSource: sources.some((source) => /^(src(\/|$)|\.?$|[*?[$])/.test(source)),
    ...(hasScript && { script }),
    ...(base.kind === "image" && { base: base.reference }),
    startAt: start.at,
  };
}

function basesOf({ stages }: BuildPlan): DockerfileCell["bases"] {
  const found = stages.flatMap(({ base, sources, platform, stage }) => [
    ...(base.kind === "image" ? [{ reference: base.reference, platform, at: stage.from.at }] : []),
    ...[...sources].flatMap(([{ at }, origins]) =>
      origins.flatMap((origin) => (origin.kind === "image" ? [{ reference: origin.reference, platform, at }] : [])),
    ),
  ]);
  return [...new Map(found.map((one) => [`${one.reference} ${one.platform}`, one])).values()];
}

/** A new release tag is no reason to build again what does not ask for it. */
function keepDeclared(
  { stages, dockerfile }: BuildPlan,
  args: Readonly<Record<string, string>>,
): Record<string, string> {
  const instructions = [...dockerfile.args, ...stages.flatMap(({ stage }) => stage.instructions)];
  const declared = instructions.flatMap((instruction) =>
    instruction.kind === "arg" ? instruction.pairs.map(({ name }) => name) : [],
  );
  const isPredefined = (name: string): boolean => /^((HTTPS?|FTP|NO|ALL)_PROXY)$/i.test(name);
  return Object.fromEntries(Object.entries(args).filter(([name]) => declared.includes(name) || isPredefined(name)));
}

function readsVersion({ stages, dockerfile }: BuildPlan): boolean {
  const instructions = [...dockerfile.args, ...stages.flatMap(({ stage }) => stage.instructions)];
  return instructions.some(
    (instruction) => instruction.kind === "arg" && instruction.pairs.some(({ name }) => name === "VERSION"),
  );
}

/** Sources of COPY and ADD that are files of the context. */
function contextSources({ stages }: BuildPlan): readonly string[] {
  return stages.flatMap(({ stage }) =>
    stage.instructions.flatMap((instruction) =>
      (instruction.kind === "copy" || instruction.kind === "add") && instruction.from === undefined
        ? instruction.sources.map((source) => source.replace(/^\.?\//, ""))
        : [],
    ),
  );
}

/** A name without a host may be resolved by registries.conf, which is read later. */
async function checkReference(reference: string, at: Place): Promise<void> {
  const shortNames = { aliases: {}, searchRegistries: ["registry.invalid"] };
  await parseReference(reference, { at, shortNames });
}

/** Foreign platforms whose commands a cell runs. */
export function foreignCommands(cell: Cell): DockerfileCell["commands"] {
  if (cell.kind === "image") return [];
  const host = hostPlatform().arch;
  return cell.commands.filter(({ platform }) => platform !== host);
}

/** GOARCH of a cell: what TARGETARCH is. */
export function targetArch({ arch }: Cell): string {
  return parsePlatform(arch).goarch;
}
