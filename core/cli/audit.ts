/** Runs tasks under strace and tells what they use without declaring it. Does not know how a trace is read, nor how tasks run. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { askedIds } from "../decide.ts";
import { toolMissing } from "../errors/request.ts";
import { findTool, followLinks, isFolder, patternOf } from "../files.ts";
import { removePath } from "../remove.ts";
import type { Node } from "../graph.ts";
import { findPackage, type Project } from "../load.ts";
import { coverOutputs, isGlob, outputPath, parentsOf } from "../paths.ts";
import { definePlugin } from "../plugin.ts";
import { prepare, type BuildRequest, type Prepared } from "../prepare.ts";
import { createTraceReader, markPath, straceOptions, type Traced } from "../strace.ts";
import { print, printJson } from "./print.ts";
import type { World } from "./world.ts";

/** Set in the environment of the bt that is traced. */
const innerName = "BT_AUDITED";

/** What a task uses and does not declare. Paths below the root are relative. */
export interface Finding {
  readonly task: string;
  /** It failed: what it would have used after that is not here. */
  readonly hasFailed?: true;
  readonly reads: readonly string[];
  /** Folders, which end with `/`, only if nothing is in them. */
  readonly writes: readonly string[];
  /** What it did not make itself, and is gone. */
  readonly removes: readonly string[];
  readonly hosts: readonly string[];
  /** Programs on `PATH`, outside of the machine's own folders, that are among the reads. */
  readonly tools: readonly string[];
}

/** Whether this bt is the one that is traced. */
export function isAudited(env: World["env"]): boolean {
  return env[innerName] !== undefined;
}

/** The project with marks in the trace around each task. */
export function withMarks(project: Project): Project {
  const marks = definePlugin({
    name: "audit",
    tasks: {},
    apply: (hooks) => {
      hooks.beforeTask.tap(({ node }) => void fs.existsSync(markPath("begin", node.id)));
      hooks.event.tap((event) => {
        if (event.kind !== "task-state" || event.state !== "done") return;
        fs.existsSync(markPath(event.outcome === "ran" ? "end" : "fail", event.task));
      });
    },
  });
  return { ...project, builder: { ...project.builder, plugins: [...(project.builder.plugins ?? []), marks] } };
}

/**
 * Runs the same command line in a bt under strace, and then compares. 0: everything is declared; 1: something is not. What fails ends as the tasks do.
 * @throws BtError TOOL_MISSING without strace
 */
export async function auditTasks(
  { project, world, isJson }: { readonly project: Project; readonly world: World; readonly isJson: boolean },
  request: BuildRequest,
): Promise<number> {
  const strace = findTool("strace", world.env["PATH"] ?? "");
  if (strace === undefined) throw toolMissing("strace", "--audit", "apt-get install strace");
  await prepare(project, { ...request, mayWrite: false }); // Mistakes are told once, by this bt.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-audit-"));
  try {
    const file = path.join(folder, "trace");
    const program = fs.realpathSync(process.argv[1] ?? "");
    const exitCode = await runTraced(
      strace,
      [...straceOptions, "-o", file, process.execPath, program, ...world.argv],
      {
        ...world.env,
        [innerName]: "1",
      },
      isJson,
    );
    if (exitCode > 128) return exitCode; // Who interrupts it wants no answer.
    const traced = await readTrace(file);
    const after = await prepare(project, { ...request, mayWrite: false });
    const tasks = askedIds(after.graph).flatMap((id) => {
      const [node, found] = [after.graph.nodes.get(id), traced.get(id)];
      return node === undefined || found === undefined
        ? []
        : [compare(node, found, { after, env: world.env, own: [...ownFolders(program), folder] })];
    });
    if (isJson) printJson({ version: 1, tasks });
    else print(tasks.map(render).join(""));
    return exitCode !== 0 || tasks.every(isClean) ? exitCode : 1;
  } finally {
    removePath(folder);
  }
}

