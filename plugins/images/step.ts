/** Obeys one instruction of a stage: changes its config and files, and writes its layer. Does not know the order of stages. */
import { relative } from "node:path";
import type { Arch, Place } from "../../core/index.ts";
import type { Descriptor, Layout } from "../multiarch-manifest/index.ts";
import { openArchive } from "./archive.ts";
import { isOwn, type Context } from "./context.ts";
import { copyInto, makeFolder, type CopySource, type Written } from "./copy.ts";
import { runUnsupported, urlRefused } from "./dockerfile-errors.ts";
import { chmodMalformed, sourceChanged, sourceUnreadable } from "./errors.ts";
import { addHistory, changeConfig, type ImageDocument } from "./imageconfig.ts";
import type { Copy, From, Instruction } from "./instruction.ts";
import { writeSharedLayer } from "./shared-layer.ts";
import type { ImageTree } from "./layerfs.ts";
import { parseOwner, type Owner } from "./owner.ts";
import { declareArgs, declareEnv, expandIn, type Scope } from "./scope.ts";
import { findSources } from "./source.ts";
import { parseHeredocWord } from "./statement.ts";
import { joinAbsolute, type Tree } from "./tree.ts";

/** A stage between two instructions. */
export interface StageState {
  readonly document: ImageDocument;
  /** Bottom first. */
  readonly layers: readonly Descriptor[];
  /** Owned by the stage; every instruction writes into it. */
  readonly tree: ImageTree;
  readonly scope: Scope;
  readonly platform: Arch;
  /** Whether this stage, not its base, has set CMD. */
  readonly hasCmd: boolean;
}

/** What instructions need from the build. */
export interface StepTools {
  readonly context: Context;
  readonly global: Scope;
  readonly into: Layout;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** The files that a --from reads. */
  readonly openFrom: (instruction: Copy) => Promise<Tree>;
  readonly signal?: AbortSignal;
}

/**
 * The state after an instruction.
 * @throws BtError IMAGES_…
 */
export async function runStep(
  state: StageState,
  instruction: Exclude<Instruction, From>,
  tools: StepTools,
): Promise<StageState> {
  const { at } = instruction;
  switch (instruction.kind) {
    case "run":
      throw runUnsupported(at, instruction.text);
    case "arg":
      // Recorded nowhere: values of build arguments may be different in every build, the files are not.
      return { ...state, scope: declareArgs(state.scope, instruction.pairs, { at, global: tools.global }) };
    case "env":
      return change({ ...state, scope: declareEnv(state.scope, instruction.pairs, at) }, instruction, tools);
    case "copy":
    case "add":
      try {
        return await writeInto(state, instruction, { tools, written: await runCopy(state, instruction, tools) });
      } catch (error) {
        throw explainFailure(error, instruction, tools.context);
      }
    case "workdir": {
      const path = joinAbsolute(state.document.config.WorkingDir, expandIn(state.scope, instruction.value, at));
      const owner = await findUser(state, tools, at);
      return writeInto(state, instruction, { tools, written: await makeFolder(state.tree, path, { owner, at }) });
    }
    case "cmd":
      return change({ ...state, hasCmd: true }, instruction, tools);
    case "label":
    case "user":
    case "stopsignal":
    case "maintainer":
    case "onbuild":
    case "expose":
    // The folder is made when a container starts, as with other builders.
    case "volume":
    case "entrypoint":
    case "shell":
    case "healthcheck":
      return change(state, instruction, tools);
  }
}

/** RFC 3339, without a fraction. */
export function renderTime(timestamp: number): string {
  return new Date(timestamp * 1000).toISOString().replace(".000Z", "Z");
}

function change(state: StageState, instruction: Instruction, { timestamp }: StepTools, diffId?: string): StageState {
  const changed = changeConfig(state.document, instruction, { scope: state.scope, keepsCmd: state.hasCmd });
  const line = { created: renderTime(timestamp), text: instruction.text, ...(diffId === undefined ? {} : { diffId }) };
  return { ...state, document: addHistory(changed, line) };
}

