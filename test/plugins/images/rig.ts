/** Builds small Dockerfiles with the embedded engine and with buildah, and says what is in an image. Does not use the engine's own readers. */
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { isBtError, type BtError } from "../../../core/index.ts";
import { buildImage, type BuildRequest, type BuiltImage } from "../../../plugins/images/embedded.ts";
import {
  createLayout,
  openLayout,
  putEntries,
  readBlob,
  readJson,
  readEntries,
  type Descriptor,
  type Layout,
  type Manifest,
} from "../../../plugins/multiarch-manifest/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run } from "../../support/tool.ts";

/** Text, or something else than a file with mode 0644. */
type Content =
  | string
  | Buffer
  | { readonly link: string }
  | { readonly executable: string }
  | { readonly folder: true };

/** Files by path; `Dockerfile` is the one that is built. */
export type Files = Readonly<Record<string, Content>>;

/** What an image is, in a form that can be compared. */
export interface Seen {
  /** One line an entry, sorted: path, kind, mode, owner, content. */
  readonly files: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly document: {
    readonly config: Readonly<Record<string, unknown>>;
    readonly history: readonly Readonly<Record<string, unknown>>[];
    readonly [field: string]: unknown;
  };
  readonly layers: readonly Descriptor[];
}

/** A folder with these files. */
export async function writeContext(files: Files): Promise<string> {
  const dir = await temporaryFolder();
  for (const [path, content] of Object.entries(files)) {
    const full = join(dir, path);
    await mkdir(dirname(full), { recursive: true });
    if (typeof content === "string" || Buffer.isBuffer(content)) {
      await writeFile(full, content);
      await chmod(full, 0o644);
    } else if ("link" in content) await symlink(content.link, full);
    else if ("folder" in content) await mkdir(full, { recursive: true });
    else {
      await writeFile(full, content.executable);
      await chmod(full, 0o755);
    }
  }
  return dir;
}

/** What `build` takes beyond files. */
export type Options = Partial<Omit<BuildRequest, "into">> & { readonly layout?: Layout };

/** Builds with the embedded engine. Only `oci:` images of other test layouts can be bases: see `bases`. */
export async function build(
  files: Files,
  options: Options = {},
): Promise<{ readonly image: BuiltImage; readonly layout: Layout; readonly dir: string }> {
  const dir = options.context ?? (await writeContext(files));
  const layout = options.layout ?? (await createLayout(await temporaryFolder()));
  const image = await buildImage({
    dockerfile: join(dir, "Dockerfile"),
    context: dir,
    cwd: dir,
    platform: "amd64",
    resolveBase: async (reference) => {
      throw new Error(`${reference} was asked for`);
    },
    ...options,
    into: layout,
  });
  return { image, layout, dir };
}

/** The error that a build ends with. */
export async function failure(files: Files, options: Options = {}): Promise<BtError> {
  const error = await build(files, options).then(
    () => new Error("the build did not fail"),
    (caught: unknown) => caught,
  );
  if (!isBtError(error)) throw error;
  return error;
}

/** A whole message, as the terminal shows it. */
export function render(error: BtError): string {
  const { at } = error;
  const place = at === undefined ? "" : [at.where, at.line, at.column].filter((part) => part !== undefined).join(":");
  return [error.code, error.message, place, error.fix].join("\n");
}

/** Builds with the embedded engine and looks into the image. */
export async function buildAndSee(files: Files, options: Options = {}): Promise<Seen> {
  const { image, layout } = await build(files, options);
  return seeImage(layout, image.digest);
}

/** Builds with buildah and looks into the image. */
export async function buildahAndSee(files: Files, args: readonly string[] = []): Promise<Seen> {
  const { layout, manifest } = await buildahImage(files, args);
  return seeImage(layout, manifest.digest);
}

/** Builds with buildah, in a store of its own, into a layout where the image is called `built`. */
export async function buildahImage(
  files: Files,
  args: readonly string[] = [],
): Promise<{ readonly layout: Layout; readonly manifest: Descriptor }> {
  const dir = await writeContext(files);
  const out = await temporaryFolder();
  const store = await temporaryFolder();
  const env = { BUILDAH_ISOLATION: "chroot" };
  const storage = ["--storage-driver", "vfs", "--root", join(store, "root"), "--runroot", join(store, "run")];
  await run("buildah", [...storage, "bud", "--timestamp", "0", "--iidfile", join(out, "id"), ...args, dir], env);
  const id = (await readFile(join(out, "id"), "utf8")).trim();
  await run("buildah", [...storage, "push", id, `oci:${join(out, "layout")}:built`], env);
  const layout = await openLayout(join(out, "layout"));
  return { layout, manifest: (await readEntries(layout))[0]! };
}

/** Names a built image in the index of its layout, as the caller of the engine does. */
export async function nameImage(layout: Layout, { mediaType, digest, size }: BuiltImage, name: string): Promise<void> {
  await putEntries(layout, [{ mediaType, digest, size, annotations: { "org.opencontainers.image.ref.name": name } }]);
}

/** Digests of an image's layers, the lowest first. */
export async function layersOf(layout: Layout, digest: string): Promise<readonly string[]> {
  const { layers } = await readJson<Manifest>(layout, digest);
  return layers.map((layer) => layer.digest);
}

/** All that an image holds. */
export async function seeImage(layout: Layout, digest: string): Promise<Seen> {
  const manifest = await readJson<Manifest>(layout, digest);
  const document = await readJson<Seen["document"]>(layout, manifest.config.digest);
  const files = new Map<string, string>();
  for (const layer of manifest.layers)
    for (const [path, line] of await seeLayer(layout, layer.digest)) files.set(path, line);
  return {
    files: [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, line]) => `${path} ${line}`),
    config: document.config,
    document,
    layers: manifest.layers,
  };
}

/** The entries of one layer, in order. Hard links are shown as the file they name. */
export async function seeLayer(layout: Layout, digest: string): Promise<ReadonlyMap<string, string>> {
  const parser = extract();
  Readable.from([gunzipSync(await readBlob(layout, digest))]).pipe(parser);
  const lines = new Map<string, string>();
  for await (const entry of parser) {
    const { name, type, mode, linkname } = entry.header;
    const { uid = entry.header.uid, gid = entry.header.gid } = (entry.header.pax ?? {}) as {
      uid?: string;
      gid?: string;
    };
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const path = name.replace(/\/$/, "");
    const content = type === "symlink" ? `-> ${linkname}` : type === "file" ? showContent(Buffer.concat(chunks)) : "";
    lines.set(
      path,
      type === "link"
        ? (lines.get(String(linkname)) ?? "broken")
        : `${type} ${(mode & 0o7777).toString(8)} ${uid}:${gid} ${content}`.trim(),
    );
  }
  return lines;
}

function showContent(bytes: Buffer): string {
  return bytes.length < 200
    ? JSON.stringify(bytes.toString())
    : `${bytes.length} bytes ${createHash("sha256").update(bytes).digest("hex")}`;
}