/** Where bt lives, and the packages that it loads while a task runs: what is read there is not the task's. */
function ownFolders(program: string): string[] {
  const folder = path.dirname(program);
  const { dependencies = {} } = JSON.parse(fs.readFileSync(path.join(folder, "../package.json"), "utf8")) as {
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  const packages = Object.keys(dependencies).flatMap((name) => findPackage(name, program) ?? []);
  return [folder, ...packages.map((file) => path.dirname(file))];
}

/** With `--json` the run itself is told on standard error. */
function runTraced(file: string, args: readonly string[], env: World["env"], isJson: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, stdio: ["inherit", isJson ? 2 : "inherit", "inherit"] });
    const ignore = (): void => {}; // The traced bt hears Ctrl-C too, and ends first.
    process.on("SIGINT", ignore);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      process.off("SIGINT", ignore);
      resolve(code ?? 128 + (os.constants.signals[signal ?? "SIGTERM"] ?? 15));
    });
  });
}

async function readTrace(file: string): Promise<ReadonlyMap<string, Traced>> {
  const reader = createTraceReader();
  for await (const line of createInterface({ input: fs.createReadStream(file) })) reader.line(line);
  return reader.close();
}

/** Where programs and their libraries live: what is read there is the machine's. */
const systemFolders = [
  "/usr/",
  "/lib",
  "/bin/",
  "/sbin/",
  "/etc/",
  "/proc/",
  "/sys/",
  "/dev/",
  "/run/",
  "/var/lib/",
  "/opt/",
];

function compare(
  node: Node,
  { reads, writes, folders, removes, hosts, hasFailed }: Traced,
  { after, env, own }: { readonly after: Prepared; readonly env: World["env"]; readonly own: readonly string[] },
): Finding {
  const { root } = after.project;
  const findProgram = (tool: string): string | undefined => findTool(tool, env["PATH"] ?? "");
  const topOf = (file: string): string => topFolder(file, env["HOME"]);
  const declaredTools = (node.task.tools ?? []).flatMap((tool) => {
    const file = findProgram(tool);
    return file === undefined ? [] : [file, followLinks(file)];
  });
  /** What a tool is made of lies beside it. */
  const isTool = (file: string): boolean =>
    declaredTools.includes(file) ||
    (!isBelow(file, root) && declaredTools.some((tool) => !isBelow(tool, root) && isBelow(file, topOf(tool))));
  const isOwn = (file: string): boolean => [...own, path.join(root, ".bt")].some((folder) => isBelow(file, folder));
  const isThere = (file: string): boolean => fs.existsSync(file);
  const document = after.forecast.decisions.get(node.id)?.document;
  const inputs = new Set(document?.inputs.map((fact) => path.resolve(root, fact.path)));
  const code = new Set([
    path.resolve(root, after.project.file),
    ...[...after.project.reads.files].map((file) => path.resolve(root, file)),
  ]);
  const covers = (declared: readonly string[]): ((file: string) => boolean) => {
    const isCovered = coverOutputs(declared);
    return (file) => isCovered(file) || isCovered(path.relative(root, file));
  };
  const isOutput = covers(node.outputs);
  const isNeeded = covers(
    node.edges.flatMap(({ to, kind }) => (kind === "result" ? (after.graph.nodes.get(to)?.outputs ?? []) : [])),
  );
  const isTemporary = (file: string): boolean => isBelow(file, os.tmpdir()) && !isBelow(file, root);
  const isSystem = (file: string): boolean =>
    systemFolders.some((folder) => file.startsWith(folder)) && !isBelow(file, root) && !isTemporary(file);
  const isWritten = (file: string): boolean => writes.has(file) || parentsOf(file).some((folder) => writes.has(folder));
  const undeclaredReads = [...reads].filter(
    (file) =>
      isThere(file) &&
      fs.statSync(file).isFile() &&
      !inputs.has(file) &&
      !code.has(file) &&
      !isWritten(file) &&
      !isOutput(file) &&
      !isNeeded(file) &&
      !isSystem(file) &&
      !isTool(file) &&
      !isOwn(file),
  );
  const isLeft = (file: string): boolean =>
    !isOutput(file) && !isOwn(file) && !isTemporary(file) && !/^\/(dev|proc|sys)\//.test(file);
  /** Of a folder that an output goes into, and did not. */
  const isAround = (folder: string): boolean =>
    node.outputs.some((declared) => isBelow(path.resolve(root, outputPath(declared).path), folder));
  const emptyFolders = [...folders].filter(
    (folder) => isFolder(folder) && fs.readdirSync(folder).length === 0 && !isAround(folder),
  );
  const undeclaredWrites = [...new Set([...writes, ...emptyFolders])].filter((file) => isThere(file) && isLeft(file));
  const gone = [...removes].filter(
    (file) => !isThere(file) && isLeft(file) && !parentsOf(file).some((folder) => removes.has(folder)),
  );
  const show = (files: readonly string[]): string[] => {
    const named = files.map((file) => ({ file, name: `${file}${isFolder(file) ? "/" : ""}` }));
    const outside = named.filter(({ file }) => !isBelow(file, root)).map(({ name }) => name);
    const inside = named.filter(({ file }) => isBelow(file, root)).map(({ name }) => name.slice(root.length + 1));
    return [...fold(outside, topOf), ...fold(inside, path.dirname)].sort();
  };
  const versions = new Set(document?.leaves.map(({ name }) => name));
  const isDeclaredHost = (host: string): boolean =>
    versions.has(`version/${host}`) || versions.has(`version/${host.replace(/:\d+$/, "")}`);
  const tools = undeclaredReads
    .filter((file) => !isBelow(file, root) && findProgram(path.basename(file)) === file)
    .map((file) => path.basename(file));
  return {
    task: node.id,
    ...(hasFailed ? { hasFailed } : {}),
    reads: show(undeclaredReads),
    writes: show(undeclaredWrites),
    removes: show(gone),
    hosts: [...hosts].filter((host) => !host.includes("nscd") && !isDeclaredHost(host)).sort(),
    tools: tools.sort(),
  };
}

