/** Assembled indexes to publish, small and different. */
import { assemble, type Assembled } from "../../plugins/multiarch-manifest/assemble.ts";
import { createLayout } from "../../plugins/multiarch-manifest/layout.ts";
import type { DescriptorPlatform, Format } from "../../plugins/multiarch-manifest/oci.ts";
import { writeImage } from "./image.ts";
import { temporaryFolder } from "./temporary.ts";

/** An index for the platforms, whose layers hold `text`. */
export async function makeIndex(
  text: string,
  platforms: readonly string[] = ["amd64", "arm64"],
  format: Format = "oci",
): Promise<Assembled> {
  const layout = await createLayout(await temporaryFolder());
  const entries = [];
  for (const platform of platforms) {
    const [architecture = "", variant] = platform.split("/");
    const described: DescriptorPlatform = { architecture, os: "linux", ...(variant !== undefined && { variant }) };
    const image = await writeImage(
      { platform: described, files: { bread: `${text} for ${platform}` }, name: platform },
      layout,
    );
    entries.push({ platform, layout, digest: image.manifest.digest });
  }
  return assemble({ name: text, entries, format }, layout);
}
