/** Image tasks: one Dockerfile, one image for each platform. Describes; the work is loaded when a task runs. */
import { task, type Arch, type Task } from "../../core/index.ts";
import type { ImageResult } from "../multiarch-manifest/index.ts";

/** What to build. Paths are relative to the project root. */
export interface ImageOptions<A extends readonly Arch[] = readonly Arch[]> {
  /** Platforms, from `platforms(…)`: one cell each. */
  readonly platforms: A;
  /** Default: `Dockerfile` in the context. */
  readonly dockerfile?: string;
  /** Folder that COPY and ADD read. Default: `.`. */
  readonly context?: string;
  /** Build arguments. Default: none. */
  readonly args?: Readonly<Record<string, string>>;
  /** Stage to build. Default: the last one. */
  readonly target?: string;
  /** Time of everything in the image, in seconds since 1970. Default: 0. */
  readonly timestamp?: number;
  readonly description?: string;
}

/**
 * A task with one cell a platform, built by the embedded engine: no daemon, no root, the same image ID everywhere.
 * A Dockerfile with RUN needs another engine.
 */
export function image<const A extends readonly Arch[]>(options: ImageOptions<A>): Task<ImageResult, {}, A[number]> {
  const { context = ".", args = {}, timestamp = 0, target } = options;
  const dockerfile = options.dockerfile ?? (context === "." ? "Dockerfile" : `${context}/Dockerfile`);
  const recipe = { dockerfile, context, args, timestamp, ...(target === undefined ? {} : { target }) };
  return task({
    description: options.description ?? `Builds the image of ${dockerfile}`,
    matrix: { arch: options.platforms },
    inputs: async ({ root, cell }) => (await import("./image-task.ts")).findImageInputs({ root, cell }, recipe),
    salt: JSON.stringify(recipe),
    status: async ({ root, previous }) => (await import("./image-task.ts")).isCurrent(root, previous as ImageResult), // Its own last result.
    run: async (taskContext): Promise<ImageResult> => (await import("./image-task.ts")).buildCell(taskContext, recipe),
  });
}
