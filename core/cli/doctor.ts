/** What the builderfile and its plugins need on this machine. Does not know what any plugin needs. */
import { findTool } from "../files.ts";
import type { Requirement } from "../hooks.ts";
import type { Project } from "../load.ts";
import { marks, type Paint } from "../paint.ts";
import { assemble } from "../plugin.ts";

/** The tools that tasks declare, then what plugins add. */
export async function askDoctor(
  { builder, root, settings }: Project,
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Requirement[]> {
  const { catalog, hooks } = assemble(builder);
  const tools = new Map<string, Requirement>();
  for (const { task, plugin = "builderfile" } of catalog.tasks.values()) {
    for (const name of task.tools ?? []) {
      const found = findTool(name, env["PATH"] ?? "");
      tools.set(name, {
        name,
        plugin,
        isRequired: true,
        install: `apt-get install ${name}`,
        ...(found === undefined ? {} : { found }),
      });
    }
  }
  return hooks.doctor.isUsed()
    ? await hooks.doctor.promise([...tools.values()], { root, env, settings })
    : [...tools.values()];
}

export function renderDoctor(requirements: readonly Requirement[], paint: Paint): string {
  if (requirements.length === 0) return "bt: No task and no plugin says that it needs anything\n";
  const width = Math.max(...requirements.map(({ name }) => name.length));
  return requirements
    .map(({ name, plugin, found, isRequired, install }) => {
      const mark =
        found !== undefined ? paint.good(marks.done) : isRequired ? paint.bad(marks.failed) : paint.warn(marks.warning);
      return `${mark} ${name.padEnd(width)}  ${found ?? `missing; get it with \`${install}\``}  ${paint.dim(plugin)}\n`;
    })
    .join("");
}
