/** A project whose builderfile publishes one image to a registry: what black-box tests of publishing share. */
import { project, type Project } from "./project.ts";

/** Two platforms built by bt itself, published as `PLACE/oven:1` and `latest`. Other content gives other digests. */
export async function bakery(place: string, content = "rye"): Promise<Project> {
  return project({
    Dockerfile: "FROM scratch\nCOPY bread.txt /bread.txt\n",
    "bread.txt": `${content}\n`,
    "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
const build = image({ platforms: platforms("amd64", "arm64") });
const images = { oven: { name: "${place}/oven", tags: ["1"], alsoTags: ["latest"], entries: build } };
export default defineBuilder({ plugins: [multiarchManifest({ images })], tasks: { build } });
`,
  });
}

/** Digest of the index that a project has published last. */
export function publishedDigest(p: Project): string {
  const { images } = JSON.parse(p.read(".bt/manifest/digests.json")) as { images: { oven: { digest: string } } };
  return images.oven.digest;
}
