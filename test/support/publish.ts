/** Shared acts of the publish tests: a client without programs on its path, a lock folder of its own. */
import {
  createClient,
  openRepository,
  type Client,
  type ClientOptions,
  type Repository,
} from "../../plugins/multiarch-manifest/host.ts";
import type { PublishItem } from "../../plugins/multiarch-manifest/plan.ts";
import { publish, type PublishOptions } from "../../plugins/multiarch-manifest/publish.ts";
import { findHead } from "../../plugins/multiarch-manifest/registry.ts";
import { temporaryFolder } from "./temporary.ts";

/** A client that waits hardly at all and finds no external program. */
export function clientWith(options: ClientOptions = {}): Client {
  return createClient({ env: { PATH: "/nowhere" }, backoffMs: 1, ...options });
}

/** Publishes a group. */
export async function send(group: readonly PublishItem[], options: PublishOptions = {}): ReturnType<typeof publish> {
  return publish(group, { client: clientWith(), lockFolder: await temporaryFolder(), ...options });
}

/** A repository as another user sees it. */
export async function open(host: string, repository: string): Promise<Repository> {
  return openRepository(clientWith(), { host, repository });
}

/** What a tag stands for now. */
export async function digestAt(host: string, repository: string, tag: string): Promise<string | undefined> {
  return (await findHead(await open(host, repository), tag))?.digest;
}
