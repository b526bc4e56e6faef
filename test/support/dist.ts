/** Builds dist before the first test, as the launcher does: tests run the program that people run. */
import { execFileSync } from "node:child_process";
import * as path from "node:path";

export default function setup(): void {
  execFileSync(path.join(import.meta.dirname, "../../bt"), ["--version"], { stdio: ["ignore", "ignore", "inherit"] });
}
