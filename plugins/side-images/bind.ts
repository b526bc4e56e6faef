/** What a task's key holds: its part of the plan and its files, instead of the run's params. Starts nothing. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Node } from "../../core/index.ts";
import { findInputs } from "../images/index.ts";
import { openLayout } from "../multiarch-manifest/index.ts";
import { findArch } from "./arch.ts";
import type { Cell, DockerfileCell } from "./cell.ts";
import type { SidePlan } from "./plan.ts";
import { bareRepository } from "./git.ts";
import { readGeneration } from "./clean-task.ts";
import type { SideIndex } from "./result.ts";
import { findRole, places, type Site } from "./role.ts";
import { isWhole } from "./whole.ts";

/** The node with the params and inputs that its result depends on. Tasks that always run keep theirs. */
export async function bindNode(node: Node, site: Site, plan: SidePlan): Promise<Node> {
  const role = findRole(site, node.task);
  if (role === undefined || node.isGroup) return node;
  const { options, tag, values } = plan;
  const { component = "" } = role;
  switch (role.kind) {
    case "references":
      return withFacts(
        node,
        { references: JSON.stringify(plan.references), asked: [...site.cells.keys()].sort().join(" ") },
        [],
      );
    case "src": {
      const { repo, commit } = options.overrides?.[component] ?? {};
      const given = {
        precedence: options.source?.precedence ?? "release",
        repo: repo === undefined ? "" : bareRepository("", repo),
        commit: commit ?? "",
      };
      return withFacts(node, given, presentFiles(plan, component, ["repo", "commit"]));
    }
    case "manifest":
      return withFacts(
        node,
        { tag, destRegistry: values.destRegistry, format: values.format, architectures: plan.arches.join(" ") },
        [],
      );
    case "binaries":
    case "image": {
      const arch = findArch(node.cell["arch"] ?? "");
      const cell = arch === undefined ? undefined : await plan.cell(component, arch);
      if (cell === undefined) return node;
      const bound =
        role.kind === "binaries"
          ? bindBinaries(node, cell, { plan, generation: await readGeneration(plan.root) })
          : await bindImage(node, cell, plan);
      if (role.kind === "binaries") return bound;
      const marks = {
        ...(values.allowMissing.includes(cell.arch) && { allowFailure: true }),
        ...((await isLost(cell, plan.root)) && { always: true }), // Nobody below an index that is up to date is asked for its state.
      };
      return { ...bound, task: { ...bound.task, ...marks } };
    }
    case "all":
    case "plan":
    case "push":
    case "archive":
    case "tag":
    case "warnings":
    case "other":
      return node;
  }
}

function withFacts(node: Node, facts: Readonly<Record<string, string>>, inputs: readonly string[]): Node {
  const params = Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, { value, source: "builderfile" as const }]),
  );
  return { ...node, params, inputs: [...inputs].sort(), hasFoundPaths: true };
}

function bindBinaries(
  node: Node,
  { component, suffix }: Cell,
  { plan, generation }: { readonly plan: SidePlan; readonly generation: string },
): Node {
  const { options } = plan;
  const script = join(options.dir, "components", component, "build_binaries");
  const own = ownFiles(plan, component).filter((file) => !/\/(Dockerfile|ImageSource)(\.[^/]*)?$/.test(file));
  const text = existsSync(join(plan.root, script)) ? readFileSync(join(plan.root, script), "utf8") : "";
  const entries = readdirSync(join(plan.root, options.dir, "components"), { withFileTypes: true });
  const siblings = entries
    .filter((entry) => entry.isDirectory() && entry.name !== component && text.includes(`../${entry.name}/`))
    .map(({ name }) => name);
  const facts = {
    suffix,
    store: generation,
    shell: options.binariesShell ?? "sh",
    local: String(options.source?.useLocal === true),
  };
  return withFacts(node, facts, [...own, ...siblings.flatMap((name) => ownFiles(plan, name))]);
}

async function bindImage(node: Node, cell: Cell, plan: SidePlan): Promise<Node> {
  const { values, options } = plan;
  const override = options.overrides?.[cell.component];
  const common = {
    store: await readGeneration(plan.root),
    method: cell.kind,
    file: cell.file,
    verify: JSON.stringify(
      override?.verify?.map((rule) => (typeof rule === "function" ? String(rule) : rule)) ?? "default",
    ),
  };
  if (cell.kind === "image") {
    const { source } = cell;
    const facts = {
      ...common,
      source: source.kind === "reference" ? source.reference : source.value,
      armFallback: String(options.armFallback ?? false),
      rewriteConfig: String(override?.rewriteConfig ?? ""),
    };
    return withFacts(node, facts, existsSync(join(plan.root, cell.file)) ? [cell.file] : []);
  }
  const facts = {
    ...common,
    args: JSON.stringify(cell.args),
    timestamp: String(values.sourceDateEpoch ?? 0),
    parents: options.parents ?? "build",
    ...(values.engine !== undefined && { engine: values.engine }),
  };
  return withFacts(node, facts, await findCellFiles(cell, plan));
}

async function findCellFiles(cell: DockerfileCell, plan: SidePlan): Promise<readonly string[]> {
  const { options, root } = plan;
  const folder = join(options.dir, "components", cell.component);
  const ignore = [".dockerignore", ".containerignore"];
  const ignoreFiles = [...ignore.map((name) => join(folder, name)), ...ignore.map((name) => `${cell.file}${name}`)];
  const present = ignoreFiles.filter((file) => existsSync(join(root, file)));
  const { files } = await findInputs(resolve(root, cell.file), resolve(root, folder), {
    args: { VERSION: "", ...cell.args },
    platform: cell.arch,
    cwd: root,
  });
  // A tree has a source and binaries of its own.
  const read = cell.needsTree ? files.filter((file) => !/^(src|bin)(\/|$)/.test(file)) : files;
  return [...new Set([cell.file, ...present, ...read.map((file) => join(folder, file))])];
}

/** Whether the image that the record of the component's index names is not all there any more. */
async function isLost({ component, suffix }: Cell, root: string): Promise<boolean> {
  const text = await readFile(join(root, places.home, `${component}.json`), "utf8").catch(() => "{}");
  const { cells = {} } = JSON.parse(text) as Partial<SideIndex>; // Written by the manifest task.
  const digest = cells[suffix]?.digest;
  if (digest === undefined) return false;
  const layout = await openLayout(join(root, places.store)).catch(() => undefined);
  return layout === undefined || !(await isWhole(layout, digest));
}

/** Files of a component's folder without what is generated there, relative to the root. */
function ownFiles({ root, options }: SidePlan, component: string): readonly string[] {
  const folder = join(options.dir, "components", component);
  const generated = options.source?.useLocal === true ? /^bin\// : /^(src|bin)\//;
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((file) => !generated.test(file.slice(folder.length + 1)));
}

function presentFiles({ root, options }: SidePlan, component: string, names: readonly string[]): readonly string[] {
  const files = names.map((name) => join(options.dir, "components", component, name));
  return files.filter((file) => existsSync(join(root, file)));
}
