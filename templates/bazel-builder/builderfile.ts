/** The builder container of this project: `bt builder-build` builds it, `bt builder-publish` publishes it. */
import { defineBuilder, platforms } from "builderfile";
import { bazelBuilder } from "builderfile/plugins/bazel-builder";

const builder = bazelBuilder({
  prefix: "registry.example/project", // Where images go; $DOCKER_PREFIX beats it.
  arches: platforms("amd64", "arm64"),
  variants: { main: { image: "builder", crossImage: "builder-cross", context: "hack/builder" } },
});

export default defineBuilder({ plugins: [builder] });
