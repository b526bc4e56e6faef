/** The program `bt`: the shortcut, or else the long way. Does not know what either does. */
import * as path from "node:path";
import { tryShortcut } from "./boot.ts";
import type { World } from "./world.ts";

declare const BT_BUILD: string;
declare const BT_VERSION: string;
declare const __dirname: string;
declare const require: (file: string) => { tryComplete: typeof tryShortcut };

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
function isAnswered(): boolean {
  const [first, ...words] = argv;
  return first === "--complete"
    ? require(path.join(__dirname, "complete.cjs")).tryComplete(words, process.env, process.cwd())
    : tryShortcut(argv, process.env, process.cwd());
}

if (!isAnswered()) void goLongWay();
