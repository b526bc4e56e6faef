/** A project with a Makefile beside its builderfile, and real make run in it. */
import { project, program, type Project, type Result, type RunSettings } from "./project.ts";

/** What Makefiles of tests write for bt. */
export const bt: string = `${process.execPath} ${program}`;

export interface MakeProject extends Project {
  readonly make: (...argv: string[]) => Promise<Result>;
  readonly makeWith: (settings: RunSettings, ...argv: string[]) => Promise<Result>;
}

/** A project whose Makefile includes the generated rules, followed by `lines`. */
export async function makeProject(
  builderfile: string,
  lines = "",
  files: Readonly<Record<string, string>> = {},
): Promise<MakeProject> {
  const p = await project({ "builderfile.ts": builderfile, Makefile: `${lines}\ninclude bt.mk\n`, ...files });
  p.write("bt.mk", (await p.bt("--make-shim")).stdout);
  const makeWith: MakeProject["makeWith"] = ({ env = {}, ...settings }, ...argv) =>
    p.btWith({ ...settings, env: { BT: bt, ...env }, program: ["make"] }, ...argv);
  return { ...p, makeWith, make: (...argv) => makeWith({}, ...argv) };
}
