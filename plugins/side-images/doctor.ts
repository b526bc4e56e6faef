/** What the plugin needs on this machine. Looks for programs; starts none. */
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import {
  describeInstall,
  describeTool,
  hostPlatform,
  packagesOf,
  parsePlatform,
  type DoctorPlace,
  type Requirement,
} from "../../core/index.ts";
import { resolveName } from "../multiarch-manifest/index.ts";
import { cellsOf, type SidePlan } from "./plan.ts";
import { findArch } from "./arch.ts";
import { foreignCommands } from "./cell.ts";
import { withClient } from "./external.ts";
import { planOf, type SideContext, type Site } from "./role.ts";
import { doctorFailed } from "./value-errors.ts";

/** For `bt --doctor`: nothing is planned yet, so that only some tasks need each of them. */
export async function listRequirements(
  { options, components }: Site,
  { root, env }: Pick<DoctorPlace, "root" | "env">,
): Promise<readonly Requirement[]> {
  const hasScript = components.some((name) =>
    existsSync(join(root, options.dir, "components", name, "build_binaries")),
  );
  const release = options.imageReferences;
  const program =
    release === undefined
      ? "oc"
      : release !== false && "release" in release
        ? (release.command?.[0] ?? "oc")
        : undefined;
  return [
    tool("buildah", env, "cells whose Dockerfile has a RUN"),
    ...(hasScript ? [tool("git", env, "sources")] : []),
    ...(program === undefined ? [] : [tool(program, env, "the release's references")]),
    ...(options.requires ?? []).map((name) => tool(name, env, "build_binaries")),
    ...emulators(options.architectures?.flatMap((name) => findArch(name) ?? []) ?? []),
  ];
}

function tool(name: string, env: DoctorPlace["env"], purpose: string, isRequired = false): Requirement {
  return describeTool(name, { plugin: "side-images", env, purpose, isRequired });
}

function emulators(arches: readonly (ReturnType<typeof findArch> & string)[]): readonly Requirement[] {
  return [...new Set(arches)]
    .filter((arch) => arch !== hostPlatform().arch)
    .map((arch) => {
      const rule = `/usr/lib/binfmt.d/qemu-${parsePlatform(arch).qemu}.conf`;
      return {
        name: `emulator for ${arch}`,
        plugin: "side-images",
        isRequired: false,
        install: packagesOf("qemu-user-static"),
        ...(existsSync(rule) && { found: rule }),
      };
    });
}

/** `side-images:doctor`: what the cells of this run need. @throws BtError SIDE_IMAGES_DOCTOR */
export async function examine({ root, env, log }: SideContext, site: Site): Promise<readonly Requirement[]> {
  const plan = planOf(site);
  const list = await listNeeded(plan, env);
  for (const one of list)
    log.info(`${one.found === undefined ? "missing" : "ok     "}  ${one.name}: ${one.found ?? describeInstall(one)}`);
  for (const line of await resolveShortNames(site, root)) log.info(line);
  const space = await statfs(root).catch(() => undefined);
  if (space !== undefined) log.info(`ok       free space: ${Math.round((space.bavail * space.bsize) / 2 ** 30)} GiB`);
  log.info(`ok       kernel: ${release()}`);
  const missing = list.filter(({ found, isRequired }) => found === undefined && isRequired).map(({ name }) => name);
  if (missing.length > 0) throw doctorFailed(missing);
  return list;
}

/** What registries.conf makes of names without a registry. Asks nobody. */
async function resolveShortNames(site: Site, root: string): Promise<readonly string[]> {
  const plan = planOf(site);
  const cells = (await Promise.all(plan.components.map((name) => cellsOf(plan, name)))).flat();
  const named = cells.flatMap((cell) => {
    if (cell.kind === "dockerfile") return cell.bases.map(({ reference }) => reference);
    return cell.source.kind === "reference" ? [cell.source.reference] : [];
  });
  const short = [...new Set(named)].filter((name) => !/^[^/]*([.:]|^localhost)[^/]*\/|^oci:/.test(name)).sort();
  return withClient(site, { root }, (client) =>
    Promise.all(
      short.map((name) =>
        resolveName(name, { client }).then(
          (full) => `ok       short name ${name}: ${full.replace(/^docker:\/\//, "")}`,
          (error: unknown) => `unclear  short name ${name}: ${error instanceof Error ? error.message : String(error)}`,
        ),
      ),
    ),
  );
}

async function listNeeded(plan: SidePlan, env: DoctorPlace["env"]): Promise<readonly Requirement[]> {
  const cells = (await Promise.all(plan.components.map((name) => cellsOf(plan, name)))).flat();
  const built = cells.flatMap((cell) => (cell.kind === "dockerfile" ? [cell] : []));
  const { references } = plan;
  const asksRelease =
    references.kind === "releases" &&
    (built.some(({ needsTree }) => needsTree) ||
      cells.some((cell) => cell.kind === "image" && cell.source.kind === "release"));
  const program = references.kind === "releases" ? (references.releases[0]?.command[0] ?? "oc") : "oc";
  return [
    ...(built.some(({ runs }) => runs) ? [tool("buildah", env, "Dockerfiles with a RUN", true)] : []),
    ...(built.some(({ needsTree }) => needsTree) ? [tool("git", env, "sources", true)] : []),
    ...(asksRelease ? [tool(program, env, "the release's references", true)] : []),
    ...(plan.options.requires ?? []).map((name) => tool(name, env, "build_binaries", true)),
    ...emulators(built.flatMap((cell) => foreignCommands(cell).map(({ platform }) => platform))),
  ];
}
