/** Asks a person on the terminal. Does not know what about. */
import type { Interface } from "node:readline/promises";

/** Undefined: nobody is there to answer. */
export async function confirmOnTerminal(question: string): Promise<boolean | undefined> {
  const answer = await askOnTerminal(`${question} [y/N] `);
  return answer === undefined ? undefined : /^y(es)?$/i.test(answer);
}

/** A line without the blanks around it. Undefined: nobody is there to answer, or the answer was the end of the input. */
export async function askOnTerminal(question: string): Promise<string | undefined> {
  if (process.stdin.isTTY !== true) return undefined;
  const { createInterface } = await import("node:readline/promises");
  return await answerOf(createInterface({ input: process.stdin, output: process.stderr }), question);
}

/** The same, and what is typed is not shown. */
export async function askSecretly(question: string): Promise<string | undefined> {
  if (process.stdin.isTTY !== true) return undefined;
  const { createInterface } = await import("node:readline/promises");
  const { Writable } = await import("node:stream");
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output, terminal: true });
  process.stderr.write(question); // Not before: until now the terminal would have shown an answer.
  const answer = await answerOf(terminal, "");
  process.stderr.write("\n");
  return answer;
}

async function answerOf(terminal: Interface, question: string): Promise<string | undefined> {
  const closed = new Promise<undefined>((resolve) => terminal.once("close", () => resolve(undefined)));
  const answer = await Promise.race([terminal.question(question), closed]);
  terminal.close();
  return answer?.trim();
}
