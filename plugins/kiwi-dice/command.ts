/** KIWI's command lines. Pure; does not know where they run. */
import { hasCredentials } from "./address.ts";
import type { Order } from "./order.ts";
import type { BoxHost, KiwiYml, Repo } from "./recipe.ts";

/** Where things are for KIWI, which may be elsewhere than for bt. */
export interface Places {
  readonly description: string;
  /** Gets what KIWI makes: `JOB/build`. */
  readonly target: string;
  readonly bundle: string;
  /** File for `--config`. Absent: KIWI's own configuration. */
  readonly config?: string;
  readonly signingKeys: readonly string[];
  /** Folder for KIWI's cache. Absent: KIWI's own, of a machine or container that is there for one build only. */
  readonly cache?: string;
}

/** Builds the image. */
export function buildWords(order: Order, places: Places): string[] {
  const { kiwi } = order;
  const { cache, config, description, target } = places;
  return [
    ...(config === undefined ? [] : ["--config", config]),
    "--debug",
    ...choiceWords(order),
    ...(kiwi.targetArch === undefined ? [] : ["--target-arch", kiwi.targetArch]),
    ...(kiwi.kiwiFile === undefined ? [] : ["--kiwi-file", kiwi.kiwiFile]),
    ...(cache === undefined ? [] : ["--shared-cache-dir", cache]),
    ...["system", "build", "--description", description, "--target-dir", target],
    ...sourceWords(order, places),
  ];
}

/** Unpacks the image into a folder, which must not be there. */
export function prepareWords(order: Order, places: Places, root: string): string[] {
  const words = buildWords(order, places);
  const at = words.indexOf("build", words.indexOf("system"));
  return [
    ...words.slice(0, at),
    "prepare",
    "--description",
    places.description,
    "--root",
    root,
    ...words.slice(at + 5),
  ];
}

/** Makes an image of an unpacked one. */
export function createWords(order: Order, places: Places, root: string): string[] {
  const words = buildWords(order, places);
  const at = words.indexOf("build", words.indexOf("system"));
  return [...words.slice(0, at), "create", "--root", root, "--target-dir", places.target];
}

/** Says what the description means. KIWI's `image` takes no cache. */
export function infoWords(order: Order, places: Places): string[] {
  const { cache, ...others } = places;
  const words = buildWords(order, cache === undefined ? places : others);
  const at = words.indexOf("system");
  const global = words.slice(0, at).filter((word) => word !== "--debug");
  return [...global, "image", "info", "--description", places.description];
}

/** Renames and checksums what was built. */
export function bundleWords({ bundle }: Order, { config, target, bundle: folder }: Places): string[] {
  const id = bundle === false ? "" : bundle.id;
  const global = config === undefined ? [] : ["--config", config];
  return [...global, ...["result", "bundle", "--target-dir", target, "--id", id, "--bundle-dir", folder]];
}

/** Builds in a virtual machine. */
export function boxWords(order: Order, box: BoxHost, places: Places): string[] {
  return [
    ...choiceWords(order),
    ...["system", "boxbuild", "--box", box.box],
    ...(box.memory === undefined ? [] : ["--box-memory", box.memory]),
    ...(box.cpus === undefined ? [] : ["--box-smp-cpus", String(box.cpus)]),
    ...["--no-update-check", "--x86_64", "--", "--description", places.description, "--target-dir", places.target],
    ...sourceWords(order, places),
  ];
}

/** What the configuration file says. JSON is YAML. Absent: there is no need of one. */
export function configText({ kiwi, bundle }: Order): string | undefined {
  const compress = bundle === false ? undefined : bundle.compress;
  if (kiwi.config === undefined && compress === undefined) return undefined;
  const own: KiwiYml = compress === undefined ? {} : { bundle: [{ compress }] };
  return `${JSON.stringify({ ...kiwi.config, ...own }, undefined, 2)}\n`;
}

/** The repositories of the options, as elements for the copy of the description: those with credentials, which no command line gets. */
export function repositoryElements({ kiwi: { setRepo, addRepos = [] } }: Order): { set?: string; add: string[] } {
  const secret = (repo: Repo): boolean => hasCredentials(repo.source);
  return {
    ...(setRepo !== undefined && secret(setRepo) ? { set: toElement(setRepo) } : {}),
    add: addRepos.filter(secret).map(toElement),
  };
}

function choiceWords({ kiwi }: Order): string[] {
  return [
    ...kiwi.profiles.flatMap((profile) => ["--profile", profile]),
    ...(kiwi.type === undefined ? [] : ["--type", kiwi.type]),
  ];
}

function sourceWords({ kiwi: { setRepo, addRepos = [] } }: Order, { signingKeys }: Places): string[] {
  return [
    ...(setRepo === undefined || hasCredentials(setRepo.source) ? [] : ["--set-repo", repoWord(setRepo)]),
    ...addRepos.filter(({ source }) => !hasCredentials(source)).flatMap((repo) => ["--add-repo", repoWord(repo)]),
    ...signingKeys.flatMap((key) => ["--signing-key", key]),
  ];
}

/** `source,type,alias,priority,imageinclude,gpgcheck,{keys},components,distribution,repo_gpgcheck` */
function repoWord(repo: Repo): string {
  const { source, type, alias, priority, imageinclude, gpgcheck, keys, components, distribution, repoGpgcheck } = repo;
  const fields = [source, type, alias, priority, imageinclude, gpgcheck];
  const more = [keys === undefined ? undefined : `{${keys.join(";")}}`, components, distribution, repoGpgcheck];
  return [...fields, ...more]
    .map((field) => (field === undefined ? "" : String(field)))
    .join(",")
    .replace(/,+$/, "");
}

function toElement(repo: Repo): string {
  const attributes = {
    type: repo.type,
    alias: repo.alias,
    priority: repo.priority,
    imageinclude: repo.imageinclude,
    package_gpgcheck: repo.gpgcheck,
    components: repo.components,
    distribution: repo.distribution,
    repository_gpgcheck: repo.repoGpgcheck,
  };
  const written = Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [` ${name}="${escapeXml(String(value))}"`],
  );
  const keys = (repo.keys ?? []).map((key) => `<signing key="${escapeXml(key)}"/>`).join("");
  return `<repository${written.join("")}><source path="${escapeXml(repo.source)}">${keys}</source></repository>`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
