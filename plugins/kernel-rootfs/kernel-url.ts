/** The url of a kernel: `(git|https|file)://HOST/PATH[?depth=N][#BRANCH]`. Pure; fetches nothing. */
import type { KernelSource } from "./options.ts";

/** What a url means, or in words why it means nothing. */
export type ParsedUrl = { readonly source: Extract<KernelSource, { kind: "git" }> } | { readonly problem: string };

const schemes = ["git", "https", "file"];

export function parseKernelUrl(text: string): ParsedUrl {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  if (text === "") return { problem: "it is empty" };
  if (scheme === undefined) return { problem: "it has no scheme" };
  if (!schemes.includes(scheme)) return { problem: `"${scheme}" is none of ${schemes.join(", ")}` };
  const hash = text.indexOf("#");
  const before = hash === -1 ? text : text.slice(0, hash);
  const branch = hash === -1 ? "" : text.slice(hash + 1);
  const mark = before.indexOf("?");
  const address = mark === -1 ? before : before.slice(0, mark);
  const query = mark === -1 ? [] : before.slice(mark + 1).split("&");
  if (/^[a-z]+:\/\/\/*$/.test(address)) return { problem: "it has no path" };
  if (hash !== -1 && !/^[\w][\w./-]*$/.test(branch)) return { problem: `"${branch}" is no branch` };
  const depths: number[] = [];
  for (const part of query) {
    const [key = "", value = ""] = part.split("=", 2);
    if (key !== "depth") return { problem: `only "depth" can stand after "?", not "${key}"` };
    if (!/^[1-9]\d*$/.test(value)) return { problem: `depth "${value}" is no whole number from 1` };
    depths.push(Number(value));
  }
  if (depths.length > 1) return { problem: "depth is given twice" };
  const [depth] = depths;
  return {
    source: {
      kind: "git",
      url: address,
      branch: branch === "" ? "master" : branch,
      ...(depth === undefined ? {} : { depth }),
    },
  };
}
