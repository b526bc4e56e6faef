/** Names of the tasks of the plugin and the types of their results. Types only. */
import type { ParamSet, Task } from "../../core/index.ts";
import type { ArchiveResult } from "./archive-task.ts";
import type { Digests } from "./digests.ts";
import type { Inspection } from "./inspection.ts";
import type { CreateResult, CreateResults, PushResult } from "./result.ts";
import type { VerifyResult } from "./verify-task.ts";

/** Handles of the tasks, for the needs of others. */
export type ManifestTasks<P extends Readonly<Record<string, string>> = {}> = {
  readonly "manifest:create": Task<CreateResults, ParamSet>;
  readonly "manifest:push": Task<PushResult, ParamSet>;
  readonly "manifest:verify": Task<VerifyResult, ParamSet>;
  readonly "manifest:inspect": Task<readonly Inspection[], ParamSet>;
  readonly "manifest:digests": Task<Digests, ParamSet>;
  readonly "manifest:archive": Task<ArchiveResult, ParamSet>;
} & { readonly [K in keyof P & string as `manifest:create:${K}`]: Task<CreateResult, ParamSet> } & {
  readonly [K in keyof P & string as `manifest:push:${K}`]: Task<PushResult, ParamSet>;
};
