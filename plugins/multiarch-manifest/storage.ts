/** Images out of the storage of container engines, through skopeo or buildah. The only file that starts an engine; lookups stay local. */
import { spawn } from "node:child_process";
import { engineMissing, storageMissing } from "./errors.ts";

/** How the engine is started. */
export interface StorageOptions {
  /** Its environment; CONTAINERS_STORAGE_CONF picks the store. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a registries.conf for the engine. Absent: its own. */
  readonly registriesConf?: string;
  readonly signal?: AbortSignal;
}

/**
 * Writes an image of the storage to the layout folder `dir` under the entry name `image`. The layout is new, nobody else writes to it.
 * @throws BtError MANIFEST_ENGINE_MISSING, MANIFEST_STORAGE_MISSING with what the engine said
 */
export async function exportStorage(name: string, dir: string, options: StorageOptions): Promise<void> {
  const conf = options.registriesConf === undefined ? [] : ["--registries-conf", options.registriesConf];
  const tries: readonly (readonly [string, readonly string[]])[] = [
    ["skopeo", [...conf, "copy", "--quiet", `containers-storage:${name}`, `oci:${dir}:image`]],
    ["buildah", [...conf, "push", "--quiet", name, `oci:${dir}:image`]],
  ];
  for (const [program, args] of tries) {
    const result = await runEngine(program, args, options);
    if (result === undefined) continue;
    if (result.code !== 0) throw storageMissing(name, program, result.output);
    return;
  }
  throw engineMissing(name);
}

/** Undefined: the program is not installed. */
function runEngine(
  program: string,
  args: readonly string[],
  options: StorageOptions,
): Promise<{ readonly code: number; readonly output: string } | undefined> {
  return new Promise((resolve, reject) => {
    const engine = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...options.env },
      ...(options.signal && { signal: options.signal }),
    });
    let output = "";
    engine.stderr.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    engine.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? resolve(undefined) : reject(error),
    );
    engine.on("close", (code) => resolve({ code: code ?? 1, output: output.trim() }));
  });
}
