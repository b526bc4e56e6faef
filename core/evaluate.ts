/** Runs a compiled builderfile once and writes down what it reads meanwhile. Does not know what it exports. */
import { createRequire, isBuiltin } from "node:module";
import * as path from "node:path";
import * as vm from "node:vm";

/** What an evaluation has read. */
export interface Reads {
  /** Names of variables. */
  readonly env: ReadonlySet<string>;
  /** Absolute paths, also of files that were not there. */
  readonly files: ReadonlySet<string>;
  /** What cannot be tracked: `child_process.execSync`, or all of process.env. */
  readonly untracked: ReadonlySet<string>;
  /** The stack of the first read, by name of the variable or by path. */
  readonly stacks: ReadonlyMap<string, string>;
}

export interface Evaluated {
  /** The default export, awaited. Undefined: there is none. */
  readonly exported: unknown;
  readonly reads: Reads;
  /** V8's compiled form, to be handed in next time. Absent: the given one was accepted, or there can be none. */
  readonly codeCache?: Buffer;
}

export interface Script {
  readonly code: string;
  /** The source file, absolute; relative packages are looked for from here. */
  readonly file: string;
  /** Name of the script in stack traces. */
  readonly name: string;
  readonly codeCache?: Buffer;
  /** Packages to import before it runs. */
  readonly packages: readonly string[];
  /** bt's own modules. Undefined: it is somebody else's package. */
  readonly ownModule: (specifier: string) => Promise<object> | undefined;
}

/** A package that is not there; one that is there and cannot find its own packages throws as it is. */
export class ImportError extends Error {
  readonly specifier: string;
  /** `@kitchen/oven` of `@kitchen/oven/heat`. */
  readonly packageName: string;

  constructor(specifier: string, packageName: string, cause: unknown) {
    super(`Cannot find "${specifier}"`, { cause });
    this.name = "ImportError";
    this.specifier = specifier;
    this.packageName = packageName;
  }
}

type Loader = (specifier: string) => Promise<object>;

/** Files of the evaluation that is going on. */
let recorded: Set<string> | undefined;

/** Says that the builderfile depends on a file that bt itself reads for it; without an evaluation nothing happens. */
export function noteRead(file: string): void {
  recorded?.add(path.resolve(file));
}

/** Evaluates a builderfile; whatever it throws passes through. @throws ImportError */
export async function evaluate(script: Script): Promise<Evaluated> {
  const resolver = createRequire(script.file);
  const importPackage = importerFrom(script.file);
  const load: Loader = async (specifier) => (await script.ownModule(specifier)) ?? importPackage(specifier);
  const loaded = new Map<string, object>();
  for (const specifier of script.packages)
    loaded.set(specifier, await load(specifier).catch((error: unknown) => blameImport(specifier, error)));
  const { script: compiled, mayCache } = await compileScript(script);
  const { reads, wrap, stop } = startRecording();
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100; // A task keeps the whole way on which it was made.
  try {
    const require = requireFor(loaded, resolver, wrap);
    const module: { exports: Record<string, unknown> } = { exports: {} };
    const run: unknown = compiled.runInThisContext();
    if (typeof run === "function") run(module.exports, require, module, script.file, path.dirname(script.file), load);
    const exported: unknown = await module.exports["default"];
    const isUsed = script.codeCache !== undefined && compiled.cachedDataRejected !== true;
    return { exported, reads, ...(isUsed || !mayCache ? {} : { codeCache: compiled.createCachedData() }) };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    stop();
  }
}

/** `__load` is what `import("package")` has become: see compile.ts. What is imported by a computed name is left to Node. */
async function compileScript({
  code,
  file,
  name,
  codeCache,
}: Script): Promise<{ script: vm.Script; mayCache: boolean }> {
  const hasComputed = /\bimport\(/.test(code);
  const text = `(function (exports, require, module, __filename, __dirname, __load) {${code}\n})`;
  if (hasComputed) {
    await importerFrom(file)("data:text/javascript,"); // Node's warning about the first use comes now, and is not shown.
    return {
      script: new vm.Script(text, {
        filename: name,
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      }),
      mayCache: false,
    }; // V8's compiled form forgets who imports.
  }
  return {
    script: new vm.Script(text, { filename: name, ...(codeCache === undefined ? {} : { cachedData: codeCache }) }),
    mayCache: true,
  };
}

/** Tells a package that is missing from one that is there and misses something itself. */
function blameImport(specifier: string, error: unknown): never {
  const [, name = specifier] = /^((?:@[^/]+\/)?[^/]+)/.exec(specifier) ?? [];
  const [text = ""] = error instanceof Error ? error.message.split(/\n| imported from /) : [];
  const [, missing] = /^Cannot find (?:package|module) '([^']+)'/.exec(text) ?? [];
  const isOwn =
    specifier.startsWith("builderfile/") &&
    missing?.endsWith(`${specifier.slice("builderfile".length)}/index.js`) === true;
  const isHidden = text.startsWith("Package subpath ") && text.endsWith(`/node_modules/${name}/package.json`);
  throw missing === specifier || missing === name || isOwn || isHidden
    ? new ImportError(specifier, name, error)
    : error;
}

