/** Builds with buildah or podman: images go in and out as layouts, the build has a store of its own. Does not know where bases come from. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findTool, type ExecResult } from "../../core/index.ts";
import { openLayout, readEntries } from "../multiarch-manifest/index.ts";
import { tellFailure } from "./build-failure.ts";
import { wrapCommand, type Started } from "./emulation.ts";
import { buildWords, exportWords, importWords, storeWords, type StorageProgram } from "./engine-calls.ts";
import { resultUnreadable } from "./engine-errors.ts";
import type { Base, Desk, EngineOptions, ExportedImage, PreparedBuild } from "./engine-request.ts";
import { generateDockerfile } from "./generate.ts";
import { allBases, nameBases, writeBaseLayout, writeIgnoreFile } from "./prepared-build.ts";

/** What the steps of one build share. */
interface Session {
  readonly engine: StorageProgram;
  readonly build: PreparedBuild;
  readonly desk: Desk;
  readonly options: EngineOptions;
  /**
   * Store with the images that builds start from; they only read it. Absent: each build imports them, because podman ties a store to
   * one other folder for ever, and files of users that only the engine can be would stay in the project.
   */
  readonly images: string | undefined;
  /** For what must not outlive a restart; podman takes no more than 50 characters. */
  readonly runDir: string;
  readonly canUnshare: boolean;
}

/** Builds; the result is in a layout below the build's folder. */
export async function buildInStorage(
  engine: StorageProgram,
  build: PreparedBuild,
  { desk, options }: { readonly desk: Desk; readonly options: EngineOptions },
): Promise<ExportedImage> {
  const isRoot = process.getuid?.() === 0;
  const parts = [engine.name, build.emulation.kind === "userns" ? "userns" : "", desk.env["STORAGE_DRIVER"] ?? ""];
  const images =
    isRoot && engine.name === "buildah"
      ? join(build.storeDir, parts.filter((part) => part !== "").join("-"))
      : undefined;
  const canUnshare = isRoot && (await canMount());
  const session: Session = { engine, build, desk, options, images, runDir: await desk.tempDir(), canUnshare };
  let emptied = isRoot;
  // Without root its files belong to users that only the engine can be.
  const empty = async (): Promise<void> => {
    if (!emptied) await run(session, ["unshare", "rm", "-rf", join(build.folder, "store")], { store: "" });
    emptied = true;
  };
  desk.defer(empty);
  for (const base of allBases(build)) await importBase(session, base);
  const id = await runBuild(session);
  const exported = await exportImage(session, id);
  await empty();
  return exported;
}

/** Under a name made of its ID, which nothing else uses: the engine takes it from the folder's. */
async function importBase(session: Session, base: Base): Promise<void> {
  const { build, images } = session;
  const dir = `bt-${base.id}`;
  await writeBaseLayout(base, build.request.into, join(build.folder, dir));
  const { stdout } = await run(session, importWords(base.platform, dir), { store: images ?? "build" });
  if (stdout.trim().split("\n").at(-1)?.trim() !== base.id)
    throw resultUnreadable(session.engine.name, `"${base.reference}" became ${stdout.trim()}`);
}

async function runBuild(session: Session): Promise<string> {
  const { build, options, desk, engine } = session;
  const { request, plan, folder } = build;
  const file = join(folder, "Dockerfile");
  const idFile = join(folder, "id");
  const names = nameBases(build, ({ id }) => id);
  await writeFile(file, generateDockerfile(plan, names));
  const { platform, labels, context } = request;
  const words = buildWords({
    engine,
    isolation: options.isolation ?? desk.env["BUILDAH_ISOLATION"] ?? "chroot",
    platform,
    plan,
    args: build.args,
    timestamp: build.timestamp,
    files: { id: idFile, ignore: await writeIgnoreFile(build), dockerfile: file, context },
    ...(labels === undefined ? {} : { labels }),
    ...(options.extraArgs === undefined ? {} : { extraArgs: options.extraArgs }),
  });
  await tellFailure(engine.name, build, run(session, words, { store: "build" }));
  return (await readFile(idFile, "utf8")).trim().replace("sha256:", "");
}

async function exportImage(session: Session, id: string): Promise<ExportedImage> {
  await run(session, exportWords(session.build.plan, id), { store: "build" });
  const layout = await openLayout(join(session.build.folder, "built"));
  const [entry] = await readEntries(layout);
  if (entry === undefined) throw resultUnreadable(session.engine.name, "there is nothing in it");
  return { layout, digest: entry.digest };
}

/** Runs the engine in the folder of the build. `store`: a path, `build` for the build's own, or empty for none. */
function run(session: Session, words: readonly string[], { store }: { readonly store: string }): Promise<ExecResult> {
  const { engine, build, desk, images, options, runDir } = session;
  const root = store === "build" ? join(build.folder, "store") : store;
  const runRoot = join(runDir, store === "build" ? "build" : "images");
  const shared = store === "build" && images !== undefined && allBases(build).length > 0;
  const roots = root === "" ? [] : storeWords({ root, runRoot, ...(shared && { images }) });
  const conf = options.registriesConf;
  const env = { ...desk.env, ...(conf === undefined ? {} : { CONTAINERS_REGISTRIES_CONF: conf }) };
  const command = { file: engine.program, args: [...roots, ...words], env };
  const started =
    build.emulation.kind === "userns" ? wrapCommand(command, build.emulation) : hideMounts(session, command);
  return desk.exec(started.file, started.args, { ...(store === "" ? {} : { cwd: build.folder }), env: started.env });
}

/** A driver leaves its folder mounted on itself; in a namespace of its own that ends with the program, and the program with bt. */
function hideMounts({ canUnshare }: Session, command: Started): Started {
  if (!canUnshare) return command;
  const words = ["--mount", "--", "setpriv", "--pdeathsig", "KILL", "--"];
  return { ...command, file: "unshare", args: [...words, command.file, ...command.args] };
}

async function canMount(): Promise<boolean> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const sysAdmin = 21n;
  const tools = ["unshare", "setpriv"].map((name) => findTool(name, process.env["PATH"] ?? ""));
  return ((capabilities >> sysAdmin) & 1n) === 1n && tools.every((tool) => tool !== undefined);
}
