/** Which proxy a request goes through, from the environment. Pure; does not send anything. */

/** The proxy for `url`: HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY names the host. Lower-case names win. Undefined: none. */
export function findProxy(url: URL, env: Readonly<Record<string, string | undefined>>): URL | undefined {
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const value = env[name.toLowerCase()] || env[name];
  if (!value || isExempt(url, env["no_proxy"] || env["NO_PROXY"] || "")) return undefined;
  return new URL(value.includes("://") ? value : `http://${value}`);
}

/** Entries: `*`, `host`, `.domain`, `domain` (its hosts too), each optionally with `:port`. */
function isExempt(url: URL, list: string): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const ported = /^(.*[^:]):(\d+)$/.exec(entry);
      if (ported !== null && ported[2] !== port) return false;
      const name = (ported?.[1] ?? entry)
        .toLowerCase()
        .replace(/^\*?\./, "")
        .replace(/^\[|\]$/g, "");
      return host === name || host.endsWith(`.${name}`);
    });
}
