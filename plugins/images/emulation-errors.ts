/** Every message about foreign architectures that cannot be run here. Knows only BtError. */
import { BtError, ociPlatform, type Arch } from "../../core/index.ts";
import type { EngineName } from "./engine-name.ts";

/** Why a namespace with its own binfmt_misc is not possible. */
export type Obstacle =
  | { readonly kind: "kernel"; readonly release: string }
  | { readonly kind: "program"; readonly names: readonly string[] }
  | { readonly kind: "rule"; readonly arches: readonly Arch[] }
  | { readonly kind: "user" };

export function emulationMissing(foreign: readonly Arch[], obstacle: Obstacle): BtError {
  const [reason, fix] = explain(obstacle);
  return new BtError("IMAGES_EMULATION_MISSING", `Commands of ${list(foreign)} cannot be run here: ${reason}`, { fix });
}

export function emulationOff(foreign: readonly Arch[], host: Arch): BtError {
  return new BtError(
    "IMAGES_EMULATION_OFF",
    `Commands of ${list(foreign)} need emulation on ${ociPlatform(host)}, and emulation is "none"`,
    { fix: 'Set emulation to "auto", or build on a machine of that architecture.' },
  );
}

export function emulationUnhandled(unhandled: readonly Arch[], engine: EngineName): BtError {
  return new BtError(
    "IMAGES_EMULATION_UNHANDLED",
    `This machine's binfmt_misc has no enabled handler with flag F for ${list(unhandled)}`,
    {
      fix:
        engine === "docker"
          ? "Use buildah, which needs no handler, or let an administrator register qemu-user-static: docker runs foreign commands only with it."
          : 'Set emulation to "auto", or let an administrator register qemu-user-static.',
    },
  );
}

function explain(obstacle: Obstacle): readonly [reason: string, fix: string] {
  switch (obstacle.kind) {
    case "kernel":
      return [
        `Linux ${obstacle.release} has one binfmt_misc for all, without a handler; its own for each namespace came with 6.7`,
        "Start a kernel of 6.7 or later, or let an administrator register qemu-user-static.",
      ];
    case "program":
      return [
        `there is no program ${obstacle.names.map((name) => `"${name}"`).join(", ")}`,
        "Install it: `apt-get install mount util-linux`.",
      ];
    case "rule":
      return [
        `no emulator for ${list(obstacle.arches)} is installed`,
        "Install it: `apt-get install qemu-user-static`.",
      ];
    case "user":
      return [
        "only root may map all users into a namespace",
        "Run bt as root, or let an administrator register qemu-user-static.",
      ];
  }
}

function list(arches: readonly Arch[]): string {
  return arches.map(ociPlatform).join(", ");
}
