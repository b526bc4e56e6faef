/** A made-up builder that the pictures of the documentation show: it waits instead of working. */
import { createHash } from "node:crypto";
import { defineBuilder, task, type Builder } from "builderfile";

const arches = ["amd64", "arm64", "ppc64le", "s390x"];
const digest = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

const sources = task({
  description: "Fetches the sources by digest",
  inputs: ["sources.lock"],
  run: "sleep 0.5; echo fetched 3 archives",
});
const lint = task({
  description: "Checks the shell scripts",
  inputs: ["work.sh"],
  run: "sleep 0.9; echo no complaints",
});
const toolchain = task({
  description: "Builds the cross compilers",
  matrix: { arch: arches },
  needs: { sources },
  inputs: ["toolchain.conf"],
  run: ({ $, cell }) => $`bash work.sh toolchain ${cell.arch}`,
});
const kernel = task({
  description: "Builds the kernel",
  matrix: { arch: arches },
  needs: { toolchain },
  inputs: ["kernel.conf"],
  run: ({ $, cell }) => $`bash work.sh kernel ${cell.arch}`,
});
const packages = task({
  description: "Locks and fetches the packages",
  inputs: ["packages.yaml"],
  run: ({ $ }) => $`bash work.sh packages noarch`,
});
const image = task({
  description: "Assembles the image",
  matrix: { arch: arches },
  needs: { kernel, packages },
  inputs: ["kernel.conf"],
  run: async ({ $, cell }) => {
    await $`bash work.sh image ${cell.arch}`;
    return { platform: `linux/${cell.arch}`, digest: digest(cell.arch ?? ""), layout: "dist/builder" };
  },
});
const boot = task({
  description: "Boots the image in an emulator",
  needs: { image },
  inputs: ["boot.exp", "broken*"],
  run: ({ $ }) => $`bash work.sh boot amd64`,
});
const publish = task({
  description: "Publishes all platforms as one index",
  needs: { image, boot, lint },
  inputs: [],
  run: () => ({
    reference: "quay.io/bake/builder:1.4",
    digest: digest("index"),
    platforms: Object.fromEntries(arches.map((arch) => [`linux/${arch}`, { digest: digest(arch) }])),
  }),
});

const builder: Builder = defineBuilder({
  tasks: { sources, lint, toolchain, kernel, packages, image, boot, publish },
});

export default builder;
