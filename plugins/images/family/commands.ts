/** The command lines of each container engine, as data. Pure; does not know tasks, and starts nothing. */

export type EngineName = "docker" | "podman" | "buildah";

/** An engine and the program it is called by. */
export interface Tool {
  readonly engine: EngineName;
  /** As it was given: a name, or a path whose last part is the engine. */
  readonly file: string;
}

/** A program and its arguments. */
export type Argv = readonly string[];

/** What is built under which name. */
export interface Recipe {
  readonly ref: string;
  readonly dockerfile: string;
  readonly context: string;
  readonly args: Readonly<Record<string, string>>;
}

/** What `docker buildx build` is told besides. */
export interface Buildx {
  /** `--push`, `--load`, `--output=…`. */
  readonly output: readonly string[];
  readonly buildArgs: readonly string[];
}

/** The builder that docker's multi-architecture builds use. */
const buildxBuilder = "project-v4-builder";

const engineNames: readonly EngineName[] = ["docker", "podman", "buildah"];

/** The engine that a program is, by the last part of its path. Undefined: none that is known. */
export function findTool(program: string): Tool | undefined {
  const engine = engineNames.find((name) => name === program.slice(program.lastIndexOf("/") + 1));
  return engine === undefined ? undefined : { engine, file: program };
}

/** One image for this machine. */
export function buildCommand({ file }: Tool, { ref, dockerfile, context, args }: Recipe): Argv {
  return [file, "build", "-t", ref, ...buildArgs(args), "-f", dockerfile, context];
}

/** One image a platform, joined under one name. */
export function buildMultiCommand(
  { engine, file }: Tool,
  { ref, dockerfile, context, args }: Recipe,
  { platforms, buildx }: { readonly platforms: readonly string[]; readonly buildx: Buildx },
): Argv {
  const rest = [...buildArgs(args), "-f", dockerfile, context];
  const list = platforms.join(",");
  switch (engine) {
    case "docker": {
      const options = [...buildx.output, `--platform=${list}`, "--tag", ref, ...buildx.buildArgs];
      return [file, "buildx", "build", "--builder", buildxBuilder, ...options, ...rest];
    }
    case "podman":
    case "buildah":
      return [file, "build", "--platform", list, "--manifest", ref, ...rest];
  }
}

/** Exits with 0 when the builder, or the list, is there. */
export function existsCommand({ engine, file }: Tool, ref: string): Argv {
  return engine === "docker" ? [file, "buildx", "inspect", buildxBuilder] : [file, "manifest", "exists", ref];
}

export function createBuilderCommand({ file }: Tool): Argv {
  return [file, "buildx", "create", "--name", buildxBuilder];
}

export function removeBuilderCommand({ file }: Tool): Argv {
  return [file, "buildx", "rm", buildxBuilder];
}

export function removeListCommand({ file }: Tool, ref: string): Argv {
  return [file, "manifest", "rm", ref];
}

/** Takes a name from an image, so that a list can have it. */
export function untagCommand({ engine, file }: Tool, ref: string): Argv {
  return [file, engine === "podman" ? "untag" : "rmi", ref];
}

export function tagCommand({ file }: Tool, ref: string, other: string): Argv {
  return [file, "tag", ref, other];
}

export function pushCommand({ engine, file }: Tool, ref: string, isInsecure: boolean): Argv {
  const target = engine === "buildah" ? [`docker://${ref}`] : [];
  return [file, "push", ...insecureFlag(engine, isInsecure), ref, ...target];
}

/** The whole list, under the name `to`. */
export function pushListCommand({ engine, file }: Tool, from: { ref: string; to: string }, isInsecure: boolean): Argv {
  return [file, "manifest", "push", "--all", ...insecureFlag(engine, isInsecure), from.ref, `docker://${from.to}`];
}

/** Prints the image's ID. */
export function imageIdCommand({ engine, file }: Tool, ref: string): Argv {
  if (engine === "buildah") return [file, "inspect", "--type", "image", "--format", "{{.FromImageID}}", ref];
  return [file, "image", "inspect", "--format", "{{.Id}}", ref];
}

/** Prints the list as JSON. */
export function inspectListCommand({ file }: Tool, ref: string): Argv {
  return [file, "manifest", "inspect", ref];
}

/** A command line as a shell would split it, without any expansion. */
export function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/(?:[^\s"'\\]|\\[^]|"(?:\\[^]|[^"\\])*"|'[^']*')+/g)) {
    words.push(
      word.replaceAll(
        /\\([^])|"((?:\\[^]|[^"\\])*)"|'([^']*)'/g,
        (_, escaped: string | undefined, double: string | undefined, single: string | undefined) =>
          escaped ?? double?.replaceAll(/\\(["\\$`])/g, "$1") ?? single ?? "",
      ),
    );
  }
  return words;
}

function buildArgs(args: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
}

/** docker decides by its daemon's configuration. */
function insecureFlag(engine: EngineName, isInsecure: boolean): readonly string[] {
  return isInsecure && engine !== "docker" ? ["--tls-verify=false"] : [];
}
