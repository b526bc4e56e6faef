/** Messages about build hosts and about builds that failed there. Knows only BtError. */
import { BtError, type Place } from "../../core/index.ts";

/** All that a host lacks for one type of image. */
export interface Lack {
  readonly type: string;
  readonly host: string;
  /** `xorriso (package xorriso)`. */
  readonly programs: readonly string[];
  /** `file system iso9660`, `partitions in a loop device`. */
  readonly features: readonly string[];
}

export function typeImpossible({ type, host, programs, features }: Lack): BtError {
  return new BtError("KIWI_DICE_TYPE_IMPOSSIBLE", `Images of type "${type}" cannot be built on ${host}`, {
    detail: [
      ...programs.map((name) => `missing program: ${name}`),
      ...features.map((name) => `missing in the kernel: ${name}`),
    ],
    fix:
      features.length === 0
        ? "Install the programs, or use another build host."
        : "Use a build host whose kernel has them: ssh, vagrant or box.",
  });
}

export function archForeign(target: string, facts: { host: string; arch: string }): BtError {
  return new BtError(
    "KIWI_DICE_ARCH_FOREIGN",
    `KIWI's apt builds cannot make an image for ${target} on ${facts.host}, which is ${facts.arch}`,
    { fix: `Use a build host that is ${target}.` },
  );
}

export function spaceShort(folder: string, freeMib: number, neededMib: number): BtError {
  return new BtError(
    "KIWI_DICE_SPACE_SHORT",
    `There are ${freeMib} MiB free for "${folder}"; a build needs at least ${neededMib}`,
    { fix: "Make room, or move the project to another file system." },
  );
}

export function folderOdd(folder: string, odd: string): BtError {
  return new BtError(
    "KIWI_DICE_FOLDER_ODD",
    `The folder "${folder}", in which the image is unpacked, has ${odd === " " ? "a blank" : `"${odd}"`} in its path`,
    { fix: "Use a folder whose path has letters, digits and ./_-+ only: debootstrap fails in any other." },
  );
}

export function notRoot(command: string): BtError {
  return new BtError("KIWI_DICE_NOT_ROOT", `KIWI runs as root only, and this user is not: \`${command}\``, {
    fix: "Use `sudo`, or a build host of kind ssh or docker.",
  });
}

export function programMissing(program: string, facts: { install: string; host: string }): BtError {
  return new BtError("KIWI_DICE_PROGRAM_MISSING", `There is no program "${program}" on ${facts.host}`, {
    fix: `Install it (\`${facts.install}\`), or use another build host.`,
  });
}

export function kiwiSilent(program: string, answer: string): BtError {
  return new BtError("KIWI_DICE_KIWI_SILENT", `\`${program} --version\` says no version: ${answer || "nothing"}`, {
    fix: "Put the installation of KIWI right, or name another program with `kiwi: { bin }`.",
  });
}

export function sshKeyUnsaid(host: string, at: Place): BtError {
  return new BtError("KIWI_DICE_SSH_KEY_UNSAID", `No key is named for build host "${host}"`, {
    at,
    fix: "Set DICE_SSH_PRIVATE_KEY, or `buildhost: { key }`. The public key of Vagrant is never assumed.",
  });
}

export function sshKeyUnreadable(key: string, at: Place): BtError {
  return new BtError("KIWI_DICE_SSH_KEY_UNREADABLE", `The key "${key}" cannot be read`, {
    at,
    fix: "Name a private key file that this user can read.",
  });
}

export function sshKeyOpen(key: string, mode: string): BtError {
  return new BtError("KIWI_DICE_SSH_KEY_OPEN", `The key "${key}" can be read by others: its mode is ${mode}`, {
    fix: `Run \`chmod 600 ${key}\`.`,
  });
}

export function sshKeyPublic(key: string): BtError {
  return new BtError(
    "KIWI_DICE_SSH_KEY_PUBLIC",
    `The key "${key}" is the one that Vagrant publishes: everybody has it`,
    { fix: "Make a key with `ssh-keygen`, and put its public half on the host." },
  );
}

export function sshHostUnknown(host: string, facts: { port: number; file: string }): BtError {
  return new BtError("KIWI_DICE_SSH_HOST_UNKNOWN", `The key of host "${host}" is not in "${facts.file}"`, {
    fix: `Run \`ssh-keyscan -p ${facts.port} ${host} >> ${facts.file}\`, and compare its fingerprint with the host's own.`,
  });
}

export function hostUnreached(host: string, lines: readonly string[]): BtError {
  const refused = lines.some((line) => /host key verification failed|identification has changed/i.test(line));
  return new BtError(
    refused ? "KIWI_DICE_HOST_KEY" : "KIWI_DICE_HOST_UNREACHED",
    refused ? `The key of host "${host}" is another one than known` : `Build host "${host}" does not answer`,
    {
      exitCode: 1,
      detail: [...lines],
      fix: refused
        ? "Find out why; only then put the new key into the file of known hosts."
        : "Try `ssh` with the same user and key, and look at what it says.",
    },
  );
}

