/** CI jobs of a family from its table: two for each supported version. Does not know other people's jobs. */
import * as fs from "node:fs";
import * as path from "node:path";
import { replaceFile, type Context } from "../../../core/index.ts";
import { chooseFamilies } from "./choose.ts";
import { diffLines, replaceJobs } from "./ci-file.ts";
import { ciMalformed, ciStale } from "./errors.ts";
import { dockerfileOf, supportedVersions, tagsOf, type Family } from "./options.ts";
import { rootOf, type Version } from "./table.ts";

type Task = Pick<Context, "root" | "log"> & {
  readonly params: {
    readonly format: "openshift";
    readonly out?: string | undefined;
    readonly check: boolean;
    readonly family?: string | undefined;
  };
};

/** Writes, prints or compares the jobs. @throws BtError IMAGES_FAMILY_CI_STALE, IMAGES_FAMILY_CI */
export async function writeCi({ root, log, params }: Task, families: readonly Family[]): Promise<void> {
  for (const family of chooseFamilies(families, params.family)) {
    const file = params.out ?? family.options.ci?.file;
    if (file === undefined) {
      for (const lines of renderJobs(family).values()) log.info(lines.join("\n"));
      continue;
    }
    const { before, now } = compareCi(root, family, file);
    const diff = diffLines(before, now);
    const full = path.resolve(root, file);
    if (diff === undefined) log.info(`${file} is what the table says`);
    else if (params.check) throw ciStale(`${file}:${diff.line}`, diff.lines.slice(0, 60));
    else {
      replaceFile(full, now);
      log.info(`Wrote ${2 * supportedVersions(family).length} jobs to ${file}`);
    }
  }
}

/** The file's text as it is and as it should be. `line`: where they begin to differ. */
export function compareCi(
  root: string,
  family: Family,
  file: string,
): { readonly before: string; readonly now: string; readonly line?: number } {
  const full = path.resolve(root, file);
  const before = fs.existsSync(full) ? fs.readFileSync(full, "utf8") : "";
  const now = replaceJobs(before, renderJobs(family), (name, lines) => isOwnJob(family, name, lines));
  if (now === undefined) throw ciMalformed(file, "its `tests` are not written as a block list");
  const line = diffLines(before, now)?.line;
  return { before, now, ...(line === undefined ? {} : { line }) };
}

/** Jobs of a version in the table, or of one that was: those mention the family. */
function isOwnJob(family: Family, name: string, lines: readonly string[]): boolean {
  const { prefix = defaultPrefix } = family.options.ci ?? {};
  const [, suffix] = name.startsWith(prefix)
    ? (/^-(?:build|push)-containers-(.+)$/.exec(name.slice(prefix.length)) ?? [])
    : [];
  if (suffix === undefined) return false;
  const isDeclared = [...family.versions.keys()].some((version) => labelOf(version) === suffix);
  return isDeclared || lines.some((line) => line.includes(`${family.name}_`));
}

const defaultPrefix = "test-infra";

/** Lines of each job by its name, in the order of the table. */
export function renderJobs(family: Family): ReadonlyMap<string, readonly string[]> {
  return new Map(
    supportedVersions(family).flatMap((version) =>
      (["build", "push"] as const).map((kind) => {
        const name = `${family.options.ci?.prefix ?? defaultPrefix}-${kind}-containers-${labelOf(version.version)}`;
        return [name, renderJob(family, version, { kind, name })] as const;
      }),
    ),
  );
}

function renderJob(
  family: Family,
  version: Version,
  { kind, name }: { readonly kind: "build" | "push"; readonly name: string },
): readonly string[] {
  const {
    clusterProfile = "ossm-aws",
    workflow = "servicemesh-istio-e2e-profile",
    imageVariable,
  } = family.options.ci ?? {};
  const variable = imageVariable ?? `${family.name.replaceAll(/[^A-Za-z0-9]/g, "_").toUpperCase()}_IMAGE`;
  const bootstrap = family.versions.get(version.bootstrapWith) ?? version;
  const task = kind === "build" ? `build-containers-${version.version}` : pushTask(family, version);
  return [
    `- as: ${name}`,
    ...(kind === "push" ? ["  postsubmit: true"] : []),
    `  run_if_changed: ${runIfChanged(family, version)}`,
    "  steps:",
    `    cluster_profile: ${clusterProfile}`,
    "    env:",
    `      ${variable}: ${family.options.hub}/${family.name}:${tagsOf(family, bootstrap)[0] ?? bootstrap.version}`,
    "    test:",
    "    - as: copy-src",
    "      cli: latest",
    "      commands: |",
    '        oc cp ./. "${MAISTRA_NAMESPACE}/${MAISTRA_SC_POD}:/src"',
    "      from: src",
    ...resources,
    "      timeout: 20m0s",
    `    - as: ${kind}-containers-${labelOf(version.version)}`,
    "      cli: latest",
    "      commands: |",
    ...(kind === "push"
      ? ['        oc cp "${REGISTRY_AUTH_FILE}" "${MAISTRA_NAMESPACE}/${MAISTRA_SC_POD}:/tmp/auth.json"']
      : []),
    `        oc exec -n "\${MAISTRA_NAMESPACE}" "\${MAISTRA_SC_POD}" -- entrypoint bt -C /src ${task}${kind === "push" ? " REGISTRY_AUTH_FILE=/tmp/auth.json" : ""}`,
    "      from: src",
    ...resources,
    `      timeout: ${durationOf(version.timeout)}`,
    `    workflow: ${workflow}`,
  ];
}

const resources: readonly string[] = [
  "      resources:",
  "        requests:",
  "          cpu: 100m",
  "          memory: 200Mi",
];

function pushTask({ name }: Family, { version, platforms }: Version): string {
  return `${name}_${version}.${platforms.length > 1 ? "push_multi" : "push"}`;
}

/** `^docker/maistra-builder_2\.4\.Dockerfile|^docker/scripts` */
function runIfChanged(family: Family, version: Version): string {
  const shared = (family.options.sharedInputs ?? []).map((glob) =>
    glob.replace(/\/\*\*(\/\*)?$/, "").replace(/[*?[{].*$/, ""),
  );
  const paths = [dockerfileOf(family, rootOf(family.versions, version)), ...shared];
  return paths.map((file) => `^${file.replaceAll(/[.+*?^$()[\]{}|\\]/g, "\\$&")}`).join("|");
}

/** `3-5` for `3.5`: names of jobs have no dots. */
function labelOf(version: string): string {
  return version.replaceAll(".", "-");
}

/** `4h0m0s` for `4h`. */
function durationOf(text: string): string {
  const [, hours = "0", minutes = "0", seconds = "0"] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? [];
  const head = hours === "0" ? "" : `${hours}h`;
  return `${head}${minutes}m${seconds}s`;
}
