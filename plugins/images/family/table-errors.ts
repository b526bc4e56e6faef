/** Every message about the table of an image family. Knows only BtError. */
import { BtError, closest, type Place } from "../../../core/index.ts";

/** Where the entry of a version is written; of undefined: the table. Undefined: nobody knows. */
export type Finder = (version: string | undefined) => Place | undefined;
type At = Place | undefined;

export function chainBroken(field: string, chain: readonly string[], at: At): BtError {
  return new BtError("IMAGES_FAMILY_CIRCLE", `\`${field}\` leads in a circle: ${chain.join(" → ")}`, {
    ...where(at),
    fix: `Remove \`${field}\` from one of these versions.`,
  });
}

export function entryMalformed(
  version: string,
  facts: { readonly field: string | undefined; readonly allowed: string },
  at: At,
): BtError {
  const what = facts.field === undefined ? `Version "${version}"` : `\`${facts.field}\` of version "${version}"`;
  return new BtError("IMAGES_FAMILY_ENTRY", `${what} is not ${facts.allowed}`, {
    ...where(at),
    fix: `Write ${facts.allowed} there.`,
  });
}

export function entryNameUnknown(
  { field, name, known }: { readonly field: string; readonly name: string; readonly known: readonly string[] },
  at: At,
): BtError {
  return new BtError("IMAGES_FAMILY_NAME", `\`${field}\` names version "${name}", which is not in the table`, {
    ...where(at),
    fix: `Use ${nearestOf(name, known)}.`,
  });
}

export function fieldUnknown(
  { field, of, known }: { readonly field: string; readonly of: string; readonly known: readonly string[] },
  at: At,
): BtError {
  return new BtError("IMAGES_FAMILY_FIELD", `"${field}" is no field of ${of}`, {
    ...where(at),
    fix: `Use ${nearestOf(field, known)}.`,
  });
}

export function keyMalformed(key: string, at: At): BtError {
  return new BtError("IMAGES_FAMILY_KEY", `"${key}" cannot be the name of a version`, {
    ...where(at),
    fix: "Use letters, digits, dots and dashes; the first one is a letter or a digit.",
  });
}

export function keyTwice(key: string, first: Place, at: At): BtError {
  return new BtError("IMAGES_FAMILY_TWICE", `Version "${key}" is in the table twice, first in line ${first.line}`, {
    ...where(at),
    fix: "Remove one of the two entries.",
  });
}

export function platformMalformed(platform: string, known: readonly string[], at: At): BtError {
  return new BtError("IMAGES_FAMILY_PLATFORM", `"${platform}" is no platform; one is written OS/ARCH`, {
    ...where(at),
    fix: `Use ${nearestOf(platform.includes("/") ? platform : `linux/${platform}`, known)}.`,
  });
}

export function sameAsAlone(
  { key, field, target }: { readonly key: string; readonly field: string; readonly target: string },
  at: At,
): BtError {
  return new BtError(
    "IMAGES_FAMILY_SAME_AS",
    `Version "${key}" has \`sameAs\` and \`${field}\`, but it is the same image: ${key} → ${target}`,
    { ...where(at), fix: `Remove \`${field}\`, or \`sameAs\` to give "${key}" a Dockerfile of its own.` },
  );
}

export function tableEmpty(at: At): BtError {
  return new BtError("IMAGES_FAMILY_EMPTY", "The table of versions is empty", {
    ...where(at),
    fix: 'Add a version, for example "1.0": { platforms: ["linux/amd64"] }.',
  });
}

export function tableMalformed(file: string, problem: string, at: At): BtError {
  return new BtError("IMAGES_FAMILY_JSON", `The table in "${file}" is not JSON of versions: ${problem}`, {
    at: at ?? { where: file },
    fix: "Correct this line.",
  });
}

export function tableMissing(file: string): BtError {
  return new BtError("IMAGES_FAMILY_FILE", `There is no table of versions "${file}"`, {
    fix: "Create it, or correct `versionsFile`; it is relative to the project.",
  });
}

export function tablesBoth(name: string, has: "both" | "none"): BtError {
  const problem = has === "both" ? "has `versions` and `versionsFile`" : "has neither `versions` nor `versionsFile`";
  return new BtError("IMAGES_FAMILY_TABLE", `The image family "${name}" ${problem}`, {
    fix: "Give it exactly one of the two.",
  });
}

/** Its place is where the template threw. */
export function templateThrew(version: string, cause: unknown): BtError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  const error = new BtError("IMAGES_FAMILY_TEMPLATE", `The template failed for version "${version}": ${problem}`, {
    fix: "Correct the template, or the entry of this version.",
    cause,
  });
  if (cause instanceof Error && cause.stack !== undefined) error.stack = cause.stack;
  return error;
}

/** `"2.4", or one of 2.5, 2.6`: the nearest name first. */
export function nearestOf(name: string, known: readonly string[]): string {
  const near = closest(name, known);
  const rest = known.filter((one) => one !== near);
  if (near === undefined) return `one of ${known.join(", ")}`;
  return rest.length === 0 ? `"${near}"` : `"${near}", or one of ${rest.join(", ")}`;
}

function where(at: At): { readonly at?: Place } {
  return at === undefined ? {} : { at };
}
