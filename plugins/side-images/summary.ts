/** What `side-images` says at its end: what there is, and what was published. Makes nothing. */
import { describe, type IndexResult } from "./manifest-task.ts";
import { planOf, type SideContext, type Site } from "./role.ts";

/** By component: the digest of its index. */
export async function summarize(
  { root, log, needs, isDryRun }: SideContext,
  site: Site,
): Promise<Readonly<Record<string, string>>> {
  const { values, tag, components } = planOf(site);
  if (isDryRun) return {};
  const indexes = Object.values(needs).filter(
    (value): value is IndexResult => typeof value === "object" && value !== null && "images" in value,
  );
  const wanted = components.flatMap((name) => indexes.find(({ component }) => component === name) ?? []);
  for (const { component, digest, images } of wanted) {
    const platforms = images.map(({ platform }) => platform.replace("linux/", "")).join(" ");
    log.info(`${values.destRegistry}/${component}:${tag}  ${digest}  ${platforms}`);
    await describe(root, site, { component, digest, images }); // Now it is known which cells an earlier run has made.
  }
  const parents = new Set(wanted.flatMap(({ images }) => images.flatMap((image) => image.parents ?? [])));
  const hidden = [...new Set([...parents].map((cell) => cell.split(":")[0]!))].filter(
    (name) => !components.includes(name),
  );
  if (hidden.length > 0) log.info(`built for others and not published: ${hidden.join(", ")} (not in COMPONENTS)`);
  for (const { cell, was, platform } of wanted.flatMap(({ images }) => images))
    if (was !== undefined) log.info(`${cell} said ${was} and is published as ${platform}`);
  if (!values.push) log.info("nothing was published: PUSH is no");
  return Object.fromEntries(wanted.map(({ component, digest }) => [component, digest]));
}
