/** The cross image: built on the image of the same run, or not at all. Does not know how images are built. */
import type { Context } from "../../core/index.ts";
import { baseMissing } from "./errors.ts";
import type { Variant } from "./options.ts";

/** @throws BtError BAZEL_BUILDER_CROSS_BASE when the image it stands on has failed */
export async function buildCross(
  context: Context,
  { name, crossArch }: Variant,
  build: (context: never) => unknown,
): Promise<unknown> {
  const isMissing = Object.entries(context.needs).some(
    ([need, value]) => need.startsWith("FROM ") && value === undefined,
  );
  if (isMissing && !context.isDryRun) throw baseMissing(name, crossArch);
  return build(context as never); // The same context: only the type of its cells is narrower.
}
