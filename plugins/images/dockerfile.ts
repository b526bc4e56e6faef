/** A Dockerfile as stages of typed instructions. Pure; does not know which stages are needed, or what variables hold. */
import { dockerfileEmpty, instructionMisplaced, stageTwice } from "./dockerfile-errors.ts";
import { parseInstruction, type Arg, type From, type Instruction } from "./instruction.ts";
import { parseStatements } from "./statement.ts";

/** One FROM and what follows it. */
export interface Stage {
  /** 0-based. */
  readonly index: number;
  /** In lower case. Absent: only its number names it. */
  readonly name?: string;
  readonly from: From;
  readonly instructions: readonly Exclude<Instruction, From>[];
}

/** A whole Dockerfile. */
export interface Dockerfile {
  /** How messages call it. */
  readonly file: string;
  readonly escape: string;
  /** Before the first FROM. */
  readonly args: readonly Arg[];
  /** At least one. */
  readonly stages: readonly Stage[];
}

/**
 * Reads a Dockerfile. `file` is how messages call it.
 * @throws BtError IMAGES_DOCKERFILE_EMPTY, IMAGES_INSTRUCTION_…, IMAGES_FLAG_…, IMAGES_STAGE_TWICE
 */
export function parseDockerfile(text: string, file: string): Dockerfile {
  const { escape, statements } = parseStatements(text, file);
  const args: Arg[] = [];
  const stages: { from: From; instructions: Exclude<Instruction, From>[] }[] = [];
  for (const statement of statements) {
    const instruction = parseInstruction(statement, escape);
    if (instruction.kind === "from") stages.push({ from: instruction, instructions: [] });
    else if (stages.length > 0) stages.at(-1)!.instructions.push(instruction);
    else if (instruction.kind === "arg") args.push(instruction);
    else throw instructionMisplaced(statement.at, statement.keyword);
  }
  if (stages.length === 0) throw dockerfileEmpty(file);
  checkNames(stages.map(({ from }) => from));
  const named = stages.map(({ from, instructions }, index): Stage => ({
    index,
    ...(from.name === undefined ? {} : { name: from.name }),
    from,
    instructions,
  }));
  return { file, escape, args, stages: named };
}

/**
 * The instruction that an ONBUILD of a base image has recorded.
 * @throws BtError as parseDockerfile
 */
export function parseTrigger(text: string, from: From): Exclude<Instruction, From> {
  const { escape, statements } = parseStatements(text, from.at.where);
  const statement = statements[0];
  const instruction = statement === undefined ? undefined : parseInstruction({ ...statement, at: from.at }, escape);
  if (instruction === undefined || instruction.kind === "from") throw instructionMisplaced(from.at, `ONBUILD ${text}`);
  return instruction;
}

function checkNames(stages: readonly From[]): void {
  const seen = new Map<string, From>();
  for (const from of stages) {
    const before = from.name === undefined ? undefined : seen.get(from.name);
    if (from.name !== undefined && before !== undefined) throw stageTwice(from.at, from.name, before.at.line ?? 0);
    if (from.name !== undefined) seen.set(from.name, from);
  }
}
