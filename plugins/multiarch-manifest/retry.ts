/** Which failures may pass, and how long to wait before trying again. Does not know what is tried. */
import { setTimeout as wait } from "node:timers/promises";

/** How patient a client is. */
export interface Pace {
  /** Pause before the second try; doubles with each further one. Default: 500. */
  readonly backoffMs?: number;
  readonly signal?: AbortSignal;
}

/** So often a request is sent before it has failed. */
export const maxTries = 5;

/** Whether a status may be another one a moment later. */
export function isPassingStatus(status: number): boolean {
  return [429, 500, 502, 503, 504].includes(status);
}

/** Waits before another try: `backoffMs` × 2ⁿ, half of it random, unless the registry says how long in `Retry-After`. */
export async function pause(pace: Pace, tries: number, retryAfter?: string): Promise<void> {
  const { backoffMs = 500, signal } = pace;
  const said =
    retryAfter === undefined
      ? undefined
      : /^\d+$/.test(retryAfter)
        ? Number(retryAfter) * 1000
        : Date.parse(retryAfter) - Date.now();
  const own = backoffMs * 2 ** (tries - 1) * (0.5 + Math.random() / 2);
  await wait(
    Math.min(said !== undefined && said >= 0 ? said : own, 300_000),
    undefined,
    signal === undefined ? {} : { signal },
  );
}

/** Whether an error may pass: those of sockets do, an abort and a BtError do not. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === "AbortError" || error.name === "BtError") return false;
  return "code" in error && typeof error.code === "string" && !isCertificateError(error);
}

/** Whether nobody listens, so that trying again at once is in vain. */
export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EAI_AGAIN";
}

/** What a plain HTTP server's answer to a TLS greeting looks like. */
export function isPlainSign(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EPROTO" || code === "ECONNRESET" || code.startsWith("ERR_SSL") || code === "EPIPE";
}

/** Whether a certificate was not trusted. */
export function isCertificateError(error: unknown): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|ALTNAME/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
