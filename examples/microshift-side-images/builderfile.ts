import { defineBuilder } from "builderfile";
import { sideImages } from "builderfile/plugins/side-images";

const images = sideImages({
  dir: "images",
  destRegistry: "localhost:5000/microshift",
  architectures: ["amd64", "arm64", "ppc64le", "riscv64"],
  releaseTag: { goFile: "../pkg/release/release.go", goVar: "Base" },
  // Sources stand beside the Dockerfiles here; without this line they come from git.
  source: { useLocal: true },
  imageReferences: false,
  requires: ["aarch64-linux-gnu-as", "powerpc64le-linux-gnu-as", "riscv64-linux-gnu-as"],
});

export default defineBuilder({ plugins: [images] });
