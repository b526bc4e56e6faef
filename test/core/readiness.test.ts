/** When a service counts as ready: its output, port, address and command. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { waitReady, type ReadinessOptions } from "../../core/readiness.ts";
import { startServer } from "../support/fake-registry.ts";
import { freePort } from "../support/registry.ts";

function optionsWith(some: Partial<ReadinessOptions> = {}): ReadinessOptions {
  return { said: async () => {}, ask: async () => true, signal: new AbortController().signal, ...some };
}

test("an address that answers with an error is not ready yet", async () => {
  const { host, seen } = await startServer((_, answer) => answer.writeHead(seen.length < 3 ? 503 : 204).end());

  await waitReady({ http: `http://${host}/` }, optionsWith());

  expect(seen).toHaveLength(3);
});

test("a port at which nobody listens is not ready yet", async () => {
  const port = await freePort();
  let isReady = false;
  const ready = waitReady({ port }, optionsWith()).then(() => (isReady = true));

  await once(connect(port, "127.0.0.1"), "error").catch(() => undefined); // The first look has been refused as well by now.
  const before = isReady;
  const server = createServer().listen(port, "127.0.0.1");
  onTestFinished(() => void server.close());
  await ready;

  expect(before).toBe(false);
});

test("a command is asked until it succeeds", async () => {
  let asked = 0;

  await waitReady({ command: "knock" }, optionsWith({ ask: async () => ++asked === 3 }));

  expect(asked).toBe(3);
});

test("a line is matched from its beginning each time, whatever flags the pattern has", async () => {
  const answers: boolean[] = [];
  const said: ReadinessOptions["said"] = async (matches) => {
    for (const line of ["oven hot", "oven hot", "oven"]) answers.push(matches(line));
  };

  await waitReady({ line: /hot/gy }, optionsWith({ said }));
  await waitReady({ line: "hot" }, optionsWith({ said }));

  expect(answers).toEqual([true, true, false, true, true, false]);
});

test("waiting ends with the reason of its signal", async () => {
  const stop = new AbortController();

  const ready = waitReady({ command: "knock" }, optionsWith({ ask: async () => false, signal: stop.signal }));
  stop.abort(new Error("enough"));

  await expect(ready).rejects.toThrow("enough");
});
