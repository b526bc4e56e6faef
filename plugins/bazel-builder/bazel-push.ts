/** Pushes the image × architecture matrix with Bazel and reads back what the registry has then. Does not make indexes. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile, type Arch, type Context } from "../../core/index.ts";
import { verify, type Client } from "../multiarch-manifest/index.ts";
import { tagSuffix } from "./arch.ts";
import { bazelProgram, bazelWords } from "./bazel.ts";
import { checkFailed } from "./errors.ts";
import { withRegistry } from "./login.ts";
import type { PushOptions, Shop } from "./options.ts";
import { pushIdle, warnIdle, type PushValues } from "./params.ts";
import type { PushedImage, PushedImages } from "./result.ts";

/** One call of Bazel. */
type Push = Omit<PushedImage, "digest">;

/** Every push of a run, in the order of the original: architecture, tag, image; then those with the second prefix. */
export function planPushes(images: PushOptions["images"], values: PushValues): readonly Push[] {
  const { prefix, buildArch, tag, tagAlt, imagePrefix, imagePrefixAlt, targets } = values;
  const names = targets.length === 0 ? Object.keys(images) : targets;
  const rounds = [
    ...[tag, ...(tagAlt === undefined ? [] : [tagAlt])].map((one) => ({ tag: one, before: imagePrefix })),
    ...(imagePrefixAlt === "" ? [] : [{ tag, before: imagePrefixAlt }]),
  ];
  return buildArch.flatMap((arch) =>
    rounds.flatMap(({ tag: one, before }) =>
      names
        .filter((image) => images[image]?.arches?.includes(arch) ?? true)
        .map((image) => ({
          image,
          arch,
          repository: `${prefix}/${before}${image}`,
          tag: one,
          archTag: buildArch.length > 1 ? `${one}-${tagSuffix(arch)}` : one,
        })),
    ),
  );
}

/** A push that fails lets the others go on, so that one run tells all. */
export async function pushTargets(context: Context, shop: Shop): Promise<PushedImages> {
  const { params, exec, root, log, isDryRun } = context;
  const values = params as unknown as PushValues; // As pushParams() declares them.
  warnIdle(context, pushIdle);
  const { images, digests = "_out/digests" } = shop.options.push!; // The task is there only with it.
  const { prefix, buildArch, stream } = values;
  const pushed: PushedImage[] = [];
  const failures: unknown[] = [];
  const work = async (client?: Client): Promise<void> => {
    for (const push of planPushes(images, values)) {
      const { arch, image, repository, archTag } = push;
      const words = ["--registry", prefix, "--repository", repository.slice(prefix.length + 1), "--tag", archTag];
      const call = [...bazelWords(shop, "run", { arch, stream }), `//:push-${image}`, "--", ...words];
      try {
        await exec(bazelProgram(shop), call);
        if (client !== undefined)
          pushed.push({ ...push, digest: await readBack(client, `${repository}:${archTag}`, arch) });
      } catch (error) {
        failures.push(error);
      }
    }
  };
  if (isDryRun) {
    await work();
    for (const arch of buildArch) log.info(`write   ${join(digests, tagSuffix(arch))}/*.digest`);
    return { arches: buildArch, pushed };
  }
  await withRegistry(context, shop.options, work);
  for (const arch of buildArch) await rm(join(root, digests, tagSuffix(arch)), { recursive: true, force: true });
  for (const { arch, image, digest } of pushed.toReversed())
    replaceFile(join(root, digests, tagSuffix(arch), `${image}.digest`), `${digest}\n`);
  if (failures.length > 0) throw failures[0];
  return { arches: buildArch, pushed };
}

/** @throws BtError BAZEL_BUILDER_NOT_VERIFIED when the image is for another architecture, REGISTRY_… */
async function readBack(client: Client, reference: string, arch: Arch): Promise<string> {
  const { digest, children, findings } = await verify(`docker://${reference}`, { client });
  const found = children.map(({ platform }) => platform);
  const wrong =
    found.length === 1 && found[0] === arch
      ? []
      : [`${reference}: ${arch} was expected, it is for ${found.join(", ")}`];
  const all = [...findings.map((finding) => `${reference}: ${finding.message}`), ...wrong];
  if (all.length > 0)
    throw checkFailed(
      reference,
      all.map((text) => ({ kind: "other", text })),
    );
  return digest;
}
