/** What the tasks' work is given, and the client that ends with it. Does not know the tasks. */
import type { Context } from "../../core/index.ts";
import { clientOptions, type ConnectionValues } from "./connection.ts";
import { closeClient, createClient, type Client } from "./host.ts";
import type { Shop } from "./shop.ts";

/** What of a task's context is used. */
export type Desk<V> = Pick<Context, "root" | "name" | "log" | "signal" | "publishing" | "defer" | "exec"> & {
  readonly params: V;
};

/** Runs `work` with a client that ends with it. An abort lets it finish or undo what it does; the task waits for that. */
export async function withClient<T>(
  { root, params, signal, defer }: Desk<ConnectionValues>,
  shop: Pick<Shop, "options">,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = createClient({ ...clientOptions(root, params, shop.options), signal });
  const done = work(client).finally(() => closeClient(client));
  defer(() => done.catch(() => undefined));
  return done;
}
