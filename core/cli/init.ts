/** `bt --init`: writes a builderfile and what belongs to it from a template; all of it or nothing. Does not know what a template is about. */
import * as fs from "node:fs";
import * as path from "node:path";
import { initExists, optionUnknown, templateMissing, templateUnknown } from "../errors/request.ts";
import { builderfileNames } from "../warm.ts";
import type { Args } from "./args.ts";
import { askOnTerminal } from "./confirm.ts";
import { importMake } from "./import-make.ts";
import { print, writeText } from "./print.ts";
import type { World } from "./world.ts";

/** Template to files to texts, as dist holds them. `ABOUT` is one line for people; `_shared` belongs to all. */
declare const BT_TEMPLATES: Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Writes a template into the folder. @throws BtErrors before anything is written */
export async function initProject(args: Args, world: World): Promise<number> {
  const isDryRun = args.options.flags.has("dry-run");
  const template = await chooseTemplate(args);
  const { ABOUT: _, ...own } = BT_TEMPLATES[template] ?? {};
  const shared = Object.entries(BT_TEMPLATES["_shared"] ?? {}).filter(([file]) => own[file] === undefined);
  const files = Object.entries({ ...own, ...Object.fromEntries(shared) });
  const present = findInTheWay(world.cwd, Object.keys(own));
  if (present.length > 0) throw initExists(present);
  const wanted = files.filter(([file]) => !fs.existsSync(path.join(world.cwd, file)));
  const kept = files.map(([file]) => file).filter((file) => !wanted.some(([name]) => name === file));
  const isImport = own["builderfile.ts"] === undefined;
  const code = isImport && !isDryRun ? await importMake({ ...args, tokens: [] }, world) : 0;
  if (!isDryRun) writeAll(world.cwd, wanted, world.version);
  const written = [...(isImport ? ["builderfile.ts"] : []), ...wanted.map(([file]) => file)].sort();
  print(written.map((file) => `${isDryRun ? "would write" : "wrote"} ${file}\n`).join(""));
  print(kept.map((file) => `kept ${file}\n`).join(""));
  if (!isDryRun) print(nextSteps(kept));
  return code;
}

/** What would have to be overwritten: files, links, and files where folders should be. */
function findInTheWay(root: string, files: readonly string[]): string[] {
  const own = files.filter((file) => !isCommon(file));
  const isThere = (name: string): boolean =>
    fs.lstatSync(path.join(root, name), { throwIfNoEntry: false }) !== undefined;
  const parents = new Set(own.map((file) => file.split("/").slice(0, -1).join("/")).filter((name) => name !== ""));
  const blocked = [...parents]
    .map((name) => name.split("/").map((_, at, parts) => parts.slice(0, at + 1).join("/")))
    .flatMap(
      (names) => names.find((name) => fs.statSync(path.join(root, name), { throwIfNoEntry: false })?.isFile()) ?? [],
    );
  if (blocked.length > 0) return [...new Set(blocked)];
  return [...new Set([...builderfileNames, ...own])].filter(isThere);
}

/** Files that a project may have already: they are kept as they are. */
function isCommon(file: string): boolean {
  return ["package.json", "tsconfig.json", ".gitignore"].includes(file);
}

async function chooseTemplate({ tokens }: Args): Promise<string> {
  const known = Object.keys(BT_TEMPLATES).filter((name) => name !== "_shared");
  const about = (name: string): string => BT_TEMPLATES[name]?.["ABOUT"]?.trim() ?? "";
  const width = Math.max(...known.map((name) => name.length));
  const lines = known.map((name) => `${name.padEnd(width)}  ${about(name)}`);
  const option = tokens.find((token) => token.kind === "option");
  if (option?.kind === "option") throw optionUnknown(`--${option.name}`, ["--init"]);
  const [word, more] = tokens.flatMap((token) => (token.kind === "word" ? [token.text] : []));
  if (more !== undefined) throw templateUnknown(`${word} ${more}`, known);
  if (word !== undefined) return findTemplate(word, known);
  if (process.stdin.isTTY) writeText(2, lines.map((line, at) => `${String(at + 1).padStart(3)}  ${line}\n`).join(""));
  const answer = await askOnTerminal(`Which template? [1–${known.length}, or its name] `);
  if (answer === undefined || answer === "") throw templateMissing(lines);
  return findTemplate(known[Number(answer) - 1] ?? answer, known);
}

function findTemplate(name: string, known: readonly string[]): string {
  if (!known.includes(name)) throw templateUnknown(name, known);
  return name;
}

/** A file that cannot be written takes back those before it, and folders that are empty then. */
function writeAll(root: string, files: readonly (readonly [file: string, text: string])[], version: string): void {
  const made: string[] = [];
  try {
    for (const [file, text] of files) {
      const target = path.join(root, file);
      const first = fs.mkdirSync(path.dirname(target), { recursive: true });
      if (first !== undefined) made.push(first);
      const descriptor = fs.openSync(target, "wx", text.startsWith("#!") ? 0o755 : 0o644);
      made.push(target);
      fs.writeFileSync(descriptor, isCommon(file) ? text.replaceAll("VERSION", version) : text);
      fs.closeSync(descriptor);
    }
  } catch (error) {
    for (const name of made.reverse()) fs.rmSync(name, { recursive: true, force: true });
    throw error;
  }
}

function nextSteps(kept: readonly string[]): string {
  const install = kept.includes("package.json") ? "npm install --save-dev builderfile" : "npm install";
  return `bt: Next: \`${install}\` gives your editor the types, \`bt\` lists the tasks\n`;
}
