/** JSON with the place of every value; the importer of `yaml`. Does not know what the values mean. */
import { LineCounter, isMap, isSeq, parseDocument, type Node } from "yaml";
import type { Place } from "../../core/index.ts";

/** Keys and numbers that lead to a value. */
export type JsonPath = readonly (string | number)[];

/** A file that is JSON, as JSON.parse has said before. */
export interface PlacedJson {
  readonly value: unknown;
  /** Of a value; of the nearest one around it when it is not there. */
  readonly placeOf: (path: JsonPath) => Place;
  /** Of the key that leads to a value. */
  readonly keyPlaceOf: (path: JsonPath) => Place;
  /** Keys that a record has more than once. */
  readonly doubles: readonly Place[];
}

export function parsePlaced(text: string, file: string): PlacedJson {
  const counter = new LineCounter();
  // YAML forbids tabs where JSON allows them; a blank keeps all columns.
  const document = parseDocument(text.replaceAll("\t", " "), { lineCounter: counter, uniqueKeys: true });
  const lines = text.split("\n");
  const at = (offset: number): Place => {
    const { line, col } = counter.linePos(offset);
    return { where: file, line, column: col, source: lines[line - 1] ?? "" };
  };
  const nodeOf = (path: JsonPath): Node | undefined => {
    for (let end = path.length; end >= 0; end--) {
      const node = end === 0 ? document.contents : document.getIn(path.slice(0, end), true);
      if (isMap(node) || isSeq(node) || (typeof node === "object" && node !== null)) return node as Node;
    }
    return undefined;
  };
  const placeOf = (path: JsonPath): Place => at(nodeOf(path)?.range?.[0] ?? 0);
  const keyPlaceOf = (path: JsonPath): Place => {
    const owner = nodeOf(path.slice(0, -1));
    const pair = isMap(owner) ? owner.items.find(({ key }) => String(key) === String(path.at(-1))) : undefined;
    const key = pair?.key as Node | undefined; // Keys of JSON are scalars with a place.
    return key?.range ? at(key.range[0]) : placeOf(path);
  };
  const doubles = document.errors.filter(({ code }) => code === "DUPLICATE_KEY").map(({ pos }) => at(pos[0]));
  return { value: JSON.parse(text), placeOf, keyPlaceOf, doubles };
}
