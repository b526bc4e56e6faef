/** What the declared recipes need on this machine. Does not build, and contacts nobody. */
import { describeTool, hostPlatform, isBtError, packagesOf, type Requirement } from "../../core/index.ts";
import { defaultType, findDescription, readDescription } from "./description.ts";
import { needsOf, type Program } from "./needs.ts";
import { settleOrder, type Order, type Wishes } from "./order.ts";
import type { Setup } from "./setup.ts";

/** Programs by name; several recipes need the same. */
export async function listRequirements({ options, root = process.cwd() }: Setup): Promise<readonly Requirement[]> {
  const found = new Map<string, Requirement>();
  const searchPath = process.env["PATH"] ?? "";
  for (const name of Object.keys(options.recipes)) {
    for (const program of await listPrograms({ root, name, options, asked: {}, env: process.env })) {
      const env = { PATH: `${searchPath}:/usr/sbin:/sbin` };
      const install = { ...packagesOf(program.name), apt: program.package };
      found.set(program.name, describeTool(program.name, { plugin: "kiwi-dice", env, isRequired: true, install }));
    }
  }
  return [...found.values()];
}

/** A recipe that cannot be read needs KIWI at least; what is wrong with it is told when it is built. */
async function listPrograms(wishes: Wishes): Promise<readonly Program[]> {
  try {
    return await listOrderPrograms(settleOrder(wishes));
  } catch (error) {
    if (!isBtError(error)) throw error;
    return [{ name: "kiwi-ng", package: "kiwi" }];
  }
}

async function listOrderPrograms({ host, kiwi, folder, root }: Order): Promise<readonly Program[]> {
  const ssh = [
    { name: "ssh", package: "openssh-client" },
    { name: "rsync", package: "rsync" },
  ];
  switch (host.kind) {
    case "ssh":
      return ssh;
    case "vagrant":
      return [{ name: "vagrant", package: "vagrant" }, ...ssh];
    case "docker":
      return [
        host.engine === "podman" ? { name: "podman", package: "podman" } : { name: "docker", package: "docker.io" },
      ];
    case "box":
      return [{ name: kiwi.bin, package: "kiwi" }];
    case "local": {
      const options = { root, ...(kiwi.kiwiFile === undefined ? {} : { kiwiFile: kiwi.kiwiFile }) };
      const description = await readDescription(folder, await findDescription(folder, options), root);
      const arch = kiwi.targetArch ?? hostPlatform().uname;
      const type = kiwi.type ?? defaultType(description, { profiles: kiwi.profiles, arch }) ?? "";
      return [{ name: kiwi.bin, package: "kiwi" }, ...needsOf(type, description.packageManager).programs];
    }
  }
}
