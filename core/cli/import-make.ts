/** `bt --import-make`: a builderfile from a Makefile, with what is dangerous in it and a comparison of what both would run. Does not know how texts are read. */
import * as fs from "node:fs";
import * as path from "node:path";
import {
  acceptWrong,
  importExists,
  importUnconfirmed,
  makefileMissing,
  optionUnknown,
  optionValue,
  optionWrong,
} from "../errors/request.ts";
import { findText, replaceFile } from "../files.ts";
import { applyAccepted, findSettled, parseAccepted, renderAccepted, type Accepted } from "../makefile/accept.ts";
import type { Comparison } from "../makefile/compare.ts";
import { lintConditions, readConditions } from "../makefile/condition.ts";
import { isFileTarget } from "../makefile/draft.ts";
import { lintRecipes, type Finding } from "../makefile/lint.ts";
import { openProbe, type Probe } from "../makefile/probe.ts";
import { renderBuilderfile } from "../makefile/render.ts";
import { renderReport } from "../makefile/report.ts";
import { draftTree, keepKey, makefileNames, readTree, type Makefile } from "../makefile/tree.ts";
import { createPaint, colourLevel } from "../paint.ts";
import { passedEnvironment } from "../environment.ts";
import type { Args, Token } from "./args.ts";
import { confirmOnTerminal } from "./confirm.ts";
import { compareTree, keptPatterns } from "./import-compare.ts";
import { callsMake, findExecuted, findUnsafe } from "./import-consent.ts";
import { print, printJson } from "./print.ts";
import type { World } from "./world.ts";

/** Writes `builderfile.ts`, prints the report; 1 when a target is left that a person has to look at. @throws BtErrors before anything is written */
export async function importMake({ tokens, options }: Args, world: World): Promise<number> {
  const { flags } = options;
  const { own, makefile, accept } = readTokens(tokens);
  const named = makefile === undefined ? undefined : path.resolve(world.cwd, makefile);
  const file = named ?? makefileNames.map((name) => path.join(world.cwd, name)).find((name) => fs.existsSync(name));
  const text = file === undefined ? undefined : findText(file);
  if (file === undefined || text === undefined) throw makefileMissing(makefile ?? makefileNames.join(", "));
  const folder = path.dirname(file);
  const target = path.join(folder, "builderfile.ts");
  if (fs.existsSync(target) && !flags.has("force")) throw importExists(path.relative(world.cwd, target));
  const acceptFile = accept === undefined ? undefined : path.resolve(world.cwd, accept);
  const accepted = acceptFile === undefined ? undefined : readAccepted(acceptFile, accept ?? "");
  const mayExecute = !own.has("no-exec");
  const isRecursive = own.has("recursive");
  const others = isRecursive && callsMake(text) ? ["what the Makefiles that it calls run"] : [];
  const executed = [...findExecuted(text), ...others];
  if (flags.has("dry-run")) return (print(executed.map((line) => `${line}\n`).join("")), 0);
  if (!mayExecute) refuseUnsafe(file, folder);
  if (mayExecute && executed.length > 0 && !flags.has("yes")) {
    const lines = executed.map((line) => `  ${line}\n`).join("");
    print(`Reading ${path.basename(file)} runs, in a copy of the folder:\n${lines}`);
    if ((await confirmOnTerminal("Go on?")) !== true) throw importUnconfirmed(executed);
  }
  const env = passedEnvironment(world.env);
  const probe = openProbe(folder, { mayExecute, env });
  try {
    const result = await translate(probe, {
      file: path.basename(file),
      env,
      world,
      mayRun: own.has("allow-run"),
      isRecursive,
      mayExecute,
      ...(acceptFile === undefined ? {} : { decides: true }),
    });
    replaceFile(target, result.builderfile);
    if (acceptFile !== undefined && accepted === undefined) replaceFile(acceptFile, renderAccepted(result.targets));
    const known = acceptFile === undefined ? undefined : (accepted ?? parseAccepted(renderAccepted(result.targets)));
    const { builderfile: _, ...found } = result;
    const report = {
      makefile: path.basename(file),
      ...found,
      ...(known === undefined
        ? {}
        : {
            targets: result.targets.map((one) => applyAccepted(one, known, accept ?? "")),
            settled: findSettled(known, result.targets),
          }),
    };
    if (flags.has("json")) printJson({ version: 1, ...report });
    else print(renderReport(report, await createPaint(colourLevel(world.env, process.stdout.isTTY === true))));
    return report.targets.some(({ verdict }) => verdict === "manual") ? 1 : 0;
  } finally {
    process.chdir(world.cwd);
    probe.remove();
  }
}

const ownOptions = ["no-exec", "allow-run", "recursive", "accept"];

interface Given {
  readonly own: ReadonlySet<string>;
  readonly makefile?: string;
  /** The file of `--accept`. */
  readonly accept?: string;
}

