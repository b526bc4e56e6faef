/** Asks a person on the terminal. Does not know what about. */

/** Undefined: nobody is there to answer. */
export async function confirmOnTerminal(question: string): Promise<boolean | undefined> {
  if (process.stdin.isTTY !== true) return undefined;
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
