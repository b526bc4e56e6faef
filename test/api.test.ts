/** The public types of bt, all that a builderfile can name, against the committed snapshot. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { renderApiPage } from "./support/api-page.ts";

const core = path.join(import.meta.dirname, "../dist/core");

/** Declarations of a file as the compiler wrote them, without comments, by name; overloads stand together. */
function readDeclarations(file: string): ReadonlyMap<string, { readonly text: string; readonly isExported: boolean }> {
  const code = fs.readFileSync(path.join(core, file), "utf8").replaceAll(/\/\*\*[\s\S]*?\*\/\s*/g, "");
  const found = new Map<string, { text: string; isExported: boolean }>();
  for (const text of code.split(/^(?=(?:export |declare |interface |type )[\w ])/m)) {
    const name = /^(?:export )?(?:declare )?(?:interface|type|function|const|class) (\w+)/.exec(text)?.[1];
    if (name === undefined) continue;
    const before = found.get(name)?.text ?? "";
    found.set(name, { text: `${before}${text.trim()}\n`, isExported: text.startsWith("export") });
  }
  return found;
}

/** What index.d.ts exports, file by file, with the types that those declarations are made of and nobody else can name. */
function readApi(): string {
  const index = fs.readFileSync(path.join(core, "index.d.ts"), "utf8");
  const parts = [...index.matchAll(/export (?:type )?\{([^}]*)\} from "\.\/([^"]+)\.ts"/g)].map(
    ([, names = "", file]) => {
      const wanted = names.split(",").map((name) => name.trim().replace(/^type /, ""));
      const declared = [...readDeclarations(`${file}.d.ts`)].filter(
        ([name, { isExported }]) => !isExported || wanted.includes(name),
      );
      return `// ${file}\n${declared.map(([, { text }]) => text).join("")}`;
    },
  );
  return parts.sort().join("\n");
}

test("the public types are those of the snapshot; if a change is meant, the changelog names it, and `vitest -u` writes it down", async () => {
  await expect(readApi()).toMatchFileSnapshot("api.snap");
});

test("docs/api.md says what the declarations say; `vitest -u` writes it", async () => {
  await expect(renderApiPage()).toMatchFileSnapshot("../docs/api.md");
});

test("what a builderfile imports is there at run time", async () => {
  const exported: object = await import(path.join(core, "index.js"));

  expect(Object.keys(exported).sort()).toMatchInlineSnapshot(`
    [
      "BtError",
      "acquireLock",
      "after",
      "blobsOf",
      "build",
      "checkOptions",
      "closest",
      "commitChanges",
      "defineBuilder",
      "definePlugin",
      "describeInstall",
      "describeTool",
      "findHolder",
      "findPlatform",
      "findPresence",
      "findTool",
      "hostPlatform",
      "isBtError",
      "isBundled",
      "isTask",
      "loadProject",
      "make",
      "noteRead",
      "ociPlatform",
      "packagesOf",
      "param",
      "parsePlatform",
      "placed",
      "platformTable",
      "platforms",
      "prepare",
      "processName",
      "pruneGraph",
      "recoverChanges",
      "replaceFile",
      "task",
      "tryLock",
      "validation",
    ]
  `);
});
