/** Versions of rpms, compared exactly as rpm does. Pure; does not know packages. */

/** Epoch, version and release of one rpm. */
export interface Evr {
  /** Digits; "0" when none was written. */
  readonly epoch: string;
  readonly version: string;
  /** Absent: none was written, as in a requirement `>= 1.2`. */
  readonly release?: string;
}

/** `17:8.0.0-13.el9` as its parts; the epoch before the first colon, the release after the last dash. */
export function parseEvr(text: string): Evr {
  const colon = text.indexOf(":");
  const epoch = colon === -1 ? "" : text.slice(0, colon);
  const rest = text.slice(colon + 1);
  const dash = rest.lastIndexOf("-");
  return {
    epoch: epoch === "" ? "0" : epoch,
    version: dash === -1 ? rest : rest.slice(0, dash),
    ...(dash === -1 ? {} : { release: rest.slice(dash + 1) }),
  };
}

/** `17:8.0.0-13.el9`; the epoch is always there. */
export function formatEvr({ epoch, version, release }: Evr): string {
  return `${epoch}:${version}${release === undefined ? "" : `-${release}`}`;
}

/** Below, above or equal to 0 as `a` is older, newer or the same. Without a release on one side, releases do not count. */
export function compareEvr(a: Evr, b: Evr): number {
  const byEpoch = compareDigits(a.epoch, b.epoch);
  if (byEpoch !== 0) return byEpoch;
  const byVersion = compareVersion(a.version, b.version);
  if (byVersion !== 0 || a.release === undefined || b.release === undefined) return byVersion;
  return compareVersion(a.release, b.release);
}

/** rpm's `rpmvercmp` of two versions or two releases: -1, 0 or 1. */
export function compareVersion(a: string, b: string): number {
  if (a === b) return 0;
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    i = skipSeparators(a, i);
    j = skipSeparators(b, j);
    const [left, right] = [a[i], b[j]];
    if (left === "~" || right === "~") {
      if (left !== "~") return 1;
      if (right !== "~") return -1;
      [i, j] = [i + 1, j + 1];
      continue;
    }
    if (left === "^" || right === "^") {
      // What comes after the caret is newer than the version before it, and older than a longer version.
      if (left === undefined) return -1;
      if (right === undefined) return 1;
      if (left !== "^") return 1;
      if (right !== "^") return -1;
      [i, j] = [i + 1, j + 1];
      continue;
    }
    if (left === undefined || right === undefined) break;
    const isNumber = isDigit(left);
    const run = isNumber ? isDigit : isLetter;
    const [ends, other] = [endOfRun(a, i, run), endOfRun(b, j, run)];
    if (other === j) return isNumber ? 1 : -1;
    const [one, two] = [a.slice(i, ends), b.slice(j, other)];
    const order = isNumber ? compareDigits(one, two) : compareText(one, two);
    if (order !== 0) return order;
    [i, j] = [ends, other];
  }
  if (i >= a.length && j >= b.length) return 0;
  return i < a.length ? 1 : -1;
}

/** By code units, whatever the locale. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function compareDigits(a: string, b: string): number {
  const [one, two] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  return one.length === two.length ? compareText(one, two) : one.length < two.length ? -1 : 1;
}

function skipSeparators(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isDigit(text[at]!) && !isLetter(text[at]!) && text[at] !== "~" && text[at] !== "^") at++;
  return at;
}

function endOfRun(text: string, from: number, belongs: (character: string) => boolean): number {
  let at = from;
  while (at < text.length && belongs(text[at]!)) at++;
  return at;
}

/** ASCII only, whatever the locale. */
function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}

function isLetter(character: string): boolean {
  return (character >= "a" && character <= "z") || (character >= "A" && character <= "Z");
}