function readTokens(tokens: readonly Token[]): Given {
  const own = new Set<string>();
  const words: string[] = [];
  let accept: string | undefined;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind === "word") {
      words.push(token.text);
      continue;
    }
    if (!ownOptions.includes(token.name))
      throw optionUnknown(`--${token.name}`, [...ownOptions.map((name) => `--${name}`), "--force", "--yes", "--json"]);
    own.add(token.name);
    if (token.name !== "accept") continue;
    const next = tokens[at + 1];
    accept = token.value ?? (next?.kind === "word" ? next.text : undefined);
    if (accept === undefined || accept === "") throw optionValue("--accept");
    if (token.value === undefined) at++;
  }
  const [makefile, other] = words;
  if (other !== undefined) throw optionWrong("--import-make", words.join(" "), "one Makefile");
  return { own, ...(makefile === undefined ? {} : { makefile }), ...(accept === undefined ? {} : { accept }) };
}

/** Undefined: there is no such file yet. */
function readAccepted(file: string, name: string): Accepted | undefined {
  const text = findText(file);
  if (text === undefined) return undefined;
  const accepted = parseAccepted(text);
  if (accepted === undefined) throw acceptWrong(name);
  return accepted;
}

function refuseUnsafe(file: string, root: string): void {
  const unsafe = findUnsafe(file);
  if (unsafe !== undefined) throw importUnconfirmed([`override SHELL, or load, in ${path.relative(root, unsafe)}`]);
}

interface Request {
  /** Relative to the folder. */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly world: World;
  /** Recipes with `+` may be run. */
  readonly mayRun: boolean;
  readonly isRecursive: boolean;
  readonly mayExecute: boolean;
  /** Somebody decides about differences. Otherwise what differs stays with make. */
  readonly decides?: boolean;
}

interface Translation {
  readonly builderfile: string;
  readonly targets: readonly Comparison[];
  readonly findings: readonly Finding[];
  readonly complaint?: string;
}

/** What turns out to differ is kept with make, and the rest compared once more; unless somebody decides about differences. */
async function translate(
  probe: Probe,
  { file, isRecursive, mayExecute, decides = false, ...request }: Request,
): Promise<Translation> {
  const tree = readTree(probe, file, {
    isRecursive,
    check: (one) => (mayExecute ? undefined : refuseUnsafe(one, probe.root)),
  });
  const keep = new Map(tree.flatMap(wholeReason));
  for (let round = 0; ; round++) {
    const drafts = draftTree(tree, probe, { keep, isRecursive });
    const builderfile = renderBuilderfile(
      drafts.map(({ draft }) => draft),
      { makefile: file, goal: tree[0]?.database.variables.get(".DEFAULT_GOAL")?.value },
    );
    fs.writeFileSync(path.join(probe.root, "builderfile.ts"), builderfile);
    const compared = await compareTree({ tree, drafts, probe }, request);
    const different = compared.filter(({ comparison }) => comparison.verdict === "manual");
    if (different.length === 0 || round === 2 || decides) {
      const params = new Set(drafts.flatMap(({ draft }) => draft.params.map(({ name }) => name)));
      const findings = tree.flatMap(({ database, dir, file: own, lines }) =>
        [...lintConditions(readConditions(lines), params, own), ...lintRecipes(database, isFileTarget)].map((one) => ({
          ...one,
          file: path.posix.join(dir, one.file),
        })),
      );
      const [complaint] = tree.flatMap((one) => one.complaint ?? []);
      const targets = [...compared.map(({ comparison }) => comparison), ...keptPatterns(tree)];
      return { builderfile, targets, findings, ...(complaint === undefined ? {} : { complaint }) };
    }
    for (const { comparison, drafted } of different)
      keep.set(keepKey(drafted.makefile, drafted.draft.target), comparison.why ?? "make -n says something else");
  }
}

/** What reaches into every rule: then make keeps them all. */
function wholeReason(makefile: Makefile): readonly (readonly [string, string])[] {
  const { lines, database } = makefile;
  const feature = [".SECONDEXPANSION", ".DEFAULT", "vpath", "VPATH"].find((name) =>
    lines.some((line) => new RegExp(`^\\s*${name.replace(".", "\\.")}\\b`).test(line)),
  );
  const reason = feature ?? findOtherShell(makefile);
  return reason === undefined ? [] : database.rules.map(({ target }) => [keepKey(makefile, target), reason] as const);
}

/** Recipes of a Makefile that are not for a shell as bt's. */
function findOtherShell({ lines, database }: Makefile): string | undefined {
  const { origin = "", value = "" } = database.variables.get("SHELL") ?? {};
  const written = lines
    .flatMap((line) => /^\s*(?:export\s+|override\s+)*SHELL\s*[:?]*=\s*(.*)$/.exec(line)?.[1] ?? [])
    .at(-1);
  const set = origin.startsWith("makefile") ? value : (written ?? "");
  const text = set.replace(/\$\(shell\s+(?:which|command -v)\s+([^\s()]+)\)/, "$1");
  const program = text
    .split(/\s+/)
    .filter((word) => word !== "" && !word.startsWith("-"))
    .at(-1);
  if (program === undefined || program.includes("$")) return undefined;
  return /^(ba|da|a|k|z)?sh$/.test(path.basename(program)) ? undefined : `its SHELL is ${path.basename(program)}`;
}