async function writeInto(
  state: StageState,
  instruction: Instruction,
  { tools, written }: { readonly tools: StepTools; readonly written: Written },
): Promise<StageState> {
  if (written.size === 0) return change(state, instruction, tools);
  const layer = await writeSharedLayer(written, tools);
  return change({ ...state, layers: [...state.layers, layer.descriptor] }, instruction, tools, layer.diffId);
}

/** Why files of the context could not be read: tar needs exactly as many bytes as a file said it has. */
function explainFailure(error: unknown, { at, text }: Instruction, context: Context): unknown {
  if (!(error instanceof Error)) return error;
  const { code, path } = error as NodeJS.ErrnoException;
  if (error.message === "Size mismatch") return sourceChanged(at, text);
  if (path === undefined) return error;
  const file = relative(context.dir, path);
  if (file.split("/", 1)[0] === ".." || isOwn(file)) return error; // It was no file of the context.
  if (code === "ENOENT") return sourceChanged(at, text);
  return code === "EACCES" || code === "EPERM" ? sourceUnreadable(at, file, error) : error;
}

async function runCopy(state: StageState, copy: Copy, tools: StepTools): Promise<Written> {
  const { at } = copy;
  const replaced = (text: string): string => expandIn(state.scope, text, at);
  const from = copy.from === undefined ? undefined : await tools.openFrom(copy);
  const sources: CopySource[] = [];
  const heredocs = [...copy.heredocs];
  for (const source of copy.sources) {
    const heredoc = parseHeredocWord(source) === undefined ? undefined : heredocs.shift();
    if (heredoc !== undefined) {
      const text = heredoc.expands
        ? expandIn(state.scope, heredoc.content, at, { keepsQuotes: true })
        : heredoc.content;
      const bytes = Buffer.from(text);
      const node = {
        kind: "file",
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: bytes.length,
        content: { kind: "bytes", bytes },
      } as const;
      sources.push({ kind: "found", tree: tools.context, found: { name: heredoc.name, path: heredoc.name, node } });
    } else sources.push(...(await openSources(copy, replaced(source), { tree: from ?? tools.context, from })));
  }
  const owner =
    copy.chown === undefined
      ? undefined
      : await parseOwner(replaced(copy.chown), { tree: state.tree, dir: tools.into.dir, at });
  const mode = copy.chmod === undefined ? undefined : parseMode(replaced(copy.chmod), at);
  return copyInto(state.tree, {
    sources,
    target: replaced(copy.target),
    workdir: state.document.config.WorkingDir ?? "/",
    ...(owner === undefined ? {} : { owner }),
    ...(mode === undefined ? {} : { mode }),
    at,
  });
}

async function openSources(
  copy: Copy,
  source: string,
  { tree, from }: { readonly tree: Tree; readonly from: Tree | undefined },
): Promise<readonly CopySource[]> {
  if (copy.kind === "add" && /^([a-z][a-z0-9+.-]*:\/\/|git@)/i.test(source)) throw urlRefused(copy.at, source);
  const sources: CopySource[] = [];
  for (const found of await findSources(tree, source, copy.at)) {
    const { node } = found;
    const isLocalFile =
      copy.kind === "add" && from === undefined && node.kind === "file" && node.content.kind === "path";
    const archive = isLocalFile ? await openArchive(node.content.path, { name: found.path, at: copy.at }) : undefined;
    sources.push(archive === undefined ? { kind: "found", tree, found } : { kind: "archive", tree: archive });
  }
  return sources;
}

function parseMode(text: string, at: Place): number {
  if (!/^[0-7]{1,5}$/.test(text) || Number.parseInt(text, 8) > 0o7777) throw chmodMalformed(at, text);
  return Number.parseInt(text, 8);
}

/** The owner of folders that WORKDIR makes: USER, or root when the image does not know that user. */
async function findUser(state: StageState, { into }: StepTools, at: Place): Promise<Owner> {
  const { User = "" } = state.document.config;
  if (User === "") return { uid: 0, gid: 0 };
  return parseOwner(User, { tree: state.tree, dir: into.dir, at }).catch(() => ({ uid: 0, gid: 0 }));
}
