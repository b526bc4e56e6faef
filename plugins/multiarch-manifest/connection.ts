/** How a task's params and the plugin's options become a client. Loads no client; does not know what is asked of it. */
import { resolve } from "node:path";
import { param, type Param } from "../../core/index.ts";
import type { ClientOptions } from "./host.ts";
import type { ManifestOptions } from "./options.ts";

/** Values of the params below. */
export interface ConnectionValues {
  readonly tlsVerify?: string | undefined;
  readonly authFile?: string | undefined;
  readonly registriesConf?: string | undefined;
}

/** Params of every task that may ask a registry. */
export const connectionParams: {
  readonly tlsVerify: Param<"yes" | "no" | "true" | "false" | "1" | "0" | undefined>;
  readonly authFile: Param<string | undefined>;
  readonly registriesConf: Param<string | undefined>;
} = {
  tlsVerify: param.enum(["yes", "no", "true", "false", "1", "0"], {
    description: "no allows unknown certificates and plain HTTP; yes forbids plain HTTP even on loopback",
  }),
  authFile: param.path({ env: "REGISTRY_AUTH_FILE", description: "The only auth file to use" }),
  registriesConf: param.path({ env: "CONTAINERS_REGISTRIES_CONF", description: "The registries.conf to use" }),
};

/** A param beats the option; paths are relative to the project root. */
export function clientOptions(
  root: string,
  values: ConnectionValues,
  options: ManifestOptions,
): Omit<ClientOptions, "signal"> {
  const tlsVerify = values.tlsVerify === undefined ? options.tlsVerify : /^(yes|true|1)$/.test(values.tlsVerify);
  const authFile = values.authFile ?? options.authFile;
  const registriesConf = values.registriesConf ?? options.registriesConf;
  return {
    ...(tlsVerify !== undefined && { tlsVerify }),
    ...(authFile !== undefined && { authFile: resolve(root, authFile) }),
    ...(registriesConf !== undefined && { registriesConf: resolve(root, registriesConf) }),
    ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
  };
}

/** Layouts are named relative to the project root, wherever bt was called. */
export function inRoot(root: string, reference: string): string {
  return reference.startsWith("oci:") ? `oci:${resolve(root, reference.slice("oci:".length))}` : reference;
}
