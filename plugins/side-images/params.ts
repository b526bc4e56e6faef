/** The params of the plugin's tasks: the variables of build.sh and those that came with bt. Loads nothing. */
import { param, platformTable, type Arch, type Param } from "../../core/index.ts";
import { engineParams } from "../images/index.ts";
import { findArch } from "./arch.ts";
import type { SideImagesOptions } from "./options.ts";

/** Values of the params, as tasks and the plan see them. */
export interface SideValues {
  readonly destRegistry: string;
  readonly components: readonly string[];
  readonly architectures: readonly Arch[];
  readonly releaseTag: string | undefined;
  readonly push: boolean;
  readonly parallel: string;
  readonly allowMissing: readonly Arch[];
  readonly emulation: "auto" | "host" | "userns" | "none" | "host-binfmt" | "private-binfmt";
  readonly format: "oci" | "v2s2";
  readonly publishGroup: "all" | "each" | undefined;
  readonly offline: boolean;
  readonly sourceDateEpoch: number | undefined;
  readonly tlsVerify: "yes" | "no" | "true" | "false" | "1" | "0" | undefined;
  readonly authFile: string | undefined;
  readonly registriesConf: string | undefined;
  readonly engine: "embedded" | "buildah" | "podman" | "docker" | undefined;
}

const arches = platformTable.map(({ arch }) => arch);
const usualArches: readonly Arch[] = ["amd64", "arm64", "arm/v7", "ppc64le", "riscv64"];

/** The params that every task of the plugin takes. */
export function sideParams(
  options: SideImagesOptions,
  components: readonly string[],
): Readonly<Record<keyof SideValues, Param>> {
  const archList = (given: readonly string[] | undefined, usual: readonly Arch[]): readonly Arch[] =>
    given === undefined ? usual : given.map((name) => findArch(name) ?? (name as Arch)); // A wrong one is refused in the plan.
  return {
    components: param.listOf(components, {
      default: options.components ?? components,
      description: "Folders of components/; their order is that of display and publishing",
    }),
    architectures: param.listOf(arches, {
      default: archList(options.architectures, usualArches),
      description: "Order of the index entries",
    }),
    destRegistry: param.string({
      default: options.destRegistry ?? "quay.io/microshift",
      description: "Prefix of every image name",
    }),
    push: param.flag({ default: options.push ?? false, description: "Publishes" }),
    parallel: param.string({
      default: String(options.parallel ?? "yes"),
      description: "Cells at the same time: yes (as many as -j allows), no (one) or a number",
    }),
    releaseTag: param.string({ description: "Tag of every image. Default: the one of the project's release file" }),
    allowMissing: param.listOf(arches, {
      default: archList(options.allowMissing, []),
      description: "Architectures that an index may miss",
    }),
    emulation: param.enum(["auto", "host", "userns", "none", "host-binfmt", "private-binfmt"], {
      default: options.emulation ?? "auto",
      description: "How commands of foreign architectures run",
    }),
    format: param.enum(["oci", "v2s2"], { default: options.format ?? "oci", description: "Family of media types" }),
    publishGroup: param.enum(["all", "each"], { description: "Which components become visible together" }),
    offline: param.flag({
      default: options.source?.offline ?? false,
      description: "Takes sources and releases from the cache only",
    }),
    sourceDateEpoch: param.integer({
      ...(options.timestamp !== undefined && { default: options.timestamp }),
      description: "Time of everything that is built, in seconds since 1970",
    }),
    tlsVerify: param.enum(["yes", "no", "true", "false", "1", "0"], {
      description: "no allows unknown certificates and plain HTTP; yes forbids plain HTTP even on loopback",
    }),
    authFile: param.path({ env: "REGISTRY_AUTH_FILE", description: "The only auth file to use" }),
    registriesConf: param.path({ env: "CONTAINERS_REGISTRIES_CONF", description: "The registries.conf to use" }),
    engine: engineParams.engine,
  };
}

/** Names of the variables that a near miss is compared with. */
export const variables: readonly string[] = [
  "ALLOW_MISSING",
  "ARCHITECTURES",
  "BASE_VERSION",
  "COMPONENTS",
  "CONTAINERS_REGISTRIES_CONF",
  "DEST_REGISTRY",
  "EMULATION",
  "OUTPUT_DIR",
  "PARALLEL",
  "PUBLISH_GROUP",
  "REGISTRY_AUTH_FILE",
  "RELEASE_TAG",
  "SOURCE_DATE_EPOCH",
  "TLS_VERIFY",
];