/** The folder right below the home of the user, or the second one from the top, that a file outside of the project is in. */
function topFolder(file: string, home: string | undefined): string {
  const base = home !== undefined && isBelow(file, home) ? home : `/${file.split("/")[1]}`;
  return path.join(base, path.relative(base, file).split("/")[0] ?? "");
}

function isBelow(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}

/** From so many files of one folder on, the folder is told. */
const many = 10;
const folded = "/**";

function fold(files: readonly string[], folderOf: (file: string) => string): string[] {
  const folders = new Map<string, string[]>();
  for (const file of files) folders.set(folderOf(file), [...(folders.get(folderOf(file)) ?? []), file]);
  return [...folders].flatMap(([folder, inside]) =>
    inside.length >= many && folder !== "." ? [`${folder}${folded}`] : inside,
  );
}

function isClean({ reads, writes, removes, hosts }: Finding): boolean {
  return reads.length + writes.length + removes.length + hosts.length === 0;
}

function render(finding: Finding): string {
  const { task, hasFailed, reads, writes, removes, hosts, tools } = finding;
  if (isClean(finding))
    return hasFailed === true
      ? `${task} failed; it declares all that it used until then\n`
      : `${task} declares all that it uses\n`;
  const list = (names: readonly string[]): string => names.map((name) => `  ${name}\n`).join("");
  const line = (field: string, names: readonly string[]): string =>
    names.length === 0 ? "" : `  add  ${field}: [${names.map((name) => JSON.stringify(name)).join(", ")}]\n`;
  const patterns = (names: readonly string[]): string[] =>
    names.flatMap((name) => {
      if (!name.endsWith(folded)) return [isGlob(name) ? patternOf(name) : name];
      return path.isAbsolute(name) ? [] : [`${patternOf(name.slice(0, -folded.length))}${folded}`];
    });
  const isOfTool = (name: string): boolean => path.isAbsolute(name) && tools.includes(path.basename(name));
  const files = reads.filter((name) => !isOfTool(name));
  const own = writes.filter((name) => !path.isAbsolute(name));
  const answers = hosts.map((host) => `${JSON.stringify(host)}: …`).join(", ");
  return [
    reads.length === 0
      ? ""
      : `${task} reads what it does not declare\n${list(reads)}${line("inputs", patterns(files))}${line("tools", tools)}`,
    writes.length === 0
      ? ""
      : `${task} writes what it does not declare\n${list(writes)}${line("outputs", patterns(own))}`,
    removes.length === 0 ? "" : `${task} removes what it has not made\n${list(removes)}`,
    hosts.length === 0
      ? ""
      : `${task} talks to\n${list(hosts)}  add  versions: () => ({ ${answers} }), with what tells one answer from another, such as a digest\n`,
    hasFailed === true ? `${task} failed: what it would have used after that is not listed\n` : "",
  ].join("");
}
