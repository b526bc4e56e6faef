/** A Dockerfile on disk, parsed once a process for each content. Does not know what is built from it. */
import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { dockerfileMissing } from "./dockerfile-errors.ts";
import { parseDockerfile, type Dockerfile } from "./dockerfile.ts";

/** By the name in messages and the text: every cell of every image asks several times. */
const parsed = new Map<string, Dockerfile>();

/**
 * Reads a Dockerfile from disk.
 * @throws BtError IMAGES_DOCKERFILE_MISSING, and as parseDockerfile
 */
export async function loadDockerfile(path: string, cwd?: string): Promise<Dockerfile> {
  const shown = cwd === undefined ? path : relative(cwd, resolve(cwd, path));
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EIO" || error.code === "EACCES" ? error : dockerfileMissing(shown, error);
  });
  const key = `${shown}\n${text}`;
  const known = parsed.get(key) ?? parseDockerfile(text, shown);
  parsed.set(key, known);
  return known;
}
