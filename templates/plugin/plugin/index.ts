/** Checksums of released files. Describes only; the work is in work.ts, which is loaded when the task runs. */
import { definePlugin, describeTool, param, task, type Plugin, type Task } from "builderfile";
import type { Checksums } from "./work.ts";

export interface ChecksumsOptions {
  /** Globs of the files, relative to the project root. */
  readonly files: readonly string[];
  /** File that holds the checksums. Default: `SUMS`. */
  readonly out?: string;
}

/** A task `checksums`, and what it needs. */
export function checksums({ files, out = "SUMS" }: ChecksumsOptions): Plugin<{ checksums: Task<Checksums> }> {
  const sums = task({
    description: `Writes the checksums of ${files.join(" ")} to ${out}`,
    params: {
      algorithm: param.enum(["sha256", "sha512"], { default: "sha256", description: "How the files are summed" }),
    },
    inputs: files,
    outputs: [out],
    run: async ({ inputs, params, root }): Promise<Checksums> =>
      (await import("./work.ts")).writeChecksums(inputs, { root, out, algorithm: params.algorithm }),
  });
  return definePlugin({
    name: "checksums",
    tasks: { checksums: sums },
    apply(hooks) {
      let summed = 0;
      hooks.afterTask.tap(({ node }) => {
        if (node.task.handle === sums.handle) summed = node.inputs?.length ?? 0;
      });
      hooks.afterRun.tap(() => {
        if (summed > 0) process.stderr.write("checksums: verify with sha256sum --check or sha512sum --check\n");
      });
      hooks.doctor.tap((known, { env }) => [
        ...known,
        describeTool("sha256sum", { plugin: "checksums", env, purpose: "verifying", install: "part of coreutils" }),
      ]);
    },
  });
}
