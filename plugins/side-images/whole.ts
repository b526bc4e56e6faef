/** Whether an image in a layout is all there. Sizes are compared; bytes are whenever they are read. */
import { findBlobSize, readJson, type Layout, type Manifest } from "../multiarch-manifest/index.ts";

/** The manifest with its digest, config and layers with their sizes. */
export async function isWhole(layout: Layout, digest: string): Promise<boolean> {
  try {
    const manifest = await readJson<Manifest>(layout, digest);
    const sizes = [manifest.config, ...manifest.layers].map(
      async (blob) => (await findBlobSize(layout, blob.digest)) === blob.size,
    );
    return (await Promise.all(sizes)).every(Boolean);
  } catch {
    return false;
  }
}
