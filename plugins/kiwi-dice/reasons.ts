/** Why a build is needed: the difference of two lists of leaves, in words. Pure; does not know where leaves come from. */

/** `file root/etc/motd`, `option type`, `repository debian`, `kiwi`, `image`: to what stands there. */
export type Leaves = Readonly<Record<string, string>>;

/** All differences, files first, each as a sentence. */
export function diffLeaves(before: Leaves, now: Leaves): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort(byKind);
  return names.flatMap((name) => (before[name] === now[name] ? [] : [describe(name, before[name], now[name])]));
}

const kinds = ["file", "option", "kiwi", "image", "repository"];

function byKind(a: string, b: string): number {
  const rank = (name: string): number => kinds.indexOf(name.split(" ", 1)[0] ?? "");
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}

function describe(name: string, before: string | undefined, now: string | undefined): string {
  const [kind = ""] = name.split(" ", 1);
  const label = name.slice(kind.length + 1);
  if (kind === "file") return describeFile(label, before, now);
  if (kind === "repository") {
    if (before === undefined) return `repository ${label} was not asked at the last build`;
    return now === undefined ? `repository ${label} is gone` : `repository ${label} changed`;
  }
  if (kind === "option") return `option ${label} ${before ?? "unset"} → ${now ?? "unset"}`;
  if (kind === "image") return `image of the build host ${short(before)} → ${short(now)}`;
  return `${name} ${short(before)} → ${short(now)}`;
}

function describeFile(path: string, before: string | undefined, now: string | undefined): string {
  if (before === undefined) return `${path} is new`;
  if (now === undefined) return `${path} is gone`;
  const [oldKind, oldMode = "", oldHash] = before.split(" ", 3);
  const [newKind, newMode = "", newHash] = now.split(" ", 3);
  if (oldKind !== newKind) return `${path} is a ${newKind} now, no ${oldKind}`;
  if (oldKind === "link") return `link ${path} ${before.slice(5)} → ${now.slice(5)}`;
  return oldHash === newHash ? `mode of ${path} ${oldMode} → ${newMode}` : `${path} changed`;
}

function short(text: string | undefined): string {
  if (text === undefined) return "none";
  return /^sha256:[0-9a-f]{64}$/.test(text) ? text.slice(0, 19) : text;
}