/** Node's own `import()`, resolving from the builderfile. */
function importerFrom(file: string): Loader {
  let importer: Loader | undefined;
  const create = (): Loader =>
    new vm.Script("(specifier) => import(specifier)", {
      filename: file,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }).runInThisContext() as Loader; // The script itself.
  return (specifier) =>
    isBuiltin(specifier) ? import(specifier) : withoutWarnings(() => (importer ??= create())(specifier));
}

/** Node says at the first use that this loader is experimental; whoever runs bt can do nothing about it. */
function withoutWarnings<T>(act: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return act();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/**
 * `require` of the script. esbuild has turned `import` into it; marking the namespace as a module makes default and named
 * imports mean what they mean in Node.
 */
function requireFor(
  loaded: ReadonlyMap<string, object>,
  resolver: NodeJS.Require,
  wrap: (specifier: string, module: object) => object,
): (specifier: string) => unknown {
  const wrapped = new Map<string, object>();
  return (specifier) => {
    const module = loaded.get(specifier);
    if (module === undefined) return resolver(specifier);
    const known = wrapped.get(specifier) ?? { __esModule: true, ...wrap(specifier, module) };
    wrapped.set(specifier, known);
    return known;
  };
}

/** Modules through which the outside world is read, without a way to tell what was read. */
const untrackable = new Set(["child_process", "http", "https", "net", "dgram", "dns", "worker_threads"]);

function startRecording(): { reads: Reads; wrap: (specifier: string, module: object) => object; stop: () => void } {
  const reads = { env: new Set<string>(), files: new Set<string>(), untracked: new Set<string>() };
  const stacks = new Map<string, string>();
  const noteStack = (key: string): void => {
    if (stacks.has(key)) return;
    const site: { stack?: string } = {};
    Error.captureStackTrace(site, noteStack);
    stacks.set(key, site.stack ?? "");
  };
  let isRecording = true;
  recorded = reads.files;
  const { env } = process;
  const note = (name: string | symbol): void => {
    if (!isRecording || typeof name !== "string") return;
    reads.env.add(name);
    noteStack(name);
  };
  const noteFile = (file: string): void => {
    reads.files.add(file);
    noteStack(file);
  };
  process.env = new Proxy(env, {
    get: (target, name) => (note(name), Reflect.get(target, name)),
    has: (target, name) => (note(name), Reflect.has(target, name)),
    getOwnPropertyDescriptor: (target, name) => (note(name), Reflect.getOwnPropertyDescriptor(target, name)),
    ownKeys: (target) => (isRecording && reads.untracked.add("all of process.env"), Reflect.ownKeys(target)),
  });
  const onCall = (name: string, member: string, values: readonly unknown[]): void => {
    if (!isRecording) return;
    if (untrackable.has(name)) reads.untracked.add(`${name}.${member}`);
    else if (typeof values[0] === "string") noteFile(path.resolve(values[0]));
    else if (values[0] instanceof URL) noteFile(values[0].pathname);
  };
  const wrap = (specifier: string, module: object): object => {
    const name = specifier.replace(/^node:/, "");
    const isWatched = name === "fs" || name === "fs/promises" || untrackable.has(name);
    return isWatched ? wrapMembers(name, module, onCall) : module;
  };
  const stop = (): void => {
    isRecording = false;
    recorded = undefined;
    process.env = env;
  };
  return { reads: { ...reads, stacks }, wrap, stop };
}

/** A copy of a module whose functions say when they are called; members of members (`fs.promises`) too. */
function wrapMembers(
  name: string,
  module: object,
  onCall: (name: string, member: string, values: readonly unknown[]) => void,
): object {
  const members = Object.entries(module).map(([member, value]: [string, unknown]) => {
    if (member === "default" || member === "promises")
      return [member, wrapMembers(name, Object(value) as object, onCall)];
    if (typeof value !== "function" || /^[A-Z]/.test(member)) return [member, value];
    const watched = (...values: unknown[]): unknown => {
      onCall(name, member, values);
      return Reflect.apply(value, module, values);
    };
    return [member, Object.assign(watched, value)];
  });
  return Object.fromEntries(members) as object;
}
