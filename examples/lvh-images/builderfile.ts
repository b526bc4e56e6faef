/** From nothing to a guest that says its kernel version: `bt prove`. */
import { defineBuilder, task, type Builder } from "builderfile";
import { debianSource, fromLvhJson, kernelRootfs } from "builderfile/plugins/kernel-rootfs";

const linux = debianSource({ package: "linux-source-6.1" });

const lvh = kernelRootfs({
  registry: "registry.example/hello",
  mode: "native",
  pkgRepo: "bookworm",
  kernels: fromLvhJson("_data/kernels.json", {
    overrides: {
      tiny: { source: linux, baseConfig: "tinyconfig", platforms: ["amd64"] },
      "tiny-arm64": { source: linux, baseConfig: "tinyconfig", platforms: ["arm64"], optIn: true },
    },
  }),
  images: fromLvhJson("_data/images.json"),
  flavors: { hello: { base: "hello.qcow2", arches: ["amd64"] } },
  // Unpacks the packages without installing them: small and quick, and enough for one program.
  debian: { variant: "extract" },
});

const prove = task({
  description: "Builds a kernel and a root filesystem, boots them, and waits for hello",
  needs: {
    guest: lvh.tasks["vm:check"].with({ image: "hello.qcow2", kernel: "tiny", expect: "hello from Linux .*" }),
  },
  run: ({ needs, log }) => log.info(`${needs.guest.matched} after ${needs.guest.seconds} s`),
});

const builder: Builder = defineBuilder({ plugins: [lvh], tasks: { prove } });

export default builder;
