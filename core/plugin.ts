/** What a plugin and a builderfile are; applies plugins in order and names their tasks. Does not know what any plugin does. */
import { cacheWords, findCacheChoice } from "./cache/choice.ts";
import { createCatalog, type Catalog, type NamedTask } from "./catalog.ts";
import { isBtError } from "./errors.ts";
import { builderFieldUnknown, builderShape, pluginFailed, pluginTwice } from "./errors/builderfile.ts";
import { bindHooks, createHooks, type BoundHooks, type BuilderSettings, type Hooks } from "./hooks.ts";
import { describeKind, isRecord } from "./shape.ts";
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
  /** Environment variable with the text that secrets in keys are digested with. */
  readonly secretsKey?: string;
  /** Values that beat the params' defaults, by variable name. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** How caches are used, unless the command line or the person's settings say otherwise: as for `--cache`. */
  readonly cache?: string;
  /** Taps of the project's own. */
  readonly apply?: (hooks: BoundHooks) => void;
}

/** Describes what a builderfile offers. @throws BtError BUILDER_SHAPE, BUILDER_FIELD_UNKNOWN */
export function defineBuilder(builder: Builder): Builder {
  return Object.freeze(checkBuilder(builder));
}

const fields = ["plugins", "tasks", "default", "pools", "secretsKey", "params", "cache", "apply"];

/** What a builderfile exports, if it is a builder. @throws BtError BUILDER_SHAPE, BUILDER_FIELD_UNKNOWN */
export function checkBuilder(exported: unknown): Builder {
  if (!isRecord(exported)) throw builderShape(undefined, describeKind(exported), "what `defineBuilder({ … })` returns");
  const unknown = Object.keys(exported).find((key) => !fields.includes(key));
  if (unknown !== undefined) throw builderFieldUnknown(unknown, fields);
  const { plugins, tasks, pools, secretsKey, params, cache, apply, default: defaultTask } = exported;
  if (plugins !== undefined) checkPlugins("`plugins`", plugins);
  if (tasks !== undefined) checkTasks("`tasks`", tasks);
  const isDefault = defaultTask === undefined || typeof defaultTask === "string" || isTask(defaultTask);
  if (!isDefault) throw builderShape("`default`", describeKind(defaultTask), "a task or its name");
  if (pools !== undefined && !(isRecord(pools) && Object.values(pools).every((size) => Number(size) >= 1)))
    throw builderShape("`pools`", describeKind(pools), "a record of whole numbers from 1");
  if (secretsKey !== undefined && (typeof secretsKey !== "string" || secretsKey === ""))
    throw builderShape("`secretsKey`", describeKind(secretsKey), "the name of an environment variable");
  if (params !== undefined && !isRecord(params))
    throw builderShape("`params`", describeKind(params), "a record of values by variable name");
  if (cache !== undefined && (typeof cache !== "string" || findCacheChoice(cache) === undefined))
    throw builderShape("`cache`", typeof cache === "string" ? `"${cache}"` : describeKind(cache), cacheWords);
  if (apply !== undefined && typeof apply !== "function")
    throw builderShape("`apply`", describeKind(apply), "a function");
  return exported;
}

function checkPlugins(field: string, plugins: unknown): void {
  if (!Array.isArray(plugins)) throw builderShape(field, describeKind(plugins), "a list of plugins");
  for (const [at, plugin] of plugins.entries()) {
    const isPlugin = isRecord(plugin) && typeof plugin["name"] === "string" && isRecord(plugin["tasks"]);
    if (!isPlugin)
      throw builderShape(`\`${field.slice(1, -1)}[${at}]\``, describeKind(plugin), "a plugin with `name` and `tasks`");
    checkTasks(`\`tasks\` of plugin "${String(plugin["name"])}"`, plugin["tasks"]);
    if (plugin["plugins"] !== undefined) checkPlugins(field, plugin["plugins"]);
  }
}

function checkTasks(field: string, tasks: unknown): void {
  if (!isRecord(tasks)) throw builderShape(field, describeKind(tasks), "a record of tasks");
  for (const [name, task] of Object.entries(tasks))
    if (!isTask(task))
      throw builderShape(`"${name}" in ${field}`, describeKind(task), "a task made with `task({ … })`");
}

/** A builderfile, ready to be asked for tasks. */
export interface Assembly {
  readonly hooks: Hooks;
  readonly settings: BuilderSettings;
  readonly catalog: Catalog;
}

/**
 * Applies the plugins and collects all tasks.
 * @throws BtError PLUGIN_FAILED, PLUGIN_TWICE, or those of createCatalog
 */
export function assemble(builder: Builder): Assembly {
  const hooks = createHooks();
  const listed = flatten(builder.plugins ?? []);
  const plugins = [...new Set([...broughtBy([builder, ...listed].flatMap(tasksOf)), ...listed])];
  const applied = new Map<string, Plugin>();
  const applyOnce = (plugin: Plugin): void => {
    const before = applied.get(plugin.name);
    if (before === plugin) return;
    if (before !== undefined) throw pluginTwice(plugin.name);
    applied.set(plugin.name, plugin);
    apply(plugin, hooks);
  };
  plugins.forEach(applyOnce);
  apply({ name: "builderfile", ...(builder.apply === undefined ? {} : { apply: builder.apply }) }, hooks);
  const settings = hooks.config.call({
    pools: { console: 1, ...builder.pools },
    params: builder.params ?? {},
    ...(builder.secretsKey === undefined ? {} : { secretsKey: builder.secretsKey }),
  });
  const own = plugins.flatMap((plugin) => nameTasks(plugin.tasks, plugin));
  const named = hooks.tasks.call([...own, ...nameTasks(builder.tasks ?? {})]);
  broughtBy(named.map(({ task }) => task)).forEach(applyOnce); // Of tasks that a tap has made.
  const catalog = createCatalog(named, builder.default === undefined ? {} : { defaultTask: builder.default });
  return { hooks, settings, catalog };
}

/** Brought-along plugins first; the very same object counts once. */
function flatten(plugins: readonly Plugin[]): Plugin[] {
  return [...new Set(plugins.flatMap((plugin) => [...flatten(plugin.plugins ?? []), plugin]))];
}

function tasksOf({ tasks = {} }: Pick<Builder, "tasks">): readonly TaskBase[] {
  return Object.values(tasks);
}

/** Plugins that tasks rely on. */
function broughtBy(tasks: readonly TaskBase[]): Plugin[] {
  return tasks.flatMap(({ brings }) => (brings === undefined ? [] : [brings as Plugin])); // Its taps take the hooks, which the vocabulary does not know.
}

function apply(plugin: Pick<Plugin, "name" | "apply">, hooks: Hooks): void {
  try {
    plugin.apply?.(bindHooks(hooks, plugin.name));
  } catch (error) {
    throw isBtError(error) ? error : pluginFailed(plugin.name, "while it was applied", error);
  }
}

function nameTasks(tasks: Readonly<Record<string, TaskBase>>, plugin?: Plugin): NamedTask[] {
  return Object.entries(tasks).map(([key, task]) => {
    return {
      name: task.name ?? `${plugin?.prefix ?? ""}${key}`,
      task,
      ...(plugin === undefined ? {} : { plugin: plugin.name }),
    };
  });
}
