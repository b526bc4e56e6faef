/** Tasks that do not fit together. Does not know how that is found out. */
import { BtError, closest, firstLine, quoteNames, type Site } from "../errors.ts";

export function cellUnknown(task: string, cell: string, known: readonly string[], site?: Site): BtError {
  const near = closest(cell, known);
  return new BtError("CELL_UNKNOWN", `Task "${task}" has no cell "${cell}"`, {
    site,
    fix: near === undefined ? `Use one of ${quoteNames(known)}.` : `Use "${task}:${near}".`,
  });
}

export function cellOwn(from: string, task: string, known: readonly string[], site: Site): BtError {
  return new BtError(
    "CELL_OWN",
    `Task "${from}" needs the cell of "${task}" that is called as its own, but has no cells`,
    {
      site,
      fix: `Name the cell, one of ${quoteNames(known)}, or give "${from}" a matrix.`,
    },
  );
}

/** `path` begins and ends with the same task; `isInferred` says where its first edge comes from. */
export function cycle(
  path: readonly string[],
  facts: { readonly site: Site | undefined; readonly edge: "need" | "path" | "finally" },
): BtError {
  const [first, second] = path;
  const own = first === second ? "itself" : `"${second}"`;
  const ways = {
    need: `Remove ${first === second ? `"${first}" from its own needs` : `${own} from the needs of "${first}"`}`,
    path: `Let "${first}" read nothing that ${own} writes`,
    finally: `Remove "${first}" from \`finally\` of ${own}`,
  };
  return new BtError("CYCLE", `Tasks need each other in a circle: ${path.join(" → ")}`, {
    site: facts.site,
    fix: `${ways[facts.edge]}${path.length > 2 ? ", or break the circle elsewhere" : ""}.`,
  });
}

/** The path leads through a program that a task has started, and that has called bt again. */
export function cycleNested(path: readonly string[]): BtError {
  return new BtError("CYCLE_NESTED", `A task waits for itself, through a bt that it has started: ${path.join(" → ")}`, {
    fix: `Call bt below "${path[0]}" for other tasks only.`,
  });
}

export function handleUnlisted(
  from: string | undefined,
  handle: { readonly description?: string; readonly site: Site },
): BtError {
  const asker = from === undefined ? "The default of the builderfile is" : `Task "${from}" needs`;
  const named = handle.description === undefined ? "" : ` ("${handle.description}")`;
  return new BtError("HANDLE_UNLISTED", `${asker} a task${named} that the builderfile does not list`, {
    site: handle.site,
    fix: "Add it to `tasks`, or its plugin to `plugins`, of defineBuilder.",
  });
}

export function inputMissing(task: string, input: string, site: Site): BtError {
  return new BtError("INPUT_MISSING", `Task "${task}" reads "${input}", which does not exist and which no task makes`, {
    site,
    fix: "Create the file, correct the path, or declare it among the `outputs` of the task that makes it.",
  });
}

export function outputOutside(task: string, path: string, site: Site): BtError {
  return new BtError("OUTPUT_OUTSIDE", `Task "${task}" writes "${path}", which lies outside the project`, {
    site,
    fix: "Use a path below the folder of the builderfile, or say `external: true`.",
  });
}

export function outputTwice(path: string, tasks: readonly [string, string], site: Site): BtError {
  return new BtError("OUTPUT_TWICE", `Tasks ${quoteNames([...tasks].sort())} both write "${path}"`, {
    site,
    fix: "Give one of them another output, or let one task write it and the other need it.",
  });
}

/** A change of it would not be seen. `file` is what its name was read as. */
export function pathEncoding(task: string, file: string): BtError {
  return new BtError("PATH_ENCODING", `An input of task "${task}" has a name that is not UTF-8`, {
    at: { where: file },
    fix: "Rename it, or leave its folder out with a pattern that begins with `!`, then run bt again.",
  });
}

export function pathSecret(task: string, param: string): BtError {
  return new BtError("PATH_SECRET", `A path of task "${task}" is made of its secret "${param}"`, {
    fix: "Make it of something else: paths are shown, and stand in keys.",
  });
}

export function pathsThrew(task: string, field: string, cause: unknown): BtError {
  return new BtError("PATHS_THREW", `\`${field}\` of task "${task}" failed: ${firstLine(cause)}`, {
    site: cause instanceof Error ? cause : undefined,
    fix: "Correct this function.",
    cause,
  });
}

export function poolUnknown(task: string, pool: string, known: readonly string[], site: Site): BtError {
  const near = closest(pool, known);
  return new BtError("POOL_UNKNOWN", `Task "${task}" is in the pool "${pool}", which has no capacity`, {
    site,
    fix: `Say \`pools: { "${pool}": 1 }\` in defineBuilder${near === undefined ? "" : `, or use "${near}"`}.`,
  });
}

/** Who asks: the command line, the builderfile's default, or a task. */
export type Asker = "command line" | "default" | { readonly task: string; readonly site: Site };

export function taskUnknown(name: string, known: readonly string[], asker: Asker = "command line"): BtError {
  const near = closest(name, known);
  const otherwise = `add a task called "${name}"`;
  const fix = near === undefined ? `Run \`bt\` to see every task, or ${otherwise}.` : `Use "${near}", or ${otherwise}.`;
  if (asker === "command line") return new BtError("TASK_UNKNOWN", `There is no task "${name}"`, { fix });
  if (asker === "default") {
    const others = near === undefined ? `Use one of ${quoteNames(known)}.` : `Use "${near}".`;
    return new BtError("TASK_UNKNOWN", `The default task "${name}" does not exist`, {
      fix: known.length === 0 ? "Leave it out." : others,
    });
  }
  return new BtError("TASK_UNKNOWN", `Task "${asker.task}" needs "${name}", which does not exist`, {
    site: asker.site,
    fix: near === undefined ? `Correct the name, or ${otherwise}.` : fix,
  });
}
