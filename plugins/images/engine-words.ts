/** Who asks for which engine: options, variables, settings. Starts no program. */
import { stat } from "node:fs/promises";
import { findTool, type Evidence, type Requirement, type Settings } from "../../core/index.ts";
import { describeEngines, findWanted, type EngineWords } from "./engine-choice.ts";
import { engineMissing } from "./engine-errors.ts";
import { engineNames } from "./engine-name.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The words of a task, with those of the environment and of the user's settings. */
export function findWords(
  own: Pick<EngineWords, "engine" | "builderfile">,
  env: Environment,
  { engine }: Settings,
): EngineWords {
  return {
    ...own,
    kubevirtCri: env["KUBEVIRT_CRI"],
    containerCli: env["CONTAINER_CLI"],
    docker: env["DOCKER"],
    settings: engine === undefined ? {} : { engine },
  };
}

/**
 * The program that is going to build, as a key has it: a new one may build something else. The engine that is there counts, whether it works or not.
 * @throws BtError IMAGES_ENGINE_UNKNOWN, IMAGES_ENGINE_MISSING when somebody asks for one that is not there
 */
export async function describeWish(words: EngineWords, env: Environment): Promise<string> {
  const names = candidates(words);
  if (names.length === 0) return "embedded";
  for (const name of names) {
    const file = name.includes("/") ? name : findTool(name, env["PATH"] ?? "");
    const facts = file === undefined ? undefined : await stat(file).catch(() => undefined);
    if (facts !== undefined) return `${file} of ${facts.mtime.toISOString()}, ${facts.size} bytes`;
  }
  const wanted = findWanted(words);
  if (wanted !== undefined) throw engineMissing(wanted.name, wanted.program, wanted.from);
  return "none";
}

/** Programs that may build, the first one that is there counts. Empty: none is needed. */
function candidates(words: EngineWords): readonly string[] {
  const wanted = findWanted(words);
  if (wanted?.name === "embedded" || (wanted === undefined && words.runs === false)) return [];
  return wanted === undefined ? engineNames.filter((name) => name !== "embedded") : [wanted.program];
}

/** The program that would build, told by looking at PATH alone. Undefined: there is none. */
export function findProgram(words: EngineWords, env: Environment): string | undefined {
  const names = candidates(words);
  if (names.length === 0) return "embedded";
  return names.find((name) => name.includes("/") || findTool(name, env["PATH"] ?? "") !== undefined);
}

/** What describeWish() has looked at. */
export function lookedFor(words: EngineWords, env: Environment): readonly Evidence[] {
  const names = candidates(words);
  const last = names.findIndex((name) => name.includes("/") || findTool(name, env["PATH"] ?? "") !== undefined);
  return names
    .slice(0, last === -1 ? names.length : last + 1)
    .map((name) => (name.includes("/") ? { kind: "file", path: name } : { kind: "tool", name }));
}

/** What `bt --doctor` says of the engines. */
export async function describeHere(env: Environment, settings: Settings): Promise<readonly Requirement[]> {
  return describeEngines(findWords({}, env, settings), env);
}
