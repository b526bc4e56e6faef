/** Whether a file of known hosts has a key for a host. Reads the format of OpenSSH; does not know keys. */
import { createHmac } from "node:crypto";

/** Also with hashed names and patterns; a revoked key is none. */
export function knowsHost(text: string, host: string, port: number): boolean {
  const name = port === 22 ? host : `[${host}]:${port}`;
  return text.split("\n").some((line) => {
    const words = line.trim().split(/\s+/);
    if (words.length < 3 || words[0]?.startsWith("#") === true || words[0] === "@revoked") return false;
    const hosts = words[0]?.startsWith("@") === true ? words[1] : words[0];
    return matchesHosts(hosts ?? "", name);
  });
}

function matchesHosts(hosts: string, name: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]+)\|(.+)$/.exec(hosts) ?? [];
  if (salt !== undefined && hash !== undefined)
    return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
  const patterns = hosts.split(",");
  if (patterns.some((pattern) => pattern.startsWith("!") && matches(pattern.slice(1), name))) return false;
  return patterns.some((pattern) => matches(pattern, name));
}

function matches(pattern: string, name: string): boolean {
  const text = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${text}$`, "i").test(name);
}
