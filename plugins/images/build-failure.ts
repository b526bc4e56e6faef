/** A build that an engine gave up, told with the instruction it stopped at. Starts nothing; does not know engines apart. */
import { isBtError, ociPlatform } from "../../core/index.ts";
import { buildFailed } from "./engine-errors.ts";
import type { EngineName } from "./engine-name.ts";
import type { PreparedBuild } from "./engine-request.ts";
import type { Instruction } from "./instruction.ts";
import { parseJsonList } from "./word.ts";

/**
 * What `work`, the engine's own build command, comes to.
 * @throws BtError IMAGES_BUILD_FAILED in the place of COMMAND_FAILED
 */
export async function tellFailure<T>(
  engine: EngineName,
  { plan, request }: PreparedBuild,
  work: Promise<T>,
): Promise<T> {
  return work.catch((error: unknown) => {
    if (!isBtError(error) || error.code !== "COMMAND_FAILED") throw error;
    const commands = plan.stages.flatMap(({ stage }) => stage.instructions).filter(({ kind }) => kind === "run");
    const stopped = findStopped(commands, error.detail);
    throw buildFailed(stopped?.at ?? { where: plan.dockerfile.file }, {
      engine,
      platform: ociPlatform(request.platform),
      command: stopped?.text,
      said: error.detail,
    });
  });
}

/** How buildah and podman, docker's classic builder and BuildKit name the step that failed. */
const stepPatterns = [/ building at STEP "(.*)":/, /^Step \d+\/\d+ : (.*)$/, / process "(.*)" did not complete/];

/** The command in the last step that the output names; of several that fit the longest. Undefined: it cannot be told. */
function findStopped(
  commands: readonly Pick<Instruction, "at" | "text">[],
  lines: readonly string[],
): Pick<Instruction, "at" | "text"> | undefined {
  const step = lines.flatMap((line) => stepPatterns.flatMap((pattern) => pattern.exec(line)?.[1] ?? [])).at(-1);
  if (step === undefined) return undefined;
  const said = plain(step.replaceAll(/\\(["\\])/g, "$1"));
  const fitting = commands.filter(({ text }) => {
    const command = text.replace(/^RUN\s+(?:--\S+\s+)*/i, "");
    return [command, parseJsonList(command)?.join(" ") ?? command].some((form) => said.endsWith(plain(form)));
  });
  const [longest, other] = fitting.toSorted((a, b) => b.text.length - a.text.length);
  return longest?.text === other?.text ? undefined : longest;
}

/** Every run of space is one. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
