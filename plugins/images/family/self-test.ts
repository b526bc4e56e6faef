/** Runs a version's image so that it builds itself: what its CI jobs need works inside. Does not know what is in the image. */
import type { Family } from "./options.ts";
import { recipeOf } from "./build.ts";
import { buildCommand, type Argv } from "./commands.ts";
import { ask, run, runInside } from "./engine.ts";
import type { Version } from "./table.ts";
import { refOf, toolOf, type FamilyContext } from "./variables.ts";

/** Top-level folder of the container that holds the project. */
const workFolder = "work";

/** The image runs the engine's own build command of this version, or `selfTest.cmd`. */
export async function selfTest(context: FamilyContext, family: Family, version: Version): Promise<void> {
  const { params, root } = context;
  const tool = toolOf(params);
  const ref = refOf(params, version.version);
  const { privileged = true, cmd } = family.options.selfTest ?? {};
  const recipe = await recipeOf(context, family, version);
  const words: Argv = cmd ?? buildCommand({ ...tool, file: tool.engine }, recipe);
  const mount = `${root}:/${workFolder}`;
  if (tool.engine !== "buildah") {
    const rights = privileged ? ["--privileged"] : [];
    const place = ["-v", mount, "--workdir", `/${workFolder}`, "-v", "/var/lib/docker"];
    await run(context, [tool.file, "run", ...rights, ...place, "--entrypoint", "entrypoint", ref, ...words]);
    return;
  }
  const name = `bt-${family.name}-${version.version}-self-test`;
  await ask(context, [tool.file, "rm", name]);
  context.defer(async () => ask(context, [tool.file, "rm", name]));
  await run(context, [tool.file, "from", "--name", name, ref], { show: false });
  const place = ["-v", mount, "--workingdir", `/${workFolder}`];
  await runInside(context, [tool.file, "run", "--isolation", "chroot", ...place, name, "--", "entrypoint", ...words]);
}
