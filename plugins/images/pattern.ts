/** Go's filepath.Match, which COPY and ADD use for their sources. Pure. */

/** Whether a name of a path has a meaning beyond its letters. */
export function isPattern(name: string): boolean {
  return /[*?[\\]/.test(name);
}

/** The test for one name of a path. Undefined: the pattern is malformed, so it matches nothing. */
export function compilePattern(pattern: string): RegExp | undefined {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === "*") source += "[^/]*";
    else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const set = readSet(pattern, i + 1);
      if (set === undefined) return undefined;
      source += set.source;
      i = set.end;
    } else if (char === "\\") {
      const next = pattern[++i];
      if (next === undefined) return undefined;
      source += quote(next);
    } else source += quote(char);
  }
  return new RegExp(`^${source}$`, "su");
}

/** `[a-z]` and `[^a-z]`, from behind the bracket; `end` is the place of the closing one. */
function readSet(pattern: string, start: number): { source: string; end: number } | undefined {
  const negated = pattern[start] === "^";
  let items = "";
  let i = negated ? start + 1 : start;
  while (i < pattern.length && (pattern[i] !== "]" || items === "")) {
    const low = readMember(pattern, i);
    if (low === undefined) return undefined;
    i = low.next;
    if (pattern[i] !== "-") {
      items += quote(low.char);
      continue;
    }
    const high = readMember(pattern, i + 1);
    if (high === undefined) return undefined;
    i = high.next;
    // Go matches nothing with a range that runs backwards.
    if (low.char <= high.char) items += `${quote(low.char)}-${quote(high.char)}`;
  }
  if (pattern[i] !== "]" || items === "") return undefined;
  return { source: negated ? `[^/${items}]` : `(?!/)[${items}]`, end: i };
}

function readMember(pattern: string, at: number): { char: string; next: number } | undefined {
  const escaped = pattern[at] === "\\";
  const char = pattern[escaped ? at + 1 : at];
  if (char === undefined || (!escaped && (char === "-" || char === "]"))) return undefined;
  return { char, next: at + (escaped ? 2 : 1) };
}

function quote(char: string): string {
  return /[\\^$.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char;
}
