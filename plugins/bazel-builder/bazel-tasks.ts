/** Describes the tasks that Bazel works for: build, push, index, manifests. Loads nothing that works. */
import { param, task, type Param, type Task } from "../../core/index.ts";
import type { Shop } from "./options.ts";
import { idleParams, pushIdle, pushParams } from "./params.ts";
import type { PushedImages, PushedIndexes } from "./result.ts";

/** Handles of Bazel's tasks. Absent: the builderfile says nothing about it. */
export interface BazelTasks {
  readonly bazelBuild: Task<void>;
  readonly bazelPush?: Task<PushedImages>;
  readonly pushContainerManifest?: Task<PushedIndexes>;
  readonly bazelPushImages?: Task<void>;
  readonly manifests?: Task<readonly string[]>;
}

/** Bazel holds one lock for each workspace. */
const pool = "bazel";
/** Where programs that push find their logins. */
function envOf({ options }: Shop): readonly string[] {
  return ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", ...(options.bazel?.env ?? [])];
}

/** The tasks; each has its own name. */
export function describeBazel(shop: Shop): BazelTasks {
  const { push, manifests } = shop.options;
  const bazelBuild = describeBuild(shop);
  const rendered = manifests === undefined ? {} : { manifests: describeManifests(shop) };
  if (push === undefined) return { bazelBuild, ...rendered };
  const bazelPush = describePush(shop);
  const pushContainerManifest = describeIndex(shop, bazelPush);
  const bazelPushImages = task({
    name: "bazel-push-images",
    description: "Pushes all images for all architectures, then their indexes",
    aliases: ["push"],
    needs: { indexes: pushContainerManifest },
  });
  return { bazelBuild, bazelPush, pushContainerManifest, bazelPushImages, ...rendered };
}

function describeBuild(shop: Shop): Task<void> {
  const { buildArch, stream } = pushParams(shop);
  return task({
    name: "bazel-build",
    description: "Builds the project with Bazel, one architecture after the other",
    params: { buildArch, stream, ...idleParams(pushIdle) },
    pool,
    env: envOf(shop),
    dryRun: "record",
    run: async (context) => (await import("./bazel.ts")).buildTargets(context, shop),
  }) as Task<void>;
}

function describePush(shop: Shop): Task<PushedImages> {
  const made = task({
    name: "bazel-push",
    description: "Pushes all images for all architectures with Bazel",
    params: { ...pushParams(shop), ...idleParams(pushIdle) },
    pool,
    env: envOf(shop),
    dryRun: "record",
    run: async (context): Promise<PushedImages> => (await import("./bazel-push.ts")).pushTargets(context, shop),
  });
  return made as Task<PushedImages>;
}

function describeIndex(shop: Shop, pushed: Task<PushedImages>): Task<PushedIndexes> {
  const made = task({
    name: "push-container-manifest",
    description: "Joins the images of all architectures, one index for each image",
    params: pushParams(shop),
    needs: { pushed },
    env: envOf(shop),
    dryRun: "record",
    run: async (context): Promise<PushedIndexes> =>
      (await import("./container-manifest.ts")).pushIndexes(context, shop),
  });
  return made as Task<PushedIndexes>;
}

function describeManifests(shop: Shop): Task<readonly string[]> {
  const { prefix, tag, imagePrefix, stream } = pushParams(shop);
  const { default: _, ...unset } = tag; // A tag that nobody gave is worth a warning.
  const made = task({
    name: "manifests",
    description: "Fills in the manifests",
    params: { prefix, tag: unset, imagePrefix, stream, ...manifestParams, ...idleParams(pushIdle) },
    pool,
    env: envOf(shop),
    dryRun: "record",
    run: async (context): Promise<readonly string[]> => (await import("./manifests.ts")).renderManifests(context, shop),
  });
  return made as Task<readonly string[]>;
}

function text(env: string, description: string, value = ""): Param<string> {
  return param.string({ env, description, default: value });
}

/** What the original's build-manifests.sh reads, with its defaults. */
const manifestParams = {
  noBazel: param.flag({ env: "KUBEVIRT_NO_BAZEL", description: "Build the templator with go" }),
  csvVersion: text("CSV_VERSION", "Version of the bundle. Default: the tag without its v"),
  quayRepository: text("QUAY_REPOSITORY", "Repository of the bundle"),
  packageName: text("PACKAGE_NAME", "Name of the package", "kubevirt-dev"),
  provider: text("KUBEVIRT_PROVIDER", "Kind of cluster; it changes no manifest"),
  imagePullPolicy: text("IMAGE_PULL_POLICY", "Pull policy of the images", "IfNotPresent"),
  verbosity: text("VERBOSITY", "How much the components log", "2"),
  namespace: text("KUBEVIRT_INSTALLED_NAMESPACE", "Namespace", "kubevirt"),
  infraReplicas: text("KUBEVIRT_INFRA_REPLICAS", "Replicas of the infrastructure", "0"),
  testReplicas: text("KUBEVIRT_E2E_PARALLEL_NODES", "Replicas of test images", "6"),
  featureGates: text("FEATURE_GATES", "Feature gates, split at commas"),
  runbookUrl: text("RUNBOOK_URL_TEMPLATE", "Where runbooks are"),
  hypervisor: text("HYPERVISOR", "Hypervisor"),
  gsSha: text("GS_SHA", "Digest of the guest image"),
  extraFlags: param.list({ env: "TEMPLATOR_EXTRA_FLAGS", description: "Further options of the templator" }),
};
