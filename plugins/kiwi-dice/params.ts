/** The params of Dice's tasks: its options, each with its variable. Does not know what they lead to. */
import { param, type Param } from "../../core/index.ts";

/** A flag that tells "no" from "not said". */
function flag(env: string, description: string): Param<boolean | undefined> {
  return { ...param.flag({ env, description }), default: undefined };
}

/** Which recipe. */
export const whichParams: { readonly recipe: Param<string | undefined> } = {
  recipe: param.string({ env: "RECIPE", description: "Folder or name of a recipe" }),
};

/** On which host. */
export const hostParams: {
  readonly buildhost: Param<string | undefined>;
  readonly sshUser: Param<string | undefined>;
  readonly sshPrivateKey: Param<string | undefined>;
  readonly knownHosts: Param<string | undefined>;
  readonly image: Param<string | undefined>;
  readonly provider: Param<string | undefined>;
} = {
  buildhost: param.string({
    env: "DICE_BUILDHOST",
    description: "local, docker, podman, vagrant, box:NAME, or the name of a host",
  }),
  sshUser: param.string({ env: "DICE_SSH_USER", description: "User on the build host" }),
  sshPrivateKey: param.string({ env: "DICE_SSH_PRIVATE_KEY", description: "Key for the build host" }),
  knownHosts: param.string({ env: "DICE_KNOWN_HOSTS", description: "File with the key of the build host" }),
  image: param.string({ env: "DICE_IMAGE", description: "Image of the build container" }),
  provider: param.string({ env: "VAGRANT_DEFAULT_PROVIDER", description: "Who runs the machines of Vagrant" }),
};

/** A single step of KIWI. */
export const stepParams: {
  readonly kiwitype: Param<string | undefined>;
  readonly kiwiprofile: Param<readonly string[]>;
  readonly buildhost: Param<string | undefined>;
  readonly bundleId: Param<string | undefined>;
  readonly lockTimeout: Param<number | undefined>;
} = {
  kiwitype: param.string({ env: "DICE_KIWITYPE", description: "Type of the image" }),
  kiwiprofile: param.list({ env: "DICE_KIWIPROFILE", description: "Profiles" }),
  buildhost: hostParams.buildhost,
  bundleId: param.string({ env: "DICE_BUNDLE_ID", description: "Stands after the version in the names of the files" }),
  lockTimeout: param.integer({ env: "DICE_LOCK_TIMEOUT", description: "Seconds to wait for a lock" }),
};

/** What is built, and on what it depends. */
const imageParams: typeof hostParams &
  Omit<typeof stepParams, "lockTimeout"> & {
    readonly offline: Param<boolean | undefined>;
    readonly skipMissing: Param<boolean | undefined>;
  } = {
  kiwitype: stepParams.kiwitype,
  kiwiprofile: stepParams.kiwiprofile,
  ...hostParams,
  bundleId: stepParams.bundleId,
  offline: flag("DICE_OFFLINE", "Do not ask the repositories"),
  skipMissing: flag("DICE_SKIP_MISSING", "Accepted for Dice's -i; has no effect yet"),
};
type ImageParams = typeof imageParams;

/** How a build is done. */
export const buildParams: ImageParams & {
  readonly force: Param<boolean | undefined>;
  readonly skipContainerUpdate: Param<boolean | undefined>;
  readonly lockTimeout: Param<number | undefined>;
} = {
  ...imageParams,
  force: flag("DICE_FORCE", "Build even if up to date"),
  skipContainerUpdate: flag("DICE_SKIP_CONTAINER_UPDATE", "Do not pull an image that is there"),
  lockTimeout: stepParams.lockTimeout,
};

/** Variables that some task reads, beside `RECIPE` and `DIR`. */
export const variables: readonly string[] = [
  ...Object.values(buildParams).flatMap(({ env }) => env ?? []),
  "DICE_EXIT_CODE",
  "DICE_SHOW",
  "DICE_LOCK",
  "DICE_JOBS",
].filter((name) => name.startsWith("DICE_"));

/** The values of all these params, of whatever task: those it has not are undefined. */
export interface Asked {
  readonly recipe?: string | undefined;
  readonly kiwitype?: string | undefined;
  readonly kiwiprofile?: readonly string[] | undefined;
  readonly buildhost?: string | undefined;
  readonly sshUser?: string | undefined;
  readonly sshPrivateKey?: string | undefined;
  readonly knownHosts?: string | undefined;
  readonly image?: string | undefined;
  readonly provider?: string | undefined;
  readonly bundleId?: string | undefined;
  readonly offline?: boolean | undefined;
  readonly skipMissing?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly skipContainerUpdate?: boolean | undefined;
  readonly lockTimeout?: number | undefined;
}

/** `dice-status`. */
export const statusParams: ImageParams & { readonly exitCode: Param<boolean> } = {
  ...imageParams,
  exitCode: param.flag({ env: "DICE_EXIT_CODE", description: "Exit with 10 to 13 unless up to date" }),
};

/** `dice-schedule`. */
export const scheduleParams: typeof buildParams & { readonly dir: Param<string> & { readonly required: true } } = {
  ...buildParams,
  dir: param.string({ env: "DIR", required: true, description: "Folder of recipes" }),
};

/** `dice-buildlog`. */
export const logParams: { readonly show: Param<boolean> } = {
  show: param.flag({ env: "DICE_SHOW", description: "Print what is there, do not follow a build" }),
};

/** `dice-cleanup`. */
export const cleanupParams: { readonly lock: Param<boolean>; readonly jobFolders: Param<boolean> } = {
  lock: param.flag({ env: "DICE_LOCK", description: "Remove a lock whose owner is gone" }),
  jobFolders: param.flag({ env: "DICE_JOBS", description: "Remove job folders that were left" }),
};
