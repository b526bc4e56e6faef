/** Asks registries whether names of bases still stand for the same images: all that is open when nothing here has changed. A script of its own. */
import { resolveBase, type AskedBases } from "./base-digest.ts";

/** What cannot be asked for counts as it was last time, as in a build. */
export async function isSame(about: unknown, root: string): Promise<boolean> {
  const { mirrors, digests } = about as AskedBases; // As image-facts.ts writes it.
  const answers = Object.entries(digests).map(async ([reference, digest]) => {
    const now = await resolveBase(root, reference, mirrors).catch(() => undefined);
    return now === undefined || now.digest === digest;
  });
  return (await Promise.all(answers)).every(Boolean);
}
