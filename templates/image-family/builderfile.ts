/** One builder image for each release branch: `bt builder` builds all of them, `bt -n builder` shows how. */
import { defineBuilder } from "builderfile";
import { imageFamily } from "builderfile/plugins/images";

const builder = imageFamily("builder", {
  hub: "registry.example/project",
  context: "docker",
  sharedInputs: ["docker/scripts/**"],
  versions: {
    "1.0": { platforms: ["linux/amd64"] },
    "1.1": { platforms: ["linux/amd64", "linux/arm64"], args: { CHANNEL: "stable" } },
    next: { sameAs: "1.1" },
  },
});

export default defineBuilder({ plugins: [builder] });
