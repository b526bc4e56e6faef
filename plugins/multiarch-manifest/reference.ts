/** References to images: `docker://HOST/REPO:TAG@DIGEST`, `oci:DIR:REF`, `containers-storage:ID`. Text to data and back, without a network. */
import type { Place } from "../../core/index.ts";
import { isDigest } from "./digest.ts";
import { referenceMalformed, shortNameUnresolved, transportUnknown } from "./errors.ts";

/** An image in a registry. */
export interface RegistryReference {
  readonly kind: "registry";
  /** As people write it, with the port: `quay.io`, `docker.io`, `localhost:5000`. */
  readonly host: string;
  /** Without host: `library/fedora`. */
  readonly repository: string;
  /** Absent: the digest alone says which image. */
  readonly tag?: string;
  /** Rules over the tag, which is then only displayed. */
  readonly digest?: string;
}

/** An image in an OCI layout. */
export interface LayoutReference {
  readonly kind: "layout";
  readonly dir: string;
  /** Value of `org.opencontainers.image.ref.name`. Absent together with `digest`: the layout's only entry. */
  readonly name?: string;
  readonly digest?: string;
}

/** An image in the local storage of container engines. */
export interface StorageReference {
  readonly kind: "storage";
  /** A name, or the bare 64 digits of an image ID. */
  readonly name: string;
}

/** Where an image is. */
export type Reference = RegistryReference | LayoutReference | StorageReference;

/** What registries.conf says about names without a host. */
export interface ShortNames {
  /** Short name to full name without tag: `fedora-minimal` → `registry.fedoraproject.org/fedora-minimal`. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Hosts to ask; a short name resolves only if there is exactly one. */
  readonly searchRegistries: readonly string[];
}

/** How to read references. */
export interface ReferenceOptions {
  /** Where the text was written: shown in errors. */
  readonly at?: Place;
  /** Absent: names without a host are an error. */
  readonly shortNames?: ShortNames;
}

const transports = ["docker://", "oci:", "containers-storage:"];
const laterTransports = ["oci-archive:", "docker-archive:", "docker-daemon:", "docker:", "dir:"];
const component = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const tagShape = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * The image that `text` names. Without a transport it is an image of a registry; without tag and digest its tag is `latest`.
 * @throws BtError MANIFEST_REFERENCE_MALFORMED with the offending part and its position, MANIFEST_TRANSPORT_UNKNOWN, MANIFEST_SHORT_NAME
 */
export function parseReference(text: string, options: ReferenceOptions = {}): Reference {
  const later = laterTransports.find((transport) => text.startsWith(transport) && !text.startsWith("docker://"));
  if (later !== undefined) throw transportUnknown(text, later, { known: transports, at: options.at });
  if (text.startsWith("oci:")) return parseLayout(text, options);
  if (text.startsWith("containers-storage:")) return parseStorage(text, options);
  return parseRegistry(text, options);
}

/** The canonical text of a reference, with its transport. */
export function renderReference(reference: Reference): string {
  switch (reference.kind) {
    case "registry":
      return `docker://${renderImage(reference)}`;
    case "layout":
      if (reference.digest !== undefined) return `oci:${reference.dir}@${reference.digest}`;
      return `oci:${reference.dir}${reference.name === undefined ? "" : `:${reference.name}`}`;
    case "storage":
      return `containers-storage:${reference.name}`;
  }
}

