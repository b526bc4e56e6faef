import { defineBuilder } from "builderfile";
import { imageFamily } from "builderfile/plugins/images";

const maistra = imageFamily("maistra-builder", {
  hub: "quay.io/maistra-dev",
  engine: "docker",
  context: "docker",
  sharedInputs: ["docker/scripts/**"],
  versions: {
    "2.4": { tracks: { istio: "1.16", envoy: "1.24" }, platforms: ["linux/amd64"] },
    "2.5": {
      tracks: { istio: "1.18", envoy: "1.26" },
      platforms: ["linux/arm64", "linux/amd64"],
      bootstrapWith: "2.4",
      timeout: "4h",
    },
    next: { sameAs: "2.5" },
  },
  ci: { file: "ci/jobs.yaml", imageVariable: "MAISTRA_BUILDER_IMAGE" },
});

export default defineBuilder({ plugins: [maistra] });
