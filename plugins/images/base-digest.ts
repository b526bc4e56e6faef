/** The digests that names of base images stand for, asked once a run. Does not fetch images. */
import * as path from "node:path";
import type { Settings } from "../../core/index.ts";
import { resolveImage } from "../multiarch-manifest/index.ts";

/** An image that a name stands for in this run. */
export interface ResolvedBase {
  /** Where it was found: the name itself, or in a mirror. */
  readonly found: string;
  readonly digest: string;
  /** What to fetch: the name with its digest, so that all of a run gets the same. A layout is read by name. */
  readonly pinned: string;
}

/** What registries have said of bases. */
export interface AskedBases {
  readonly mirrors: NonNullable<Settings["mirrors"]>;
  /** By name. */
  readonly digests: Readonly<Record<string, string>>;
}

const resolved = new Map<string, Promise<ResolvedBase>>();

/**
 * Asks the mirror of the reference's registry first, then the registry itself; the same name gets the same answer in all of a run.
 * @throws BtError REGISTRY_…, MANIFEST_…
 */
export function resolveBase(root: string, reference: string, mirrors: Settings["mirrors"] = {}): Promise<ResolvedBase> {
  const key = `${root}\n${reference}`;
  const answer = resolved.get(key) ?? ask(root, reference, mirrors);
  resolved.set(key, answer);
  return answer;
}

async function ask(root: string, reference: string, mirrors: NonNullable<Settings["mirrors"]>): Promise<ResolvedBase> {
  const [host = "", ...rest] = reference.split("/");
  const mirror = mirrors[host];
  if (mirror !== undefined && rest.length > 0) {
    const found = [mirror, ...rest].join("/");
    const digest = await resolveImage(found).catch(() => undefined);
    if (digest !== undefined) return pin(found, digest);
  }
  const found = inRoot(root, reference);
  return pin(found, await resolveImage(found));
}

function pin(found: string, digest: string): ResolvedBase {
  return { found, digest, pinned: found.startsWith("oci:") || found.includes("@") ? found : `${found}@${digest}` };
}

/** Layouts are named relative to the project root, wherever bt was called. */
function inRoot(root: string, reference: string): string {
  return reference.startsWith("oci:") ? `oci:${path.resolve(root, reference.slice("oci:".length))}` : reference;
}
