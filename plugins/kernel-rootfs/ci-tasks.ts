/** Describes the tasks of CI: plans, releases and the version table. The work is loaded when they run. */
import { param, task, type Context, type Task } from "../../core/index.ts";
import type { Plan } from "./plan.ts";
import type { Release } from "./ci-release.ts";
import type { Shop } from "./shop.ts";

/** Handles of these tasks. */
export interface CiTasks {
  readonly "ci:plan": Task<Plan>;
  readonly "ci:release": Task<Release>;
  readonly "versions:show": Task<Readonly<Record<string, string>>>;
  readonly "versions:set": Task<void>;
  readonly "versions:diff": Task<Readonly<Record<string, { readonly before?: string; readonly now?: string }>>>;
}

export function describeCiTasks(shop: Shop): CiTasks {
  const registry = {
    ociorg: param.string({
      default: shop.options.registry ?? "quay.io/lvh-images",
      description: "What all names of images start with",
    }),
  };
  const work = async (): Promise<typeof import("./ci-task.ts")> => await import("./ci-task.ts");
  return {
    "ci:plan": task({
      description: "Says what a pull request has to build",
      params: {
        ...registry,
        labels: param.list({ description: "Labels of the pull request" }),
        base: param.string({ description: "Commit to compare HEAD with. Default: origin/main" }),
        changed: param.list({ description: "Changed files, instead of a comparison" }),
        now: param.string({ description: "Time of the tag. Default: now" }),
        by: param.enum(["diff", "content"], {
          default: shop.options.planBy ?? "diff",
          description: "What makes an image stale: changed files, or what it is made of",
        }),
      },
      dryRun: "record",
      run: async (context): Promise<Plan> => (await work()).planRun(context as unknown as Context, shop),
    }),
    "ci:release": task({
      description: "Gives what was built the names of a release",
      params: {
        ...registry,
        name: param.string({ required: true, description: "main, or v and a version" }),
        to: param.string({ description: "An older tag that NAME shall stand for. Default: the version table" }),
        plan: param.flag({ description: "Only say what would be copied" }),
      },
      dryRun: "record",
      run: async (context): Promise<Release> => (await work()).release(context as unknown as Context, shop),
    }),
    "versions:show": task({
      description: "Shows the version table",
      dryRun: "record",
      run: async (context) => (await work()).showVersions(context as Context, shop),
    }),
    "versions:set": task({
      description: "Writes one entry of the version table",
      params: {
        key: param.string({ required: true, description: "kernel-images/6.12, kind/amd64/6.12, …" }),
        value: param.string({ required: true, description: "Tag" }),
        expect: param.string({ description: "What it must be now; `none` for nothing" }),
      },
      dryRun: "record",
      run: async (context) => (await work()).setVersion(context as unknown as Context, shop),
    }),
    "versions:diff": task({
      description: "Shows how the version table differs from that of another commit",
      params: { base: param.string({ required: true, description: "Commit" }) },
      run: async (context) => (await work()).diffVersions(context as unknown as Context, shop),
    }),
  };
}
