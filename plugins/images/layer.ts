/** Writes one layer: sorted entries, one time for all, gzip with a fixed head. Does not know where files come from, or what an image is. */
import { createHash } from "node:crypto";
import { createGzip } from "node:zlib";
import { pipeline } from "node:stream/promises";
import { mediaTypes, writeBlob, type Descriptor, type Layout } from "../multiarch-manifest/index.ts";
import { withContents, type ContentReader } from "./content.ts";
import { writeTar, type TarEntry } from "./tar.ts";
import type { Node } from "./tree.ts";

/** A layer in a layout. */
export interface Layer {
  readonly descriptor: Descriptor;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
}

/** How to write a layer. */
export interface LayerOptions {
  readonly into: Layout;
  /** Seconds since 1970; every entry gets it. */
  readonly timestamp: number;
  readonly signal?: AbortSignal;
}

// The head of a gzip file says which system and how hard it was compressed: 0 and 255 say "any".
const gzipExtraFlags = 8;
const gzipSystem = 9;

/** Writes the nodes, by path without leading `/`, as one layer. */
export async function writeLayer(nodes: ReadonlyMap<string, Node>, options: LayerOptions): Promise<Layer> {
  const contents = [...nodes.values()].flatMap((node) => (node.kind === "file" ? [node.content] : []));
  return withContents(contents, options.into.dir, async (read) => {
    const entries = [...nodes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([path, node]) => renderEntry(path, node, { read, mtime: options.timestamp }));
    return compressLayer(writeTar(entries), options);
  });
}

/** Stores the bytes of a tar archive as one layer. */
export async function compressLayer(
  tar: AsyncIterable<Uint8Array>,
  { into, signal }: Pick<LayerOptions, "into" | "signal">,
): Promise<Layer> {
  const hash = createHash("sha256");
  const gzip = createGzip({ level: 6 });
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const block of tar) {
      hash.update(block);
      yield block;
    }
  }
  const [written] = await Promise.all([
    writeBlob(into, fixHead(gzip)),
    pipeline(hashed, gzip, signal === undefined ? {} : { signal }),
  ]);
  return { descriptor: { mediaType: mediaTypes.oci.layerGzip, ...written }, diffId: `sha256:${hash.digest("hex")}` };
}

async function* fixHead(gzip: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for await (const chunk of gzip) {
    if (offset <= gzipExtraFlags && offset + chunk.length > gzipExtraFlags) chunk[gzipExtraFlags - offset] = 0;
    if (offset <= gzipSystem && offset + chunk.length > gzipSystem) chunk[gzipSystem - offset] = 255;
    offset += chunk.length;
    yield chunk;
  }
}

function renderEntry(
  path: string,
  node: Node,
  { read, mtime }: { readonly read: ContentReader; readonly mtime: number },
): readonly TarEntry[] {
  const owned = {
    path: path === "" ? "./" : path,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    size: 0,
    target: "",
    major: 0,
    minor: 0,
  };
  const open = async function* (): AsyncGenerator<Uint8Array> {};
  switch (node.kind) {
    case "file":
      return [
        { header: { ...owned, kind: "file", size: node.size }, mtime, open: () => read(node.content, node.size) },
      ];
    case "folder":
      return [{ header: { ...owned, kind: "folder" }, mtime, open }];
    case "link":
      return [{ header: { ...owned, kind: "link", mode: 0o777, target: node.target }, mtime, open }];
    case "special":
      // Sockets live as long as a process, in no image.
      if (node.type === "socket") return [];
      return [{ header: { ...owned, kind: node.type, major: node.major, minor: node.minor }, mtime, open }];
  }
}