export function hostBusy(host: string, owner: string): BtError {
  return new BtError("KIWI_DICE_HOST_BUSY", `Build host "${host}" is busy: ${owner}`, {
    exitCode: 1,
    fix: "Wait for it, or set DICE_LOCK_TIMEOUT to the seconds to wait. Nothing was ended there.",
  });
}

export function hostLacks(host: string, programs: readonly string[]): BtError {
  return new BtError("KIWI_DICE_HOST_LACKS", `Build host "${host}" has no ${programs.join(", ")}`, {
    exitCode: 1,
    fix: "Install them there.",
  });
}

export function imageUnsaid(at: Place): BtError {
  return new BtError("KIWI_DICE_IMAGE_UNSAID", "No image is named for the build container", {
    at,
    fix: "Set DICE_IMAGE, or `buildhost: { image }`, best with its digest. Dice used opensuse/dice:latest, which is no longer kept.",
  });
}

export function engineUnreached(engine: string, lines: readonly string[]): BtError {
  return new BtError("KIWI_DICE_ENGINE_UNREACHED", `\`${engine} version\` fails`, {
    detail: [...lines],
    fix: `Start ${engine}, let this user use it, or use another build host.`,
  });
}

export function imageUnread(image: string, lines: readonly string[]): BtError {
  return new BtError("KIWI_DICE_IMAGE_UNREAD", `The image "${image}" of the build container is not there`, {
    exitCode: 1,
    detail: [...lines],
    fix: 'Pull it, or let bt do it with `pull: "missing"`.',
  });
}

export function mountRefused(engine: string, lines: readonly string[]): BtError {
  return new BtError("KIWI_DICE_MOUNT_REFUSED", `A container of ${engine} may not mount, which KIWI needs`, {
    exitCode: 1,
    detail: [...lines],
    fix: "Let it have SYS_ADMIN (a rootful engine), use `privileged: true`, or use a build host of kind ssh.",
  });
}

export function vagrantfileMissing(recipe: string): BtError {
  return new BtError("KIWI_DICE_VAGRANTFILE_MISSING", `Recipe "${recipe}" has no Vagrantfile`, {
    fix: "Write one, or name another build host.",
  });
}

export function boxContainer(): BtError {
  return new BtError("KIWI_DICE_BOX_CONTAINER", "Box builds in a container ask for a terminal, which a build has not", {
    fix: 'Use `kind: "docker"` with the image of the box.',
  });
}

export function stepUnsupported(task: string, kind: string): BtError {
  return new BtError(
    "KIWI_DICE_STEP_UNSUPPORTED",
    `Task "${task}" works on a local host, not on one of kind "${kind}"`,
    {
      fix: "Set DICE_BUILDHOST=local, or use `dice-build`.",
    },
  );
}

export function kiwiFailed(facts: {
  readonly recipe: string;
  readonly how: string;
  readonly log: string;
  readonly said?: string | undefined;
  readonly tail: readonly string[];
}): BtError {
  const { recipe, how, log, said, tail } = facts;
  return new BtError("KIWI_DICE_BUILD_FAILED", `KIWI could not build recipe "${recipe}": ${said ?? how}`, {
    exitCode: 1,
    at: { where: log },
    detail: [...tail],
    fix: "Correct what the log names. The result of an earlier build stays as it was.",
  });
}

export function resultMissing(facts: { recipe: string; missing: string; log: string }): BtError {
  return new BtError(
    "KIWI_DICE_RESULT_MISSING",
    `KIWI ended without an error, but "${facts.missing}" of recipe "${facts.recipe}" is not there`,
    { exitCode: 1, at: { where: facts.log }, fix: "Read the log: the build did not end as it should." },
  );
}

export function transferDamaged(files: readonly string[], host: string): BtError {
  return new BtError(
    "KIWI_DICE_TRANSFER_DAMAGED",
    `Files from "${host}" differ from those there: ${files.join(", ")}`,
    {
      exitCode: 1,
      fix: "Build again; if it happens again, look at disk and network.",
    },
  );
}

/** `cause`: what rsync has said. */
export function transferFailed(host: string, cause: BtError): BtError {
  const how = /exited with \d+$/.exec(cause.message)?.[0] ?? "failed";
  return new BtError("KIWI_DICE_TRANSFER_FAILED", `Files cannot be copied to or from "${host}": rsync ${how}`, {
    exitCode: 1,
    detail: cause.detail,
    cause,
    fix: "Do what rsync says, then build again. The result of an earlier build stays as it was.",
  });
}

export function mountsLeft(folder: string, mounts: readonly string[]): BtError {
  return new BtError("KIWI_DICE_MOUNTS_LEFT", `"${folder}" is not removed: something is mounted below it`, {
    exitCode: 1,
    detail: [...mounts],
    fix: "Unmount it, then run `bt dice-cleanup --job-folders`.",
  });
}
