/** `publish(…)`: one task that makes an index of the images of another one visible. Describes; the work is loaded when it runs. */
import { param, task, type Param, type Task } from "../../core/index.ts";
import type { ImageResult, PublishResult } from "./result.ts";

/** What to publish where. */
export interface PublishOptions<C extends string = string> {
  /** A task with one image for each platform, from `image(…)`. */
  readonly images: Task<ImageResult, {}, C>;
  /** `HOST/REPO:TAG`, or `oci:DIR:NAME`, a layout relative to the project root. `DESTINATION` changes it. */
  readonly to: string;
  readonly description?: string;
}

/** A task that joins the images into one index and makes it visible in one step, when every platform is there. */
export function publish<const C extends string>(
  options: PublishOptions<C>,
): Task<PublishResult, { destination: Param<string> }> {
  return task({
    description: options.description ?? "Publishes the images as one index",
    needs: { images: options.images },
    params: {
      destination: param.string({
        default: options.to,
        description: "Where to publish: HOST/REPO:TAG or oci:DIR:NAME",
      }),
    },
    inputs: [],
    status: async ({ root, params, previous }) =>
      (await (await import("./publish-task.ts")).findPublished(root, params)) === (previous as PublishResult).digest, // Its own last result.
    run: async (context): Promise<PublishResult> => {
      const images = context.needs.images as Readonly<Record<string, ImageResult>>; // A task with cells gives a record of them.
      return (await import("./publish-task.ts")).publishImages(context, Object.values(images));
    },
  });
}
