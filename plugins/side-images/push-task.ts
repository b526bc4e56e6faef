/** Publishes the indexes of a group behind the barrier: all of them become visible, or none. Does not build. */
import { join } from "node:path";
import { publishGroup, writeDigests, type PublishItem } from "../multiarch-manifest/index.ts";
import { withClient } from "./external.ts";
import { assembleImages, type IndexResult } from "./manifest-task.ts";
import { places, planOf, type SideContext, type Site } from "./role.ts";

/** What was published, by component. */
export type PushedImages = Readonly<
  Record<string, { readonly ref: string; readonly digest: string; readonly status: "pushed" | "unchanged" }>
>;

/** The group of a component, in the order of COMPONENTS. */
export async function pushGroup(context: SideContext, site: Site, component: string): Promise<PushedImages> {
  const { root, log, needs, name, publishing } = context;
  const { values, tag } = planOf(site);
  const group = site.groups.get(component) ?? [component];
  const reference = (one: string): string => `${values.destRegistry}/${one}:${tag}`;
  if (context.isDryRun) {
    for (const one of group) log.info(`[${one}] publish ${reference(one)}`);
    return {};
  }
  const indexes = group.flatMap((one) => (needs[one] as IndexResult | undefined) ?? []); // The results of manifest tasks.
  const items: PublishItem[] = [];
  for (const { component: one, images } of indexes)
    items.push({
      name: one,
      image: await assembleImages(context, site, { component: one, images }),
      to: reference(one),
    });
  return withClient(site, context, async (client) => {
    const proven = await publishGroup(items, {
      client,
      journal: join(root, ".bt", "publish", `${encodeURIComponent(name)}.json`),
      beforeTags: publishing,
      onStep: (phase, sentence) => log.info(`${phase.padEnd(10)} ${sentence.replaceAll("docker://", "")}`),
    });
    const published = proven.map((one) => ({ ...one, reference: one.reference.replace(/^docker:\/\//, "") }));
    await writeDigests(join(root, places.digests), published, new Date());
    for (const { reference: ref, digest, status } of published)
      log.info(`${ref}@${digest} ${status === "unchanged" ? "was there already" : "published"}`);
    return Object.fromEntries(
      published.map(({ name: one, reference: ref, digest, status }) => [one, { ref, digest, status }]),
    );
  });
}
