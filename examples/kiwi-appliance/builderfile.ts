import { defineBuilder, task } from "builderfile";
import { kiwiDice } from "builderfile/plugins/kiwi-dice";

const images = kiwiDice({
  recipes: {
    appliance: {
      recipe: "appliance",
      kiwi: { type: "tbz", config: { xz: [{ options: "-1 --threads=0" }] } },
      bundle: { id: "Example", compress: false },
      resultDir: "dist",
    },
  },
  defaults: { lockTimeout: 60 },
});

const sums = task({
  description: "Prints the digests of what was built",
  needs: { built: images.tasks["dice-build"].cell("appliance") },
  run: ({ needs, log }) => {
    for (const { name, sha256 } of needs.built.files) log.info(`${sha256}  ${name}`);
  },
});

export default defineBuilder({ plugins: [images], tasks: { sums } });
