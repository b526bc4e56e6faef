/** Looks at the destinations of publish tasks before a run starts. Asks nobody. */
import { isBtError, type Node } from "../../core/index.ts";
import { checkDestination } from "./destination-words.ts";
import { placedAt } from "./narrow.ts";

/**
 * @throws BtError, or AggregateError of them: MANIFEST_DESTINATION, MANIFEST_TAGS_EMPTY, MANIFEST_REFERENCE_MALFORMED, at the line
 * of the builderfile or the variable
 */
export function checkDestinations(nodes: readonly Node[]): void {
  const mistakes: unknown[] = [];
  for (const { name, params, task } of nodes) {
    const { value, source } = params["destination"] ?? {};
    const isOwn = source === "default" || source === "builderfile";
    try {
      checkDestination(String(value), { name });
    } catch (error) {
      const at = isOwn ? undefined : { where: "DESTINATION" };
      mistakes.push(isBtError(error) ? placedAt(error, at, task.site) : error);
    }
  }
  if (mistakes.length === 1) throw mistakes[0];
  if (mistakes.length > 1) throw new AggregateError(mistakes);
}
