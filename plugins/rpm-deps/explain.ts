/** Why there is no solution: what nobody provides, and who asked for it. Reads metadata again; solves nothing. */
import { compareEvr, parseEvr, type Evr } from "./evr.ts";
import { matchPin } from "./check.ts";
import type { Package, Relation, Relations } from "./primary.ts";
import { isFor, readSource, type Snapshot } from "./snapshot.ts";
import type { Tree } from "./tree.ts";

/** Lines of an explanation at most. */
const shown = 12;

interface Known {
  readonly one: Package;
  readonly relations: Relations;
}

/** Lines such as `nobody provides libyeast, required by bread 1.0-1, required by shop`. */
export async function explainTree(
  snapshot: Snapshot,
  tree: Tree,
  resolved: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const { sources } = snapshot;
  const wanted = [...sources.keys()].filter(
    (at) => sources[at]!.stream === tree.stream && isFor(sources[at]!.repository, tree.arch),
  );
  const byName = new Map<string, Known[]>();
  const providers = new Map<string, { readonly by: Known; readonly relation?: Relation }[]>();
  const add = <V>(map: Map<string, V[]>, key: string, value: V): unknown =>
    map.get(key)?.push(value) ?? map.set(key, [value]);
  for (const at of wanted)
    await readSource(sources, at, {
      relations: true,
      onPackage: (one, relations) => {
        if (one.arch !== tree.arch && one.arch !== "noarch") return;
        const known = { one, relations };
        add(byName, one.name, known);
        for (const relation of relations.provides) add(providers, relation.name, { by: known, relation });
        for (const file of relations.files) add(providers, file, { by: known });
      },
    });
  const lines: string[] = [];
  const seen = new Set<Known>();
  const queue: { readonly known: Known; readonly chain: readonly string[] }[] = [];
  const visit = (known: Known, chain: readonly string[]): void => {
    if (!seen.has(known)) queue.push({ known, chain });
    seen.add(known);
  };
  for (const { name } of [...tree.packages, { name: tree.basesystem }]) {
    const found = byName.get(name) ?? [];
    const pinned = new Set(
      matchPin(
        found.map(({ one }) => one),
        resolved.get(`${tree.name} ${name}`) ?? "",
      ),
    );
    const best = newest(found.filter(({ one }) => pinned.has(one)));
    if (best !== undefined) visit(best, [`wanted by ${tree.name}`]);
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { known, chain } = next;
    const here = [`required by ${titleOf(known.one)}`, ...chain];
    for (const requirement of known.relations.requires) {
      if (/^(\(|rpmlib\()/.test(requirement.name)) continue;
      const offers = providers.get(requirement.name) ?? [];
      const fitting = offers.filter(({ relation }) => relation === undefined || satisfies(relation, requirement));
      if (fitting.length === 0)
        lines.push(`nobody provides ${renderNeed(requirement)}${renderOffers(offers)}, ${here.join(", ")}`);
      const best = newest(fitting.map(({ by }) => by));
      if (best !== undefined) visit(best, here);
    }
  }
  const unique = [...new Set(lines)];
  const more = unique.length > shown ? [`and ${unique.length - shown} more`] : [];
  const places = wanted.map((at) => sources[at]!.repository.name).join(", ");
  if (unique.length === 0)
    return [
      "each requirement is provided by some package: versions exclude each other, or bazeldnf compares them otherwise than rpm",
    ];
  return [...unique.slice(0, shown), ...more, `looked in ${places} for ${tree.arch}`];
}

function newest(found: readonly Known[]): Known | undefined {
  return found.reduce<Known | undefined>(
    (best, known) => (best === undefined || compareEvr(known.one, best.one) > 0 ? known : best),
    undefined,
  );
}

/** Whether what is provided is in the range that is required; without versions it is. */
function satisfies(offer: Relation, need: Relation): boolean {
  if (need.flags === undefined || need.version === undefined || offer.version === undefined) return true;
  const order = compareEvr(toEvr(offer), toEvr(need));
  switch (need.flags) {
    case "EQ":
      return order === 0;
    case "LT":
      return order < 0;
    case "GT":
      return order > 0;
    case "LE":
      return order <= 0;
    case "GE":
      return order >= 0;
    default:
      return true;
  }
}

function toEvr({ epoch, version, release }: Relation): Evr {
  return { epoch: epoch ?? "0", version: version ?? "", ...(release === undefined ? {} : { release }) };
}

const signs: Readonly<Record<string, string>> = { EQ: "=", LT: "<", GT: ">", LE: "<=", GE: ">=" };

function renderNeed(need: Relation): string {
  const { epoch, version, release } = toEvr(need);
  if (need.flags === undefined) return need.name;
  const evr = parseEvr(`${epoch}:${version}${release === undefined ? "" : `-${release}`}`);
  return `${need.name} ${signs[need.flags] ?? need.flags} ${evr.epoch === "0" ? "" : `${evr.epoch}:`}${evr.version}${evr.release === undefined ? "" : `-${evr.release}`}`;
}

function renderOffers(offers: readonly { readonly by: Known }[]): string {
  return offers.length === 0 ? "" : ` (there is ${[...new Set(offers.map(({ by }) => titleOf(by.one)))].join(", ")})`;
}

function titleOf({ name, version, release }: Package): string {
  return `${name} ${version}-${release}`;
}
