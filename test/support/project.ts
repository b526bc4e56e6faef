/** A small project in a folder of its own, and bt run in it as people run it. Knows nothing of bt but its program. */
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { onTestFinished } from "vitest";
import { removeFolder } from "./temporary.ts";

export interface Result {
  /** Undefined: a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
}

export interface RunSettings {
  readonly env?: Readonly<Record<string, string>>;
  /** Relative to the project. */
  readonly cwd?: string;
  readonly program?: readonly string[];
}

export interface Project {
  /** Absolute, without links. */
  readonly root: string;
  readonly write: (file: string, content: string) => void;
  readonly read: (file: string) => string;
  readonly exists: (file: string) => boolean;
  readonly bt: (...argv: string[]) => Promise<Result>;
  readonly btWith: (settings: RunSettings, ...argv: string[]) => Promise<Result>;
  /** Starts bt and returns at once. */
  readonly start: (settings: RunSettings, ...argv: string[]) => Running;
}

/** The program under test. */
export const program: string = path.join(import.meta.dirname, "../../dist/bt.cjs");

/** Makes a project of these files; it is removed when the test ends. */
export async function project(files: Readonly<Record<string, string>>): Promise<Project> {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "bt-test-")));
  onTestFinished(() => removeFolder(root));
  const write = (file: string, content: string): void => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), content);
  };
  for (const [file, content] of Object.entries(files)) write(file, content);
  const start = (settings: RunSettings, ...argv: string[]): Running => {
    const [file = "", ...before] = settings.program ?? [process.execPath, program];
    const env = { PATH: process.env["PATH"] ?? "", HOME: root, NO_COLOR: "1", ...settings.env };
    const child = spawn(file, [...before, ...argv], {
      cwd: path.join(root, settings.cwd ?? "."),
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return { child, ended: collect(child) };
  };
  return {
    root,
    write,
    read: (file) => fs.readFileSync(path.join(root, file), "utf8"),
    exists: (file) => fs.existsSync(path.join(root, file)),
    bt: (...argv) => start({}, ...argv).ended,
    btWith: (settings, ...argv) => start(settings, ...argv).ended,
    start,
  };
}

function collect(child: ChildProcess): Promise<Result> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) =>
    child.once("close", (code, signal) =>
      resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, stdout, stderr }),
    ),
  );
}

/** A builderfile whose tasks are these source texts: `{ bake: "task({ run: 'true' })" }`. */
export function withTasks(tasks: Readonly<Record<string, string>>, more = ""): string {
  const entries = Object.entries(tasks).map(([name, text]) => `  ${JSON.stringify(name)}: ${text},`);
  return `import { after, defineBuilder, definePlugin, param, platforms, task, validation } from "builderfile";\n${more}\nexport default defineBuilder({ tasks: {\n${entries.join("\n")}\n} });\n`;
}
