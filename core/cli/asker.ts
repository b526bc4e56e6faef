/** `--ask`: asks a person on the terminal for params that must have a value and have none. Does not know who needs them. */
import type { Paint } from "../paint.ts";
import { describeType, type AskParam, type MissingParam } from "../params.ts";
import { renderError } from "../report/failure.ts";
import { askOnTerminal, askSecretly } from "./confirm.ts";
import { writeText } from "./print.ts";

/** An answer counts for all tasks that have the variable, as `NAME=value` does; where it does not fit it is asked again. */
export function createAsker(paint: Paint): AskParam {
  const answers = new Map<string, string>();
  return async (missing) => {
    const known = answers.get(missing.variable);
    if (known !== undefined && (await missing.refuse(known)) === undefined) return known;
    const answer = await askUntilRight(missing, paint);
    if (answer !== undefined) answers.set(missing.variable, answer);
    return answer;
  };
}

async function askUntilRight(
  { task, variable, param, refuse }: MissingParam,
  paint: Paint,
): Promise<string | undefined> {
  const ask = param.kind === "secret" ? askSecretly : askOnTerminal;
  const facts = [param.description, param.kind === "string" ? undefined : describeType(param)].filter(Boolean);
  for (;;) {
    const answer = await ask(`${variable} of ${task}${facts.length === 0 ? "" : ` (${facts.join("; ")})`}: `);
    if (answer === undefined) return undefined;
    const fault = answer === "" ? undefined : await refuse(answer);
    if (answer !== "" && fault === undefined) return answer;
    if (fault !== undefined) writeText(2, renderError(fault, paint));
  }
}
