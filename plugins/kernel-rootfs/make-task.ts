/** The tasks that have the names of the Makefile. Container mode runs its commands; native mode names what the steps have made. */
import type { Context } from "../../core/index.ts";
import { engineArguments, planEngineBuild } from "./engine-build.ts";
import { prepareDockerfile } from "./dockerfile.ts";
import type { MakeValues } from "./params.ts";
import type { NamedImage } from "./result.ts";
import type { Shop } from "./shop.ts";

export async function makeImage(context: Context, shop: Shop, what: string): Promise<NamedImage> {
  const values = context.params as unknown as MakeValues; // As params.ts declares them.
  const family = await shop.family();
  if (values.buildMode === "native") return (await import("./native.ts")).makeNative(context, shop, what);
  const build = planEngineBuild(what, context.cell, { values, family, ciSuffix: shop.ciSuffix });
  const dockerfile = prepareDockerfile(context, { build, values }, shop);
  await context.exec(values.docker, engineArguments({ ...build, dockerfile }), {
    env: { DOCKER_BUILDKIT: values.dockerBuildkit },
  });
  return { ref: build.ref };
}
