/** What a Makefile did, moved to bt one target at a time; `steps/` has the way. */
import { defineBuilder, param, task } from "builderfile";

const config = task({
  description: "Joins the fragments of the kernel's configuration",
  inputs: ["fragments/*"],
  outputs: ["dist/config"],
  run: ({ $, inputs }) => $`cat ${inputs} > dist/config`,
});

const rootfs = task({
  description: "Makes a root file system for each architecture",
  params: { architectures: param.listOf(["amd64", "s390x"], { description: "Which of them" }) },
  inputs: ["rootfs/*"],
  outputs: ["dist/rootfs/"],
  run: async ({ $, inputs, params }) => {
    for (const arch of params.architectures) await $`{ echo "# "${arch}; cat ${inputs}; } > dist/rootfs/${arch}`;
  },
});

const manifest = task({
  description: "Says what belongs to the release",
  needs: { config, rootfs },
  params: { version: param.string({ default: "v1", description: "Version of the release" }) },
  inputs: ["dist/config", "dist/rootfs/*"],
  outputs: ["dist/manifest"],
  run: ({ $, params }) => $`cd dist; { echo version ${params.version}; sha256sum config rootfs/*; } > manifest`,
});

export default defineBuilder({ tasks: { config, rootfs, manifest } });
