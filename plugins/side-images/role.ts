/** What a task is for, kept beside the task, and what the tasks of one run share. Does not know what a task does. */
import type { Context, TaskBase } from "../../core/index.ts";
import type { Slots } from "../multiarch-manifest/index.ts";
import type { Cell, ParentLink } from "./cell.ts";
import type { SideImagesOptions } from "./options.ts";
import type { SidePlan } from "./plan.ts";

export type RoleKind =
  | "all"
  | "plan"
  | "references"
  | "tag"
  | "warnings"
  | "src"
  | "binaries"
  | "image"
  | "manifest"
  | "push"
  | "archive"
  | "other";

export interface Role {
  readonly kind: RoleKind;
  /** Absent: the task is about all that were asked for. */
  readonly component?: string;
}

/** An image of somebody else, as it is in this run. */
export interface External {
  /** `quay.io/you/oven:1`, short names resolved. */
  readonly name: string;
  readonly digest: string;
  /** What to fetch. */
  readonly pinned: string;
}

/** What the tasks of one plugin share. */
export interface Site {
  readonly options: SideImagesOptions;
  /** Folders of components, in the order of display. */
  readonly components: readonly string[];
  readonly roles: WeakMap<object, Role>;
  /** Of this run; set before anything runs. */
  plan?: SidePlan;
  /** The plan of this run with another tag; set before anything runs. */
  renew?: (tag: string) => Promise<SidePlan>;
  /** Components that a push task publishes together, by the component in its name. */
  readonly groups: Map<string, readonly string[]>;
  /** Cells of this run, by id. */
  readonly cells: Map<string, Cell>;
  /** Cells whose images this run has made, by id. */
  readonly made: Set<string>;
  /** Digests of this run, by reference: all cells get the same. */
  readonly resolved: Map<string, Promise<External>>;
  /** Cells at the same time. */
  slots?: Slots;
}

/** A task's context as the work sees it. */
export type SideContext = Omit<Context, "params" | "needs" | "cell"> & {
  readonly params: Readonly<Record<string, unknown>>;
  readonly needs: Readonly<Record<string, unknown>>;
  readonly cell: Readonly<Record<string, string>>;
};

export function findRole(site: Site, task: TaskBase): Role | undefined {
  return site.roles.get(task.handle);
}

/** The plan of this run. */
export function planOf(site: Site): SidePlan {
  return site.plan!; // The graph tap has made it for every task that asks.
}

/** Name of the result of a parent in the needs of a cell. */
export function parentName({ component, arch }: Pick<ParentLink, "component" | "arch">): string {
  return `FROM ${component} for ${arch}`;
}

/** Folders of the plugin, relative to the project root. */
export const places = {
  home: ".bt/side-images",
  store: ".bt/side-images/oci",
  work: ".bt/side-images/work",
  git: ".bt/side-images/git",
  engine: ".bt/side-images/engine",
  references: ".bt/side-images/references",
  generation: ".bt/side-images/generation",
  digests: ".bt/manifest/digests.json",
} as const;
