/** Runs a guest until its console shows what is expected, and ends it. Does not know which image or kernel. */
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { qemuArguments, qemuProgram, type Guest } from "./qemu.ts";
import { guestEnded, guestSilent } from "./vm-errors.ts";

/** What to wait for. */
export interface Expectation {
  readonly pattern: RegExp;
  /** For messages: `"login:"`. */
  readonly shown: string;
  /** Port of this machine on which the guest's ssh has to answer as well. */
  readonly sshPort?: number;
  readonly seconds: number;
  readonly image: string;
}

/** What the console showed: all of it, and the part that matched. */
export interface Seen {
  readonly matched: string;
  readonly text: string;
}

const pauseMs = 100;
/** Time for qemu to end when it is told to. */
const graceMs = 5_000;

/** @throws BtError KERNEL_ROOTFS_GUEST_SILENT, KERNEL_ROOTFS_GUEST_ENDED with the last lines of the console */
export async function watchGuest(context: Context, guest: Omit<Guest, "console">, wanted: Expectation): Promise<Seen> {
  const { exec, tempDir } = context;
  const folder = await tempDir();
  const [log, socket] = [path.join(folder, "console.log"), path.join(folder, "qmp")];
  const args = qemuArguments({ ...guest, console: { kind: "watched", log, socket } });
  const limitMs = wanted.seconds * 1000;
  let failure: unknown;
  let hasEnded = false;
  const running = exec(qemuProgram(guest.values.qemuArch), args, { timeoutMs: limitMs + graceMs })
    .catch((error: unknown) => (failure = error))
    .finally(() => (hasEnded = true));
  const deadline = Date.now() + limitMs;
  let seen: Seen | undefined;
  while (seen === undefined && !hasEnded && Date.now() < deadline && !context.signal.aborted) {
    await Promise.race([running, pause()]);
    seen = findSeen(log, wanted.pattern);
    if (seen !== undefined && wanted.sshPort !== undefined && !(await hasSsh(wanted.sshPort))) seen = undefined;
  }
  const endedAlone = hasEnded;
  if (!hasEnded) await quit(socket, running);
  await running;
  if (seen !== undefined) return seen;
  if (failure !== undefined && (endedAlone || context.signal.aborted)) throw failure;
  const lines = lastLines(readLog(log));
  throw endedAlone
    ? guestEnded(wanted.image, wanted.shown, lines)
    : guestSilent(wanted.image, wanted.shown, { seconds: wanted.seconds, lines });
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseMs));
}

function readLog(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8").replaceAll("\r", "") : "";
}

function findSeen(log: string, pattern: RegExp): Seen | undefined {
  const text = readLog(log);
  const match = pattern.exec(text);
  return match === null ? undefined : { matched: match[0], text };
}

/** Without the escapes that firmware and systemd write. */
function lastLines(text: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex -- Escape sequences begin with a control character.
  const plain = text.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]|\u001bc/g, "");
  return plain
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-10);
}

/** Tells qemu to end, as its monitor protocol has it; a qemu that does not listen is ended by its time limit. */
async function quit(socket: string, running: Promise<unknown>): Promise<void> {
  const connection = net.connect(socket);
  connection.on("error", () => {});
  connection.write(`{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n`);
  await running;
  connection.destroy();
}

/** Whether something on this port says that it is an ssh server. */
async function hasSsh(port: number): Promise<boolean> {
  const connection = net.connect(port, "127.0.0.1");
  try {
    return await new Promise<boolean>((resolve) => {
      connection.setTimeout(1_000, () => resolve(false));
      connection.once("data", (data) => resolve(data.toString("latin1").startsWith("SSH-")));
      connection.once("error", () => resolve(false));
      connection.once("close", () => resolve(false));
    });
  } finally {
    connection.destroy();
  }
}
