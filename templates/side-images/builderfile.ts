/** Every folder of images/components is an image: `bt side-images` builds them all, PUSH=yes publishes them together. */
import { defineBuilder } from "builderfile";
import { sideImages } from "builderfile/plugins/side-images";

const images = sideImages({
  dir: "images",
  releaseTag: "0.1.0",
  imageReferences: false, // No release says which images there are.
});

export default defineBuilder({ plugins: [images] });
