/** Every message the plugin can fail with. */
import { BtError } from "builderfile";

export function nothingMatches(): BtError {
  return new BtError("CHECKSUMS_NOTHING", "No file matches the globs of `files`", {
    fix: "Build what is released first, or correct the globs.",
  });
}
