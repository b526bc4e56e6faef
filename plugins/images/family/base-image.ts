/** The base image of a Dockerfile's last stage, with arguments filled in. Pure; does not know engines. */
import { findPlatform, hostPlatform, type Arch } from "../../../core/index.ts";

/** Undefined: it is `scratch`, or nothing that can be told. */
export function findBase(text: string, args: Readonly<Record<string, string>>, arch: Arch): string | undefined {
  const lines = text.replaceAll(/\\\r?\n/g, " ").split("\n");
  const platform = findPlatform(arch);
  const values: Record<string, string> = {
    TARGETARCH: platform?.goarch ?? arch,
    TARGETOS: "linux",
    TARGETPLATFORM: `linux/${arch}`,
    BUILDPLATFORM: `linux/${hostPlatform().arch}`,
  };
  const stages = new Map<string, string>();
  let last: string | undefined;
  for (const line of lines) {
    const [, instruction = "", rest = ""] = /^\s*(ARG|FROM)\s+(.*)$/i.exec(line) ?? [];
    if (instruction.toUpperCase() === "ARG" && last === undefined) {
      for (const [, name = "", , , double, single, plain] of rest.matchAll(/(\w+)(=("([^"]*)"|'([^']*)'|(\S*)))?/g))
        values[name] = args[name] ?? double ?? single ?? plain ?? values[name] ?? "";
    }
    if (instruction.toUpperCase() !== "FROM") continue;
    const words = rest.split(/\s+/).filter((word) => word !== "" && !word.startsWith("--"));
    const image = expand(words[0] ?? "", values);
    last = stages.get(image.toLowerCase()) ?? image;
    if (words[1]?.toLowerCase() === "as" && words[2] !== undefined) stages.set(words[2].toLowerCase(), last);
  }
  return last === undefined || last === "scratch" || last === "" ? undefined : last;
}

function expand(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})/g, (_, plain, braced, sign, other) => {
    const value = values[String(plain ?? braced)] ?? "";
    if (sign === "-") return value === "" ? String(other) : value;
    if (sign === "+") return value === "" ? "" : String(other);
    return value;
  });
}
