/** What an answer about a recipe came from: its files, the program, its repositories. Knows what was seen; looks at nothing but names. */
import { readdirSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import type { Evidence, Question } from "../../core/index.ts";
import type { Source } from "./address.ts";
import type { Verdict } from "./fingerprint.ts";
import type { Order } from "./order.ts";
import { variables } from "./params.ts";
import { isMetadata, isPackage } from "./repository.ts";
import { findStat } from "./stat.ts";
import { dicePath, files } from "./state.ts";

/** What a task has seen in this run. */
export interface Seen {
  readonly order: Order;
  readonly verdict: Verdict;
}

/** What `questions.ts` is asked about. */
export type Asked =
  | { readonly kind: "variables"; readonly known: readonly string[] }
  | { readonly kind: "repository"; readonly source: Source; readonly arch: string; readonly digest: string };

/** Undefined: next time it has to be looked at again, because a program would have to be asked, or a password be written down. */
export function findEvidence(seen: Seen | undefined): readonly Evidence[] | undefined {
  if (seen === undefined) return undefined;
  const { order, verdict } = seen;
  if (order.force || order.offline || verdict.problems.length > 0 || !isHere(order)) return undefined;
  const repositories = verdict.sources.map((source) => repositoryEvidence(source, verdict));
  if (repositories.includes(undefined)) return undefined;
  return [
    ask({ kind: "variables", known: variables }),
    ...recipeEvidence(order, verdict),
    ...(order.kiwi.signingKeys ?? []).map((key): Evidence => standing(resolve(order.root, key))),
    programEvidence(order),
    ...repositories.flatMap((evidence) => evidence ?? []),
  ];
}

/** Whether files of this machine tell all about the build host. */
function isHere({ host }: Order): boolean {
  return host.kind === "local" || host.kind === "box";
}

/** The recipe's files as they were fingerprinted, and what bt keeps beside them. A link is told by the folder that it is in. */
function recipeEvidence({ folder }: Order, { leaves, description }: Verdict): readonly Evidence[] {
  const paths = Object.entries(leaves).flatMap(([name, what]) =>
    name.startsWith("file ") && !what.startsWith("link ") ? [name.slice("file ".length)] : [],
  );
  const own = ["", ...paths, description.file].map((path) => file(join(folder, path)));
  const hosts = ["Dicefile", "Vagrantfile"].map((name) => standing(join(folder, name)));
  const kept = [files.state, files.result, files.lock, files.running].map((name) => standing(dicePath(folder, name)));
  return [...own, ...hosts, ...kept];
}

function programEvidence({ kiwi: { bin }, root }: Order): Evidence {
  return bin.includes("/") ? file(isAbsolute(bin) ? bin : resolve(root, bin)) : { kind: "tool", name: bin };
}

function repositoryEvidence(source: Source, { leaves, arch }: Verdict): readonly Evidence[] | undefined {
  const { address, label } = source;
  const digest = leaves[`repository ${label}`];
  if (digest === undefined || (address.kind === "web" && address.user !== undefined)) return undefined;
  if (address.kind === "file") return [file(address.path)];
  const names = address.kind === "folder" ? findNames(address.path) : undefined;
  if (address.kind !== "folder" || names?.some(isMetadata) === true)
    return [ask({ kind: "repository", source, arch, digest })];
  return names === undefined
    ? undefined
    : [file(address.path), ...names.filter(isPackage).map((name) => file(join(address.path, name)))];
}

function findNames(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}

function ask(about: Asked): { readonly kind: "question" } & Question {
  return { kind: "question", script: "plugins/kiwi-dice/questions.cjs", about };
}

function standing(path: string): Evidence {
  return findStat(path) === undefined ? { kind: "absent", path } : file(path);
}

function file(path: string): Evidence {
  return { kind: "file", path };
}
