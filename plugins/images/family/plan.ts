/** Which versions have to be built since a commit, and why. Asks git; builds nothing. */
import { mkdir, symlink } from "node:fs/promises";
import * as fs from "node:fs";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Context } from "../../../core/index.ts";
import { chooseFamilies } from "./choose.ts";
import { textOf } from "./engine.ts";
import { revisionUnknown } from "./errors.ts";
import { dockerfileOf, type Family, type PlanRow } from "./options.ts";
import { loadFamily } from "./reload.ts";
import { rootOf, type Version } from "./table.ts";
import { createFilter } from "./tracked-files.ts";

type Task = Pick<Context, "root" | "env" | "exec" | "log" | "tempDir"> & {
  readonly params: { readonly base: string; readonly family?: string | undefined };
};

/** Rows of all families, those that are built first. */
export async function plan(
  context: Task,
  families: readonly Family[],
): Promise<{ readonly base: string; readonly versions: readonly (PlanRow & { readonly family: string })[] }> {
  const { log, params } = context;
  const changed = await listChanged(context);
  const rows = [];
  for (const family of chooseFamilies(families, params.family)) {
    const before = await findBefore(context, family, changed);
    const own = planRows(family, before, changed);
    for (const row of family.options.hooks?.plan?.(own) ?? own) rows.push({ family: family.name, ...row });
  }
  const width = Math.max(0, ...rows.map(({ family, version }) => family.length + version.length + 1));
  for (const { family, version, action, reasons } of rows)
    log.info(`${`${family}_${version}`.padEnd(width)}  ${action.padEnd(7)}  ${reasons.join("; ")}`);
  if (rows.length === 0) log.info(`No version to build since ${params.base}`);
  return { base: params.base, versions: rows };
}

/** `before` undefined: there was no such family. */
function planRows(
  family: Family,
  before: Family | "unread" | undefined,
  changed: readonly string[],
): readonly PlanRow[] {
  const shared = changed.filter(createFilter(family.options.sharedInputs ?? []));
  const rows = [...family.versions.values()].map((version): PlanRow => {
    const root = rootOf(family.versions, version);
    const dockerfile = dockerfileOf(family, root);
    const isOwn = root === version;
    const reasons = [
      ...(changed.includes(dockerfile)
        ? [`${dockerfile} changed${isOwn ? "" : `: it is the same as ${root.version}`}`]
        : []),
      ...(version.isEol ? [] : shared.map((file) => `${file} changed`)),
      ...entryReasons(family, before, version),
    ];
    return { version: version.version, action: "build", reasons };
  });
  const old = before === undefined || before === "unread" ? [] : Object.keys(before.table);
  const removed = old
    .filter((version) => !family.versions.has(version))
    .map((version): PlanRow => ({ version, action: "removed", reasons: ["its entry is gone"] }));
  return [...rows.filter(({ reasons }) => reasons.length > 0), ...removed];
}

function entryReasons(family: Family, before: Family | "unread" | undefined, version: Version): readonly string[] {
  if (before === "unread") return [];
  const name = version.version;
  const old = before?.table[name];
  if (before === undefined || old === undefined) return ["its entry is new"];
  const root = rootOf(family.versions, version);
  const oldVersion = before.versions.get(name);
  const oldRoot = oldVersion === undefined ? undefined : rootOf(before.versions, oldVersion);
  const facts = ({ args, platforms }: Version): object => ({ args, platforms });
  return [
    ...(isDeepStrictEqual(old, family.table[name]) ? [] : ["its entry changed"]),
    ...(root !== version && oldRoot !== undefined && !isDeepStrictEqual(facts(oldRoot), facts(root))
      ? [`the entry of ${root.version} changed: it is the same`]
      : []),
    ...(before.rendered.get(root.version) === family.rendered.get(root.version)
      ? []
      : ["the text of its template changed"]),
  ];
}

/** Net changes of the commits since the base, relative to the project. @throws BtError IMAGES_FAMILY_REVISION */
async function listChanged({ exec, params }: Task): Promise<readonly string[]> {
  // A name that starts with a dash would be an option.
  if (params.base.startsWith("-")) throw revisionUnknown(params.base, "");
  const commit = await exec("git", ["rev-parse", "--verify", "--quiet", `${params.base}^{commit}`], {
    show: false,
    allowedCodes: [0, 1, 128],
  });
  if (commit.exitCode !== 0) throw revisionUnknown(params.base, commit.stderr);
  const { stdout } = await exec("git", ["diff", "--name-only", "--relative", "-z", `${params.base}...HEAD`, "--"], {
    show: false,
  });
  return stdout.split("\0").filter((file) => file !== "");
}

/** The family as it was in the base; "unread" where nothing can have changed its table. */
async function findBefore(
  context: Task,
  family: Family,
  changed: readonly string[],
): Promise<Family | "unread" | undefined> {
  const isCode = changed.some((file) => /\.(?:[cm]?[jt]s|json)$/.test(file));
  if (changed.length === 0 || !(isCode || family.options.template !== undefined)) return "unread";
  const folder = path.join(await context.tempDir(), "base");
  await mkdir(folder);
  const { stdout } = await context.exec("git", ["merge-base", context.params.base, "HEAD"], { show: false });
  const archive = `${folder}.tar`;
  await context.exec("git", ["archive", "--format=tar", `--output=${archive}`, stdout.trim()], { show: false });
  await context.exec("tar", ["-x", "-f", archive, "-C", folder], { show: false });
  const packages = path.join(context.root, "node_modules");
  if (fs.existsSync(packages) && !fs.existsSync(path.join(folder, "node_modules")))
    await symlink(packages, path.join(folder, "node_modules"));
  try {
    return await loadFamily(folder, family.name, context.env);
  } catch (error) {
    context.log.warn(
      `The builderfile of ${context.params.base} cannot be read, so every entry counts as new: ${textOf(error).split("\n")[0]}`,
    );
    return undefined;
  }
}
