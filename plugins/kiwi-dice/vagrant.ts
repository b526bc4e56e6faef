/** Builds in the machine that a Vagrantfile describes, which then is a host like any other of ssh. Never reads the Vagrantfile. */
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import type { Order } from "./order.ts";
import type { BuildHost } from "./recipe.ts";
import { openRemote, writeConfig } from "./ssh.ts";
import type { Job, Workplace } from "./workplace.ts";

/** Starts and provisions the machine; it is halted when the task ends. */
export async function openVagrant(
  bench: Bench,
  order: Order,
  job: Job,
  { provider = "docker", sudo = true }: Extract<BuildHost, { kind: "vagrant" }>,
): Promise<Workplace> {
  const vagrant = async (words: readonly string[], show = true): Promise<string> =>
    (await bench.exec("vagrant", words, { cwd: order.folder, show })).stdout;
  bench.defer(() => vagrant(["halt", "-f"]));
  await vagrant(["up", "--provider", provider]);
  const text = await vagrant(["ssh-config"], false);
  await vagrant(["provision"]);
  const config = join(await bench.tempDir(), "ssh_config");
  await writeConfig(config, text);
  const alias = /^Host\s+(\S+)/m.exec(text)?.[1] ?? "default";
  return await openRemote(bench, order, job, {
    config,
    alias,
    label: "the machine of Vagrant",
    sudo,
    workdir: "~/.cache/bt-dice",
    foreignKiwi: "allow", // The machine is of this recipe alone; the lock there keeps other builds out.
  });
}
