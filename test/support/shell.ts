/** An interactive shell on a terminal of its own, at which keys are pressed. Knows nothing of bt but its program. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { onTestFinished } from "vitest";
import { until } from "./processes.ts";
import { program, type Project } from "./project.ts";

/** What a shell is started with, and how it prints the line that is being edited when Ctrl-G is pressed. */
const shells = {
  bash: {
    argv: "bash --noprofile --rcfile .rc -i",
    rc: `PS1='READY> '; stty cols 200 rows 50
eval "$(bt --completion bash)"
bind -x '"\\C-g": printf "<<%s>>\\n" "$READLINE_LINE"'
`,
  },
  zsh: {
    argv: "zsh -d -i",
    rc: `PS1='READY> '; stty cols 200 rows 50
autoload -Uz compinit; compinit -u -D
eval "$(bt --completion zsh)"
show() { zle -I; print -r -- "<<$BUFFER>>" }
zle -N show; bindkey '^G' show
`,
  },
} as const;

/** Puts \`bt\` into the project's \`bin\`; returns an environment in which shells find it. */
export function installBt(p: Project): Record<string, string> {
  p.write("bin/bt", `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  fs.chmodSync(path.join(p.root, "bin/bt"), 0o755);
  return { PATH: `${p.root}/bin:${process.env["PATH"]}`, HOME: p.root, NO_COLOR: "1", LANG: "C.UTF-8" };
}

/** For each line of keys: the line as the shell has completed it, and all that the terminal showed meanwhile. */
export async function pressKeys(
  p: Project,
  shell: keyof typeof shells,
  lines: readonly string[],
): Promise<{ readonly line: string; readonly screen: string }[]> {
  const { argv, rc } = shells[shell];
  const env = { ...installBt(p), ZDOTDIR: p.root, TERM: "xterm" };
  p.write(shell === "zsh" ? ".zshrc" : ".rc", rc);
  const child = spawn("script", ["-qefc", argv, "/dev/null"], { cwd: p.root, env, stdio: ["pipe", "pipe", "ignore"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise((resolve) => child.once("close", resolve));
  let seen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (seen += text));
  await until(() => seen.includes("READY> "));
  const answers = [];
  for (const keys of lines) {
    const start = seen.length;
    child.stdin.write(`${keys}\x07`);
    const line = await until(() => /<<([^\n]*)>>/.exec(seen.slice(start)) ?? false);
    answers.push({ line: line[1] ?? "", screen: plain(seen.slice(start)) });
    child.stdin.write("\x15"); // Ctrl-U empties the line.
  }
  child.stdin.end("exit\n");
  await ended;
  return answers;
}

/** Without what moves the cursor and sets colours. */
function plain(text: string): string {
  return text.replaceAll(/\x1b\[[\d;?]*[A-Za-z]|\r/g, "");
}

/** Runs bt on a terminal and types an answer when its question is there; returns all that the terminal showed. */
export async function answerOnTerminal(
  p: Project,
  argv: readonly string[],
  answers: Readonly<Record<string, string>>,
): Promise<string> {
  const command = [process.execPath, program, ...argv].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd: p.root,
    env: { ...installBt(p), TERM: "xterm" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise((resolve) => child.once("close", resolve));
  let seen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (seen += text));
  for (const [question, answer] of Object.entries(answers)) {
    await until(() => seen.includes(question));
    child.stdin.write(`${answer}\n`);
  }
  await ended;
  child.stdin.end();
  return plain(seen);
}
