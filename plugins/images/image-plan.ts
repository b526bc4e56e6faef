/** Says what building an image would do, for a dry run. Starts nothing, asks nobody, writes nothing. */
import * as path from "node:path";
import { type Arch, type Context } from "../../core/index.ts";
import { buildWords, exportWords, importWords, storeWords } from "./engine-calls.ts";
import { findProgram } from "./engine-words.ts";
import { findArgs, findHeredocs } from "./generate.ts";
import { inputOptions, wordsOf } from "./image-facts.ts";
import { findNeeds, planInputs } from "./inputs.ts";
import { parentName, type Recipe } from "./recipe.ts";

/** A build that a dry run tells of. */
export interface ShownBuild {
  /** Absolute, as is the context. */
  readonly dockerfile: string;
  readonly context: string;
  readonly platform: Arch;
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly isolation?: string | undefined;
  /** Where an image that the Dockerfile names comes from. */
  readonly tellBase: (reference: string, platform: Arch) => string;
}

/** Prints bases, the command, and what is written; what only a run can know stands in angle brackets. */
export async function describeCell(context: Context, recipe: Recipe): Promise<void> {
  const { root, cell, env, needs, log } = context;
  const options = inputOptions(context, recipe);
  const dockerfile = path.resolve(root, recipe.dockerfile);
  const { runs } = await findNeeds(dockerfile, options);
  await describeBuild(context, findProgram({ ...wordsOf(context, recipe), runs }, env), {
    ...options,
    platform: cell["arch"] as Arch, // Cells of platforms().
    dockerfile,
    context: path.resolve(root, recipe.context),
    timestamp: recipe.timestamp,
    tellBase: (reference, arch) =>
      parentName(reference, arch) in needs
        ? `the image of this run that is called ${reference}, for ${arch}`
        : `${reference}@<digest for ${arch}>`,
  });
  log.info("write   .bt/oci");
}

/** Prints the bases of a build and every call of the program, a path or a name. Undefined: there is none. */
export async function describeBuild(
  { root, log, env, exec }: Pick<Context, "root" | "log" | "env" | "exec">,
  program: string | undefined,
  build: ShownBuild,
): Promise<void> {
  const { platform, timestamp, dockerfile } = build;
  const options = {
    args: build.args ?? {},
    platform,
    cwd: root,
    ...(build.target !== undefined && { target: build.target }),
  };
  const plan = await planInputs(dockerfile, options);
  const { bases } = await findNeeds(dockerfile, options);
  for (const { reference, platform: arch } of bases) log.info(`from    ${build.tellBase(reference, arch)}`);
  const shown = path.relative(root, dockerfile);
  const args = findArgs(plan);
  const name = program?.slice(program.lastIndexOf("/") + 1);
  if (program === undefined || (name !== "buildah" && name !== "podman")) {
    const given = Object.entries(args).map(([key, value]) => ` ${key}=${value}`);
    log.info(`build   ${shown} for ${platform} with ${name ?? "no engine: none is there"}${given.join("")}`);
    return;
  }
  const read = [
    ...bases.map((base) => ({ id: `<ID of ${base.reference}>`, platform: base.platform })),
    ...(findHeredocs(plan).length === 0 ? [] : [{ id: `<ID of the files in ${shown}>`, platform }]),
  ];
  const store = { root: "<store of this build>", runRoot: "<temporary folder>/build" };
  const isShared = name === "buildah" && process.getuid?.() === 0;
  const images = { root: "<store of bases>", runRoot: "<temporary folder>/images" };
  for (const base of read)
    await exec(program, [...storeWords(isShared ? images : store), ...importWords(base.platform, `bt-${base.id}`)]);
  const built = storeWords({ ...store, ...(isShared && read.length > 0 && { images: images.root }) });
  await exec(program, [
    ...built,
    ...buildWords({
      engine: { name },
      isolation: build.isolation ?? env["BUILDAH_ISOLATION"] ?? "chroot",
      platform,
      plan,
      args,
      timestamp,
      files: {
        id: "<file for the ID>",
        ignore: "<ignore file>",
        dockerfile: `<${shown} with every base by its ID>`,
        context: build.context,
      },
    }),
  ]);
  await exec(program, [...built, ...exportWords(plan, "<ID of the image>")]);
}
