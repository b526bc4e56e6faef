/** Params of builders that are more than text: architectures, prefixes, tags, references. Checked before anything runs. */
import { param, type Arch, type Param, type StandardSchema } from "../../core/index.ts";
import { findArch, refuseArch, tagSuffix } from "./arch.ts";
import type { BazelBuilderOptions } from "./options.ts";

/** How a param is called outside. */
interface Naming<T> {
  readonly env: string;
  readonly description: string;
  readonly default?: T;
}

/** A list in any spelling, split at blanks and commas, each once. */
export function archesParam(arches: readonly Arch[], naming: Naming<never>): Param<readonly Arch[] | undefined> {
  return checked(naming, (text) => {
    const words = text.split(/[\s,]+/).filter((word) => word !== "");
    const wrong = words.find((word) => !arches.includes(findArch(word)!)); // Undefined is in no list.
    if (wrong !== undefined) return { problem: refuseArch(wrong, arches) };
    return { value: [...new Set(words.map((word) => findArch(word)!))] };
  });
}

/** Registry and namespace: `quay.io/kubevirt`. */
export function prefixParam(naming: Naming<string>): Param<string> {
  return checked(naming, (text) => prefixProblem(text) ?? { value: text });
}

/** A tag; `arches` may come behind it. */
export function tagParam(naming: Naming<string>, arches: readonly Arch[]): Param<string | undefined> {
  return checked(naming, (text) => tagProblem(text, arches) ?? { value: text });
}

/** Last part of an image's name, or what stands before it. */
export function nameParam(naming: Naming<string>): Param<string> {
  return checked(naming, (text) =>
    /^[a-z0-9][a-z0-9._/-]*$/.test(text)
      ? { value: text }
      : { problem: `it has "${/[^a-z0-9._/-]/.exec(text)?.[0] ?? text[0]}", and takes a-z 0-9 . _ - / only` },
  );
}

/** A builder with its tag or digest. */
export function referenceParam(naming: Naming<string>): Param<string | undefined> {
  return checked(naming, (text) => referenceProblem(text) ?? { value: text });
}

/** One of the names, or what stands for it. */
export function wordParam(words: ReadonlyMap<string, string>, naming: Naming<string>): Param<string | undefined> {
  return checked(naming, (text) => {
    const value = words.get(text);
    return value === undefined ? { problem: `it is none of ${[...words.keys()].join(", ")}` } : { value };
  });
}

/** What is wrong with a reference to a builder. Undefined: nothing. */
function referenceProblem(text: string): { readonly problem: string } | undefined {
  const slash = text.lastIndexOf("/");
  const last = text.slice(slash + 1);
  if (/<[^>]*>/.test(text)) return { problem: `"${/<[^>]*>/.exec(text)?.[0]}" is to be filled in first` };
  if (/[^A-Za-z0-9._/:@-]/.test(text)) return { problem: `it has "${/[^A-Za-z0-9._/:@-]/.exec(text)?.[0]}"` };
  if (last.includes("@sha256:") || /^[^:]+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(last)) return undefined;
  if (slash > 0 && /^[A-Za-z0-9_.-]+$/.test(last) && text.slice(0, slash).includes("/"))
    return {
      problem: `it has neither tag nor digest; with ":" before the version it is ${text.slice(0, slash)}:${last}`,
    };
  return { problem: `it has neither tag nor digest; write ${text.replace(/:$/, "")}:VERSION` };
}

/** What is wrong with a tag that gets the suffix of an architecture. Undefined: nothing. */
function tagProblem(text: string, arches: readonly Arch[]): { readonly problem: string } | undefined {
  const wrong = /^[^A-Za-z0-9_]|[^A-Za-z0-9._-]/.exec(text)?.[0];
  if (text === "") return { problem: "a tag cannot be empty" };
  if (wrong !== undefined) return { problem: `no tag can have "${wrong}" there` };
  const longest = Math.max(0, ...arches.map((arch) => tagSuffix(arch).length + 1));
  if (text.length + longest <= 128) return undefined;
  return { problem: `it has ${text.length} characters, and with "-${arches.map(tagSuffix).at(-1)}" may have 128` };
}

/** What is wrong with a prefix. Undefined: nothing. */
function prefixProblem(text: string): { readonly problem: string } | undefined {
  const example = text
    .replace(/^[a-z]+:\/\//i, "")
    .replaceAll(/<[^>]*>/g, "quay.io")
    .replace(/:[^/]*$/, (part) => (/^:\d+$/.test(part) && !text.includes("/") ? part : ""))
    .replace(/\/+$/, "")
    .toLowerCase();
  const problem = findPrefixProblem(text);
  return problem === undefined ? undefined : { problem: `${problem}; write for example "${example}"` };
}

function findPrefixProblem(text: string): string | undefined {
  const placeholder = /<[^>]*>/.exec(text)?.[0];
  if (placeholder !== undefined) return `"${placeholder}" is to be filled in first`;
  const scheme = /^[a-z]+:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) return `"${scheme}" is no part of a prefix`;
  const upper = /[A-Z]/.exec(text)?.[0];
  if (upper !== undefined) return `"${upper}" is upper case`;
  const tag = /\/[^/]*(:[^/]*)$/.exec(text)?.[1];
  if (tag !== undefined) return `"${tag}" is a tag, and a prefix has none`;
  const wrong = /[^a-z0-9._/:-]/.exec(text)?.[0];
  if (wrong !== undefined) return `"${wrong}" cannot stand in a name`;
  return /^\/|\/$|\/\//.test(text) ? "a part of it is empty" : undefined;
}

type Judged<T> = { readonly value: T } | { readonly problem: string };

function checked<T>({ default: value, ...naming }: Naming<T>, judge: (text: string) => Judged<T>): Param<T> {
  const schema: StandardSchema<T> = {
    "~standard": {
      version: 1,
      vendor: "bt",
      validate: (given) => {
        const judged = judge(String(given));
        return "problem" in judged ? { issues: [{ message: judged.problem }] } : { value: judged.value };
      },
    },
  };
  const made = param.schema(schema, { ...naming, ...(value === undefined ? {} : { default: value }) });
  return { ...made, required: false };
}

/** What is wrong with the options themselves: they are checked like what comes from outside. */
export function optionProblem(
  options: BazelBuilderOptions,
): { readonly option: string; readonly problem: string } | undefined {
  const { prefix, version, push, variants } = options;
  const found: readonly (readonly [string, { readonly problem: string } | undefined])[] = [
    ["prefix", prefix === undefined ? undefined : prefixProblem(prefix)],
    ["version", typeof version === "string" ? tagProblem(version, options.arches ?? ["s390x"]) : undefined],
    ["push.prefix", push?.prefix === undefined ? undefined : prefixProblem(push.prefix)],
    ["push.tag", push?.tag === undefined ? undefined : tagProblem(push.tag, ["s390x"])],
    ["variants", variants !== undefined && Object.keys(variants).length === 0 ? { problem: "it is empty" } : undefined],
    ...Object.entries(variants ?? {}).flatMap(([name, variant]) =>
      (["image", "context"] as const).map(
        (field) => [`variants.${name}.${field}`, variant[field] ? undefined : { problem: "it is missing" }] as const,
      ),
    ),
  ];
  for (const [option, fault] of found) if (fault !== undefined) return { option, ...fault };
  return undefined;
}
