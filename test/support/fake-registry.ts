/** A scripted HTTP server for what the real registry cannot show; and a proxy that spoils requests on their way to it. */
import { once } from "node:events";
import {
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { onTestFinished } from "vitest";

/** A running server. */
export interface TestServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** `METHOD /path` of every request so far, in order. */
  readonly seen: string[];
  /** Headers of every request so far, in order. */
  readonly headers: IncomingMessage["headers"][];
}

/** What happens to the n-th request (from 1) on its way. Undefined: nothing. */
export type Spoiler = (asked: IncomingMessage, n: number) => Fault | Promise<Fault>;

/** A status, a broken connection, or nothing. */
export type Fault = number | "cut" | undefined;

/** A server that answers with `listener` and ends with the test. */
export async function startServer(listener: RequestListener): Promise<TestServer> {
  const seen: string[] = [];
  const headers: IncomingMessage["headers"][] = [];
  const server = createServer((asked, answer) => {
    seen.push(`${asked.method} ${asked.url}`);
    headers.push(asked.headers);
    listener(asked, answer);
  });
  return { host: await listen(server), seen, headers };
}

/** A proxy before the registry at `host`: a number is answered as that status, `cut` breaks the connection in the middle of the body. */
export async function startSpoiler(host: string, spoil: Spoiler): Promise<TestServer> {
  let n = 0;
  const pass = (asked: IncomingMessage, answer: ServerResponse, fault: Fault): void => {
    if (typeof fault === "number") {
      asked.resume();
      answer
        // Clients that try again need not wait: what they do then is the same.
        .writeHead(fault, { "content-type": "application/json", "retry-after": "0" })
        .end('{"errors":[{"code":"SPOILT","message":"by the test"}]}');
      return;
    }
    const url = new URL(asked.url ?? "/", `http://${host}`);
    const onward = request(
      url,
      { method: asked.method ?? "GET", headers: { ...asked.headers, host: asked.headers.host ?? host } },
      (came) => {
        answer.writeHead(came.statusCode ?? 500, came.headers);
        if (fault === "cut" && asked.method === "GET")
          came.once("data", (data: Buffer) => answer.write(data.subarray(0, 1000), () => asked.socket.destroy()));
        else came.pipe(answer);
      },
    );
    onward.on("error", () => asked.socket.destroy());
    if (fault === "cut" && asked.method !== "GET") {
      asked.once("data", (data: Buffer) => {
        onward.write(data.subarray(0, 1000), () => {
          onward.destroy();
          asked.socket.destroy();
        });
      });
    } else asked.pipe(onward);
  };
  return startServer(
    (asked, answer) => void Promise.resolve(spoil(asked, ++n)).then((fault) => pass(asked, answer, fault)),
  );
}

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}
