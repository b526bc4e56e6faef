/** One image for two architectures: `bt build` makes both, `bt publish` puts them into a registry as one index. */
import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
import { publish } from "builderfile/plugins/multiarch-manifest";

const build = image({
  description: "Builds the image for every platform",
  context: "image",
  platforms: platforms("amd64", "arm64"),
});

const release = publish({
  description: "Publishes all platforms as one index",
  images: build,
  to: "oci:dist/image:latest", // A folder. A registry is written like this: "quay.io/me/image:latest".
});

export default defineBuilder({ tasks: { build, publish: release } });
