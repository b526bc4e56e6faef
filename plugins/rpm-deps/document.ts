/** YAML and JSON texts with the place of every value. Only importer of `yaml`; does not know what they mean. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from "yaml";
import type { Place } from "../../core/index.ts";

/** A value in a file and where it stands. */
export interface Located {
  readonly value: unknown;
  readonly place: Place;
  /** Offsets of the value in the text. */
  readonly range: readonly [start: number, end: number];
  /** Of a map, in the order of the file; the place is that of the key. */
  readonly entries: readonly { readonly key: string; readonly place: Place; readonly value: Located }[];
  /** Of a list. */
  readonly items: readonly Located[];
}

/** A document, or the place and text of its first mistake. */
export type Parsed = { readonly root: Located } | { readonly problem: string; readonly place: Place };

/** Reads YAML, and JSON, which is a part of it. */
export function parseText(text: string, file: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { where: file, line, column: col };
  };
  const [error] = document.errors;
  if (error !== undefined) return { problem: error.message.split("\n")[0]!, place: at(error.pos[0]) };
  const locate = (node: Node | null): Located => {
    const [start, end] = node?.range ?? [0, 0];
    const entries = !isMap<Node, Node | null>(node)
      ? []
      : node.items.map((pair) => ({
          key: isScalar(pair.key) ? String(pair.key.value) : String(pair.key),
          place: at(pair.key.range?.[0] ?? 0),
          value: locate(pair.value),
        }));
    return {
      value: node === null ? null : isScalar(node) ? node.value : node.toJS(document),
      place: at(start),
      range: [start, end],
      entries,
      items: isSeq<Node>(node) ? node.items.map(locate) : [],
    };
  };
  return { root: locate(document.contents) };
}

/** The text without some items of its list `repositories`, and with other names for some; the rest stays. */
export function editRepositories(
  text: string,
  { drop, rename }: { readonly drop: ReadonlySet<number>; readonly rename: ReadonlyMap<number, string> },
): string {
  const document = parseDocument(text);
  for (const [at, name] of rename) document.setIn(["repositories", at, "name"], name);
  for (const at of [...drop].sort((a, b) => b - a)) document.deleteIn(["repositories", at]);
  return document.toString();
}
