/** Serves the page of a run on this machine while the run goes on. Does not know what the page shows, and never holds the run up. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import type { Event, Reporter } from "../event.ts";
import { createFollower, createPage } from "./html/follow.ts";
import { addPrevious, completePage } from "./html/gather.ts";
import type { Page } from "./html/model.ts";
import { renderLivePage } from "./html/template.ts";

export interface UiOptions {
  readonly root: string;
  /** Tells people the address, which holds the secret. */
  readonly announce: (url: string) => void;
}

/** Events are sent together. Milliseconds. */
const paceMs = 100;
/** Output beyond this within one pace is not sent; the end of the run brings it. Characters. */
const burst = 1_000_000;
/** A reader that is so far behind begins anew. Bytes. */
const mostBehind = 32 * 1024 * 1024;
/** How long the end waits for readers to take the last words. Milliseconds. */
const patienceMs = 500;

/** Follows a run and serves it on a free port of 127.0.0.1; ends with the run. */
export async function createUiReporter({ root, announce }: UiOptions): Promise<Reporter> {
  const { page, event: follow } = createFollower(createPage(), { output: "kept" });
  const token = randomBytes(24).toString("base64url");
  const readers = new Set<http.ServerResponse>();
  let pending: Event[] = [];
  let pendingText = 0;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0) return;
    const text = renderMessage("events", pending);
    pending = [];
    pendingText = 0;
    for (const reader of readers) {
      if (reader.writableLength > mostBehind) reader.destroy();
      else reader.write(text);
    }
  };

  const welcome = (reader: http.ServerResponse): void => {
    flush(); // What is pending is in the page already.
    if (page.previous === undefined && page.run.id !== "") addPrevious(page, root);
    reader.writeHead(200, { ...headers, "content-type": "text/event-stream" });
    reader.write(renderMessage("page", page));
    readers.add(reader);
    reader.once("close", () => readers.delete(reader));
  };

  const server = http.createServer((request, response) => {
    const { port } = server.address() as AddressInfo; // It listens on an address with a port.
    const path = findPath(request, { token, port });
    if (path === undefined) refuse(response, 403);
    else if (request.method !== "GET") refuse(response, 405);
    else if (path === "") {
      response.writeHead(200, { ...headers, "content-type": "text/html; charset=utf-8" });
      response.end(renderLivePage(page.run.targets));
    } else if (path === "events") welcome(response);
    else refuse(response, 404);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  server.unref();
  const { port } = server.address() as AddressInfo;
  announce(`http://127.0.0.1:${port}/${token}/`);

  return {
    event(event) {
      follow(event);
      if (readers.size === 0) return;
      if (event.kind === "task-output") pendingText += event.text.length;
      if (event.kind === "task-output" && pendingText > burst) return;
      pending.push(event);
      timer ??= setTimeout(flush, paceMs).unref();
    },
    async end() {
      flush();
      if (readers.size > 0) await sayEnd(page, root, readers);
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What only the disk knows goes with the last words. */
async function sayEnd(page: Page, root: string, readers: ReadonlySet<http.ServerResponse>): Promise<void> {
  completePage(page, root);
  const last = renderMessage("end", page);
  const taken = [...readers].map(
    (reader) => new Promise<void>((resolve) => reader.once("close", resolve).end(last, resolve)),
  );
  let timer: NodeJS.Timeout | undefined;
  const tired = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)));
  await Promise.race([Promise.all(taken), tired]);
  clearTimeout(timer);
}

const headers = {
  "cache-control": "no-store",
  "content-security-policy": "frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** JSON has no line breaks of its own. */
function renderMessage(name: "page" | "events" | "end", data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** What is asked for behind the secret. Undefined: the secret is wrong, or a name leads here that is not ours. */
function findPath(
  { url = "", headers: { host = "" } }: http.IncomingMessage,
  { token, port }: { readonly token: string; readonly port: number },
): string | undefined {
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) return undefined;
  const [, given = "", rest] = /^\/([^/?]*)\/([^?]*)$/.exec(url) ?? [];
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return rest !== undefined && a.length === b.length && timingSafeEqual(a, b) ? rest : undefined;
}

function refuse(response: http.ServerResponse, status: 403 | 404 | 405): void {
  response.writeHead(status, headers);
  response.end();
}
