/** The variables that an instruction sees: build arguments, ARG, ENV and the platform's own. Pure; does not know stages. */
import { parsePlatform, type Arch, type Place } from "../../core/index.ts";
import { expand, type Expansion } from "./expand.ts";
import type { Pair } from "./word.ts";

/** Where values come from. */
export interface ScopeOptions {
  /** Build arguments. They win over defaults, but only where an ARG declares them. */
  readonly args: Readonly<Record<string, string>>;
  /** What the image is for. */
  readonly platform: Arch;
  /** What the build runs on. */
  readonly buildPlatform: Arch;
  readonly escape: string;
}

/** Variables at one point of a Dockerfile. Plain data; declaring makes a new one. */
export interface Scope {
  readonly options: ScopeOptions;
  /** Values of ARG by name; undefined: declared, without a value. */
  readonly args: ReadonlyMap<string, string | undefined>;
  /** Values of ENV by name, in the order in which they were set. They win over args. */
  readonly env: ReadonlyMap<string, string>;
}

/** The platform arguments, which need no value from the user. */
export function platformArgs(platform: Arch, buildPlatform: Arch): Readonly<Record<string, string>> {
  return { ...describe("TARGET", platform), ...describe("BUILD", buildPlatform) };
}

/** What the lines before the first FROM and the FROM lines see: the platform arguments. */
export function createScope(options: ScopeOptions): Scope {
  const known = platformArgs(options.platform, options.buildPlatform);
  const args = new Map(Object.entries(known).map(([name, value]) => [name, options.args[name] ?? value]));
  return { options, args, env: new Map() };
}

/** The start of a stage: no ARG is declared yet, and the ENV of its base is there. */
export function createStageScope(options: ScopeOptions, env: ReadonlyMap<string, string>): Scope {
  return { options, args: new Map(), env };
}

/** After `ARG`: a build argument, else the default, else the value before the first FROM, else the platform's. */
export function declareArgs(
  scope: Scope,
  pairs: readonly Pair[],
  from: { readonly at: Place; readonly global?: Scope },
): Scope {
  const { options } = scope;
  const known: Readonly<Record<string, string>> = platformArgs(options.platform, options.buildPlatform);
  let current = scope;
  for (const pair of pairs) {
    const name = expandIn(current, pair.name, from.at);
    const fallback =
      pair.value === undefined ? (from.global?.args.get(name) ?? known[name]) : expandIn(current, pair.value, from.at);
    const args = new Map(current.args).set(name, options.args[name] ?? fallback);
    current = { ...current, args };
  }
  return current;
}

/** After `ENV`: every value sees the variables from before the instruction. */
export function declareEnv(scope: Scope, pairs: readonly Pair[], at: Place): Scope {
  const env = new Map(scope.env);
  for (const { name, value = "" } of pairs) env.set(expandIn(scope, name, at), expandIn(scope, value, at));
  return { ...scope, env };
}

/** `text` with the variables of the scope. */
export function expandIn(scope: Scope, text: string, at: Place, options: Pick<Expansion, "keepsQuotes"> = {}): string {
  return expand(text, {
    find: (name) => scope.env.get(name) ?? scope.args.get(name),
    escape: scope.options.escape,
    at,
    ...options,
  });
}

function describe(side: "TARGET" | "BUILD", arch: Arch): Readonly<Record<string, string>> {
  const { goarch, variant = "" } = parsePlatform(arch);
  return {
    [`${side}PLATFORM`]: `linux/${arch}`,
    [`${side}OS`]: "linux",
    [`${side}ARCH`]: goarch,
    [`${side}VARIANT`]: variant,
  };
}
