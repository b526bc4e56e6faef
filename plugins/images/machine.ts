/** What this machine can emulate: the host's binfmt table, Debian's rules, the kernel, the user. Only reads; decides nothing. */
import { readdir, readFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { findTool, hostPlatform, parsePlatform, type Arch } from "../../core/index.ts";

/** The facts on which emulation depends. */
export interface Machine {
  readonly host: Arch;
  /** Linux's own version: `6.18.44-generic`. Absent: another system, whose engines bring their own emulation. */
  readonly kernel?: string;
  readonly isRoot: boolean;
  /** The host runs programs of these, in containers too: an enabled handler with flag F. */
  readonly handled: readonly Arch[];
  /** Those with a rule that can be registered in a namespace of its own. */
  readonly rules: readonly Arch[];
  /** Programs that a namespace needs and that are not in PATH. Empty: all are there. */
  readonly missing: readonly string[];
}

/** Where the facts are; tests have folders of their own. */
export interface MachineFolders {
  /** Default: `/proc/sys/fs/binfmt_misc`. */
  readonly table?: string;
  /** Default: `/usr/lib/binfmt.d`. */
  readonly rules?: string;
}

const ruleFolder = "/usr/lib/binfmt.d";

/** Where Debian's qemu-user-static keeps the line that registers an architecture. */
export function rulePath(arch: Arch): string {
  return join(ruleFolder, ruleName(arch));
}

function ruleName(arch: Arch): string {
  return `qemu-${parsePlatform(arch).qemu}.conf`;
}

/** Looks at this machine for the sake of these architectures. */
export async function readMachine(arches: readonly Arch[], folders: MachineFolders = {}): Promise<Machine> {
  const { table = "/proc/sys/fs/binfmt_misc", rules = ruleFolder } = folders;
  const handlers = await readHandlers(table);
  const present = await readdir(rules).catch((): string[] => []);
  return {
    host: hostPlatform().arch,
    ...(process.platform === "linux" ? { kernel: release() } : {}),
    isRoot: process.getuid?.() === 0,
    handled: arches.filter((arch) => handlers.some((handler) => handles(handler, arch))),
    rules: arches.filter((arch) => present.includes(ruleName(arch))),
    missing: ["mount", "setpriv", "unshare"].filter((name) => findTool(name, process.env["PATH"] ?? "") === undefined),
  };
}

/** A line of the table: which first bytes it takes. */
interface Handler {
  readonly offset: number;
  readonly magic: Buffer;
  readonly mask: Buffer;
}

/** Those that are enabled and were opened at registration, so that they work in a container, which has not the interpreter's file. */
async function readHandlers(table: string): Promise<readonly Handler[]> {
  const status = await readFile(join(table, "status"), "utf8").catch(() => "disabled");
  if (status.trim() !== "enabled") return [];
  const handlers: Handler[] = [];
  for (const name of (await readdir(table)).sort()) {
    if (name === "register" || name === "status") continue;
    const handler = parseHandler(await readFile(join(table, name), "utf8").catch(() => ""));
    if (handler !== undefined) handlers.push(handler);
  }
  return handlers;
}

/** Undefined: it is off, goes by a file's name, or is opened only when a program starts. */
function parseHandler(text: string): Handler | undefined {
  const value = (name: string): string => new RegExp(`^${name}:? (.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  const magic = Buffer.from(value("magic"), "hex");
  if (!/^enabled$/m.test(text) || !value("flags").includes("F") || magic.length === 0) return undefined;
  const mask = value("mask") === "" ? Buffer.alloc(magic.length, 0xff) : Buffer.from(value("mask"), "hex");
  return { offset: Number(value("offset")), magic, mask };
}

/** By the bytes and not by the name: anybody may call a handler anything. */
function handles({ offset, magic, mask }: Handler, arch: Arch): boolean {
  const head = createElfHead(arch).subarray(offset);
  return magic.every((byte, index) => ((head[index] ?? 0) & mask[index]!) === (byte & mask[index]!));
}

/** How a program of the architecture begins. */
function createElfHead(arch: Arch): Buffer {
  const { goarch, elfMachine } = parsePlatform(arch);
  const is32 = goarch === "arm" || goarch === "386";
  const isBig = goarch === "s390x";
  const head = Buffer.alloc(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, is32 ? 1 : 2, isBig ? 2 : 1, 1]);
  const executable = 2;
  if (isBig) head.writeUInt16BE(executable, 16);
  else head.writeUInt16LE(executable, 16);
  if (isBig) head.writeUInt16BE(elfMachine, 18);
  else head.writeUInt16LE(elfMachine, 18);
  return head;
}
