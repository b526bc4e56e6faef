/** A page of documentation: its code blocks, and what its console blocks print when they are typed. Knows nothing of bt. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/** One fenced block: ```` ```ts builderfile.ts ````. */
export interface Block {
  /** `ts`, `console`, … */
  readonly language: string;
  /** Words after the language: a file name, or `any-order`. */
  readonly words: readonly string[];
  readonly text: string;
  /** Of its first line, 1-based. */
  readonly line: number;
}

export function readBlocks(file: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; words: string[]; lines: string[]; line: number } | undefined;
  for (const [at, line] of fs.readFileSync(file, "utf8").split("\n").entries()) {
    if (open === undefined) {
      const [, language = "", rest = ""] = /^```(\w+)(.*)$/.exec(line) ?? [];
      if (language !== "") open = { language, words: rest.split(" ").filter(Boolean), lines: [], line: at + 2 };
    } else if (line === "```") {
      blocks.push({ language: open.language, words: open.words, text: `${open.lines.join("\n")}\n`, line: open.line });
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}

/** A page's story so far: the files it showed are written, its commands are typed in `root`. */
interface Story {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What a console block says would be shown, and what was, without what differs from run to run. */
interface Told {
  readonly said: string;
  readonly shown: string;
  /** As it was shown. */
  readonly raw: string;
}

/** Writes the block's file, or types its commands. */
export async function tell(block: Block, story: Story): Promise<Told | undefined> {
  const [file] = block.words;
  if (block.language !== "console") {
    if (file === undefined) return undefined;
    fs.mkdirSync(path.dirname(path.join(story.root, file)), { recursive: true });
    fs.writeFileSync(path.join(story.root, file), block.text);
    return undefined;
  }
  const said = block.text.trimEnd();
  const shown: string[] = [];
  for (const command of commandsOf(said)) {
    const output = await type(command, story);
    shown.push(`$ ${command}${output === "" ? "" : `\n${output}`}`);
  }
  const order = (text: string): string =>
    (block.words.includes("any-order") ? text.split("\n").sort() : text.split("\n")).map(withoutTimes).join("\n");
  const raw = shown.join("\n\n");
  if (!said.includes("\n…")) return { said: order(said), shown: order(raw), raw };
  const lines = new Set(said.split("\n").map(withoutTimes)); // `…`: lines left out.
  const excerpt = raw.split("\n").filter((line) => lines.has(withoutTimes(line)));
  return { said: order(said.replaceAll(/\n…(?=\n|$)/g, "")), shown: order(excerpt.join("\n")), raw: said };
}

/** A command stands at the start or after an empty line: bt shows those that it starts with `$` as well. */
function commandsOf(text: string): string[] {
  const lines = text.split("\n");
  return lines.flatMap((line, at) =>
    line.startsWith("$ ") && (at === 0 || lines[at - 1] === "") ? [line.slice(2)] : [],
  );
}

async function type(command: string, { root, env }: Story): Promise<string> {
  const child = spawn("bash", ["-c", `exec 2>&1; ${command}`], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
  await new Promise((resolve) => child.once("close", resolve));
  return text.trimEnd();
}

/** Durations, ids of runs, keys and digests of manifests differ. */
function withoutTimes(line: string): string {
  return line
    .replace(/\b\d+(\.\d+)? (ms|s|min)\b/g, "… ms")
    .replace(/\b\d{8}T\d{6}[\d-]+\b/g, "RUN")
    .replace(/\(key [0-9a-f]+\)/, "(key …)")
    .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:…") // Of a manifest: it depends on Node's zlib.
    .trimEnd();
}
