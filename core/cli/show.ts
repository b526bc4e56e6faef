/** Answers questions about a project: its tasks, needs, mistakes, past runs. Runs no task. */
import * as fs from "node:fs";
import * as path from "node:path";
import { createAssigner } from "../assign.ts";
import { callable, findAddress, type Catalog } from "../catalog.ts";
import { paramText } from "../environment.ts";
import { taskUnknown } from "../errors/graph.ts";
import { runMissing } from "../errors/past.ts";
import { logMissing } from "../errors/request.ts";
import type { Project } from "../load.ts";
import { installCommand } from "../packages.ts";
import { createPaint } from "../paint.ts";
import { runId } from "../past.ts";
import { findRun, logPath } from "../record.ts";
import { listRuns } from "../runs.ts";
import { hostManager } from "../requirement.ts";
import { renderAbout } from "./about.ts";
import type { Asked, Options } from "./args.ts";
import { checkProject, renderCheck } from "./check.ts";
import { askDoctor, renderDoctor } from "./doctor.ts";
import { describeTask, listTasks, renderList, renderTaskHelp } from "./list.ts";
import { cacheList, cacheOutline } from "./listcache.ts";
import { outlineTasks } from "./outline.ts";
import { print, printJson } from "./print.ts";
import type { Desk } from "./world.ts";

/** The tasks. */
export async function showList(catalog: Catalog, { project, paint, mayWrite }: Desk, isJson: boolean): Promise<number> {
  const tasks = listTasks(catalog);
  if (isJson) printJson({ version: 1, tasks });
  else print(renderList(tasks, paint));
  if (mayWrite) cacheOutline(project, outlineTasks(catalog));
  if (mayWrite)
    cacheList(
      project,
      { plain: renderList(tasks, await createPaint(0)), colour: renderList(tasks, await createPaint(1)) },
      catalog.defaultTask === undefined,
    );
  return 0;
}

/** The params of the tasks that were named, with where their present values come from. */
export async function showTaskHelp(catalog: Catalog, asked: Asked, { project, world, paint }: Desk): Promise<number> {
  for (const word of asked.words) {
    const named = catalog.tasks.get(findAddress(catalog, word)?.name ?? "");
    if (named === undefined) throw taskUnknown(word, callable(catalog));
    const assigner = createAssigner(asked.assignments, { env: world.env, builderfile: project.builder.params ?? {} });
    const values: Record<string, string> = {};
    for (const [name, param] of Object.entries(named.task.params ?? {})) {
      const bound = await assigner.bind(
        { ...named, task: { ...named.task, params: { [name]: { ...param, required: false } } } },
        {},
      );
      const { value, source } = bound[name] ?? { value: undefined, source: "none" };
      if (source !== "none" && source !== "default")
        values[name] = `${param.kind === "secret" ? "***" : paramText(value)}, from the ${source}`;
    }
    print(renderTaskHelp(describeTask(named, catalog), values, paint));
    print(await renderAbout(project, named.name, paint));
  }
  return 0;
}

/** What is needed on this machine; 1 when something required is missing. */
export async function showDoctor({ project, world, paint, mayWrite: mayAsk }: Desk, isJson: boolean): Promise<number> {
  const answer = await askDoctor(project, { env: world.env, mayAsk });
  const manager = hostManager();
  if (isJson) {
    const told = answer.map((one) => ({ ...one, command: installCommand(one.install, manager) }));
    printJson({ version: 1, requirements: told });
  } else print(renderDoctor(answer, { paint, manager }));
  return answer.some(({ isRequired, found }) => isRequired && found === undefined) ? 1 : 0;
}

/** What can be proven without running; 2 when there are mistakes. */
export async function showCheck({ project, world, paint }: Desk, isJson: boolean): Promise<number> {
  const result = await checkProject(project, world.env);
  if (isJson)
    printJson({
      version: 1,
      ...result,
      mistakes: result.mistakes.map(({ code, message, fix }) => ({ code, message, fix })),
    });
  else print(renderCheck(result, paint));
  return result.mistakes.length > 0 ? 2 : 0;
}

/** Past runs. */
export function showRuns({ root }: Project, { flags }: Options): number {
  const runs = listRuns(root).flatMap((id) => findRun(root, id) ?? []);
  if (flags.has("json")) printJson({ version: 1, runs });
  else
    for (const { id, targets, exitCode, signal } of runs)
      print(
        `${id}  ${exitCode === undefined ? "killed" : signal === undefined ? `exit ${exitCode}` : signal}  ${targets.join(" ")}\n`,
      );
  return 0;
}

/** What a task printed: in one run, or when it last ran. */
export function showLog({ root }: Project, task: string, run: string | undefined): number {
  const runs = listRuns(root);
  const only = run === undefined ? undefined : runId(root, run);
  if (only !== undefined && !runs.includes(only)) throw runMissing(only, runs);
  for (const id of only === undefined ? runs : [only]) {
    const file = path.join(root, logPath(id, task));
    const found = findRun(root, id)?.tasks[task];
    if (!fs.existsSync(file) && found?.outcome !== "ran" && found?.outcome !== "failed") continue;
    print(fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
    return 0;
  }
  throw logMissing(task, run, [...new Set(runs.flatMap((id) => Object.keys(findRun(root, id)?.tasks ?? {})))]);
}
