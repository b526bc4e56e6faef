/** The program `bt`: the shortcut, or else the long way. Does not know what either does. */
import * as path from "node:path";
import { tryShortcut, type OpenAnswer } from "./boot.ts";
import type { World } from "./world.ts";

declare const BT_BUILD: string;
declare const BT_VERSION: string;
declare const __dirname: string;
declare const require: (file: string) => unknown;

const argv = process.argv.slice(2);

/** bt's own modules as builderfiles import them, from beside this program: never another copy of them. */
function ownModule(specifier: string): Promise<object> | undefined {
  if (specifier === "builderfile") return import(path.join(__dirname, "core/index.js"));
  const [, plugin] = /^builderfile\/plugins\/([\w-]+)$/.exec(specifier) ?? [];
  return plugin === undefined ? undefined : import(path.join(__dirname, "plugins", plugin, "index.js"));
}

async function goLongWay(): Promise<void> {
  const world: World = {
    argv,
    env: { ...process.env },
    cwd: process.cwd(),
    build: BT_BUILD,
    version: BT_VERSION,
    ownModule,
  };
  const { main }: { main: (world: World) => Promise<number> } = await import(path.join(__dirname, "core/cli/main.js"));
  process.once("beforeExit", endStuck);
  process.exit(await main(world));
}

/** Node ends quietly, as if all were well, when a task waits for what can no longer happen. */
function endStuck(): void {
  process.stderr.write(
    "bt: A task waits for a promise that nothing will settle any more\n  fix  Look at the task that was running: `bt --runs`.\n",
  );
  process.exit(1);
}

/** A TAB has a script of its own: other calls do not pay for it. */
function findAnswer(): ReturnType<typeof tryShortcut> {
  const [first, ...words] = argv;
  if (first !== "--complete") return tryShortcut(argv, process.env, process.cwd());
  const { tryComplete } = require(path.join(__dirname, "complete.cjs")) as { tryComplete: typeof tryShortcut }; // complete-cached.ts.
  return tryComplete(words, process.env, process.cwd());
}

/** A script that answers a question of a proof. */
interface Answerer {
  readonly isSame: (about: unknown, root: string) => Promise<boolean>;
}

/** All at once. What cannot be asked is asked again the long way, which says why. */
async function finishShortcut({ root, questions, say }: OpenAnswer): Promise<void> {
  const answers = questions.map(async ({ script, about }) => {
    const { isSame } = require(path.resolve(__dirname, script)) as Answerer; // As the question says.
    return await isSame(about, root);
  });
  const isSame = await Promise.all(answers).catch(() => [false]);
  if (!isSame.every(Boolean)) return await goLongWay();
  say();
  process.exit(0); // Connections may be kept open.
}

const answer = findAnswer();
if (answer === false) void goLongWay();
else if (answer !== true) void finishShortcut(answer);
