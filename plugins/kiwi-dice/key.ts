/** What a private key is, without showing it. */
import { createHash } from "node:crypto";

/** Of the file's text without blanks and frame, as of a key in PEM. */
export function keyDigest(text: string): string {
  return createHash("sha256")
    .update(text.replaceAll(/^-----.*$/gm, "").replaceAll(/\s/g, ""))
    .digest("hex");
}
