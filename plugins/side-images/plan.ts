/** The plan of a run: tag, cells, parents and what is wrong with them, all at once. Reads files; starts nothing and asks no registry. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isBtError, type Arch } from "../../core/index.ts";
import { chooseEmulation } from "../images/index.ts";
import { missingMethod, planCell, type Cell, type CellOptions, type ParentLink } from "./cell.ts";
import { componentMalformed, emulationImpossible, parentCircle } from "./errors.ts";
import type { SideImagesOptions } from "./options.ts";
import type { SideValues } from "./params.ts";
import { findReferenceSource, type ReferenceSource } from "./references.ts";
import { loadReleaseTag, pendingTag, type ReleaseTag } from "./release-tag.ts";
import { checkValues, emulationMode, findNearMisses, unique } from "./values.ts";
import { componentsMissing } from "./value-errors.ts";
import { findWanted } from "./wanted.ts";

/** What a run is about. */
export interface SidePlan {
  readonly root: string;
  readonly options: SideImagesOptions;
  readonly values: SideValues;
  /** All components there are. */
  readonly known: readonly string[];
  /** `pendingTag` as long as its command has not run. */
  readonly tag: string;
  /** Program and words that print the tag. Absent: it is known. */
  readonly tagCommand?: readonly [string, ...string[]];
  /** Those that were asked for, each once. */
  readonly components: readonly string[];
  readonly arches: readonly Arch[];
  readonly references: ReferenceSource;
  /** Sentences for the log. */
  readonly warnings: readonly string[];
  /** What is wrong so far. */
  readonly mistakes: unknown[];
  /** The cell, planned once; undefined when nothing says how, or what says it is wrong. */
  readonly cell: (component: string, arch: Arch) => Promise<Cell | undefined>;
}

/** What a plan is made of. */
export interface PlanFacts {
  readonly root: string;
  readonly options: SideImagesOptions;
  readonly values: SideValues;
  readonly known: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command of the tag has printed. */
  readonly tag?: string;
}

/** Mistakes are collected, not thrown. */
export async function createPlan(facts: PlanFacts): Promise<SidePlan> {
  const { root, options, values, known, env } = facts;
  const mistakes: unknown[] = [...checkValues(values, options, known)];
  if (known.length === 0) mistakes.push(componentsMissing(options.dir));
  const found = await loadReleaseTag(root, options, facts.tag ?? values.releaseTag).catch(
    (error: unknown): ReleaseTag => {
      mistakes.push(error);
      return { kind: "known", tag: "unknown" };
    },
  );
  const tag = found.kind === "known" ? found.tag : pendingTag;
  const components = unique(values.components);
  const arches = unique(values.architectures);
  for (const name of components.list)
    if (!/^[a-z0-9]+([._-]+[a-z0-9]+)*$/.test(name))
      mistakes.push(componentMalformed(name, `${options.dir}/components`));
  const given: CellOptions = { root, options, registry: values.destRegistry, tag, components: known };
  const references = findReferenceSource(options, tag);
  const cells = new Map<string, Promise<Cell | undefined>>();
  const plan = async (component: string, arch: Arch): Promise<Cell | undefined> => {
    try {
      const cell = await planCell(component, arch, given);
      if (cell === undefined) {
        if (!values.allowMissing.includes(arch)) mistakes.push(missingMethod(component, arch, given));
        return undefined;
      }
      await checkEmulation(cell, values);
      // Where the release may say more, its answer is waited for.
      if (cell.kind === "dockerfile" && cell.needsTree && !mayAskRelease(references, options, { root, component }))
        await findWanted(root, { options }, { component, entry: {} });
      return cell;
    } catch (error) {
      mistakes.push(error);
      return undefined;
    }
  };
  return {
    root,
    options,
    values,
    known,
    tag,
    ...(found.kind === "command" && { tagCommand: found.command }),
    components: components.list.filter((name) => known.includes(name)),
    arches: arches.list,
    references,
    warnings: [
      ...findNearMisses(env, options.ignoreEnv ?? []),
      ...components.doubled.map((name) => `COMPONENTS names ${name} twice; it counts once`),
      ...arches.doubled.map((arch) => `ARCHITECTURES names ${arch} twice; it counts once`),
    ],
    mistakes,
    cell: (component, arch) => {
      const key = `${component}:${arch}`;
      const planned = cells.get(key) ?? plan(component, arch);
      cells.set(key, planned);
      return planned;
    },
  };
}

/** All cells that these need, themselves included, parents first. Adds circles to the mistakes. */
export async function closeCells(plan: SidePlan, cells: readonly Cell[]): Promise<readonly Cell[]> {
  const done = new Map<string, Cell>();
  const visit = async (cell: Cell, path: readonly string[]): Promise<void> => {
    if (path.includes(cell.id)) {
      const circle = path.slice(path.indexOf(cell.id));
      // Found from every side, and said once: it begins with the first name.
      const first = circle.indexOf([...circle].sort()[0]!);
      plan.mistakes.push(parentCircle([...circle.slice(first), ...circle.slice(0, first), circle[first]!]));
      return;
    }
    if (done.has(cell.id)) return;
    for (const { component, arch } of parentsOf(cell)) {
      const parent = await plan.cell(component, arch);
      if (parent !== undefined) await visit(parent, [...path, cell.id]);
    }
    done.set(cell.id, cell);
  };
  for (const cell of cells) await visit(cell, []);
  return [...done.values()];
}

export function parentsOf(cell: Cell): readonly ParentLink[] {
  return cell.kind === "image" ? [] : cell.parents;
}

/** The cells of one component, in the order of ARCHITECTURES. */
export async function cellsOf(plan: SidePlan, component: string): Promise<readonly Cell[]> {
  const cells = await Promise.all(plan.arches.map((arch) => plan.cell(component, arch)));
  return cells.filter((cell) => cell !== undefined);
}

/** Whether the release has to be asked where the source of a component is. */
export function sourceNeedsRelease({ references, options, root }: SidePlan, component: string): boolean {
  return mayAskRelease(references, options, { root, component });
}

function mayAskRelease(
  references: ReferenceSource,
  { overrides, source, dir }: SideImagesOptions,
  { root, component }: { readonly root: string; readonly component: string },
): boolean {
  if (references.kind === "none") return false;
  const { repo, commit } = overrides?.[component] ?? {};
  if (repo !== undefined && commit !== undefined) return false;
  const folder = join(root, dir, "components", component);
  const isInFiles = existsSync(join(folder, "repo")) && existsSync(join(folder, "commit"));
  return source?.precedence !== "files" || !isInFiles;
}

/** The components that become visible together with one; of those that were asked for. */
export function groupOf(plan: SidePlan, component: string): readonly string[] {
  const { publishGroup = plan.options.publishGroup ?? "all" } = plan.values;
  if (typeof publishGroup === "string") return publishGroup === "all" ? plan.components : [component];
  const group = publishGroup.find((names) => names.includes(component)) ?? [component];
  return plan.components.filter((name) => group.includes(name));
}

/** @throws BtError SIDE_IMAGES_EMULATION */
async function checkEmulation(cell: Cell, { emulation, engine }: SideValues): Promise<void> {
  if (cell.kind === "image") return;
  for (const { platform, at } of cell.commands)
    await chooseEmulation([platform], emulationMode(emulation), engine ?? "buildah").catch((error: unknown) => {
      throw isBtError(error) ? emulationImpossible(cell.id, at, error) : error;
    });
}
