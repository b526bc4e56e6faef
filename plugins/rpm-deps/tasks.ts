/** The tasks of the plugin, as data. Loads nothing; what they do is imported when they run. */
import { param, task, type TaskBase } from "../../core/index.ts";
import type { RpmDepsOptions, Scope } from "./options.ts";
import { solveParams, streamParam, treeParams } from "./params.ts";

/** Whether the run is a dry one; known only when it has begun. */
type IsDryRun = () => boolean;

const json = param.flag({ env: "JSON", description: "One line of JSON instead of text" });

/** Tasks that change nothing. */
export function readingTasks(options: RpmDepsOptions): Readonly<Record<string, TaskBase>> {
  return {
    "rpm-deps:check": task({
      description: "Compares all pins and packages with the repositories",
      params: {
        ...treeParams(options),
        ...streamParam(options),
        json,
        strict: param.flag({ description: "Also the committed files" }),
      },
      run: async (context) => (await import("./check-task.ts")).checkPins(context, options),
    }),
    "rpm-deps:diff": task({
      description: "Shows which packages differ from a revision or a folder",
      params: {
        base: param.string({ env: "BASE", default: "HEAD", description: "Revision of git, or a folder" }),
        exitCode: param.flag({ env: "EXIT_CODE", description: "Fails if something differs" }),
        json,
      },
      run: async (context) => (await import("./diff-task.ts")).diffFiles(context, options),
    }),
    "rpm-deps:doctor": task({
      description: "Says what is strange about the committed trees and rpms",
      params: { json, strict: param.flag({ description: "Fails if something is" }) },
      run: async (context) => (await import("./doctor-task.ts")).examineFiles(context, options),
    }),
    "verify-rpm-deps": task({
      description: "Checks checksums and signatures of all rpms",
      params: { jobs: param.integer({ env: "JOBS", description: "Verifiers at the same time" }) },
      run: async (context) => (await import("./verify-task.ts")).verifyRpms(context, options),
    }),
  };
}

/** The task that changes the pins file. */
export function bumpTask(options: RpmDepsOptions, isDryRun: IsDryRun): TaskBase {
  return task({
    description: "Raises pins to the newest version that all packages and architectures have",
    dryRun: "record",
    params: {
      only: param.list({ env: "ONLY", description: "Only these pins" }),
      check: param.flag({ env: "CHECK", description: "Writes nothing; fails if there is something newer" }),
      allowDowngrade: param.flag({ description: "Also down, when a pin is gone" }),
      json,
    },
    run: async (context) => (await import("./bump-task.ts")).bumpPins(context, options, { isDryRun: isDryRun() }),
  });
}

/** Tasks that write the Bazel files, by name; and the streams they work on. */
export function solvingTasks(
  options: RpmDepsOptions,
  isDryRun: IsDryRun,
): { readonly tasks: Readonly<Record<string, TaskBase>>; readonly scopes: Readonly<Record<string, Scope>> } {
  const solve = { ...treeParams(options), ...solveParams() };
  const create = (description: string, scope: Scope, withAliases = false): TaskBase =>
    task({
      description,
      dryRun: "record",
      params: scope === "first" ? { ...solve, ...streamParam(options) } : solve,
      run: async (context) => {
        const { solveAndWrite } = await import("./run-task.ts");
        return await solveAndWrite(context, options, { scope, withAliases, isDryRun: isDryRun() });
      },
    });
  const streams = Object.keys(options.streams);
  return {
    tasks: {
      "rpm-deps": create("Solves the trees of one stream and writes the Bazel files", "first"),
      ...Object.fromEntries(
        streams.map((stream) => [`rpm-deps-${stream}`, create(`Solves the trees of ${stream}`, { stream })]),
      ),
      "rpm-deps-all": create("Solves the trees of all streams and writes the aliases", "all", true),
    },
    scopes: {
      "rpm-deps": "first",
      ...Object.fromEntries(streams.map((stream) => [`rpm-deps-${stream}`, { stream }] as const)),
      "rpm-deps-all": "all",
    },
  };
}

/** The task that needs no options: it writes them. */
export function importTask(): TaskBase {
  return task({
    description: "Turns hack/rpm-deps.sh and its repository lists into options and pins",
    params: {
      script: param.string({ env: "SCRIPT", default: "hack/rpm-deps.sh", description: "The script" }),
      buildfile: param.string({
        env: "BUILDFILE",
        default: "rpm/BUILD.bazel",
        description: "Rules with attributes and libraries",
      }),
      out: param.string({ env: "OUT", default: "rpms.ts", description: "Module to write" }),
      force: param.flag({ env: "FORCE", description: "Writes over what is there" }),
    },
    run: async (context) => (await import("./import-task.ts")).importScript(context),
  });
}
