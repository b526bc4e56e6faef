/** Turns samples into one table of medians and ratios, and compares bt with its bars. Does not know how samples were taken. */

/** What the ratios are ratios to. */
const bases = ["node", "make", "ninja"];

/**
 * One line of the table.
 * @param {string} name of the case
 * @param {import("./measure.mjs").Measured} own
 * @param {readonly import("./measure.mjs").Measured[]} all arms of the case
 * @param {number | undefined} peakMiB
 * @param {{ base?: string, ratio?: number, peakMiB?: number } | undefined} bar what bt must reach
 */
export function toRow(name, own, all, peakMiB, bar) {
  const samples = own.samples.filter((sample) => sample !== undefined);
  if (own.problem !== undefined || samples.length === 0)
    return { case: name, tool: own.name, rounds: samples.length, problem: own.problem ?? "not measured" };
  const ratios = Object.fromEntries(
    [...bases, ...(bar?.base === undefined ? [] : [bar.base])].flatMap((base) => {
      const other = all.find((arm) => arm.name === base);
      const ratio = other === undefined || other === own ? undefined : compare(own, other);
      return ratio === undefined ? [] : [[base, ratio]];
    }),
  );
  return {
    case: name,
    tool: own.name,
    rounds: samples.length,
    wallMs: median(samples.map((sample) => sample.wallMs)),
    cpuMs: median(samples.map((sample) => sample.cpuMs)),
    ratios,
    ...(peakMiB === undefined ? {} : { peakMiB }),
    ...(bar === undefined ? {} : { bars: judge(bar, ratios, peakMiB) }),
  };
}

/** Ratios are taken within a round, where both arms met the same machine, and only then a median. */
function compare(own, other) {
  const pairs = own.samples.flatMap((sample, round) =>
    sample === undefined || other.samples[round] === undefined ? [] : [[sample, other.samples[round]]],
  );
  return pairs.length === 0
    ? undefined
    : {
        wall: median(pairs.map(([a, b]) => a.wallMs / b.wallMs)),
        cpu: median(pairs.map(([a, b]) => a.cpuMs / b.cpuMs)),
      };
}

function judge({ base, ratio, peakMiB: most }, ratios, peakMiB) {
  const found = base === undefined ? undefined : ratios[base]?.wall;
  return [
    ...(found === undefined || ratio === undefined ? [] : [{ bar: `≤ ${ratio} × ${base}`, isMet: found <= ratio }]),
    ...(most === undefined || peakMiB === undefined ? [] : [{ bar: `≤ ${most} MiB`, isMet: peakMiB <= most }]),
  ];
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** All rows under one head; numbers to the right. */
export function renderTable(rows) {
  const head = ["case", "tool", "rounds", "wall ms", "cpu ms", ...bases.map((base) => `× ${base}`), "MiB", "bar"];
  const lines = rows.map((row, at) => {
    const name = row.case === rows[at - 1]?.case ? "" : row.case;
    if (row.problem !== undefined) return [name, row.tool, String(row.rounds), row.problem];
    const ratios = bases.map((base) => row.ratios[base]?.wall.toFixed(2) ?? "");
    const bars = (row.bars ?? []).map(({ bar, isMet }) => `${bar} ${isMet ? "✓" : "✗"}`).join(", ");
    return [
      name,
      row.tool,
      String(row.rounds),
      shorten(row.wallMs),
      shorten(row.cpuMs),
      ...ratios,
      row.peakMiB?.toFixed(0) ?? "",
      bars,
    ];
  });
  const whole = [head, ...lines].filter((line) => line.length === head.length);
  const widths = head.map((_, column) =>
    Math.max(
      ...[head, ...whole].map((line) => line[column].length),
      ...(column < 2 ? lines.map((line) => line[column].length) : []),
    ),
  );
  return [head, ...lines]
    .map((line) =>
      line
        .map((cell, column) =>
          column < 2 || column === head.length - 1 || line.length < head.length
            ? cell.padEnd(widths[column])
            : cell.padStart(widths[column]),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function shorten(ms) {
  return ms < 100 ? ms.toFixed(1) : ms.toFixed(0);
}
