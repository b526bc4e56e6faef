/** The reference of what builderfiles and plugins can name, made of the declarations and their doc comments. Knows no prose of its own but the head. */
import * as fs from "node:fs";
import * as path from "node:path";

const repository = path.join(import.meta.dirname, "../..");
const core = path.join(repository, "dist/core");

interface Declaration {
  readonly name: string;
  /** The doc comment as text. */
  readonly doc: string;
  /** With the comments of its members. */
  readonly code: string;
}

/** The page, whole. */
export function renderApiPage(): string {
  const index = fs.readFileSync(path.join(core, "index.d.ts"), "utf8");
  const wanted = new Map<string, string[]>();
  for (const [, names = "", file = ""] of index.matchAll(/export (?:type )?\{([^}]*)\} from "\.\/([^"]+)\.ts"/g))
    wanted.set(file, [
      ...(wanted.get(file) ?? []),
      ...names.split(",").map((name) => name.trim().replace(/^type /, "")),
    ]);
  const sections = [...wanted].map(([file, names]) => renderSection(file, names.filter(Boolean)));
  const all = [...wanted.values()].flat().filter(Boolean);
  const anchors = all.map((name, at) => {
    const before = all.slice(0, at).filter((other) => other.toLowerCase() === name.toLowerCase()).length;
    return { name, anchor: `${name.toLowerCase()}${before === 0 ? "" : `-${before}`}` };
  });
  const links = anchors.map(({ name, anchor }) => `[${name}](#${anchor})`).sort();
  return `# Reference

What \`import { … } from "builderfile"\` can name, from the declarations of the package and their comments; \`./bt test -- test/api.test.ts -u\` writes this page.
Plugins are told of in their own pages; [Plugins](plugins.md) builds one step by step.

${links.join(" · ")}

${sections.join("\n")}`;
}

function renderSection(file: string, names: readonly string[]): string {
  const { head, declarations } = readFile(file);
  const parts = names.map((name) => {
    const own = declarations.filter((one) => one.name === name);
    const doc = own.map((one) => one.doc).find((text) => text !== "");
    return `### ${name}\n\n${doc === undefined ? "" : `${doc}\n\n`}\`\`\`typescript\n${own.map(({ code }) => code).join("\n")}\n\`\`\`\n`;
  });
  return `## ${head.split(/\.\s/, 1)[0]?.replace(/\.$/, "")}\n\n${parts.join("\n")}`;
}

/** Declarations stand at the start of a line, with their comment before them; the first comment is the file's own. */
function readFile(file: string): { readonly head: string; readonly declarations: readonly Declaration[] } {
  const [head = ""] =
    /^\/\*\*[\s\S]*?\*\//.exec(fs.readFileSync(path.join(repository, "core", `${file}.ts`), "utf8")) ?? [];
  const chunks = fs
    .readFileSync(path.join(core, `${file}.d.ts`), "utf8")
    .replace(head, "") // The compiler leaves it where it has left an import.
    .split(/^(?=\/\*\*|export |declare |import |interface |type )/m);
  const declarations: Declaration[] = [];
  let doc = "";
  for (const chunk of chunks) {
    const name = /^(?:export )?(?:declare )?(?:interface|type|function|const|class) (\w+)/.exec(chunk)?.[1];
    if (name !== undefined)
      declarations.push({
        name,
        doc,
        code: chunk
          .trimEnd()
          .replace(/^export (declare )?/, "")
          .replaceAll("    ", "  "),
      });
    doc = chunk.startsWith("/**") ? textOf(chunk) : "";
  }
  return { head: textOf(head), declarations };
}

/** A doc comment without its stars; links to other names become code. */
function textOf(comment: string): string {
  return comment
    .replace(/^\/\*\*\s?|\s*\*\/\s*$/g, "")
    .replaceAll(/^\s*\* ?/gm, "")
    .replaceAll(/\{@link (\w+)\}/g, "`$1`")
    .replaceAll(/@throws (BtErrors? [A-Z_, ]+|BtErrors?)/g, "Throws $1")
    .trim();
}
