/** What the actions of an image mean as commands: in a folder with its files (mke2fs), or as arguments of virt-customize. Pure. */
import * as path from "node:path";
import type { Started } from "../images/index.ts";
import type { Action } from "./options.ts";

/** Where actions happen. */
export interface ActionPlace {
  /** Folder with the files of the image, absolute. */
  readonly tree: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Folder with `boot/` and `lib/modules/` for install-kernel. */
  readonly kernelDir: (dir: string) => string;
  /** Name of the only `boot/vmlinuz-*` there. */
  readonly vmlinuzOf: (dir: string) => string;
  /** The project's own types: a shell line. */
  readonly lineOf: (type: string, op: Readonly<Record<string, string>>) => string | undefined;
}

/** Mounts and processes are gone when the command has ended, however it ended. */
const apart = ["--mount", "--pid", "--fork", "--kill-child", "--"];

/** A user namespace, in which programs of a foreign architecture run, gets no sysfs of its own: the machine's is shared. */
const mounts = `mkdir -p "$tree/proc" "$tree/sys" "$tree/dev"; mount -t proc proc "$tree/proc"; mount -t sysfs sysfs "$tree/sys" 2>/dev/null || mount --rbind /sys "$tree/sys"; mount --rbind /dev "$tree/dev"`;

/** A shell script with the words as `$1`, `$2`, …; `$tree` is the folder. */
function inTree(tree: string, script: string, ...words: string[]): Started {
  const text = `set -eu; tree="$1"; shift; ${mounts}; ${script}`;
  return { file: "unshare", args: [...apart, "sh", "-c", text, "bt", tree, ...words], env: {} };
}

/** A shell line inside of the image, as its own system would run it. */
export function chrooted(tree: string, line: string, ...words: string[]): Started {
  return inTree(
    tree,
    `exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 chroot "$tree" /bin/sh -c "$@"`,
    line,
    "sh",
    ...words,
  );
}

/** Commands of one action, in order. */
export function actionCommands(action: Action, place: ActionPlace): readonly Started[] {
  const { tree, dataDir, lineOf } = place;
  const local = (file: string): string => path.resolve(dataDir, file);
  const own = lineOf(action.type, action.op as Readonly<Record<string, string>>); // Every op is a record of texts.
  if (own !== undefined) return [chrooted(tree, own)];
  switch (action.type) {
    case "run-command":
      return [chrooted(tree, action.op.Cmd)];
    case "copy-in": {
      const file = local(action.op.LocalPath);
      const script = `tar --create --owner=0 --group=0 -C "$1" "$2" | chroot "$tree" tar --extract -C "$3"`;
      return [inTree(tree, script, path.dirname(file), path.basename(file), action.op.RemoteDir)];
    }
    case "set-hostname":
      return [chrooted(tree, `printf '%s\\n' "$1" > /etc/hostname`, action.op.Hostname)];
    case "mkdir":
      return [chrooted(tree, `mkdir -p "$1"`, action.op.Dir)];
    case "upload":
      return [inTree(tree, `chroot "$tree" sh -c 'cat > "$1"' sh "$2" < "$1"`, local(action.op.File), action.op.Dest)];
    case "chmod":
      return [chrooted(tree, `chmod "$1" "$2"`, action.op.Permissions, action.op.File)];
    case "append-line": {
      // A last line without its end is ended first.
      const line = `[ ! -s "$1" ] || [ -z "$(tail -c 1 "$1")" ] || echo >> "$1"; printf '%s\\n' "$2" >> "$1"`;
      return [chrooted(tree, line, action.op.File, action.op.Line)];
    }
    case "link":
      return [chrooted(tree, `ln -sfn "$1" "$2"`, action.op.Target, action.op.Link)];
    case "install-kernel":
      return installCommands(place.kernelDir(action.op.KernelInstallDir), place);
    case "tar-in":
      return [
        inTree(tree, `chroot "$tree" tar --extract -C "$2" < "$1"`, local(action.op.TarFile), action.op.RemoteDir),
      ];
  }
}

/** `/vmlinuz` leads to the kernel; an initrd of another kernel would not fit, so its link goes. */
function installCommands(
  dir: string,
  { tree, vmlinuzOf }: Pick<ActionPlace, "tree" | "vmlinuzOf">,
): readonly Started[] {
  const script = [
    `tar --create --owner=0 --group=0 -C "$1" boot | chroot "$tree" tar --extract --keep-directory-symlink -C /`,
    `if [ -d "$1/lib/modules" ]; then tar --create --owner=0 --group=0 -C "$1/lib" --exclude=build --exclude=source modules | chroot "$tree" tar --extract -C /lib; fi`,
    `ln -sfn "boot/$2" "$tree/vmlinuz"`,
    `initrd="boot/initrd.img-\${2#vmlinuz-}"`,
    `if [ -e "$1/$initrd" ]; then ln -sfn "$initrd" "$tree/initrd.img"; elif [ -L "$tree/initrd.img" ]; then rm "$tree/initrd.img"; echo "initrd.img belonged to another kernel and is gone"; fi`,
  ].join("; ");
  return [inTree(tree, script, dir, vmlinuzOf(dir))];
}

/** Arguments of virt-customize; it splits at the first `:` only. */
export function guestArguments(action: Action, place: Omit<ActionPlace, "tree">): readonly string[] {
  const own = place.lineOf(action.type, action.op as Readonly<Record<string, string>>); // Every op is a record of texts.
  if (own !== undefined) return ["--run-command", own];
  switch (action.type) {
    case "run-command":
      return ["--run-command", action.op.Cmd];
    case "copy-in":
      return ["--copy-in", `${action.op.LocalPath}:${action.op.RemoteDir}`];
    case "set-hostname":
      return ["--hostname", action.op.Hostname];
    case "mkdir":
      return ["--mkdir", action.op.Dir];
    case "upload":
      return ["--upload", `${action.op.File}:${action.op.Dest}`];
    case "chmod":
      return ["--chmod", `${action.op.Permissions}:${action.op.File}`];
    case "append-line":
      return ["--append-line", `${action.op.File}:${action.op.Line}`];
    case "link":
      return ["--link", `${action.op.Target}:${action.op.Link}`];
    case "tar-in":
      return ["--tar-in", `${action.op.TarFile}:${action.op.RemoteDir}`];
    case "install-kernel": {
      const dir = place.kernelDir(action.op.KernelInstallDir);
      const vmlinuz = place.vmlinuzOf(dir);
      return [
        ...["--copy-in", `${dir}/boot:/`],
        ...["--copy-in", `${dir}/lib/modules:/lib/`],
        ...["--link", `/boot/${vmlinuz}:/vmlinuz`],
        ...["--run-command", initrdLine(vmlinuz)],
      ];
    }
  }
}

/** A shell line in an image that has got a kernel as little-vm-helper installs it: the initrd that was there is another kernel's. */
export function initrdLine(vmlinuz: string): string {
  const initrd = `boot/initrd.img-${vmlinuz.slice("vmlinuz-".length)}`;
  const loader = `[ ! -e /extlinux.conf ] || sed -i 's/initrd=initrd.img //' /extlinux.conf`;
  return `if [ -e /${initrd} ]; then ln -sfn ${initrd} /initrd.img; else rm -f /initrd.img; ${loader}; fi`;
}
