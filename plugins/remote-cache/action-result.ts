/** Results in the words of the Remote Execution API, version 2: ActionResult, Tree, Directory. Does not know HTTP. */
import { createHash } from "node:crypto";
import { isBundled, type Blob, type CachedOutput, type CachedResult } from "../../core/index.ts";
import { bytesField, lastBytes, numberField, readFields } from "./protobuf.ts";

/** What bt adds to an ActionResult. */
export interface Note {
  /** bt's own record of the result. */
  readonly record: Blob;
  readonly domain: string;
  readonly signature?: string;
}

/** The body for `ac/KEY`, and the Trees that it names: of an empty folder each, or one of everything. */
export interface RenderedResult {
  readonly body: Buffer;
  readonly trees: readonly Buffer[];
}

/** So many outputs stand in the body; a server that keeps results in memory shall not be given long lists. */
const flatLimit = 100;
/** A type URL as `Any` wants it; nobody resolves it. */
const noteType = "type.googleapis.com/bt.cache.v1.Note";

/**
 * A result for every client of the API. bt reads only its note, which stands where the API has room for a worker's own facts.
 * Record, key document and the bundle of small files are output files too: servers that look whether all bytes are there look for them as well.
 */
export function renderActionResult(result: CachedResult, note: Note): RenderedResult {
  const own = [
    fileField(".bt/key.json", { blob: result.document, mode: 0o644 }),
    fileField(".bt/result.json", { blob: note.record, mode: 0o644 }),
    ...(result.bundle === undefined ? [] : [fileField(".bt/files", { blob: result.bundle, mode: 0o644 })]),
  ];
  const trees: Buffer[] = [];
  const single = result.outputs.filter(({ blob }) => blob === undefined || !isBundled(result, blob));
  const outputs = single.length > flatLimit ? renderWhole(single, trees) : renderFlat(single, trees);
  const log = result.log === undefined ? [] : [bytesField(6, digestOf(result.log))];
  const any = [bytesField(1, noteType), bytesField(2, JSON.stringify(note))];
  const metadata = bytesField(9, [bytesField(1, "bt"), bytesField(11, any)]);
  return { body: Buffer.concat([...own, ...outputs, ...log, metadata]), trees };
}

/** bt's note in a body. Undefined: it is not a result, or not one of bt's. */
export function parseNote(body: Uint8Array): Note | undefined {
  try {
    const metadata = lastBytes(readFields(body), 9);
    const anys = metadata === undefined ? [] : (readFields(metadata).get(11) ?? []);
    for (const any of anys) {
      if (typeof any === "number") continue;
      const fields = readFields(any);
      if (lastBytes(fields, 1)?.toString() === noteType) return checkNote(lastBytes(fields, 2));
    }
  } catch {
    // Bytes of anything.
  }
  return undefined;
}

function checkNote(bytes: Buffer | undefined): Note | undefined {
  const note = JSON.parse(bytes?.toString() ?? "null") as Partial<Note> | null;
  const isWhole =
    typeof note?.domain === "string" &&
    (note.signature === undefined || typeof note.signature === "string") &&
    /^[0-9a-f]{64}$/.test(note.record?.digest ?? "") &&
    Number.isSafeInteger(note.record?.size);
  return isWhole ? (note as Note) : undefined;
}

/** The fields of single outputs; the trees of empty folders are added to `trees`. */
function renderFlat(outputs: readonly CachedOutput[], trees: Buffer[]): Buffer[] {
  return outputs.map(({ path, kind, mode, blob, target }) => {
    if (kind === "file" && blob !== undefined) return fileField(path, { blob, mode });
    if (kind === "link") return bytesField(12, [bytesField(1, path), bytesField(2, target)]);
    const tree = treeOf([renderDirectory(emptyFolder(mode))]);
    trees.push(tree);
    return bytesField(3, [bytesField(1, path), bytesField(3, digest(tree))]);
  });
}

/** The field of one OutputDirectory without a path, which is the root. */
function renderWhole(outputs: readonly CachedOutput[], trees: Buffer[]): Buffer[] {
  const tree = renderTree(outputs);
  trees.push(tree);
  return [bytesField(3, [bytesField(3, digest(tree))])];
}

/** OutputFile in its field: path, digest, whether it can be run, all permission bits. */
function fileField(path: string, { blob, mode }: { readonly blob: Blob; readonly mode: number }): Buffer {
  const isExecutable = numberField(4, (mode & 0o111) === 0 ? 0 : 1);
  return bytesField(2, [bytesField(1, path), bytesField(2, digestOf(blob)), isExecutable, propertiesField(7, mode)]);
}

interface Folder {
  readonly mode: number | undefined;
  readonly entries: Map<string, CachedOutput | Folder>;
}

function emptyFolder(mode?: number): Folder {
  return { mode, entries: new Map() };
}

/** All outputs as one folder, the root of the project. */
function renderTree(outputs: readonly CachedOutput[]): Buffer {
  const root = emptyFolder();
  for (const output of outputs) {
    const parts = output.path.split("/");
    const name = parts.pop()!;
    let folder = root;
    for (const part of parts) {
      const found = folder.entries.get(part);
      const next = found !== undefined && "entries" in found ? found : emptyFolder();
      folder.entries.set(part, next);
      folder = next;
    }
    if (output.kind !== "folder") folder.entries.set(name, output);
    else if (!folder.entries.has(name)) folder.entries.set(name, emptyFolder(output.mode));
  }
  const children: Buffer[] = [];
  const own = renderDirectory(root, children);
  return treeOf([own, ...children]);
}

/** A Tree of its root and all folders below it. */
function treeOf([root, ...children]: readonly Buffer[]): Buffer {
  return Buffer.concat([bytesField(1, root), ...children.map((child) => bytesField(2, child))]);
}

/** A Directory: files, folders and links, each sorted by name, so that the same folder has the same digest everywhere. */
function renderDirectory(folder: Folder, below: Buffer[] = []): Buffer {
  const lists: Record<"files" | "folders" | "links", Buffer[]> = { files: [], folders: [], links: [] };
  for (const [name, entry] of [...folder.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if ("entries" in entry) {
      const directory = renderDirectory(entry, below);
      below.push(directory);
      lists.folders.push(bytesField(2, [bytesField(1, name), bytesField(2, digest(directory))]));
    } else if (entry.kind === "link") {
      lists.links.push(bytesField(3, [bytesField(1, name), bytesField(2, entry.target)]));
    } else if (entry.blob !== undefined) {
      const isExecutable = numberField(4, (entry.mode & 0o111) === 0 ? 0 : 1);
      const node = [bytesField(1, name), bytesField(2, digestOf(entry.blob)), isExecutable];
      lists.files.push(bytesField(1, [...node, propertiesField(6, entry.mode)]));
    }
  }
  const properties = folder.mode === undefined ? [] : [propertiesField(5, folder.mode)];
  return Buffer.concat([...lists.files, ...lists.folders, ...lists.links, ...properties]);
}

/** NodeProperties with the permission bits as a UInt32Value. */
function propertiesField(number: number, mode: number): Buffer {
  return bytesField(number, [bytesField(3, [numberField(1, mode)])]);
}

function digestOf(blob: Blob): readonly Buffer[] {
  return [bytesField(1, blob.digest), numberField(2, blob.size)];
}

function digest(bytes: Buffer): readonly Buffer[] {
  return digestOf({ digest: createHash("sha256").update(bytes).digest("hex"), size: bytes.length });
}
