/** What the declared recipes need on this machine. Does not build, and contacts nobody. */
import { findTool, hostPlatform, type Requirement } from "../../core/index.ts";
import { defaultType, findDescription, readDescription } from "./description.ts";
import { needsOf, type Program } from "./needs.ts";
import { settleOrder, type Order } from "./order.ts";
import type { Setup } from "./setup.ts";

/** Programs by name; several recipes need the same. */
export async function listRequirements({ options, root = process.cwd() }: Setup): Promise<readonly Requirement[]> {
  const found = new Map<string, Requirement>();
  const searchPath = process.env["PATH"] ?? "";
  for (const name of Object.keys(options.recipes)) {
    const order = await settleOrder({ root, name, options, asked: {}, env: process.env });
    for (const program of await listPrograms(order)) {
      const path = findTool(program.name, `${searchPath}:/usr/sbin:/sbin`);
      found.set(program.name, {
        name: program.name,
        plugin: "kiwi-dice",
        isRequired: true,
        install: `apt-get install ${program.package}`,
        ...(path === undefined ? {} : { found: path }),
      });
    }
  }
  return [...found.values()];
}

async function listPrograms(order: Order): Promise<readonly Program[]> {
  const { host, kiwi, folder, root } = order;
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
