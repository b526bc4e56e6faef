/** Shows the plan: how every cell gets its image and what that needs. Starts nothing, asks no registry. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ociPlatform } from "../../core/index.ts";
import { throwMistakes } from "./mistakes.ts";
import { findBashisms } from "./binaries-task.ts";
import { foreignCommands, type Cell } from "./cell.ts";
import { maskUrl } from "./git.ts";
import { cellsOf, closeCells, type SidePlan } from "./plan.ts";
import { findCached, sourcesOf, type ReferencesByArch } from "./references-task.ts";
import { planOf, type SideContext, type Site } from "./role.ts";
import { findWanted } from "./wanted.ts";

/** One cell as the plan shows it. */
export interface PlannedCell {
  readonly component: string;
  readonly arch: string;
  readonly platform: string;
  readonly method: "ImageSource" | "Dockerfile";
  readonly file: string;
  /** Of an image source: what is taken; `$RELEASE_IMAGE…` as long as the release is not known. */
  readonly reference?: string;
  readonly parents?: readonly string[];
  readonly bases?: readonly string[];
  readonly source?: { readonly repo: string; readonly commit: string };
  readonly binaries?: true;
  /** The architecture whose commands run under emulation. */
  readonly emulation?: string;
}

/** The document of `--json`. Sorted, without absolute paths and times. */
export interface PlanDocument {
  readonly schema: 1;
  readonly tag: string;
  readonly registry: string;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly cells: readonly PlannedCell[];
  readonly warnings: readonly string[];
}

/** @throws BtError: all that is wrong with cells */
export async function showPlan({ log, params }: SideContext, site: Site): Promise<PlanDocument> {
  const plan = planOf(site);
  const cached = await findCached(plan.root, plan.references);
  const cells: Cell[] = [];
  for (const component of plan.components) cells.push(...(await cellsOf(plan, component)));
  const all = await closeCells(plan, cells);
  throwMistakes(plan.mistakes);
  const ordered = [...cells, ...all.filter((cell) => !cells.includes(cell))];
  const shown = await Promise.all(ordered.map((cell) => describeCell(cell, plan, cached)));
  const document: PlanDocument = {
    schema: 1,
    tag: plan.tag,
    registry: plan.values.destRegistry,
    components: plan.components,
    architectures: plan.arches,
    cells: shown,
    warnings: [...plan.warnings, ...(await findWarnings(plan))],
  };
  if (params["asJson"] === true) log.info(JSON.stringify(document, undefined, 2));
  else {
    for (const line of renderPlan(document)) log.info(line);
    for (const warning of document.warnings) log.warn(warning);
  }
  return document;
}

async function describeCell(cell: Cell, plan: SidePlan, cached: ReferencesByArch | undefined): Promise<PlannedCell> {
  const { component, suffix, arch, file } = cell;
  const common = { component, arch: suffix, platform: ociPlatform(arch), file };
  if (cell.kind === "image") {
    const { source } = cell;
    const found = source.kind === "reference" ? source.reference : cached?.[source.arch ?? arch]?.[component]?.image;
    return { ...common, method: "ImageSource", reference: found ?? (source.kind === "release" ? source.value : "") };
  }
  const entry = cached === undefined ? {} : (sourcesOf(cached)[component] ?? {});
  const source = cell.needsTree
    ? await findWanted(plan.root, plan, { component, entry }).catch(() => undefined)
    : undefined;
  const foreign = foreignCommands(cell);
  return {
    ...common,
    method: "Dockerfile",
    ...(cell.parents.length > 0 && { parents: cell.parents.map((parent) => parent.component).sort() }),
    ...(cell.bases.length > 0 && { bases: cell.bases.map(({ reference }) => reference).sort() }),
    ...(source && { source: { repo: maskUrl(source.repo), commit: source.commit } }),
    ...(cell.script !== undefined && { binaries: true as const }),
    ...(foreign.length > 0 && { emulation: foreign[0]!.platform }),
  };
}

async function findWarnings({ known, components, options, root }: SidePlan): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const component of known.filter((name) => components.includes(name))) {
    const file = join(options.dir, "components", component, "build_binaries");
    if (!existsSync(join(root, file)) || options.binariesShell === "bash") continue;
    const [line] = await findBashisms(join(root, file));
    if (line !== undefined)
      warnings.push(`${file}:${line} uses == inside [, which sh does not know here; set binariesShell: "bash"`);
  }
  return warnings;
}

function renderPlan({ cells, tag, registry }: PlanDocument): readonly string[] {
  const rows = cells.map((cell) => {
    const what = cell.reference ?? cell.file.slice(cell.file.lastIndexOf("/") + 1);
    const notes = [
      ...(cell.parents ?? []).map((name) => `FROM ${name}`),
      ...(cell.bases ?? []),
      ...(cell.binaries ? ["binaries"] : []),
      ...(cell.source ? [`${cell.source.repo} ${cell.source.commit.slice(0, 12)}`] : []),
      ...(cell.emulation === undefined ? [] : [`emulates ${cell.emulation}`]),
    ];
    return [`${cell.component}:${cell.arch}`, cell.method, what, notes.join(", ")];
  });
  const widths = [0, 1, 2].map((at) => Math.max(0, ...rows.map((row) => row[at]!.length)));
  const lines = rows.map((row) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [`${registry}/…:${tag}`, ...lines];
}
