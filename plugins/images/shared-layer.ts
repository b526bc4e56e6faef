/** Layers that several images of a run have in common, such as the same files for every architecture: compressed once. Does not know images. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { findBlobSize } from "../multiarch-manifest/index.ts";
import { writeLayer, type Layer, type LayerOptions } from "./layer.ts";
import type { Content, Node } from "./tree.ts";

/** By all that their bytes depend on. */
const written = new Map<string, Promise<Layer>>();

/** As writeLayer(); the same nodes at the same time are written once. */
export async function writeSharedLayer(nodes: ReadonlyMap<string, Node>, options: LayerOptions): Promise<Layer> {
  const key = describeLayer(nodes, options);
  if (key === undefined) return writeLayer(nodes, options);
  const known = await written.get(key)?.catch(() => undefined); // Who was writing it may have been stopped alone.
  if (known !== undefined && (await isThere(known, options))) return known;
  const made = writeLayer(nodes, options);
  written.set(key, made);
  made.catch(() => written.delete(key));
  return made;
}

async function isThere({ descriptor: { digest, size } }: Layer, { into }: LayerOptions): Promise<boolean> {
  return (await findBlobSize(into, digest)) === size;
}

/** Undefined: content inside an archive has nothing to be known by. */
function describeLayer(nodes: ReadonlyMap<string, Node>, { into, timestamp }: LayerOptions): string | undefined {
  const hash = createHash("sha256").update(JSON.stringify([into.dir, timestamp]));
  for (const [path, node] of nodes) {
    const content = node.kind === "file" ? describeContent(node.content) : "none";
    if (content === undefined) return undefined;
    hash.update(JSON.stringify([path, { ...node, content }]));
  }
  return hash.digest("hex");
}

function describeContent(content: Content): string | undefined {
  switch (content.kind) {
    case "path": {
      const { size, mtimeMs, ctimeMs, ino, dev } = statSync(content.path);
      return JSON.stringify([content.path, size, mtimeMs, ctimeMs, ino, dev]);
    }
    case "bytes":
      return createHash("sha256").update(content.bytes).digest("hex");
    case "member":
      return undefined;
  }
}
