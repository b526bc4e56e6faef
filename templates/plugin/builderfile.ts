/** Uses the plugin of this folder: `bt checksums` writes the checksums of what is in dist/. */
import { defineBuilder, task } from "builderfile";
import { checksums } from "./plugin/index.ts";

const pack = task({
  description: "Packs what is released",
  inputs: [],
  outputs: ["dist/release.txt"],
  run: "echo released > dist/release.txt",
});

const sums = checksums({ files: ["dist/*.txt"] });

const report = task({
  description: "Says what was summed",
  needs: { sums: sums.tasks.checksums },
  run: ({ needs, log }) => log.info(`${needs.sums.files.length} files in ${needs.sums.out}`),
});

export default defineBuilder({ plugins: [sums], tasks: { pack, report } });
