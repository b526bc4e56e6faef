/** The smallest initial ramdisk: one static program that prints a marker and powers off. Pure; starts nothing. */
import type { TargetArch } from "./options.ts";

/** What the program prints: the guest has reached user space. */
export const marker = "bt: guest reached user space";

/**
 * ELF programs of two system calls, write(1, marker) and reboot(POWER_OFF), then a loop that waits. Never to be run
 * outside of a guest.
 */
const programs: Readonly<Record<TargetArch, string>> = {
  amd64:
    "f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAABAAAAAAAAAAEAAAAFAAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAAzQAAAAAAAADNAAAAAAAAAAAAAQAAAAAAuAEAAAC/AQAAAEiNNSYAAAC6HgAAAA8FuKkAAAC/rd7h/r5pGRIoutz+IUMPBbgiAAAADwXr9wpidDogZ3Vlc3QgcmVhY2hlZCB1c2VyIHNwYWNlCg==",
  arm64:
    "f0VMRgIBAQAAAAAAAAAAAAIAtwABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAABAAAAAAAAAAEAAAAFAAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAA3gAAAAAAAADeAAAAAAAAAAAAAQAAAAAAIACA0iECABDCA4DSCAiA0gEAANTgAABYAQEAWCIBAFjIEYDSAQAA1H8gA9X///8Xrd7h/gAAAABpGRIoAAAAANz+IUMAAAAACmJ0OiBndWVzdCByZWFjaGVkIHVzZXIgc3BhY2UK",
};

/** An initial ramdisk (cpio, newc) with this program as `/init`. */
export function renderProbe(arch: TargetArch): Buffer {
  const init = Buffer.from(programs[arch], "base64");
  return Buffer.concat([
    entry({ name: "dev", mode: 0o040755 }),
    entry({ name: "dev/console", mode: 0o020600, device: [5, 1] }),
    entry({ name: "init", mode: 0o100755, content: init }),
    entry({ name: "TRAILER!!!", mode: 0 }),
  ]);
}

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly content?: Buffer;
  readonly device?: readonly [major: number, minor: number];
}

function entry({ name, mode, content = Buffer.alloc(0), device = [0, 0] }: Entry): Buffer {
  const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, ...device, name.length + 1, 0];
  const head = `070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, "0")).join("")}${name}\0`;
  return Buffer.concat([padded(Buffer.from(head, "latin1")), padded(content)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
