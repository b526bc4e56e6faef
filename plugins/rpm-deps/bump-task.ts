/** The work of `rpm-deps:bump`: newer versions into the pins file, and nothing else of it changes. */
import * as path from "node:path";
import { replaceFile } from "../../core/index.ts";
import { planBump, type Bump } from "./bump.ts";
import { createDesk, toParams, type Task } from "./desk.ts";
import { pinUnknown } from "./errors.ts";
import { takeLock } from "./lock.ts";
import type { RpmDepsOptions } from "./options.ts";
import type { Pin } from "./pins.ts";
import { newerExist } from "./repository-errors.ts";
import { loadSnapshot } from "./snapshot.ts";
import { applyEdits } from "./starlark.ts";

/** Raises pins. A dry run judges by what was fetched before. @throws BtError RPM_DEPS_NEWER_EXIST with exit code 3 */
export async function bumpPins(
  task: Task,
  options: RpmDepsOptions,
  { isDryRun }: { readonly isDryRun: boolean },
): Promise<{ readonly bumps: readonly Bump[]; readonly written: boolean }> {
  const { only, ...params } = toParams(task.params, options);
  const desk = await createDesk(task, options, { ...params, singleArch: options.arches }, "all");
  const known = [...new Set(desk.pins.map(({ name }) => name))];
  for (const name of only ?? []) if (!known.includes(name)) throw pinUnknown(name, known);
  const chosen = desk.pins.filter(
    ({ name, stream, evr }) =>
      evr !== "" && desk.streams.includes(stream) && (only === undefined || only.length === 0 || only.includes(name)),
  );
  const { json, check, allowDowngrade } = task.params;
  const isLooking = isDryRun || check === true;
  if (!isLooking) task.defer(takeLock(desk.folder));
  const snapshot = await loadSnapshot(desk.lists, { ...desk.snapshot, ...(isDryRun ? { offline: true } : {}) });
  for (const warning of snapshot.warnings) task.log.warn(warning);
  const bumps = chosen.map((pin) => planBump(snapshot, desk.allTrees, pin));
  if (json === true) task.log.info(JSON.stringify({ bumps }));
  else for (const bump of bumps) task.log.info(renderBump(bump));
  const taken = bumps.filter(({ kind }) => kind === "newer" || (kind === "older" && allowDowngrade === true));
  const older = bumps.filter(({ kind }) => kind === "older");
  if (older.length > 0 && allowDowngrade !== true)
    task.log.warn(
      `Only older versions are left of ${older.map(({ pin }) => pin).join(", ")}: --allow-downgrade takes them`,
    );
  if (check === true && taken.length > 0) throw newerExist(taken.map(renderBump));
  if (isLooking || taken.length === 0) return { bumps, written: false };
  const edits = taken.flatMap((bump) => editOf(bump, desk.pinsFile.pins));
  replaceFile(path.resolve(task.root, options.pinsFile), applyEdits(desk.pinsFile.text, edits));
  task.log.info(`Wrote ${options.pinsFile}`);
  return { bumps, written: true };
}

function editOf(
  { pin, stream, to }: Bump,
  pins: readonly Pin[],
): readonly { start: number; end: number; text: string }[] {
  const range = pins.find((one) => one.name === pin && one.stream === stream)?.range;
  return range === undefined || to === undefined ? [] : [{ start: range[0], end: range[1], text: JSON.stringify(to) }];
}

function renderBump({ pin, stream, from, kind, to = "", hold, partial }: Bump): string {
  const title = `${stream} ${pin} ${from}`;
  const some = partial === undefined ? "" : `; ${partial.evr} is there too, but not for ${partial.missing.join(", ")}`;
  switch (kind) {
    case "newer":
    case "older":
      return `${title} → ${to}${some}`;
    case "current":
      return `${title} is the newest${some}`;
    case "held":
      return `${title} is held: ${hold ?? ""}${to === from ? "" : ` (there is ${to})`}`;
    case "unused":
      return `${title} is used by no group`;
    case "none":
      return `${title}: no version is there for all packages and architectures${some}`;
  }
}
