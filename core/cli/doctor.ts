/** What the builderfile and its plugins need on this machine, with versions. Does not know what any plugin needs. */
import { execFile } from "node:child_process";
import { findTool } from "../files.ts";
import type { Requirement } from "../hooks.ts";
import type { Project } from "../load.ts";
import { installAll, installCommand, packagesOf, type PackageManager } from "../packages.ts";
import { marks, type Paint } from "../paint.ts";
import { assemble } from "../plugin.ts";

export interface DoctorOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False: no program is asked for its version. */
  readonly mayAsk: boolean;
}

/** The tools that tasks declare, then what plugins add. */
export async function askDoctor(
  { builder, root, settings }: Project,
  { env, mayAsk }: DoctorOptions,
): Promise<readonly Requirement[]> {
  const { catalog, hooks } = assemble(builder);
  const tools = new Map<string, Requirement>();
  for (const { task, plugin = "builderfile" } of catalog.tasks.values()) {
    for (const name of task.tools ?? []) {
      const found = findTool(name, env["PATH"] ?? "");
      const requirement = { name, plugin, isRequired: true, install: packagesOf(name) };
      tools.set(name, { ...requirement, ...(found === undefined ? {} : { found }) });
    }
  }
  const all = hooks.doctor.isUsed()
    ? await hooks.doctor.promise([...tools.values()], { root, env, settings })
    : [...tools.values()];
  return mayAsk ? await Promise.all(all.map(addVersion)) : all;
}

/** Programs that do not understand `--version`. */
const versionWords: Readonly<Record<string, string>> = { go: "version", mke2fs: "-V", openssl: "version", ssh: "-V" };

/** A program that does not say its version in time has none. Milliseconds. */
const patienceMs = 5000;

async function addVersion(requirement: Requirement): Promise<Requirement> {
  const { found, version } = requirement;
  if (version !== undefined || found === undefined || !found.startsWith("/")) return requirement;
  const name = found.slice(found.lastIndexOf("/") + 1);
  const said = await new Promise<string>((resolve) => {
    const options = { timeout: patienceMs, killSignal: "SIGKILL", maxBuffer: 1 << 16 } as const;
    const child = execFile(found, [versionWords[name] ?? "--version"], options, (error, stdout, stderr) =>
      resolve(error === null ? `${stdout}\n${stderr}` : ""),
    );
    child.stdin?.end();
  });
  const [told] = /\d+(\.\d+)+[\w.~+-]*/.exec(said) ?? [];
  return told === undefined ? requirement : { ...requirement, version: told };
}

/** One paragraph for each plugin, then the one command that gets what is missing. */
export function renderDoctor(
  requirements: readonly Requirement[],
  { paint, manager }: { readonly paint: Paint; readonly manager: PackageManager | undefined },
): string {
  if (requirements.length === 0) return "bt: No task and no plugin says that it needs anything\n";
  const width = Math.max(...requirements.map(({ name }) => name.length));
  const plugins = [...new Set(requirements.map(({ plugin }) => plugin))];
  const paragraphs = plugins.map((plugin) => {
    const lines = requirements
      .filter((one) => one.plugin === plugin)
      .map((one) => renderLine(one, { width, paint, manager }));
    return `${paint.strong(plugin)}\n${lines.join("")}`;
  });
  const missing = requirements.filter(({ found }) => found === undefined);
  const required = missing.filter(({ isRequired }) => isRequired);
  const all = installAll(
    required.map(({ install }) => install),
    manager,
  );
  const names = required.map(({ name }) => name).join(", ");
  const end =
    required.length > 0
      ? [`bt: Missing: ${names}`, ...(all === undefined ? [] : [`  fix  Run \`${all}\`.`])]
      : [`bt: ${missing.length === 0 ? "All is there" : "All that is required is there"}`];
  return `${paragraphs.join("\n")}\n${end.join("\n")}\n`;
}

function renderLine(
  { name, found, version, isRequired, install }: Requirement,
  {
    width,
    paint,
    manager,
  }: { readonly width: number; readonly paint: Paint; readonly manager: PackageManager | undefined },
): string {
  const head = (mark: string): string => `  ${mark} ${name.padEnd(width)}  `;
  if (found !== undefined)
    return `${head(paint.good(marks.done))}${version === undefined ? found : `${version}  ${paint.dim(found)}`}\n`;
  const how = installCommand(install, manager);
  const way = /^https?:/.test(how) ? `see ${how}` : /^(apt-get|dnf|zypper) /.test(how) ? `get it with \`${how}\`` : how;
  return `${head(isRequired ? paint.bad(marks.failed) : paint.warn(marks.warning))}missing${isRequired ? "" : ", some tasks need it"}; ${way}\n`;
}
