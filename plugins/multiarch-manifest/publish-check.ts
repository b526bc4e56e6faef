/** Looks at the destinations of publish tasks before a run starts. Asks nobody. */
import { normalize } from "node:path";
import { isBtError, type Node } from "../../core/index.ts";
import { checkDestination, laterNames as shortNames } from "./destination-words.ts";
import { placedAt } from "./narrow.ts";
import { destinationTwice } from "./publish-errors.ts";
import { parseReference } from "./reference.ts";

/**
 * @throws BtError, or AggregateError of them: MANIFEST_DESTINATION, MANIFEST_DESTINATION_TWICE, MANIFEST_TAGS_EMPTY,
 * MANIFEST_REFERENCE_MALFORMED, at the line of the builderfile or the variable
 */
export function checkDestinations(nodes: readonly Node[]): void {
  const mistakes: unknown[] = [];
  const owners = new Map<string, string>();
  for (const { id, name, params, task } of nodes) {
    const { value, source } = params["destination"] ?? {};
    const isOwn = source === "default" || source === "builderfile";
    const to = String(value);
    try {
      checkDestination(to, { name });
      const place = placeOf(to);
      const owner = owners.get(place);
      if (owner !== undefined) throw destinationTwice(to, owner, id);
      owners.set(place, id);
    } catch (error) {
      const at = isOwn ? undefined : { where: "DESTINATION" };
      mistakes.push(isBtError(error) ? placedAt(error, at, task.site) : error);
    }
  }
  if (mistakes.length === 1) throw mistakes[0];
  if (mistakes.length > 1) throw new AggregateError(mistakes);
}

/** The same for every spelling of one destination. */
function placeOf(to: string): string {
  const reference = parseReference(to, { shortNames });
  return JSON.stringify(
    reference.kind === "layout" ? { ...reference, dir: normalize(`${reference.dir}/`) } : reference,
  );
}
