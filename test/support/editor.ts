/** An editor, as far as it asks TypeScript's language server what may stand at a place. Knows nothing of bt. */
import { spawn } from "node:child_process";
import * as path from "node:path";
import { onTestFinished } from "vitest";

const compiler = path.join(import.meta.dirname, "../../node_modules/.bin/tsc");

interface Item {
  readonly label: string;
  readonly kind?: number;
}

/**
 * Opens a file of the project folder with this text and returns what is offered at every `‸` in it, sorted.
 * Words of the language, which are always offered, are left out.
 */
export async function offeredIn(root: string, file: string, text: string): Promise<readonly (readonly string[])[]> {
  const server = spawn(compiler, ["--lsp", "--stdio"], { cwd: root, stdio: ["pipe", "pipe", "ignore"] });
  onTestFinished(() => void server.kill("SIGKILL"));
  const waiting = new Map<number, (result: unknown) => void>();
  let held = Buffer.alloc(0);
  server.stdout.on("data", (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    for (let found = nextMessage(held); found !== undefined; found = nextMessage(held)) {
      held = found.rest;
      const { id, method, result, error } = found.message;
      if (method === undefined && id !== undefined) waiting.get(id)?.(error ?? result);
      else if (id !== undefined) send({ id, result: null }); // The server's own questions need no answer of ours.
    }
  });
  const send = (message: object): void => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  let last = 0;
  const ask = (method: string, params: unknown): Promise<unknown> => {
    const id = ++last;
    send({ id, method, params });
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  const uri = `file://${path.join(root, file)}`;
  await ask("initialize", { processId: process.pid, rootUri: `file://${root}`, capabilities: {} });
  send({ method: "initialized", params: {} });
  const parts = text.split("‸");
  send({
    method: "textDocument/didOpen",
    params: { textDocument: { uri, languageId: "typescript", version: 1, text: parts.join("") } },
  });
  const answers = [];
  for (let at = 1; at < parts.length; at++) {
    const before = parts.slice(0, at).join("").split("\n");
    const position = { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
    const answer = (await ask("textDocument/completion", { textDocument: { uri }, position })) as
      | { readonly items?: readonly Item[] }
      | readonly Item[]
      | null;
    answers.push(itemsOf(answer));
  }
  await ask("shutdown", undefined);
  send({ method: "exit" });
  return answers;
}

const keyword = 14;

function itemsOf(answer: { readonly items?: readonly Item[] } | readonly Item[] | null): string[] {
  const items = answer === null ? [] : "items" in answer ? (answer.items ?? []) : (answer as readonly Item[]);
  return items
    .filter(({ kind }) => kind !== keyword)
    .map(({ label }) => label.replace(/\?$/, "").replaceAll('"', ""))
    .sort();
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: unknown;
}

function nextMessage(bytes: Buffer): { readonly message: Message; readonly rest: Buffer<ArrayBuffer> } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  const [, length] = /Content-Length: (\d+)/i.exec(bytes.toString("latin1", 0, Math.max(0, end))) ?? [];
  const start = end + 4;
  if (end === -1 || length === undefined || bytes.length < start + Number(length)) return undefined;
  const body = bytes.toString("utf8", start, start + Number(length));
  return { message: JSON.parse(body) as Message, rest: Buffer.from(bytes.subarray(start + Number(length))) };
}
