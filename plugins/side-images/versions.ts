/** What a cell's result depends on besides its files: digests of images in registries, and the engine. Builds nothing. */
import type { Surveyed, Versions } from "../../core/index.ts";
import { describeEngine } from "../images/index.ts";
import { findArch } from "./arch.ts";
import type { Cell } from "./cell.ts";
import { resolveExternal, withClient } from "./external.ts";
import { pendingTag } from "./release-tag.ts";
import { planOf, type Site } from "./role.ts";

/** What cannot be told now counts as it was last time. */
export async function findVersions(bound: unknown, site: Site, component: string): Promise<Versions> {
  const { cell, env, settings, root } = bound as Surveyed; // Params and cells are those of tasks.ts.
  const arch = findArch(cell["arch"] ?? "");
  const planned = arch === undefined ? undefined : await planOf(site).cell(component, arch);
  if (planned === undefined) return {};
  const asked = findAsked(planned).filter(({ reference }) => !reference.includes(pendingTag));
  const { engine } = planOf(site).values;
  const digests =
    asked.length === 0
      ? []
      : await withClient(site, { root }, (client) =>
          Promise.all(
            asked.map(async ({ reference, platform }) => {
              const how = {
                client,
                ...(platform && { platform }),
                ...(settings.mirrors && { mirrors: settings.mirrors }),
              };
              const found = await resolveExternal(site, reference, how).catch(() => undefined); // Making it says why.
              return [reference, found?.digest] as const;
            }),
          ),
        );
  if (planned.kind === "image") return Object.fromEntries(digests);
  return {
    ...Object.fromEntries(digests),
    engine: await describeEngine({ engine, runs: planned.runs }, env, settings),
  };
}

function findAsked(cell: Cell): readonly { readonly reference: string; readonly platform?: Cell["arch"] }[] {
  if (cell.kind === "dockerfile") return cell.bases.map(({ reference, platform }) => ({ reference, platform }));
  return cell.source.kind === "reference" ? [{ reference: cell.source.reference, platform: cell.arch }] : [];
}
