/** Checks of what variables say, before anything is planned. Pure. */
import { findPlatform, platformTable } from "../../core/index.ts";
import type { SideImagesOptions } from "./options.ts";
import { variables, type SideValues } from "./params.ts";
import { archUnknown, componentUnknown, destinationMalformed, numberMalformed } from "./value-errors.ts";

/** What is wrong with the values of a run; empty: nothing. */
export function checkValues(
  values: SideValues,
  options: SideImagesOptions,
  known: readonly string[],
): readonly Error[] {
  const where = "the builderfile";
  const groups = typeof options.publishGroup === "object" ? options.publishGroup.flat() : [];
  const named = [...values.components, ...groups, ...Object.keys(options.overrides ?? {})];
  const arches = [...values.architectures, ...values.allowMissing] as readonly string[];
  return [
    ...[...new Set(named)].filter((name) => !known.includes(name)).map((name) => componentUnknown(name, known, where)),
    ...[...new Set(arches)]
      .filter((name) => findPlatform(name) === undefined)
      .map((name) =>
        archUnknown(
          name,
          platformTable.map(({ arch }) => arch),
          where,
        ),
      ),
    ...checkDestination(values.destRegistry),
    ...(findSlots(values.parallel) === undefined ? [numberMalformed(values.parallel)] : []),
  ];
}

/** How many cells at once: Infinity is as many as there are. Undefined: the text is none of the allowed ones. */
export function findSlots(text: string): number | undefined {
  if (/^(yes|true|on|y)$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^(no|false|off|n)$/i.test(text)) return 1;
  return /^[1-9]\d{0,3}$/.test(text) ? Number(text) : undefined;
}

/** `host-binfmt` and `private-binfmt` are other words for two of them. */
export function emulationMode(word: SideValues["emulation"]): "auto" | "host" | "userns" | "none" {
  if (word === "host-binfmt") return "host";
  return word === "private-binfmt" ? "userns" : word;
}

/** Words in their order, each once. */
export function unique<T>(words: readonly T[]): { readonly list: readonly T[]; readonly doubled: readonly T[] } {
  const list = [...new Set(words)];
  return { list, doubled: list.filter((word) => words.filter((other) => other === word).length > 1) };
}

function checkDestination(text: string): readonly Error[] {
  const fixed = text
    .replace(/^[a-z-]+:\/\//i, "")
    .replace(/\/+$/, "")
    .replace(/(:[^/:]*|@.*)$/, (tail, _, at: number, whole: string) =>
      whole.indexOf("/") > -1 && whole.indexOf("/") < at ? "" : tail,
    );
  const host = fixed.includes("/") ? fixed.slice(0, fixed.indexOf("/")) : fixed;
  const corrected = fixed === host ? fixed : `${host}${fixed.slice(host.length).toLowerCase()}`;
  const refuse = (problem: string): readonly Error[] => [destinationMalformed(text, problem, corrected)];
  if (/^[a-z-]+:\/\//i.test(text)) return refuse("has a scheme");
  if (text.endsWith("/")) return refuse("ends in a slash");
  if (fixed !== text) return refuse("has a tag or a digest");
  if (corrected !== text) return refuse("has upper-case letters in the name of the repository");
  if (!/^[A-Za-z0-9.-]+(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/.test(text) && !/^\[[0-9a-f:]+\](:\d+)?\//.test(text))
    return [destinationMalformed(text, "is no prefix of an image name", "quay.io/you")];
  return [];
}

/** Sentences about names that are one edit away from a variable of eight or more letters that is not set. */
export function findNearMisses(
  env: Readonly<Record<string, string | undefined>>,
  ignored: readonly string[],
): readonly string[] {
  const isSet = (name: string): boolean => (env[name] ?? "") !== "";
  const long = variables.filter((name) => name.length >= 8 && !isSet(name));
  return Object.keys(env)
    .sort()
    .filter((name) => isSet(name) && !ignored.includes(name) && !variables.includes(name))
    .flatMap((name) => {
      const meant = long.find((variable) => isOneEdit(name, variable));
      return meant === undefined
        ? []
        : [
            `The environment has ${name}, which bt does not read; ${meant} is not set. Set ${meant} instead, unset ${name}, or list it in ignoreEnv`,
          ];
    });
}

/** One letter more, less or other, or two changed places. */
function isOneEdit(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [left, right] = [a.slice(start), b.slice(start)];
  return (
    left.slice(1) === right ||
    left === right.slice(1) ||
    left.slice(1) === right.slice(1) ||
    (left[0] === right[1] && left[1] === right[0] && left.slice(2) === right.slice(2))
  );
}
