/** The folder of one build: made fresh, and removed only when nothing is mounted below it. Does not know what is built in it. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { containerName } from "./container.ts";
import type { Bench } from "./bench.ts";
import { configText, repositoryElements } from "./command.ts";
import { mountsLeft } from "./host-errors.ts";
import type { Order } from "./order.ts";
import { loadRunning, saveRunning } from "./state.ts";
import { copyTree } from "./tree.ts";
import type { Job } from "./workplace.ts";

/** Makes the folder, with a copy of the recipe and KIWI's configuration. What a killed bt must leave behind is written down first. */
export function createJob(order: Order, descriptionFile: string): Job {
  const id = `${new Date().toISOString().replaceAll(/\D/g, "").slice(0, 14)}-${randomBytes(4).toString("hex")}`;
  const parent = join(order.root, ".bt/kiwi-dice");
  const folder = join(parent, id);
  const { host } = order;
  saveRunning(order.folder, {
    job: folder,
    ...(host.kind === "docker" ? { container: { engine: host.engine ?? "docker", name: containerName(id) } } : {}),
  });
  mkdirSync(parent, { recursive: true });
  mkdirSync(folder, { mode: 0o700 });
  return fillJob(order, { id, folder, descriptionFile });
}

/** Puts description and configuration into a folder that is there. */
export function fillJob(order: Order, facts: { id: string; folder: string; descriptionFile: string }): Job {
  const { id, folder, descriptionFile } = facts;
  const description = join(folder, "description");
  copyTree(order.folder, description);
  addRepositories(order, join(description, descriptionFile));
  const text = configText(order);
  if (text !== undefined) writeFileSync(join(folder, "kiwi.yml"), text);
  return { id, folder, description, hasConfig: text !== undefined };
}

/** Repositories with a password go into the copy, which only this user can read. */
function addRepositories(order: Order, file: string): void {
  const { set, add } = repositoryElements(order);
  if (set === undefined && add.length === 0) return;
  const text = readFileSync(file, "utf8");
  const replaced = set === undefined ? text : text.replace(/<repository[\s>][\s\S]*?<\/repository>/, () => set);
  writeFileSync(
    file,
    replaced.replace(/<\/image>\s*$/, () => `${add.join("\n")}\n</image>\n`),
  );
  chmodSync(file, 0o600);
}

/** Removes a job's folder. @throws BtError KIWI_DICE_MOUNTS_LEFT */
export function removeJob(folder: string): void {
  if (!existsSync(folder)) return;
  const mounts = listMounts().filter((mount) => mount.startsWith(`${folder}/`));
  if (mounts.length > 0) throw mountsLeft(folder, mounts);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }); // Processes that were killed may still be going.
}

/** Removes what a killed bt has left of a recipe: its folder and its container, nothing else. */
export async function removeLeft(bench: Pick<Bench, "exec" | "log">, recipe: string): Promise<boolean> {
  const left = loadRunning(recipe);
  if (left === undefined) return false;
  if (left.container !== undefined) {
    const { engine, name } = left.container;
    await bench.exec(engine, ["rm", "-f", name], { show: false, allowedCodes: [0, 1, 125] });
  }
  removeJob(left.job);
  saveRunning(recipe);
  bench.log.info(`Removed ${left.job}, which an interrupted build had left`);
  return true;
}

/** Mount points of this machine; spaces and the like are written as octal numbers there. */
function listMounts(): string[] {
  const text = existsSync("/proc/self/mountinfo") ? readFileSync("/proc/self/mountinfo", "utf8") : "";
  return text.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    return point === undefined
      ? []
      : [point.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))];
  });
}
