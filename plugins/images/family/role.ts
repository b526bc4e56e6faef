/** What a task is in its family, kept beside the task. Does not know what the task does. */
import type { Plugin, TaskBase } from "../../../core/index.ts";
import type { Family } from "./options.ts";
import type { Version } from "./table.ts";

export type RoleKind =
  | "common"
  | "all"
  | "push-all"
  | "build"
  | "multi"
  | "push"
  | "push-multi"
  | "self-test"
  | "image"
  | "shell"
  | "run";

export interface Role {
  readonly kind: RoleKind;
  readonly family: Family;
  /** Absent: the task is about all of them. */
  readonly version?: Version;
  /** Refuses params before anything runs. */
  readonly prepare?: (params: Readonly<Record<string, string | undefined>>) => Promise<unknown>;
}

const roles = new WeakMap<object, Role>();

/** The same task, which findRole() knows from now on. */
export function withRole<T extends TaskBase>(task: T, role: Role): T {
  roles.set(task.handle, role);
  return task;
}

/** Undefined: it is no task of a family. */
export function findRole(task: TaskBase): Role | undefined {
  return roles.get(task.handle);
}

const families = new WeakMap<Plugin, Family>();

/** The same plugin, whose family findFamily() knows from now on. */
export function rememberFamily(plugin: Plugin, family: Family): Plugin {
  families.set(plugin, family);
  return plugin;
}

/** Undefined: it is another plugin. */
export function findFamily(plugin: Plugin): Family | undefined {
  return families.get(plugin);
}

/** Families among tasks, each once. */
export function listFamilies(tasks: readonly TaskBase[]): readonly Family[] {
  return [...new Set(tasks.flatMap((task) => findRole(task)?.family ?? []))];
}
