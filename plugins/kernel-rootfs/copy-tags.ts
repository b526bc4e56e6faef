/** Copies and joins the tags of a release: everything is fetched first, then all tags move together. Does not decide which. */
import * as path from "node:path";
import { parsePlatform, type Context } from "../../core/index.ts";
import {
  assemble,
  closeClient,
  createLayout,
  fetchImage,
  openClient,
  publishGroup,
  type AssembleEntry,
  type Client,
  type Layout,
  type PublishItem,
} from "../multiarch-manifest/index.ts";
import type { Release, ReleaseRow } from "./ci-release.ts";
import { store } from "./places.ts";

export async function copyTags(context: Context, { name, rows }: Release): Promise<void> {
  const { root, signal, publishing, log } = context;
  const layout = await createLayout(path.join(root, store));
  const client = await openClient({ signal });
  try {
    const items: PublishItem[] = [];
    for (const row of rows) items.push(await toItem(row, layout, client));
    await publishGroup(items, {
      client,
      journal: path.join(root, ".bt", "publish", `release-${name}.json`),
      beforeTags: publishing,
    });
    log.info(`${rows.length} tags stand for ${name}`);
  } finally {
    await closeClient(client);
  }
}

async function toItem(
  { sources, target, platforms }: ReleaseRow,
  layout: Layout,
  client: Client,
): Promise<PublishItem> {
  const wanted = platforms.map((platform, at) => ({ platform, source: sources[at] ?? sources[0] ?? "" }));
  const entries = await Promise.all(
    wanted.map(async ({ platform, source }): Promise<AssembleEntry> => {
      const { digest } = await fetchImage(source, parsePlatform(platform).arch, layout, { client });
      return { platform, layout, digest, upstream: { ref: source, digest } };
    }),
  );
  return { name: target, image: await assemble({ name: target, entries }, layout), to: target };
}
