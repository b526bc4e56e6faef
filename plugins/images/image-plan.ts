/** Says what building an image task's cell would do, for a dry run. Starts nothing, asks nobody, writes nothing. */
import * as path from "node:path";
import type { Arch, Context } from "../../core/index.ts";
import { findProgram } from "./engine-words.ts";
import { findArgs } from "./generate.ts";
import { inputOptions, wordsOf } from "./image-facts.ts";
import { findNeeds, planInputs } from "./inputs.ts";
import { parentName, type Recipe } from "./recipe.ts";
import { buildWords } from "./storage-engine.ts";

/** Prints bases, the command, and what is written; what only a run can know stands in angle brackets. */
export async function describeCell(context: Context, recipe: Recipe): Promise<void> {
  const { root, cell, log, env, exec, needs } = context;
  const platform = cell["arch"] as Arch; // Cells of platforms().
  const options = inputOptions(context, recipe);
  const dockerfile = path.resolve(root, recipe.dockerfile);
  const plan = await planInputs(dockerfile, options);
  const { bases, runs } = await findNeeds(dockerfile, options);
  for (const { reference, platform: arch } of bases)
    log.info(
      parentName(reference, arch) in needs
        ? `from    the image of this run that is called ${reference}, for ${arch}`
        : `from    ${reference}@<digest for ${arch}>`,
    );
  const program = findProgram({ ...wordsOf(context, recipe), runs }, env);
  const args = findArgs(plan);
  const name = program?.slice(program.lastIndexOf("/") + 1);
  if (program !== undefined && (name === "buildah" || name === "podman"))
    await exec(program, [
      ...["--root", "<store of this build>"],
      ...buildWords({
        engine: { name },
        isolation: env["BUILDAH_ISOLATION"] ?? "chroot",
        platform,
        plan,
        args,
        timestamp: recipe.timestamp,
        files: {
          id: "<file for the ID>",
          ignore: "<ignore file>",
          dockerfile: `<${recipe.dockerfile} with every base by its ID>`,
          context: path.resolve(root, recipe.context),
        },
      }),
    ]);
  else {
    const given = Object.entries(args).map(([key, value]) => ` ${key}=${value}`);
    log.info(
      `build   ${recipe.dockerfile} for ${platform} with ${name ?? "no engine: none is there"}${given.join("")}`,
    );
  }
  log.info("write   .bt/oci");
}
