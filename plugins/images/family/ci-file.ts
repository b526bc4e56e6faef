/** The list of jobs in a CI file, line by line: jobs are replaced, every other line stays as it is. Pure; does not know what the jobs do. */

/** Lines of one job, or lines between jobs. */
interface Part {
  readonly lines: readonly string[];
  /** `as` of the job. Absent: lines between jobs. */
  readonly name?: string;
}

/**
 * The file's text with exactly these jobs among those that `isOwn`. Undefined: its list is not written as a block.
 * A job keeps its place; new ones come after the last own one, or at the end of the list.
 */
export function replaceJobs(
  text: string,
  jobs: ReadonlyMap<string, readonly string[]>,
  isOwn: (name: string, lines: readonly string[]) => boolean,
): string | undefined {
  const lines = text.split("\n");
  const top = lines.findIndex((line) => /^tests:\s*(#.*)?$/.test(line));
  if (top === -1)
    return /^tests:/m.test(text)
      ? undefined
      : joinText(text, ["tests:", ...[...jobs.values()].flatMap((job) => indent(job, ""))]);
  const end = listEnd(lines, top + 1);
  const parts = splitJobs(lines.slice(top + 1, end));
  const margin = /^(\s*)-/.exec(parts.find(({ name }) => name !== undefined)?.lines[0] ?? "-")?.[1] ?? "";
  const left = new Map(jobs);
  const kept = parts.map((part): Part & { readonly isOwn: boolean } => {
    if (part.name === undefined || !isOwn(part.name, part.lines)) return { ...part, isOwn: false };
    const job = left.get(part.name);
    left.delete(part.name);
    return { ...part, lines: job === undefined ? [] : indent(job, margin), isOwn: true };
  });
  const added = [...left.values()].flatMap((job) => indent(job, margin));
  const last = kept.findLastIndex((part) => part.isOwn);
  const lastJob = kept.findLastIndex(({ name }) => name !== undefined);
  const at = (last === -1 ? lastJob : last) + 1;
  const middle = [
    ...kept.slice(0, at).flatMap((part) => part.lines),
    ...added,
    ...kept.slice(at).flatMap((part) => part.lines),
  ];
  return [...lines.slice(0, top + 1), ...middle, ...lines.slice(end)].join("\n");
}

/** Lines that differ, `-` before the old ones and `+` before the new ones, and the first old one's number. */
export function diffLines(
  before: string,
  now: string,
): { readonly line: number; readonly lines: readonly string[] } | undefined {
  if (before === now) return undefined;
  const [old, fresh] = [before.split("\n"), now.split("\n")];
  let head = 0;
  while (head < old.length && old[head] === fresh[head]) head++;
  let tail = 0;
  while (tail < Math.min(old.length, fresh.length) - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++;
  const lines = diffMiddle(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail));
  return { line: head + 1, lines };
}

/** Longest common subsequence; files of CI jobs have some thousand lines at most. */
function diffMiddle(old: readonly string[], fresh: readonly string[]): readonly string[] {
  const table = Array.from({ length: old.length + 1 }, () => new Uint32Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = fresh.length - 1; j >= 0; j--)
      table[i]![j] = old[i] === fresh[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) [i, j] = [i + 1, j + 1];
    else if (j >= fresh.length || (i < old.length && table[i + 1]![j]! >= table[i]![j + 1]!))
      lines.push(`-${old[i++]}`);
    else lines.push(`+${fresh[j++]}`);
  }
  return lines;
}

/** The first line after the list: a key of the file, or the end without its last line break. */
function listEnd(lines: readonly string[], from: number): number {
  const next = lines.findIndex((line, at) => at >= from && /^[^\s#-]/.test(line));
  let end = next === -1 ? lines.length : next;
  while (end > from && /^\s*(#.*)?$/.test(lines[end - 1] ?? "")) end--;
  return end;
}

function splitJobs(lines: readonly string[]): readonly Part[] {
  const first = lines.find((line) => /^\s*- /.test(line)) ?? "- ";
  const margin = /^(\s*)- /.exec(first)?.[1]?.length ?? 0;
  const starts = lines.flatMap((line, at) => (new RegExp(`^ {${margin}}- `).test(line) ? [at] : []));
  const parts: Part[] = [{ lines: lines.slice(0, starts[0] ?? lines.length) }];
  for (const [n, start] of starts.entries()) {
    const stop = starts[n + 1] ?? lines.length;
    let end = stop;
    while (end > start + 1 && new RegExp(`^(\\s*| {0,${margin}}#.*)$`).test(lines[end - 1] ?? "")) end--;
    const job = lines.slice(start, end);
    parts.push({ lines: job, name: nameOf(job, margin) }, { lines: lines.slice(end, stop) });
  }
  return parts;
}

/** `as` of a job, wherever it stands among its keys. */
function nameOf(lines: readonly string[], margin: number): string {
  const key = new RegExp(`^(?: {${margin}}- | {${margin + 2}})as:\\s*["']?([^"'#]*?)["']?\\s*(?:#.*)?$`);
  return lines.flatMap((line) => key.exec(line)?.[1] ?? [])[0] ?? "";
}

function indent(lines: readonly string[], margin: string): readonly string[] {
  return lines.map((line) => (line === "" ? line : margin + line));
}

function joinText(text: string, lines: readonly string[]): string {
  const head = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return `${head}${lines.join("\n")}\n`;
}
