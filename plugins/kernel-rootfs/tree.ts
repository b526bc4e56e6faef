/** The files of an image in a folder: unpacked, changed, packed again. Leaves no folder and no half-written file behind. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Arch, Context } from "../../core/index.ts";
import { chooseEmulation, wrapCommand, type Started } from "../images/index.ts";
import { actionCommands, chrooted, type ActionPlace } from "./action.ts";
import { imageDamaged, rootNeeded } from "./errors.ts";
import { findVmlinuz } from "./forest.ts";
import { withHints } from "./hint.ts";
import type { Action } from "./options.ts";

/** Starts a command so that programs of the architecture run in it. */
export type Starter = (command: Started) => Promise<void>;

/** Looks at the machine only for a foreign architecture. @throws BtError IMAGES_EMULATION_… */
export async function starterFor({ exec, isDryRun }: Context, arch: Arch): Promise<Starter> {
  const emulation = isDryRun ? { kind: "none" as const } : await chooseEmulation([arch], "auto", "buildah");
  return async (command) => {
    const { file, args, env } = await wrapCommand(command, emulation);
    await exec(file, args, { env });
  };
}

/** An empty folder below the temporary one; gone when the task ends. */
export async function createTree({ tempDir, isDryRun }: Context): Promise<string> {
  if (isDryRun) return "/tmp/bt/tree";
  if (process.getuid?.() !== 0) throw rootNeeded();
  const tree = path.join(await tempDir(), "tree");
  fs.mkdirSync(tree, { mode: 0o755 });
  return tree;
}

/** Owners, links, devices and attributes as they are in the tar. */
export async function unpackTree({ exec }: Context, tar: string, tree: string): Promise<void> {
  const how = ["--numeric-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*"];
  await exec("tar", ["--extract", ...how, `--directory=${tree}`, `--file=${tar}`]);
}

/** The files of a disk that holds nothing but an ext file system; devices and attributes are not among them. */
export async function unpackDisk({ exec, tempDir, isDryRun }: Context, disk: string, tree: string): Promise<void> {
  const raw = isDryRun ? "/tmp/bt/parent.img" : path.join(await tempDir(), "parent.img");
  await exec("qemu-img", ["convert", "-O", "raw", disk, raw]);
  await exec("debugfs", ["-R", `rdump / ${tree}`, raw], { show: false });
  if (!isDryRun && !fs.existsSync(path.join(tree, "etc")))
    throw imageDamaged(disk, "it is no disk with one ext4 file system");
}

/** Under its final name only when it is whole. */
export async function packTree(context: Context, tree: string, tar: string): Promise<number> {
  const { exec } = context;
  const how = ["--numeric-owner", "--sort=name", "--xattrs", "--xattrs-include=*"];
  return await writeWhole(context, tar, async (partial) => {
    await exec("tar", ["--create", ...how, `--directory=${tree}`, `--file=${partial}`, "."]);
  });
}

/** Lets `write` make `FILE.partial`, which gets its name when it is whole. Resolves to its size in bytes. */
export async function writeWhole(
  context: Pick<Context, "root" | "isDryRun" | "name" | "signal">,
  file: string,
  write: (partial: string) => Promise<void>,
): Promise<number> {
  const { root, isDryRun } = context;
  const [final, partial] = [path.join(root, file), path.join(root, `${file}.partial`)];
  if (!isDryRun) fs.mkdirSync(path.dirname(final), { recursive: true });
  try {
    await withHints(context, async () => await write(isDryRun ? `${file}.partial` : partial));
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw error;
  }
  if (isDryRun) return 0;
  fs.renameSync(partial, final);
  return fs.statSync(final).size;
}

/** What to change in a tree. */
export interface Changes {
  readonly packages: readonly string[];
  readonly actions: readonly Action[];
  readonly place: Omit<ActionPlace, "tree" | "vmlinuzOf">;
}

/** Packages first, then the actions in their order. Services are not started, and name servers are this machine's meanwhile. */
export async function changeTree(
  context: Context,
  tree: string,
  { packages, actions, place, start }: Changes & { readonly start: Starter },
): Promise<void> {
  const restore = context.isDryRun ? () => {} : prepareTree(tree);
  await withHints(context, async () => {
    if (packages.length > 0) {
      const apt = `export DEBIAN_FRONTEND=noninteractive; apt-get -q update && apt-get -q install -y --no-install-recommends "$@" && apt-get clean`;
      await start(chrooted(tree, apt, ...packages));
    }
    for (const action of actions) {
      const all = {
        ...place,
        tree,
        vmlinuzOf: (dir: string) => (context.isDryRun ? "vmlinuz-VERSION" : (findVmlinuz(dir)[0] ?? "")),
      };
      for (const command of actionCommands(action, all)) await start(command);
    }
  });
  restore();
}

/** Returns what puts the changed files back. */
function prepareTree(tree: string): () => void {
  const kept: (() => void)[] = [];
  const replace = (name: string, content: string | Buffer, mode: number): void => {
    const file = path.join(tree, name);
    if (!fs.existsSync(path.dirname(file))) return;
    const before = fs.lstatSync(file, { throwIfNoEntry: false });
    if (before !== undefined) fs.renameSync(file, `${file}.bt`);
    fs.writeFileSync(file, content, { mode });
    kept.push(() => {
      // What an action has put there itself stays.
      if (
        fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() === true &&
        !fs.readFileSync(file).equals(Buffer.from(content))
      ) {
        fs.rmSync(`${file}.bt`, { force: true });
        return;
      }
      fs.rmSync(file, { force: true });
      if (before !== undefined) fs.renameSync(`${file}.bt`, file);
    });
  };
  replace("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755);
  if (fs.existsSync("/etc/resolv.conf")) replace("etc/resolv.conf", fs.readFileSync("/etc/resolv.conf"), 0o644);
  return () => {
    for (const put of kept.reverse()) put();
  };
}
