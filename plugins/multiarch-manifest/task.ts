/** `publish(…)`: one task that makes an index of the images of another one visible. Describes; the work is loaded when it runs. */
import {
  checkOptions,
  definePlugin,
  param,
  task,
  type OptionMarks,
  type Param,
  type Task,
  type TaskBase,
} from "../../core/index.ts";
import type { ImageResult, PublishResult } from "./result.ts";

/** What to publish where. */
export interface PublishOptions<C extends string = string> {
  /** A task with one image for each platform, from `image(…)`. */
  readonly images: Task<ImageResult, {}, C>;
  /** `HOST/REPO:TAG`, or `oci:DIR:NAME`, a layout relative to the project root. `DESTINATION` changes it. */
  readonly to: string;
  readonly description?: string;
}

const publishMarks: OptionMarks<PublishOptions> = {
  images: "required",
  to: "required string",
  description: "optional",
};

/** Handles of publish tasks. */
const published = new WeakSet<object>();

/** What publish tasks rely on: their destinations are checked before anything is built. */
const checking = definePlugin({
  name: "publish",
  tasks: {},
  apply: (hooks) => {
    hooks.graph.tap(async (graph) => {
      const nodes = [...graph.nodes.values()].filter(({ task: { handle } }) => published.has(handle));
      if (nodes.length > 0) (await import("./publish-check.ts")).checkDestinations(nodes);
      return graph;
    });
  },
});

/** A task that joins the images into one index and makes it visible in one step, when every platform is there. */
export function publish<const C extends string>(
  options: PublishOptions<C>,
): Task<PublishResult, { destination: Param<string> }> {
  checkOptions("publish()", options, publishMarks);
  const made = task({
    description: options.description ?? "Publishes the images as one index",
    needs: { images: options.images },
    params: {
      destination: param.string({
        default: options.to,
        description: "Where to publish: HOST/REPO:TAG or oci:DIR:NAME",
      }),
    },
    inputs: [],
    brings: checking,
    dryRun: "record",
    status: async ({ root, params, previous }) =>
      (await (await import("./publish-task.ts")).findPublished(root, params)) === (previous as PublishResult).digest, // Its own last result.
    run: async (context): Promise<PublishResult> => {
      const { images } = context.needs; // A task with cells gives a record of them.
      const { publishImages, sayPublish } = await import("./publish-task.ts");
      return context.isDryRun ? sayPublish(context, cellsOf(options.images)) : publishImages(context, images);
    },
  });
  published.add(made.handle);
  return made;
}

/** Architectures of a task with one cell for each. */
function cellsOf({ matrix = {} }: TaskBase): readonly string[] {
  return Object.values(matrix).flat();
}
