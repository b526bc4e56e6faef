/** The folders of `components/`: which there are, in the order of display. Reads names only, while the builderfile is evaluated. */
import { existsSync, readdirSync, type Dirent } from "node:fs";
import { join } from "node:path";
import { noteRead } from "../../core/index.ts";

/** The order in which build.sh built; others follow by name. */
const usualOrder =
  "base-image pause cli coredns haproxy-router hostpath-provisioner kube-rbac-proxy service-ca-operator".split(" ");
const methodFile = /^(ImageSource|Dockerfile)(\.[\w-]+)?$/;

/** Names of the components below `dir`; with an override that says how, also those without a method file. Empty: there is no such folder. */
export function listComponents(dir: string, overridden: readonly string[]): readonly string[] {
  const folder = join(dir, "components");
  noteRead(folder); // Not those below: what is noted enters the key of every task.
  const names = readEntries(folder)
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .filter(
      (name) =>
        overridden.includes(name) || readEntries(join(folder, name)).some((entry) => methodFile.test(entry.name)),
    );
  return names.sort((a, b) => rankOf(a) - rankOf(b) || (a < b ? -1 : 1));
}

function rankOf(name: string): number {
  const at = usualOrder.indexOf(name);
  return at === -1 ? usualOrder.length : at;
}

function readEntries(folder: string): readonly Dirent[] {
  return existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
}
