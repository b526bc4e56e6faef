/** Kernels, root filesystems and the guests that prove them. Describes; the work is loaded when a task runs. */
import { checkOptions, definePlugin, type Plugin, type TaskBase } from "../../core/index.ts";
import { describeCiTasks } from "./ci-tasks.ts";
import { kernelRootfsMarks, type KernelRootfsOptions } from "./options.ts";
import { loadOutline } from "./outline.ts";
import { createShop } from "./shop.ts";
import { tap } from "./taps.ts";
import {
  describeDataTasks,
  describeKernelTasks,
  describeMachineTasks,
  describeMakeTasks,
  describeRootfsTasks,
  type RootfsTasks,
} from "./tasks.ts";

export {
  debianSource,
  fromLvhJson,
  git,
  localDir,
  ownSource,
  srcRpm,
  tarball,
  type Action,
  type ConfigOption,
  type Extensions,
  type Flavor,
  type ImageFacts,
  type ImgConf,
  type KernelConf,
  type KernelFacts,
  type KernelRootfsOptions,
  type KernelSource,
  type KernelSpec,
  type LvhFile,
  type RangedOption,
  type RootfsBackend,
} from "./options.ts";
export type * from "./plan.ts";
export type * from "./result.ts";

/**
 * Tasks for the kernels and images of little-vm-helper's files, or of one's own.
 * @throws BtError KERNEL_ROOTFS_DATA_MISSING, KERNEL_ROOTFS_DATA_SYNTAX, FIELD_UNKNOWN, FIELD_MISSING, FIELD_SHAPE
 */
export function kernelRootfs(options: KernelRootfsOptions): Plugin<RootfsTasks & Readonly<Record<string, TaskBase>>> {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, kernelRootfs);
  checkOptions("kernelRootfs()", options, kernelRootfsMarks);
  const shop = createShop(options, loadOutline(options), site);
  const tasks = {
    ...describeMakeTasks(shop),
    ...describeKernelTasks(shop),
    ...describeRootfsTasks(shop),
    ...describeMachineTasks(shop),
    ...describeCiTasks(shop),
    ...describeDataTasks(shop),
  };
  return definePlugin({
    name: "kernel-rootfs",
    tasks: tasks as unknown as RootfsTasks & Readonly<Record<string, TaskBase>>, // The describers give these names these results.
    apply: (hooks) => tap(hooks, shop, tasks),
  });
}
