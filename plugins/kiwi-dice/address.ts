/** Which repositories a build uses, and where their metadata are. Pure; does not read them. */
import { isAbsolute, join } from "node:path";
import { applies, type Description, type Repository } from "./description.ts";
import type { Repo } from "./recipe.ts";

/** A place to read from. */
export type Address =
  | { readonly kind: "web"; readonly url: string; readonly user?: string; readonly password?: string }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string }
  /** Only KIWI inside of a build service knows where it is. */
  | { readonly kind: "elsewhere"; readonly source: string };

/** A repository whose digest can be taken. */
export interface Source {
  /** Alias, else address without credentials; unique. */
  readonly label: string;
  readonly type: string;
  readonly address: Address;
  readonly distribution?: string;
  readonly components: readonly string[];
}

/** On what the list depends. */
export interface Use {
  readonly profiles: readonly string[];
  /** As `uname -m` says it. */
  readonly arch: string;
  /** Of the recipe, absolute. */
  readonly folder: string;
  readonly setRepo?: Repo | undefined;
  readonly addRepos?: readonly Repo[] | undefined;
}

/** The repositories of the description that count now, and those of the options, in order. */
export function listSources(description: Description, use: Use): readonly Source[] {
  const { setRepo, addRepos = [] } = use;
  const own = description.repositories.filter((one) => applies(one, use));
  const replaced = setRepo === undefined ? own : [toRepository(setRepo), ...own.slice(1)];
  const seen = new Map<string, number>();
  return [...replaced, ...addRepos.map(toRepository)].map((repository) => {
    const source = toSource(repository, use.folder);
    const count = (seen.get(source.label) ?? 0) + 1;
    seen.set(source.label, count);
    return count === 1 ? source : { ...source, label: `${source.label} (${count})` };
  });
}

/** Texts that must never be shown: passwords, also as addresses write them. */
export function listSecrets(description: Description, use: Pick<Use, "setRepo" | "addRepos">): readonly string[] {
  const sources = [
    ...description.repositories,
    ...[use.setRepo, ...(use.addRepos ?? [])].flatMap((repo) => (repo === undefined ? [] : [toRepository(repo)])),
  ];
  return sources.flatMap(({ source, password }) => {
    const written = /^[a-z]+:\/\/[^/@]*?:([^/]*)@/i.exec(source)?.[1];
    const texts = [password, written, written === undefined ? undefined : decode(written)];
    return texts.flatMap((text) => (text === undefined || text === "" ? [] : [text]));
  });
}

/** Whether an address has a user in it, which no command line may have. */
export function hasCredentials(source: string): boolean {
  return /^[a-z]+:\/\/[^/]*@/i.test(source);
}

function toRepository(repo: Repo): Repository {
  const { source, type, alias, components, distribution } = repo;
  return {
    source,
    ...(type === undefined ? {} : { type }),
    ...(alias === undefined ? {} : { alias }),
    ...(components === undefined ? {} : { components }),
    ...(distribution === undefined ? {} : { distribution }),
    profiles: [],
    arches: [],
  };
}

function toSource(repository: Repository, folder: string): Source {
  const { alias, type = "rpm-md", distribution, components } = repository;
  const address = toAddress(repository, folder);
  return {
    label: alias ?? showAddress(address),
    type,
    address,
    ...(distribution === undefined ? {} : { distribution }),
    components: (components ?? "main").split(/[\s,]+/).filter((word) => word !== ""),
  };
}

function toAddress({ source, username, password }: Repository, folder: string): Address {
  if (/^(https?|ftp):/i.test(source)) {
    const url = new URL(source);
    const [user, secret] = [username ?? decode(url.username), password ?? decode(url.password)];
    [url.username, url.password] = ["", ""];
    return {
      kind: "web",
      url: url.href.replace(/\/+$/, ""),
      ...(user === "" ? {} : { user, password: secret }),
    };
  }
  const [, scheme = "", rest = ""] = /^(\w+):(?:\/\/)?(.*)$/.exec(source) ?? [];
  if (scheme === "obs") return { kind: "web", url: obsAddress(rest) };
  if (scheme === "iso") return { kind: "file", path: rest };
  if (scheme === "this") return { kind: "folder", path: join(folder, rest) };
  if (scheme === "dir" || scheme === "file") return { kind: "folder", path: `/${rest.replace(/^\/+/, "")}` };
  if (scheme !== "") return { kind: "elsewhere", source };
  return { kind: "folder", path: isAbsolute(source) ? source : join(folder, source) };
}

/** `Virtualization:Appliances/Tumbleweed`, as KIWI translates it. */
function obsAddress(project: string): string {
  return `http://download.opensuse.org/repositories/${project.replaceAll(":", ":/")}`;
}

function showAddress(address: Address): string {
  switch (address.kind) {
    case "web":
      return address.url;
    case "folder":
    case "file":
      return address.path;
    case "elsewhere":
      return address.source;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
