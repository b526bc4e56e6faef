/** bazeldnf's lock file for bzlmod, read as if it were a workspace with `rpm` rules. Does not write it. */
import { bazelFileMalformed } from "./errors.ts";
import type { Attribute, BazelFile, Value } from "./starlark.ts";

interface LockedRpm {
  readonly id?: string;
  readonly name?: string;
  readonly integrity?: string;
  readonly urls?: readonly string[];
  readonly repository?: string;
}

/** Both forms: addresses relative to a repository's mirrors, and whole ones. @throws BtError RPM_DEPS_BAZEL_FILE_MALFORMED */
export function lockRules(text: string, file: string): BazelFile {
  let lock: {
    readonly repositories?: Readonly<Record<string, readonly string[]>>;
    readonly rpms?: readonly LockedRpm[];
  };
  try {
    lock = JSON.parse(text);
  } catch (error) {
    throw bazelFileMalformed(error instanceof Error ? error.message : String(error), { where: file });
  }
  const rules = (lock.rpms ?? []).map(({ id, name = "", integrity = "", urls = [], repository = "" }) => {
    const mirrors = lock.repositories?.[repository] ?? [];
    const whole = urls.flatMap((url) =>
      /^\w+:/.test(url) || mirrors.length === 0
        ? [url]
        : mirrors.map((mirror) => `${mirror.replace(/\/$/, "")}/${url}`),
    );
    const sha256 = Buffer.from(integrity.replace(/^sha256-/, ""), "base64").toString("hex");
    const values: Record<string, Value> = {
      name: { kind: "text", text: id ?? name },
      sha256: { kind: "text", text: sha256 },
      urls: { kind: "list", items: whole.map((url): Value => ({ kind: "text", text: url })) },
    };
    const attributes = Object.entries(values).map(([key, value]): Attribute => ({
      name: key,
      value,
      start: 0,
      end: 0,
    }));
    return { kind: "rpm", name: id ?? name, attributes, start: 0, end: 0, close: 0 };
  });
  return { file, text, rules };
}
