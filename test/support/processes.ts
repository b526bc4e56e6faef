/** Looks at the machine's processes: what a project's tasks have running, and waiting until something is so. */
import * as fs from "node:fs";

/** Waits until `find` gives something truthy, and returns that. Fails after two minutes: the machine may have much else to do. */
export async function until<T>(find: () => T | undefined | false): Promise<T> {
  for (const deadline = Date.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const found = find();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`This never came true: ${String(find)}`);
  }
}

/** Command lines of the processes that tasks of this project have started and that still run. */
export function taskProcesses(root: string): string[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const env = `\0${read(`/proc/${pid}/environ`)}`;
      return env.includes("\0BT_TASK_COOKIE=") && env.includes(`\0HOME=${root}\0`)
        ? [read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim()]
        : [];
    });
}

/** Sends a signal to a process that may have ended just now. */
export function endProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, "latin1");
  } catch {
    return ""; // It has ended meanwhile.
  }
}
