/** Says what is behind some failures of other programs: no space, no mirror. Knows their words, not their work. */
import { isBtError, type Context } from "../../core/index.ts";
import { diskFull, diskSmall, mirrorStale, mirrorUnreachable } from "./errors.ts";

const noMirror =
  /Could not resolve|Could not connect|Connection (refused|timed out|failed)|Unable to connect|Temporary failure resolving/;

const staleMirror = /Release file .* is (expired|not valid yet)/;

/** Runs `work`; a failure that has a known cause is told as that cause. `asks`: the mirror that it needs (`undefined`: mmdebstrap's own), the size it has. */
export async function withHints<T>(
  { name, signal }: Pick<Context, "name" | "signal">,
  work: () => Promise<T>,
  asks?: { readonly mirror?: string | undefined; readonly size?: string },
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted || !isBtError(error)) throw error;
    const text = [error.message, ...error.detail].join("\n");
    if (/No space left on device|ENOSPC/.test(text)) throw diskFull(name);
    if (asks?.size !== undefined && /Could not allocate (block|inode)/.test(text)) throw diskSmall(name, asks.size);
    if (asks !== undefined && "mirror" in asks && staleMirror.test(text))
      throw mirrorStale(asks.mirror, error.detail.filter((line) => staleMirror.test(line)).slice(0, 3));
    if (asks !== undefined && "mirror" in asks && noMirror.test(text))
      throw mirrorUnreachable(asks.mirror, error.detail.filter((line) => noMirror.test(line)).slice(0, 3));
    throw error;
  }
}
