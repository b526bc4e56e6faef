/** Lengths of time as people read them. Knows no clock. */

/** `7 ms`, `4.2 s`, `1 min 05 s`, `2 h 03 min`. */
export function renderDuration(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  return renderLong(Math.round(ms / 1000));
}

/** Whole seconds, for a text that changes while it is read: `0 s`, `42 s`, `1 min 05 s`. */
export function renderClock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return seconds < 60 ? `${seconds} s` : renderLong(seconds);
}

function renderLong(seconds: number): string {
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

function pad(number: number): string {
  return String(number).padStart(2, "0");
}
