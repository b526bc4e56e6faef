import { defineBuilder, param, task } from "builderfile";

const config = task({
  description: "Joins the fragments of the kernel's configuration",
  inputs: ["fragments/*"],
  outputs: ["dist/config"],
  run: ({ $, inputs }) => $`cat ${inputs} > dist/config`,
});

const rootfs = task({
  description: "Makes a root file system for each architecture",
  params: { architectures: param.listOf(["amd64", "s390x"]) },
  inputs: ["rootfs/*"],
  outputs: ["dist/rootfs/"],
  run: async ({ $, inputs, params }) => {
    for (const arch of params.architectures) await $`{ echo "# "${arch}; cat ${inputs}; } > dist/rootfs/${arch}`;
  },
});

export default defineBuilder({ tasks: { config, rootfs } });
