import { defineBuilder, param, platforms, task } from "builderfile";
import { image } from "builderfile/plugins/images";
import { publish } from "builderfile/plugins/multiarch-manifest";

const build = image({
  description: "Builds the builder image for every platform",
  context: "builder",
  platforms: platforms("amd64", "arm64"),
  args: { VERSION: "1.0" },
});

const release = publish({
  description: "Publishes all platforms as one OCI index",
  images: build,
  to: "oci:dist/builder:latest",
});

const announce = task({
  description: "Prints what was published",
  needs: { released: release },
  params: { channel: param.enum(["dev", "stable"], { default: "dev", description: "Where to say it" }) },
  run: ({ needs, params, log }) => log.info(`${params.channel}: ${needs.released.reference}@${needs.released.digest}`),
});

export default defineBuilder({
  tasks: { "builder-build": build, "builder-publish": release, announce },
});