/** `HOST/REPO[:TAG][@DIGEST]`, as people write it in commands and FROM lines. */
export function renderImage(reference: RegistryReference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.host}/${reference.repository}${tag}${digest}`;
}

/** Whether `tag` can be a tag. */
export function isTag(tag: string): boolean {
  return tagShape.test(tag);
}

function parseLayout(text: string, options: ReferenceOptions): LayoutReference {
  const start = "oci:".length;
  const at = text.search(/@sha(256|512):[^/]*$/);
  const end = at === -1 ? text.length : at;
  const colon = text.indexOf(":", start);
  const dir = text.slice(start, colon === -1 || colon > end ? end : colon);
  if (dir === "")
    throw malformed(text, { problem: "names no folder", start, end: start, fixed: "oci:DIR:REF" }, options);
  if (at !== -1) return { kind: "layout", dir, digest: checkDigest(text, at + 1, options) };
  if (colon === -1) return { kind: "layout", dir };
  const name = text.slice(colon + 1);
  if (name === "")
    throw malformed(
      text,
      { problem: "ends with an empty REF", start: colon, end: colon + 1, fixed: text.slice(0, colon) },
      options,
    );
  return { kind: "layout", dir, name };
}

function parseStorage(text: string, options: ReferenceOptions): StorageReference {
  const start = "containers-storage:".length;
  const name = text.slice(start).replace(/^(@|sha256:)+(?=[0-9a-f]{64}$)/, "");
  if (name === "")
    throw malformed(text, { problem: "names no image", start, end: start, fixed: `${text}localhost/app:1` }, options);
  return { kind: "storage", name };
}

function parseRegistry(text: string, options: ReferenceOptions): RegistryReference {
  const start = text.startsWith("docker://") ? "docker://".length : 0;
  const at = text.indexOf("@", start);
  const digest = at === -1 ? undefined : checkDigest(text, at + 1, options);
  const named = text.slice(start, at === -1 ? text.length : at);
  const slash = named.indexOf("/");
  const first = slash === -1 ? "" : named.slice(0, slash);
  if (!isHost(first)) return resolveShortName(text, { named, digest, start }, options);
  const colon = named.indexOf(":", slash);
  const path = named.slice(slash + 1, colon === -1 ? named.length : colon);
  checkHost(text, first, start, options);
  checkPath(text, path, start + slash + 1, options);
  const tag = colon === -1 ? undefined : checkTag(text, start + colon + 1, { tag: named.slice(colon + 1), options });
  const host = first === "index.docker.io" || first === "registry-1.docker.io" ? "docker.io" : first;
  const repository = host === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  return { kind: "registry", host, repository, ...tagAndDigest(tag, digest) };
}

function tagAndDigest(tag: string | undefined, digest: string | undefined): { tag?: string; digest?: string } {
  if (digest === undefined) return { tag: tag ?? "latest" };
  return tag === undefined ? { digest } : { tag, digest };
}

/** The rule of Docker: a first component is a host if it cannot be a name's first component. */
function isHost(first: string): boolean {
  return first.includes(".") || first.includes(":") || first === "localhost";
}

function resolveShortName(
  text: string,
  parts: { readonly named: string; readonly digest: string | undefined; readonly start: number },
  options: ReferenceOptions,
): RegistryReference {
  const colon = parts.named.indexOf(":");
  const path = colon === -1 ? parts.named : parts.named.slice(0, colon);
  checkPath(text, path, parts.start, options);
  const rest = `${colon === -1 ? "" : parts.named.slice(colon)}${parts.digest === undefined ? "" : `@${parts.digest}`}`;
  if (colon !== -1) checkTag(text, parts.start + colon + 1, { tag: parts.named.slice(colon + 1), options });
  const alias = options.shortNames?.aliases[path];
  if (alias !== undefined) return parseRegistry(alias + rest, { ...(options.at && { at: options.at }) });
  const hosts = options.shortNames?.searchRegistries ?? [];
  if (hosts.length !== 1)
    throw shortNameUnresolved(
      text,
      hosts.map((host) => `${host}/${path}${rest}`),
      options.at,
    );
  return parseRegistry(`${hosts[0]!}/${path}${rest}`, { ...(options.at && { at: options.at }) });
}

function checkHost(text: string, host: string, start: number, options: ReferenceOptions): void {
  if (
    /^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(:[0-9]+)?$/.test(
      host,
    )
  )
    return;
  const fixed = splice(
    text,
    { start, end: start + host.length },
    host
      .toLowerCase()
      .replace(/[^a-z0-9.:-]+/g, "-")
      .replace(/:(?![0-9]+$).*$/, "")
      .replace(/^[.-]+|[.-]+$/g, ""),
  );
  throw malformed(
    text,
    { problem: "has a registry that is no host name", start, end: start + host.length, fixed },
    options,
  );
}

function checkPath(text: string, path: string, start: number, options: ReferenceOptions): void {
  let position = start;
  for (const part of path.split("/")) {
    if (!component.test(part)) {
      const lower = part
        .toLowerCase()
        .replace(/[^a-z0-9._-]+/g, "-")
        .replace(/^[._-]+|[._-]+$/g, "")
        .replace(/\.{2,}/g, ".")
        .replace(/_{3,}/g, "__");
      const fixed = splice(
        text,
        { start: position, end: position + part.length },
        component.test(lower) ? lower : "name",
      );
      const problem =
        part === ""
          ? "has an empty part in its repository"
          : /[A-Z]/.test(part)
            ? "has upper-case letters in its repository"
            : "has a repository with characters that are not allowed";
      throw malformed(text, { problem, start: position, end: position + part.length, fixed }, options);
    }
    position += part.length + 1;
  }
}

function checkTag(
  text: string,
  start: number,
  given: { readonly tag: string; readonly options: ReferenceOptions },
): string {
  const { tag, options } = given;
  if (tagShape.test(tag)) return tag;
  const range = { start, end: start + tag.length };
  if (tag === "")
    throw malformed(
      text,
      { problem: "ends with an empty tag", start: start - 1, end: start, fixed: splice(text, range, "latest") },
      options,
    );
  const fixed = splice(
    text,
    range,
    tag
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[.-]+/, "")
      .slice(0, 128) || "latest",
  );
  const problem =
    tag.length > 128 ? "has a tag of more than 128 characters" : "has a tag with characters that are not allowed";
  throw malformed(text, { problem, ...range, fixed }, options);
}

function checkDigest(text: string, start: number, options: ReferenceOptions): string {
  const digest = text.slice(start);
  if (isDigest(digest)) return digest;
  const problem = digest.startsWith("sha256:")
    ? `has a digest of ${digest.length - 7} characters instead of 64 lower-case hexadecimal digits`
    : "has a digest that is not sha256";
  throw malformed(
    text,
    { problem, start, end: text.length, fixed: `${text.slice(0, start)}sha256:${"<64 digits>"}` },
    options,
  );
}

interface Mistake {
  readonly problem: string;
  /** Offset of the offending part, from 0. */
  readonly start: number;
  readonly end: number;
  /** The whole reference, corrected. */
  readonly fixed: string;
}

function malformed(text: string, mistake: Mistake, options: ReferenceOptions): Error {
  const { problem, start, end, fixed } = mistake;
  return referenceMalformed(text, { problem, column: start + 1, part: text.slice(start, end), fixed }, options.at);
}

function splice(text: string, range: { readonly start: number; readonly end: number }, part: string): string {
  return text.slice(0, range.start) + part + text.slice(range.end);
}
