/** Gives job slots back when bt is killed so hard that it cannot. Does not know what they are for. */
import { spawn } from "node:child_process";

export interface Guard {
  /** What is held from now on; told before a byte is given back and after one is taken, so that an error loses a byte and never doubles one. */
  readonly hold: (bytes: readonly number[]) => void;
  /** Nothing is held any more, and the guard may go. */
  readonly release: () => void;
}

/** The last line says what is held; when bt is gone, its pipe ends. */
const script = `trap '' INT TERM HUP; while IFS= read -r line; do held=$line; done; [ -z "$held" ] || printf %b "$held" >&3`;

/** Starts the guard: no job, no output, and in a session of its own, where no terminal reaches it. */
export function startGuard(writer: number): Guard {
  const child = spawn("/bin/sh", ["-c", script], {
    detached: true,
    cwd: "/",
    env: {},
    stdio: ["pipe", "ignore", "ignore", writer],
  });
  child.unref();
  child.on("error", () => {}); // Without a shell there is no guard; everything else works.
  const { stdin } = child;
  stdin?.on("error", () => {});
  if (stdin !== null && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  const say = (text: string): void => void (stdin?.writable && stdin.write(`${text}\n`));
  return {
    hold: (bytes) => say(bytes.map((byte) => `\\0${byte.toString(8).padStart(3, "0")}`).join("")),
    release() {
      say("");
      stdin?.end();
    },
  };
}
