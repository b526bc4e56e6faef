/** What functions behind paths get of a task's params: all but its secrets. Does not know the paths. */
import { pathSecret } from "./errors/graph.ts";
import type { ParamSet } from "./task.ts";

/** A secret cannot be read there: paths are shown, and stand in keys. @throws BtError PATH_SECRET when it is */
export function pathValues(
  task: string,
  declared: ParamSet = {},
  params: Readonly<Record<string, { readonly value: unknown }>>,
): object {
  const values: Record<string, unknown> = {};
  for (const [name, { value }] of Object.entries(params)) {
    if (declared[name]?.kind !== "secret") values[name] = value;
    else
      Object.defineProperty(values, name, {
        get: () => {
          throw pathSecret(task, name);
        },
      });
  }
  return values;
}
