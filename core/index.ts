/** The whole public API of bt; re-exports only. */
export { build, type BuildOptions, type BuildResult } from "./build.ts";
export { commitChanges, recoverChanges, type Change, type Changed } from "./change.ts";
export { blobsOf, isBundled, type Blob, type CachedOutput, type CachedResult, type CacheStore } from "./cache-store.ts";
export { BtError, closest, isBtError, placed, type BtErrorFacts, type Place } from "./errors.ts";
export type { Counts, Event, EventBody, Failure, Outcome, Reporter, TaskOutline, TaskState } from "./event.ts";
export { noteRead } from "./evaluate.ts";
export type { Evidence, Question, Versions } from "./evidence.ts";
export type { Command } from "./exec.ts";
export { findTool, replaceFile, type FileFact } from "./files.ts";
export type { Leaf } from "./fingerprint.ts";
export { pruneGraph, type Edge, type FoundNeed, type Graph, type Node } from "./graph.ts";
export type {
  BoundHooks,
  BuilderSettings,
  CacheTools,
  DoctorPlace,
  Finished,
  GraphTools,
  Job,
  Requirement,
  RunEnd,
  Taps,
} from "./hooks.ts";
export { acquireLock, findHolder, tryLock, type Holder, type Lock, type LockOptions } from "./lock.ts";
export { loadProject, type LoadOptions, type Project } from "./load.ts";
export { make, type MakeCall, type MakeOptions } from "./make.ts";
export type { NamedTask } from "./catalog.ts";
export type { Cell, CellName, Matrix } from "./matrix.ts";
export { checkOptions, type OptionMarks } from "./option-marks.ts";
export { param } from "./params.ts";
export {
  findPlatform,
  hostPlatform,
  ociPlatform,
  parsePlatform,
  platforms,
  platformTable,
  type Arch,
  type Platform,
} from "./platform.ts";
export { findPresence, processName, type Presence } from "./owner.ts";
export { packagesOf, type PackageManager, type Packages } from "./packages.ts";
export { describeInstall, describeTool, type ToolFacts } from "./requirement.ts";
export { defineBuilder, definePlugin, type Builder, type Plugin } from "./plugin.ts";
export type { Readiness } from "./readiness.ts";
export type { Retries } from "./retries.ts";
export type { ExecOptions, ExecResult, Log, Shell } from "./program.ts";
export { prepare, type BuildRequest, type Prepared } from "./prepare.ts";
export {
  after,
  isTask,
  task,
  validation,
  type Bound,
  type Brought,
  type Context,
  type Need,
  type NeedInput,
  type Needs,
  type NeedResults,
  type Param,
  type ParamSet,
  type ParamValues,
  type Paths,
  type Surveyed,
  type Task,
  type TaskBase,
  type TaskSpec,
} from "./task.ts";
export type { StandardSchema } from "./schema.ts";
export type { Settings } from "./settings.ts";
export type { Size } from "./size.ts";
