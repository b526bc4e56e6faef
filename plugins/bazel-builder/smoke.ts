/** Runs commands inside finished images, each in a store that is gone afterwards. Does not know where images come from. */
import { join } from "node:path";
import { findTool, isBtError, ociPlatform, type Arch, type Context } from "../../core/index.ts";
import { chooseEmulation, wrapCommand, type Emulation, type EngineName } from "../images/index.ts";
import { createLayout, fetchImage } from "../multiarch-manifest/index.ts";
import { engineMissing, smokeFailed } from "./errors.ts";
import type { BazelBuilderOptions } from "./options.ts";

/** An image and what must work in it. */
export interface SmokeTest {
  readonly arch: Arch;
  /** Of the manifest in `layout`. */
  readonly digest: string;
  /** Folder of the layout, absolute. */
  readonly layout: string;
  readonly commands: readonly (readonly string[])[];
}

/**
 * Runs all commands of all images; several images at a time.
 * @throws BtError BAZEL_BUILDER_SMOKE with all that failed, BAZEL_BUILDER_ENGINE, IMAGES_EMULATION_…
 */
export async function runSmoke(
  context: Context,
  tests: readonly SmokeTest[],
  { emulation: mode = "auto", engine: own }: BazelBuilderOptions,
): Promise<void> {
  const wanted = tests.filter(({ commands }) => commands.length > 0);
  if (wanted.length === 0) return;
  const engine = findEngine(context, own);
  const emulation = await chooseEmulation(
    wanted.map(({ arch }) => arch),
    mode,
    engine,
  );
  const results = await Promise.allSettled(wanted.map((test) => smokeImage(context, test, { engine, emulation })));
  const broken = results.find((result) => result.status === "rejected");
  if (broken !== undefined) throw broken.reason;
  const failed = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  if (failed.length > 0) throw smokeFailed(failed);
}

type Engine = "buildah" | "podman";

function findEngine({ params, env }: Context, own: EngineName | undefined): Engine {
  const asked = params["kubevirtCri"] ?? own;
  const names = (["buildah", "podman"] as const).filter((name) => asked !== "podman" || name === "podman");
  const found = names.find((name) => findTool(name, env["PATH"] ?? "") !== undefined);
  if (found === undefined) throw engineMissing(names.map((name) => `${name} is not in PATH`));
  return found;
}

/** Sentences about commands that failed. */
async function smokeImage(
  context: Context,
  { arch, digest, layout, commands }: SmokeTest,
  { engine, emulation }: { readonly engine: Engine; readonly emulation: Emulation },
): Promise<readonly string[]> {
  const folder = await context.tempDir();
  const alone = await createLayout(join(folder, "image"));
  await fetchImage(`oci:${layout}@${digest}`, arch, alone, { entryName: "image" });
  const roots = ["--root", join(folder, "root"), "--runroot", join(folder, "run")];
  const isRoot = process.getuid?.() === 0;
  // Files of other users can only be removed by the engine's own root.
  if (!isRoot)
    context.defer(() => context.exec(engine, ["unshare", "rm", "-rf", join(folder, "root")], { show: false }));
  const run = async (
    words: readonly string[],
    allowed: readonly number[] = [0],
  ): Promise<{ exitCode: number; stdout: string }> => {
    const command = { file: engine, args: [...roots, ...words], env: context.env };
    const { file, args, env } = await wrapCommand(command, emulation);
    // A driver leaves its folder mounted on itself; in a namespace of its own that ends with the program.
    const [program, all] =
      emulation.kind === "userns" || !isRoot
        ? [file, args]
        : ["unshare", ["--mount", "--", "setpriv", "--pdeathsig", "KILL", "--", file, ...args]];
    return context.exec(program, all, {
      cwd: folder,
      env: { ...env, BUILDAH_ISOLATION: env["BUILDAH_ISOLATION"] ?? "chroot" },
      allowedCodes: allowed,
    });
  };
  const platform = ["--platform", ociPlatform(arch)];
  // Relative: buildah makes a name of the path, and names have no upper case.
  const source = "oci:image:image";
  const started = await run(
    engine === "buildah" ? ["from", "--quiet", ...platform, source] : ["pull", "--quiet", ...platform, source],
  );
  const name = started.stdout.trim().split("\n").at(-1) ?? "";
  const failed: string[] = [];
  for (const words of commands) {
    const [program = "", ...rest] = words;
    const inside =
      engine === "buildah" ? ["run", name, "--", ...words] : ["run", "--rm", "--entrypoint", program, name, ...rest];
    try {
      await run(inside);
    } catch (error) {
      if (!isBtError(error) || error.code !== "COMMAND_FAILED") throw error;
      failed.push(`${arch}: ${words.join(" ")}`);
    }
  }
  return failed;
}
