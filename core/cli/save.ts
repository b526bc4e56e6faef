/** Writes what a person wants at a place that they have named. Does not know what it is. */
import * as fs from "node:fs";
import { replaceFile } from "../files.ts";
import { findStat } from "../warm.ts";

/** A file, also one that a link leads to, is replaced whole. What is none, such as a pipe or a device, stays what it is and is written to. */
export function saveText(file: string, text: string): void {
  const stat = findStat(file);
  if (stat === undefined) replaceFile(file, text);
  else if (stat.isFile()) replaceFile(fs.realpathSync(file), text);
  else fs.writeFileSync(file, text);
}
