/** Looks at options and tasks before anything runs. Does not connect. */
import { checkOptions, type NamedTask } from "../../core/index.ts";
import { trustedDomains, writerSecrets } from "./access.ts";
import { credentialDeclared, domainMalformed, urlMalformed } from "./errors.ts";
import { cacheMarks, type RemoteCacheOptions } from "./options.ts";

/** @throws BtError FIELD_UNKNOWN, FIELD_MISSING, FIELD_SHAPE, CACHE_URL, CACHE_DOMAIN */
export function checkCache(options: RemoteCacheOptions): void {
  const isPlaced = "url" in options || "registry" in options;
  checkOptions("remoteCache()", options, isPlaced ? cacheMarks : { ...cacheMarks, url: "required" });
  if ("url" in options) checkUrl(options.url);
  for (const domain of trustedDomains(options))
    if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(domain)) throw domainMalformed(domain);
}

/**
 * The same tasks, if none of them is given what can forge results.
 * @throws BtError CACHE_CREDENTIAL_DECLARED
 */
export function refuseDeclared(tasks: readonly NamedTask[], options: RemoteCacheOptions): readonly NamedTask[] {
  const secret = new Set(writerSecrets(options).flatMap((one) => ("env" in one ? [one.env] : [])));
  if (secret.size === 0) return tasks;
  for (const { name, task } of tasks) {
    const params = Object.values(task.params ?? {}).flatMap(({ env }) => env ?? []);
    const found = [...(task.env ?? []), ...params].find((variable) => secret.has(variable));
    if (found !== undefined) throw credentialDeclared(name, found);
  }
  return tasks;
}

function checkUrl(text: string): void {
  if (!URL.canParse(text)) throw urlMalformed("cannot be read", text.replace(/\/\/.*@/s, "//")); // What stands before an @ is a login.
  const url = new URL(text);
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  if (!/^https?:$/.test(url.protocol)) throw urlMalformed("is neither http nor https", shown);
  if (url.username !== "" || url.password !== "") throw urlMalformed("holds a login", shown);
  if (url.search !== "" || url.hash !== "") throw urlMalformed("has more than a path", shown);
}
