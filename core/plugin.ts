/** What a plugin and a builderfile are; applies plugins in order and names their tasks. Does not know what any plugin does. */
import { createCatalog, type Catalog, type NamedTask } from "./catalog.ts";
import { builderShape, isBtError, pluginFailed, pluginTwice } from "./errors.ts";
import { bindHooks, createHooks, type BoundHooks, type BuilderSettings, type Hooks } from "./hooks.ts";
import { isTask, type TaskBase } from "./task.ts";

/** Tasks and taps under one name. */
export interface Plugin<T extends Readonly<Record<string, TaskBase>> = Readonly<Record<string, TaskBase>>> {
  readonly name: string;
  /** Stands before the names of its tasks: `builder-`. Default: nothing. */
  readonly prefix?: string;
  readonly tasks: T;
  /** Plugins that this one brings along; each is applied once, before it. */
  readonly plugins?: readonly Plugin[];
  /** Taps the hooks. Called once a run. */
  readonly apply?: (hooks: BoundHooks) => void;
}

/** Gives a plugin its types. */
export function definePlugin<const T extends Readonly<Record<string, TaskBase>>>(plugin: Plugin<T>): Plugin<T> {
  return Object.freeze(plugin);
}

/** What a builderfile exports. */
export interface Builder {
  readonly plugins?: readonly Plugin[];
  readonly tasks?: Readonly<Record<string, TaskBase>>;
  /** Runs when no task is named. Default: bt lists the tasks. */
  readonly default?: string | TaskBase;
  /** Pool name to capacity. `console` has 1. */
  readonly pools?: Readonly<Record<string, number>>;
  /** Values that beat the params' defaults, by variable name. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Taps of the project's own. */
  readonly apply?: (hooks: BoundHooks) => void;
}

/** Describes what a builderfile offers. */
export function defineBuilder(builder: Builder): Builder {
  return Object.freeze(builder);
}

/** A builderfile, ready to be asked for tasks. */
export interface Assembly {
  readonly hooks: Hooks;
  readonly settings: BuilderSettings;
  readonly catalog: Catalog;
}

/**
 * Applies the plugins and collects all tasks.
 * @throws BtError BUILDER_SHAPE, PLUGIN_FAILED, PLUGIN_TWICE, or those of createCatalog
 */
export function assemble(builder: Builder): Assembly {
  const hooks = createHooks();
  const plugins = flatten(builder.plugins ?? []);
  const seen = new Set<string>();
  for (const plugin of plugins) {
    if (seen.has(plugin.name)) throw pluginTwice(plugin.name);
    seen.add(plugin.name);
    apply(plugin, hooks);
  }
  builder.apply?.(bindHooks(hooks, "builderfile"));
  const settings = hooks.config.call({ pools: { console: 1, ...builder.pools }, params: builder.params ?? {} });
  const own = plugins.flatMap((plugin) => nameTasks(plugin.tasks, plugin));
  const named = hooks.tasks.call([...own, ...nameTasks(builder.tasks ?? {})]);
  const catalog = createCatalog(named, builder.default === undefined ? {} : { defaultTask: builder.default });
  return { hooks, settings, catalog };
}

/** Brought-along plugins first; the very same object counts once. */
function flatten(plugins: readonly Plugin[]): Plugin[] {
  return [...new Set(plugins.flatMap((plugin) => [...flatten(plugin.plugins ?? []), plugin]))];
}

function apply(plugin: Plugin, hooks: Hooks): void {
  try {
    plugin.apply?.(bindHooks(hooks, plugin.name));
  } catch (error) {
    throw isBtError(error) ? error : pluginFailed(plugin.name, "while it was applied", error);
  }
}

function nameTasks(tasks: Readonly<Record<string, TaskBase>>, plugin?: Plugin): NamedTask[] {
  return Object.entries(tasks).map(([key, task]) => {
    if (!isTask(task)) throw builderShape(`"${key}" of tasks is no task`, "Make it with `task({ … })`.");
    return { name: task.name ?? `${plugin?.prefix ?? ""}${key}`, task, ...(plugin === undefined ? {} : { plugin: plugin.name }) };
  });
}
