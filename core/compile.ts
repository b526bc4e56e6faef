/** Compiles a builderfile and its local imports into one script. Importer of `esbuild`; does not run it. */
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { build, type BuildFailure, type Message, type Metafile, type Plugin } from "esbuild";
import type { Place } from "./errors.ts";
import { builderfileSyntax } from "./errors/builderfile.ts";
import { fileUnusable } from "./errors/disk.ts";

export interface Compiled {
  /** CommonJS. */
  readonly code: string;
  /** Source map, JSON. */
  readonly map: string;
  /** Local modules, absolute, with the local modules that each imports. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
  /** Packages it imports, as written. */
  readonly packages: readonly string[];
}

/**
 * Compiles in one pass; packages stay imports.
 * @throws BtError or AggregateError of BtError BUILDERFILE_SYNTAX, one per mistake
 */
export async function compile(file: string, root: string): Promise<Compiled> {
  try {
    const result = await build({
      entryPoints: [file],
      absWorkingDir: root,
      bundle: true,
      write: false,
      outfile: path.join(root, ".bt", "builderfile.cjs"),
      format: "cjs",
      platform: "node",
      target: "node20",
      packages: "external",
      sourcemap: "external",
      sourcesContent: false,
      metafile: true,
      logLevel: "silent",
      plugins: [importMeta],
    });
    const [code, map] = [
      result.outputFiles.find(({ path: name }) => name.endsWith(".cjs")),
      result.outputFiles.find(({ path: name }) => name.endsWith(".map")),
    ];
    // Node's own meaning of a default import, whatever the importing package says: see `requireFor` in evaluate.ts.
    const text = (code?.text ?? "").replaceAll(/__toESM\((require\("(?:[^"\\]|\\.)*"\)), 1\)/g, "__toESM($1)");
    return { code: withLoads(text, result.metafile), map: map?.text ?? "", ...readMetafile(result.metafile, root) };
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const unreadable = error.errors.find(({ detail }) => fileUnusable(detail, 2) !== undefined);
    if (unreadable !== undefined) throw unreadable.detail;
    const mistakes = error.errors.map((message) => builderfileSyntax(message.text, placeOf(message)));
    if (mistakes.length === 1) throw mistakes[0];
    throw new AggregateError(mistakes);
  }
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors) && error.errors.length > 0;
}

function placeOf({ location }: Message): Place | undefined {
  if (location === null) return undefined;
  return { where: location.file, line: location.line, column: location.column + 1, source: location.lineText };
}

/** Packages imported by name while a task runs come from the same loader as all others. `__load` is as long as `import`: columns stay what they are. */
function withLoads(code: string, { inputs }: Metafile): string {
  const imports = Object.values(inputs).flatMap((input) => input.imports);
  const names = new Set(
    imports.flatMap(({ kind, external, path: name }) => (kind === "dynamic-import" && external === true ? [name] : [])),
  );
  return [...names].reduce(
    (text, name) => text.replaceAll(`import(${JSON.stringify(name)})`, `__load(${JSON.stringify(name)})`),
    code,
  );
}

function readMetafile({ inputs }: Metafile, root: string): Pick<Compiled, "modules" | "packages"> {
  const modules = Object.entries(inputs).map(([name, { imports }]) => {
    const local = imports.filter(({ external }) => external !== true).map((entry) => path.resolve(root, entry.path));
    return [path.resolve(root, name), local] as const;
  });
  const packages = Object.values(inputs).flatMap(({ imports }) =>
    imports.filter(({ external, kind }) => external === true && kind !== "dynamic-import").map((entry) => entry.path),
  );
  return { modules: Object.fromEntries(modules), packages: [...new Set(packages)].sort() };
}

/** Gives every local module its own `import.meta.url`, `.filename` and `.dirname`, which a script does not have. */
const importMeta: Plugin = {
  name: "import-meta",
  setup({ onLoad, initialOptions }) {
    initialOptions.define = {
      "import.meta.url": "__bt_url",
      "import.meta.filename": "__bt_file",
      "import.meta.dirname": "__bt_folder",
    };
    onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path: file }) => {
      const { readFile } = await import("node:fs/promises");
      const text = await readFile(file, "utf8");
      if (!text.includes("import.meta")) return undefined;
      const { pathToFileURL } = await import("node:url");
      const names = { __bt_url: pathToFileURL(file).href, __bt_file: file, __bt_folder: path.dirname(file) };
      const header = Object.entries(names).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`);
      return {
        contents: `${header.join(" ")} ${text}`,
        loader: /\.[cm]?ts$/.test(file) ? "ts" : file.endsWith("x") ? "tsx" : "js",
      };
    });
  },
};

/** Position of an import in the modules of a builderfile. */
export function findImport(specifier: string, modules: readonly string[], root: string): Place | undefined {
  for (const file of modules) {
    const lines = readFileSync(file, "utf8").split("\n");
    const at = lines.findIndex(
      (line) =>
        /\b(import|from|require)\b/.test(line) && (line.includes(`"${specifier}"`) || line.includes(`'${specifier}'`)),
    );
    const source = lines[at];
    if (source !== undefined)
      return { where: path.relative(root, file), line: at + 1, column: source.indexOf(specifier), source };
  }
  return undefined;
}
