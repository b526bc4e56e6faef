/** Which programs take part in a pool of job slots, and by which of the two ways. Asks `make --version`; does not know pools. */
import { spawnSync } from "node:child_process";
import * as path from "node:path";
import type { Command } from "./exec.ts";
import { findTool } from "./files.ts";
import type { TaskBase } from "./task.ts";

/** How a task wants its programs to get at the pool. */
export type JobserverWish = NonNullable<TaskBase["jobserver"]>;

/** What a program is handed. `isOld`: by the name that make had for it before 4.2 as well. */
export interface Style {
  readonly kind: "fifo" | "pipe";
  readonly isOld: boolean;
}

/** Undefined: nothing, it starts no jobs of its own. */
export function findStyle(command: Pick<Command, "file" | "args" | "env">, wish: JobserverWish): Style | undefined {
  if (wish === "off") return undefined;
  if (wish !== "auto") return { kind: wish, isOld: false };
  const name = path.basename(command.file);
  if (/^g?make$/.test(name)) return styleOfMake(command.file, command.env);
  if (name === "ninja" || name === "cargo") return { kind: "fifo", isOld: false };
  if (/^(.*-)?(gcc|g\+\+|cc|c\+\+)(-\d+)?$/.test(name))
    return command.args.some((word) => word.startsWith("-flto")) ? { kind: "pipe", isOld: false } : undefined;
  if (leaves.has(name)) return undefined;
  const script = findScript(command);
  if (script !== undefined && !mayStartTool(script)) return undefined;
  // What it starts is not known: a make before 4.4 dies of the newer way, the others get along with the older one.
  return styleOfMake("make", command.env);
}

/** The text that a shell is given. */
function findScript({ file, args }: Pick<Command, "file" | "args">): string | undefined {
  return /^(ba|da|z|k)?sh$/.test(path.basename(file)) && args.at(-2)?.endsWith("c") === true ? args.at(-1) : undefined;
}

/** Programs that do their work themselves: no make, ninja or cargo is below them, or none that could reach the pool. */
const leaves = new Set(
  `[ ar as awk b2sum base64 basename bash-static buildah bunzip2 bzip2 cat chgrp chmod chown cmp comm cosign cp cpio curl cut date dd df diff
  dirname dnf docker dpkg-deb du echo egrep expr false file fold fuser git gpg grep gunzip gzip head hostname id install
  jq kill ld ln ls md5sum mkdir mkfifo mknod mktemp mount mv nl nm objcopy objdump od openssl oras paste patch pgrep pidof podman printf ps pwd
  qemu-img readelf readlink realpath rm rmdir rpm rpm2cpio rsync scp sed seq sha1sum sha256sum sha512sum shellcheck skopeo sleep sort split
  squashfs ssh stat strip sum sync tac tail tar tee test touch tr true truncate tsort tty umount uname unexpand uniq unlink unsquashfs
  unxz unzip unzstd wc wget which whoami xz yes yq zcat zip zstd`.split(/\s+/),
);

/** Words of the shell that start nothing. */
const builtins = new Set(
  ": . break case cd continue do done elif else esac exit export fi for function if in local popd pushd read readonly return set shift then trap true type ulimit umask unset until wait while { } !".split(
    " ",
  ),
);

/** Words after which a command follows. */
const leaders = /(^|[\s;&|(])(if|then|else|elif|do|while|until|!|\{)(?=\s)/g;

function mayStartTool(script: string): boolean {
  const text = script.replaceAll(leaders, "$1;");
  const commands = text.matchAll(/(?:^|[;&|(`\n])\s*((?:\w+=\S*\s+)*)([^\s;&|()<>`]+)/g);
  return [...commands].some(([, , word = ""]) => {
    const name = path.basename(word);
    return !leaves.has(name) && !(builtins.has(word) && word !== ".") && !/^\w+=/.test(word);
  });
}

const styles = new Map<string, Style>();

/** By the version, asked once for each program. */
function styleOfMake(file: string, env: Readonly<Record<string, string>>): Style {
  const program = file.includes("/") ? file : findTool(file, env["PATH"] ?? "");
  if (program === undefined) return { kind: "fifo", isOld: false };
  const known = styles.get(program);
  if (known !== undefined) return known;
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8", env: { PATH: env["PATH"] } });
  const [, major = "0", minor = "0"] = /^GNU Make (\d+)\.(\d+)/m.exec(stdout ?? "") ?? [];
  const version = Number(major) * 100 + Number(minor);
  const style: Style = { kind: version >= 404 ? "fifo" : "pipe", isOld: version > 0 && version < 402 };
  styles.set(program, style);
  return style;
}
