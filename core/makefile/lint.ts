/** What is dangerous in recipes, whether they are moved or not. Pure; reads text only. */
import type { MakeDatabase, MakeRule } from "./database.ts";

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly target: string;
  readonly code: string;
  readonly text: string;
}

/** `text` says what happens and what to do. */
const rules: readonly { readonly code: string; readonly text: string; readonly isIn: (command: string) => boolean }[] =
  [
    {
      code: "loop",
      text: "a loop ends as its last round does: failures of the others are lost; make it a matrix",
      isIn: (command) =>
        /\bfor\b[^]*?\bdo\b[^]*\bdone\b/.test(command) && !/\bset -e|\|\| *(exit|return|break)\b/.test(command),
    },
    {
      code: "chain",
      text: "a failure before `;` is lost; use `&&`",
      isIn: (command) =>
        !/\b(if|for|while|until|case)\b/.test(command) &&
        !/\bset -e/.test(command) &&
        /[^;\\\s]\s*;(?![;])\s*\S/.test(unquoted(command)),
    },
    {
      code: "pipe",
      text: "a pipe ends as its last program does; bt runs recipes with `pipefail`",
      isIn: (command) => /[^|]\|(?!\|)/.test(unquoted(command)) && !/pipefail/.test(command),
    },
    {
      code: "cd",
      text: "`cd` without `&&`: what follows runs even if the folder is not there",
      isIn: (command) => /(^|[;&(]\s*)cd\s+[^;&|\n]+(;|$)/.test(command),
    },
    {
      code: "rm",
      text: "`rm -r` of a variable: when it is empty, something else goes",
      isIn: (command) => /\brm\s+(-\w+\s+)*-\w*r\w*\s+(\S+\s+)*["']?\$[({]\w+[)}]/.test(command),
    },
    {
      code: "ignored",
      text: "a failure is thrown away; `allowFailure` says so aloud",
      isIn: (command) => /\|\|\s*(true|:)\s*(;|$|\))/.test(command),
    },
    {
      code: "push",
      text: "pushed under its name before everything that belongs to it is there",
      isIn: (command) => /\b(docker|podman|buildah|\$[({]\w*(CLI|DOCKER|ENGINE|RUNTIME)\w*[)}])\s+push\b/.test(command),
    },
    {
      code: "amend",
      text: "`manifest create --amend` keeps entries of earlier runs",
      isIn: (command) => /manifest\s+create\b[^;&|]*--amend/.test(command),
    },
    {
      code: "secret",
      text: "a secret on a command line is seen by everybody on the machine; hand it over in the environment or on standard input",
      isIn: (command) =>
        /(?:^|[;&|]\s*|\s)(?!echo\b)\S+\s[^;&|\n]*\$\$?[({]?\w*(PASSWORD|PASSWD|TOKEN|SECRET)\w*[)}]?/.test(command) &&
        !/^\w+=/.test(command),
    },
  ];

/** Quoted text stands for itself. */
function unquoted(command: string): string {
  return command.replaceAll(/'[^']*'|"(?:\\.|[^"\\])*"/g, "Q");
}

/** All findings, by file and line. */
export function lintRecipes(database: MakeDatabase, isFileTarget: (rule: MakeRule) => boolean): readonly Finding[] {
  const found = database.rules.flatMap((rule) => {
    const { target, file = "Makefile", recipe } = rule;
    const lines = recipe.flatMap(({ text, line, isIgnored }) => [
      ...rules
        .filter(({ isIn }) => isIn(text))
        .map(({ code, text: says }) => ({ file, line, target, code, text: says })),
      ...(isIgnored
        ? [{ file, line, target, code: "ignored", text: "`-`: a failure is thrown away; `allowFailure` says so aloud" }]
        : []),
    ]);
    const first = recipe[0];
    const isUnphony =
      first !== undefined &&
      rule.odd === undefined &&
      rule.also === undefined &&
      !rule.isPhony &&
      !rule.isPattern &&
      !isFileTarget(rule);
    return [
      ...(isUnphony
        ? [
            {
              file,
              line: first.line,
              target,
              code: "phony",
              text: "it makes no file of its name and is not in .PHONY: a file called so would stop it",
            },
          ]
        : []),
      ...lines,
    ];
  });
  return found.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}
