/** Kernels and root filesystems of _data/*.json: `bt` lists what can be built, `bt kernel-rootfs:validate` checks the data. */
import { defineBuilder } from "builderfile";
import { fromLvhJson, kernelRootfs } from "builderfile/plugins/kernel-rootfs";

const machines = kernelRootfs({
  kernels: fromLvhJson("_data/kernels.json"),
  images: fromLvhJson("_data/images.json"),
  registry: "registry.example/project",
});

export default defineBuilder({ plugins: [machines] });
