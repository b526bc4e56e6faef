/** Builders for Bazel projects, KubeVirt's first of all: build, publish, prove, write back; push images, fill in manifests. Describes; the work is loaded when a task runs. */
import { checkOptions, definePlugin, type Plugin, type TaskBase } from "../../core/index.ts";
import { describeBazel, type BazelTasks } from "./bazel-tasks.ts";
import { describeBuilder, type BuilderTasks } from "./builder-tasks.ts";
import { optionWrong } from "./errors.ts";
import { builderMarks, openShop, type BazelBuilderOptions } from "./options.ts";
import { tapRun } from "./tap.ts";
import { optionProblem } from "./text.ts";

export type {
  BazelBuilderOptions,
  BazelOptions,
  ManifestsOptions,
  PushOptions,
  Templator,
  VariantOptions,
  VersionFacts,
  WriteBack,
} from "./options.ts";
export type {
  BuiltBuilder,
  BuiltCross,
  PublishedBuilder,
  PushedImage,
  PushedImages,
  PushedIndexes,
  VerifiedBuilder,
} from "./result.ts";

/** The tasks, for the needs of others: `builder.tasks.publish`. */
export type BazelBuilderTasks = BuilderTasks & BazelTasks & Readonly<Record<string, TaskBase>>;

/**
 * The tasks that replace `make builder-build`, `builder-publish`, `bazel-push-images`, `push-container-manifest` and `manifests`.
 * @throws BtError BAZEL_BUILDER_OPTION, FIELD_UNKNOWN, FIELD_MISSING, FIELD_SHAPE
 */
export function bazelBuilder(options: BazelBuilderOptions = {}): Plugin<BazelBuilderTasks> {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, bazelBuilder);
  checkOptions("bazelBuilder()", options, builderMarks);
  const fault = optionProblem(options);
  if (fault !== undefined) throw optionWrong(fault.option, fault.problem, site);
  const shop = openShop(options);
  const tasks = { ...describeBuilder(shop), ...describeBazel(shop) } as BazelBuilderTasks; // Absent ones are no keys.
  return definePlugin({ name: "bazel-builder", prefix: "builder-", tasks, apply: tapRun(shop) });
}
