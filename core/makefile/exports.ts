/** What a Makefile exports to the programs of its recipes, as something that a task can say. Pure. */
import { expandText, OnlyMake } from "./expand.ts";
import { findDefaults, sourceOf, type Sources } from "./sources.ts";

export interface Exports {
  /** `NAME=value`, or a name of bt's own environment. */
  readonly env: readonly string[];
  /** Variables that a caller may set. */
  readonly params: readonly string[];
  /** Computed ones, by name: text between double quotes of a shell. */
  readonly computed: ReadonlyMap<string, string>;
}

/** Own ones, and those of the Makefile above. @throws OnlyMake for one that neither has a fixed value nor can be said in a shell */
export function findExports(sources: Sources): Exports {
  const env = new Map<string, string>();
  const params = new Set<string>();
  const computed = new Map<string, string>();
  const inherited = sources.above === undefined ? undefined : findExports(sources.above);
  for (const entry of inherited?.env ?? []) env.set(entry.replace(/=[^]*/, ""), entry);
  for (const name of inherited?.params ?? []) params.add(name);
  for (const [name, text] of inherited?.computed ?? []) {
    if (sources.above?.dir !== sources.dir && /\$\(|\$\{PWD/.test(text)) throw new OnlyMake(`the exported ${name}`);
    computed.set(name, text);
  }
  for (const name of exportedNames(sources)) {
    const found = findExport(name, sources);
    for (const param of found.params) params.add(param);
    if (found.entry !== undefined) env.set(name, found.entry);
    if (found.text === undefined) computed.delete(name);
    else computed.set(name, found.text);
  }
  return { env: [...env.values()], params: [...params], computed };
}

/** `export A="…"; `, to stand before a command. */
export function renderExports({ computed }: Exports): string {
  if (computed.size === 0) return "";
  return `export ${[...computed].map(([name, text]) => `${name}="${text}"`).join(" ")}; `;
}

function exportedNames({ exported, lines }: Sources): readonly string[] {
  const names =
    exported === undefined
      ? lines.flatMap((line) => /^\s*export\s+(\w+)\s*(?:[:?]?=.*)?$/.exec(line)?.[1] ?? [])
      : [...exported.keys()];
  return names.filter((name) => /^\w+$/.test(name)).sort();
}

/** One of: a fixed entry, a text, or nothing but the params. */
function findExport(
  name: string,
  sources: Sources,
): { readonly entry?: string; readonly text?: string; readonly params: readonly string[] } {
  const { database, exported } = sources;
  const value = exported?.get(name);
  const fixed = value?.isFixed === true ? { entry: `${name}=${value.text}`, params: [] } : undefined;
  try {
    const { text, params, env } = expandText(`"$(${name})"`, {
      database,
      automatic: {},
      params: findDefaults(sources),
      sourceOf: (other) => sourceOf(other, sources),
    });
    const inner = text.slice(1, -1);
    if (env.has(name) && inner === `\${${name}}`) return { entry: name, params: [] };
    if (inner === `\${${name}}`) return { params: [...params] };
    const raw = value?.text ?? database.variables.get(name)?.value ?? "";
    if (!inner.includes("$") && !raw.includes("$")) return { entry: `${name}=${inner}`, params: [] };
    if (/["\\`]/.test(inner) || (value?.text ?? "").includes("$") || raw.includes("$$"))
      throw new OnlyMake(`the exported ${name}`);
    return { text: inner, params: [...params] };
  } catch (error) {
    if (!(error instanceof OnlyMake)) throw error;
    if (fixed !== undefined) return fixed;
    throw new OnlyMake(`the exported ${name}: ${error.message}`);
  }
}
