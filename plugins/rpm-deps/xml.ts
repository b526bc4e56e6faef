/** XML as a stream of elements. Only importer of `saxes`; does not know what they mean. */
import { SaxesParser } from "saxes";

/** What is done with elements; names are without their prefix. */
export interface XmlHandler {
  readonly open?: (name: string, attributes: Readonly<Record<string, string>>) => void;
  /** With the text right inside the element. */
  readonly close?: (name: string, content: string) => void;
}

/** Reads a text piece by piece. */
export interface XmlReader {
  /** @throws Error with line and column */
  readonly write: (text: string) => void;
  /** @throws Error when elements are open */
  readonly end: () => void;
}

export function createXmlReader({ open, close }: XmlHandler): XmlReader {
  const parser = new SaxesParser<{ xmlns: false; position: true }>({ xmlns: false, position: true });
  let content = "";
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    content = "";
    open?.(localName(name), attributes);
  });
  parser.on("text", (text) => void (content += text));
  parser.on("cdata", (text) => void (content += text));
  parser.on("closetag", ({ name }) => {
    close?.(localName(name), content);
    content = "";
  });
  return { write: (text) => void parser.write(text), end: () => void parser.close() };
}

/** Reads a whole text. Returns what is wrong with it. */
export function parseXml(text: string, handler: XmlHandler): string | undefined {
  try {
    const reader = createXmlReader(handler);
    reader.write(text);
    reader.end();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}
