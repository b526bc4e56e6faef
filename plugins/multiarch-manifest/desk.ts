/** What the tasks' work is given, and the client that ends with it. Does not know the tasks. */
import { findTool, type Context } from "../../core/index.ts";
import { clientOptions, type ConnectionValues } from "./connection.ts";
import { closeClient, createClient, type Client } from "./host.ts";
import type { Shop } from "./shop.ts";
import type { StartEngine } from "./storage.ts";

/** What of a task's context is used. */
export type Desk<V> = Pick<
  Context,
  "root" | "name" | "log" | "signal" | "publishing" | "defer" | "exec" | "isDryRun"
> & {
  readonly params: V;
};

/** Runs `work` with a client that ends with it. An abort lets it finish or undo what it does; the task waits for that. */
export async function withClient<T>(
  { root, params, signal, defer, exec }: Desk<ConnectionValues>,
  shop: Pick<Shop, "options">,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const start: StartEngine = async (program, args, env) => {
    if (findTool(program, env["PATH"] ?? "") === undefined) return undefined;
    // What an engine's exit code means is decided by who started it.
    const { exitCode: code, stderr, stdout } = await exec(program, args, { env, allowedCodes: "any" });
    return { code, output: stderr === "" ? stdout : stderr };
  };
  const client = createClient({ ...clientOptions(root, params, shop.options), signal, start });
  const done = work(client).finally(() => closeClient(client));
  defer(() => done.catch(() => undefined));
  return done;
}
