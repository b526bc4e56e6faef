/** What an image is asked before it counts as made: its program is there and for its architecture, its labels. Starts no engine. */
import { parsePlatform, platformTable, type Place } from "../../core/index.ts";
import { findInImage, openImageFiles, readImageFile } from "../images/index.ts";
import type { Descriptor, ImageConfig, Layout } from "../multiarch-manifest/index.ts";
import type { Cell } from "./cell.ts";
import { elfMachineWrong, entrypointMissing, labelWrong, ruleFailed } from "./errors.ts";
import type { Verify } from "./options.ts";
import { planOf, type Site } from "./role.ts";

const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const usualRules: readonly Verify[] = ["entrypointExists", "elfMachine"];

/** Where the image is. */
export interface Verified {
  readonly into: Layout;
  readonly image: Descriptor;
  /** For files that are taken out of layers. */
  readonly dir: string;
}

type Files = Awaited<ReturnType<typeof openImageFiles>>;

/** @throws BtError SIDE_IMAGES_ENTRYPOINT, SIDE_IMAGES_ELF_MACHINE, SIDE_IMAGES_LABEL, SIDE_IMAGES_RULE, and IMAGES_BASE_PLATFORM */
export async function verifyImage(site: Site, cell: Cell, { into, image, dir }: Verified): Promise<void> {
  const given = planOf(site).options.overrides?.[cell.component]?.verify;
  const rules = given ?? (cell.kind === "dockerfile" ? usualRules : []);
  const at: Place = cell.kind === "dockerfile" ? cell.startAt : cell.source.at;
  if (rules.length === 0) return;
  const files = await openImageFiles(into, image, { reference: cell.id, platform: cell.arch, at });
  const { config } = files;
  const program = rules.some((rule) => rule === "entrypointExists" || rule === "elfMachine")
    ? await findProgram(files)
    : undefined;
  for (const rule of rules) {
    if (rule === "entrypointExists") {
      if (program !== undefined && program.path === undefined) throw entrypointMissing(cell.id, program.word, at);
    } else if (rule === "elfMachine") {
      if (program?.path !== undefined) await checkMachine(cell, files, { path: program.path, dir });
    } else if (typeof rule === "function") {
      const sentence = await rule({ component: cell.component, platform: cell.arch, config });
      if (sentence !== undefined) throw ruleFailed(cell.id, sentence);
    } else {
      for (const [name, expected] of Object.entries(rule.labels)) {
        const found = config.config?.Labels?.[name];
        if (found !== expected) throw labelWrong(cell.id, name, { expected, found });
      }
    }
  }
}

/** The file that the image starts. Undefined: it starts nothing. Without a path it is not there. */
async function findProgram({
  config,
  tree,
}: Files): Promise<{ readonly word: string; readonly path: string | undefined } | undefined> {
  const { Entrypoint, Cmd, Env = [], WorkingDir = "/" } = (config as ImageConfig).config ?? {};
  const word = [...(Entrypoint ?? []), ...(Cmd ?? [])][0];
  if (word === undefined) return undefined;
  const path = Env.find((one) => one.startsWith("PATH="))?.slice("PATH=".length) ?? usualPath;
  const candidates = word.startsWith("/")
    ? [word]
    : word.includes("/")
      ? [`${WorkingDir}/${word}`]
      : path.split(":").map((folder) => `${folder}/${word}`);
  for (const candidate of candidates) {
    const found = await findInImage(tree, candidate);
    if (found.kind === "found" && found.node.kind === "file") return { word, path: found.path };
  }
  return { word, path: undefined };
}

async function checkMachine(
  cell: Cell,
  { tree }: Files,
  { path, dir }: { readonly path: string; readonly dir: string },
): Promise<void> {
  const node = await tree.find(path);
  if (node?.kind !== "file") return;
  const head = (await readImageFile(node.content, dir)).subarray(0, 20);
  if (head.length < 20 || !head.subarray(0, 4).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46]))) return;
  const isBig = head[5] === 2;
  const machine = isBig ? head.readUInt16BE(18) : head.readUInt16LE(18);
  const expected = parsePlatform(cell.arch);
  if (machine === expected.elfMachine) return;
  const found = platformTable.find(({ elfMachine }) => elfMachine === machine)?.goarch ?? `ELF machine ${machine}`;
  throw elfMachineWrong(cell.id, `/${path}`, { expected: expected.goarch, found });
}
