/** Which newer versions pins can have. Pure; does not know the pins file. */
import { evrTexts, matchPin } from "./check.ts";
import { compareEvr, formatEvr, parseEvr } from "./evr.ts";
import type { Pin } from "./pins.ts";
import { findPackages, type Snapshot } from "./snapshot.ts";
import type { Tree } from "./tree.ts";

/** What can be done about one pin. */
export interface Bump {
  readonly pin: string;
  readonly stream: string;
  /** The pin as it is written. */
  readonly from: string;
  /** `newer`: take it. `older`: the pin is gone and only older ones are left. `current`: nothing to do. `unused`: no tree has it. `none`: no version is there for all. */
  readonly kind: "newer" | "older" | "current" | "held" | "unused" | "none";
  /** The highest version that all packages have on all architectures. Absent: there is none. */
  readonly to?: string;
  /** Why it is held. */
  readonly hold?: string;
  /** A version higher than `to` that only some have, and who lacks it. */
  readonly partial?: { readonly evr: string; readonly missing: readonly string[] };
}

/** `trees` are all that there are: a pin is one for all architectures. */
export function planBump(snapshot: Snapshot, trees: readonly Tree[], pin: Pin): Bump {
  const uses = usesOf(trees, pin);
  const facts = { pin: pin.name, stream: pin.stream, from: pin.evr };
  if (uses.length === 0) return { ...facts, kind: "unused" };
  const offers = uses.map(({ name, arch }) => {
    const found = findPackages(snapshot, name, { stream: pin.stream, arch });
    return { title: `${name} on ${arch}`, evrs: new Set(evrTexts(found)), found };
  });
  const all = evrTexts(offers.flatMap(({ found }) => found));
  const common = all.filter((evr) => offers.every(({ evrs }) => evrs.has(evr)));
  const [to] = common;
  const highest = all[0];
  const partial =
    highest === undefined || highest === to
      ? {}
      : { partial: { evr: highest, missing: offers.flatMap(({ title, evrs }) => (evrs.has(highest) ? [] : [title])) } };
  if (to === undefined) return { ...facts, ...partial, kind: "none" };
  if (pin.hold !== undefined) return { ...facts, ...partial, kind: "held", to, hold: pin.hold };
  return {
    ...facts,
    ...partial,
    kind: compare(
      pin,
      to,
      offers.flatMap(({ found }) => found),
      common,
    ),
    to,
  };
}

function compare(pin: Pin, to: string, found: Parameters<typeof matchPin>[0], common: readonly string[]): Bump["kind"] {
  const meant = matchPin(found, pin.evr).find((one) => common.includes(formatEvr(one)));
  const order = compareEvr(parseEvr(to), meant ?? parseEvr(pin.evr));
  if (order > 0) return "newer";
  return meant === undefined ? "older" : "current";
}

/** Packages and architectures that a pin fixes. */
function usesOf(trees: readonly Tree[], pin: Pin): readonly { readonly name: string; readonly arch: string }[] {
  const uses = trees
    .filter(({ stream }) => stream === pin.stream)
    .flatMap(({ packages, arch }) =>
      packages.flatMap((wanted) =>
        wanted.pin === pin.name ? [[`${wanted.name} ${arch}`, { name: wanted.name, arch }] as const] : [],
      ),
    );
  return [...new Map(uses).values()];
}
