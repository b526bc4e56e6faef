/** Compares a builder in a registry with what it should be: index, architectures, tags, cross image. Collects, does not judge. */
import { isBtError, type Arch } from "../../core/index.ts";
import { verify, type Client } from "../multiarch-manifest/index.ts";
import { tagSuffix } from "./arch.ts";

/** What is asked of one image. An absent digest may be any. */
export interface ExpectedImage {
  readonly digest?: string;
  readonly imageId?: string;
}

/** What a builder in a registry should be. */
export interface Expected {
  /** `quay.io/kubevirt/builder:VERSION`. */
  readonly reference: string;
  /** Of the index. */
  readonly digest?: string;
  readonly images: Readonly<Partial<Record<Arch, ExpectedImage>>>;
  readonly cross?: ExpectedImage & { readonly reference: string; readonly arch: Arch };
}

/** What is not as it should be. */
export interface Finding {
  readonly kind: "absent" | "other";
  /** A sentence with tag, architecture, what was expected and what is there. */
  readonly text: string;
}

/** What is there. */
export interface Proof {
  readonly digest: string;
  readonly images: Readonly<Partial<Record<Arch, { readonly digest: string; readonly imageId: string }>>>;
  /** Empty: all is as it should be. */
  readonly findings: readonly Finding[];
}

/** @throws BtError REGISTRY_… when the registry cannot be asked */
export async function proveBuilder(client: Client, expected: Expected): Promise<Proof> {
  const { reference, images, cross } = expected;
  const arches = Object.keys(images) as Arch[];
  const [index, ...tags] = await Promise.all([
    look(client, reference, arches),
    ...arches.map((arch) => look(client, `${reference}-${tagSuffix(arch)}`)),
  ]);
  const found = Object.fromEntries((index?.children ?? []).map((one) => [one.platform, one]));
  const findings = [...index!.findings, ...differ(`${reference}, the index:`, expected.digest, index!.digest)];
  for (const [at, arch] of arches.entries()) {
    const member = found[arch];
    const wanted = images[arch] ?? {};
    const where = `${reference}, ${arch}:`;
    findings.push(
      ...differ(where, wanted.digest, member?.digest),
      ...differ(`${where} image ID`, wanted.imageId, member?.imageId),
    );
    findings.push(...compareTag(`${reference}-${tagSuffix(arch)}`, arch, tags[at]!, member?.digest));
  }
  if (cross !== undefined) {
    const seen = await look(client, cross.reference);
    findings.push(...compareTag(cross.reference, cross.arch, seen, cross.digest));
    const where = `${cross.reference}, ${cross.arch}: image ID`;
    findings.push(...differ(where, cross.imageId, seen.children[0]?.imageId));
  }
  const members = Object.entries(found).map(([arch, { digest, imageId }]) => [arch, { digest, imageId }]);
  return { digest: index!.digest ?? "", images: Object.fromEntries(members) as Proof["images"], findings };
}

interface Seen {
  /** Absent: nothing is there. */
  readonly digest?: string;
  readonly children: readonly { readonly platform: Arch; readonly digest: string; readonly imageId: string }[];
  readonly findings: readonly Finding[];
}

async function look(client: Client, reference: string, platforms?: readonly Arch[]): Promise<Seen> {
  try {
    const { digest, children, findings } = await verify(`docker://${reference}`, {
      client,
      ...(platforms === undefined ? {} : { platforms }),
    });
    return { digest, children, findings: findings.map(({ message }) => other(`${reference}: ${message}`)) };
  } catch (error) {
    if (!isBtError(error) || error.code !== "REGISTRY_MANIFEST_MISSING") throw error;
    return { children: [], findings: [{ kind: "absent", text: `${reference}: it is not there` }] };
  }
}

function other(text: string): Finding {
  return { kind: "other", text };
}

/** A tag of one architecture is that member of the index, and of that architecture. */
function compareTag(reference: string, arch: Arch, seen: Seen, digest: string | undefined): readonly Finding[] {
  if (seen.digest === undefined) return seen.findings;
  const [child] = seen.children;
  const isOther = child !== undefined && child.platform !== arch;
  return [
    ...seen.findings,
    ...(isOther ? [other(`${reference}: ${arch} was expected, and it is for ${child.platform}`)] : []),
    ...differ(`${reference}, ${arch}:`, digest, seen.digest),
  ];
}

/** What is not known on one side may be anything. */
function differ(where: string, expected: string | undefined, found: string | undefined): readonly Finding[] {
  if (expected === undefined || found === undefined || expected === found) return [];
  return [other(`${where} ${expected} was expected, and ${found} is there`)];
}
