/** One client for all requests: what it reads of several servers at once, and what it does when a body is not read. */
import { randomBytes } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import {
  closeConnection,
  createConnection,
  readBytes,
  send,
  type Connection,
  type HttpAnswer,
} from "../../../plugins/multiarch-manifest/http.ts";
import { startServer } from "../../support/fake-registry.ts";

const mib = 1 << 20;

function connect(): Connection {
  const connection = createConnection({ tls: { ca: [] }, verify: true, env: {}, idleMs: 30_000 });
  onTestFinished(() => closeConnection(connection));
  return connection;
}

/** A server on 127.0.0.1 only, and the ports that it was asked from. */
async function serve(bodies: Readonly<Record<string, Buffer>>): Promise<{ host: string; askers: Set<unknown> }> {
  const askers = new Set<unknown>();
  const { host } = await startServer(({ url = "", socket }, response) => {
    askers.add(socket.remotePort);
    response.end(bodies[url]);
  });
  return { host, askers };
}

const get = (connection: Connection, url: string): Promise<HttpAnswer> =>
  send(connection, { method: "GET", url: new URL(url), headers: {} });

test("chunks of bodies that come at the same time stay what they are", async () => {
  const bodies = { "/one": randomBytes(9 * mib), "/two": randomBytes(9 * mib), "/three": randomBytes(9 * mib) };
  const { host } = await serve(bodies);
  const connection = connect();

  const read = async (name: string): Promise<Buffer> =>
    readBytes(await get(connection, `http://${host}${name}`), 10 * mib);
  const received = await Promise.all(Object.keys(bodies).map(read));

  expect(received.map((body, at) => body.equals(Object.values(bodies)[at]!))).toEqual([true, true, true]);
});

test("a body that is read late comes whole, and its connection serves the next request", async () => {
  const body = randomBytes(9 * mib);
  const { host, askers } = await serve({ "/": body });
  const connection = connect();
  const url = `http://${host}/`;

  const late = await get(connection, url);
  const other = await readBytes(await get(connection, url), 10 * mib); // Nobody has read the first meanwhile.
  const first = await readBytes(late, 10 * mib);
  const third = await readBytes(await get(connection, url), 10 * mib);

  expect([first, other, third].map((one) => one.equals(body))).toEqual([true, true, true]);
  expect(askers.size).toBe(2);
});

test("a host with several addresses is reached at the one that answers", async () => {
  const { host } = await serve({ "/": Buffer.from("here") });

  const answer = await get(connect(), `http://${host.replace("127.0.0.1", "localhost")}/`);

  expect((await readBytes(answer, mib)).toString()).toBe("here");
});
