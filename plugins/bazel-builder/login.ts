/** A client for registries with the login of a task's params. Does not know what is asked of it. */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Context } from "../../core/index.ts";
import { closeClient, openClient, type Client } from "../multiarch-manifest/index.ts";
import { asRegistryFailure } from "./errors.ts";
import type { BazelBuilderOptions } from "./options.ts";

/** Runs `work` with a client that ends with it. Failures of registries get their exit code. */
export async function withRegistry<T>(
  context: Pick<Context, "params" | "root" | "signal" | "tempDir" | "hide" | "defer">,
  { tlsVerify, authFile: own }: BazelBuilderOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { params, root, signal } = context;
  const given = params["authFile"] as string | undefined; // A path, as registryParams declares it.
  const authFile = (await writeLogin(context)) ?? given ?? own;
  const client = await openClient({
    signal,
    ...(tlsVerify === undefined ? {} : { tlsVerify }),
    ...(authFile === undefined ? {} : { authFile: resolve(root, authFile) }),
  });
  const done = work(client)
    .catch((error: unknown) => {
      throw asRegistryFailure(error);
    })
    .finally(() => closeClient(client));
  context.defer(() => done.catch(() => undefined));
  return done;
}

/** QUAY_USERNAME and QUAY_PASSWORD as an auth file of this task alone. */
async function writeLogin({ params, tempDir, hide }: Parameters<typeof withRegistry>[0]): Promise<string | undefined> {
  const { username, password, prefix } = params as { username?: string; password?: string; prefix?: string }; // As registryParams declares them.
  if (username === undefined || password === undefined || prefix === undefined) return undefined;
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  hide(auth);
  const file = join(await tempDir(), "auth.json");
  const [host = ""] = prefix.split("/");
  await writeFile(file, JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600 });
  return file;
}
