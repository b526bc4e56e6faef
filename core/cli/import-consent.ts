/** What reading a Makefile would run, found in its text before make sees it. Does not know make. */
import * as fs from "node:fs";
import * as path from "node:path";
import { findText } from "../files.ts";

/** Lines that make executes while it reads, with their numbers. */
export function findExecuted(text: string): readonly string[] {
  return text
    .split("\n")
    .flatMap((line, at) =>
      /\$[({]shell\s|!=|^\s*-?include\s/.test(line) && !line.startsWith("\t") ? [`${at + 1}: ${line.trim()}`] : [],
    );
}

/** Whether recipes call make. */
export function callsMake(text: string): boolean {
  return /^\t.*(\$[({]MAKE[)}]|\bmake\b)|;.*\$[({]MAKE[)}]/m.test(text);
}

/**
 * The file, of this one and those that it includes, that could undo the shell that runs nothing. `file`: absolute.
 * An include whose name is computed may mean each file beside it that is called as such files are.
 */
export function findUnsafe(file: string): string | undefined {
  const reached = new Set([file]);
  for (const name of reached) {
    const text = findText(name) ?? "";
    if (/\boverride\s+(\w+\s+)*SHELL\b|^\s*-?load\s/m.test(text)) return name;
    for (const [, words = ""] of text.matchAll(/^\s*[s-]?include\s+(.*)$/gm))
      for (const word of words.split(/\s+/).filter(Boolean))
        for (const one of /[$*?[]/.test(word) ? besides(file) : [path.resolve(path.dirname(file), word)])
          reached.add(one);
  }
  return undefined;
}

function besides(file: string): readonly string[] {
  const folder = path.dirname(file);
  const names = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.(mk|mak|make|inc|d)$/.test(name)).map((name) => path.join(folder, name));
}
