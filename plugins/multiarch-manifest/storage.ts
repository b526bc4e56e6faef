/** Images out of the storage of container engines, through skopeo or buildah. The only file that starts an engine; lookups stay local. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseManifest } from "./document.ts";
import { engineMissing, storageMissing, storageRefused } from "./errors.ts";
import { createLayout, linkBlob, putEntries, readBlob, type Layout } from "./layout.ts";
import { mediaTypes, refNameAnnotation } from "./oci.ts";

/** How the engine is started. */
export interface StorageOptions {
  /** Its environment; CONTAINERS_STORAGE_CONF picks the store. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a registries.conf for the engine. Absent: its own. */
  readonly registriesConf?: string;
  readonly signal?: AbortSignal;
  /** Starts the engine. Default: as a plain child process. */
  readonly start?: StartEngine;
}

/** Runs a program to its end. Resolves to undefined when it is not installed. */
export type StartEngine = (
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
) => Promise<{ readonly code: number; readonly output: string } | undefined>;

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

/**
 * Copies one platform's image of a layout into the storage, under `name`. Resolves to its image ID, which the copy keeps.
 * @throws BtError MANIFEST_ENGINE_MISSING, MANIFEST_STORAGE_REFUSED with what the engine said
 */
export async function storeImage(
  layout: Layout,
  digest: string,
  target: StorageOptions & { readonly name: string },
): Promise<string> {
  const bytes = await readBlob(layout, digest);
  const { config, layers, mediaType = mediaTypes.oci.manifest } = parseManifest(bytes, digest);
  const dir = await mkdtemp(join(tmpdir(), "bt-store-"));
  try {
    const alone = await createLayout(dir);
    for (const blob of [digest, config.digest, ...layers.map((layer) => layer.digest)])
      await linkBlob(layout, alone, blob);
    const entry = { mediaType, digest, size: bytes.length };
    await putEntries(alone, [{ ...entry, annotations: { [refNameAnnotation]: "image" } }]);
    const conf = target.registriesConf === undefined ? [] : ["--registries-conf", target.registriesConf];
    const words = ["copy", "--quiet", `oci:${dir}:image`, `containers-storage:${target.name}`];
    const result = await runEngine("skopeo", [...conf, ...words], target);
    if (result === undefined) throw engineMissing(target.name);
    if (result.code !== 0) throw storageRefused(target.name, result.output);
    return config.digest;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Undefined: the program is not installed. */
function runEngine(program: string, args: readonly string[], options: StorageOptions): ReturnType<StartEngine> {
  if (options.start !== undefined) return options.start(program, args, options.env);
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
