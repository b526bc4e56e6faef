/** Asks a person on the terminal. Does not know what about. */

/** Undefined: nobody is there to answer. */
export async function confirmOnTerminal(question: string): Promise<boolean | undefined> {
  const answer = await askOnTerminal(`${question} [y/N] `);
  return answer === undefined ? undefined : /^y(es)?$/i.test(answer);
}

/** A line without the blanks around it. Undefined: nobody is there to answer, or the answer was the end of the input. */
export async function askOnTerminal(question: string): Promise<string | undefined> {
  if (process.stdin.isTTY !== true) return undefined;
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<undefined>((resolve) => terminal.once("close", () => resolve(undefined)));
  const answer = await Promise.race([terminal.question(question), closed]);
  terminal.close();
  return answer?.trim();
}
