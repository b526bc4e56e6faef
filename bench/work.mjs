/** Generates the same work for every tool: its build file and the input files. Does not know how the tools are started. */
import * as fs from "node:fs";
import * as path from "node:path";

/**
 * What is to be built.
 *
 *     files   in/0/0 → out/0/0, in/0/1 → out/0/1 …   copies that do not know each other
 *     chain   the same, and each task needs the one before it
 *     true    commands `true` without files: always run
 *
 * @typedef {{ kind: "files" | "chain" | "true", count: number }} Shape
 */

/** Files in one folder; a folder of 100,000 would measure the file system. */
const perFolder = 1000;

const placeOf = (at) => `${Math.floor(at / perFolder)}/${at}`;
const inputOf = (at) => `in/${placeOf(at)}`;
const outputOf = (at) => `out/${placeOf(at)}`;
const ids = (count) => Array.from({ length: count }, (_, at) => at);

/** The input that the case of one changed file writes to. */
export const changedInput = (count) => inputOf(Math.floor(count / 2));

/** Writes one tool's project. Turbo builds packages and so has its own layout. */
export function writeWork(folder, tool, shape) {
  fs.mkdirSync(folder, { recursive: true });
  if (shape.kind !== "true") writeInputs(folder, shape.count);
  if (tool === "turbo") writePackages(folder, shape);
  for (const [name, text] of Object.entries(buildFiles[tool]?.(shape) ?? {}))
    fs.writeFileSync(path.join(folder, name), text);
}

/** Removes what tools have made and remember, so that the next run is a first one. */
export function forget(folder) {
  for (const name of [".bt", ".ninja_log", ".ninja_deps", ".wireit", ".turbo", "node_modules/.cache", "out"])
    fs.rmSync(path.join(folder, name), { recursive: true, force: true });
  fs.mkdirSync(path.join(folder, "out/0"), { recursive: true });
}

/** Inputs are an hour old: older than any output, whatever the grain of the clock. */
function writeInputs(folder, count) {
  const past = Date.now() / 1000 - 3600;
  for (let at = 0; at < count; at++) {
    if (at % perFolder === 0)
      for (const side of ["in", "out"])
        fs.mkdirSync(path.join(folder, side, String(at / perFolder)), { recursive: true });
    const file = path.join(folder, inputOf(at));
    fs.writeFileSync(file, `input ${at}\n`);
    fs.utimesSync(file, past, past);
  }
}

/** Each tool's build file as its manual would write it; the target is always `all`. */
const buildFiles = {
  bt: ({ kind, count }) => ({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
const tasks = {};
const place = (at) => \`\${Math.floor(at / ${perFolder})}/\${at}\`;
for (let at = 0; at < ${count}; at++) {
  ${
    kind === "true"
      ? `tasks["t" + at] = task({ run: ["true"] });`
      : `tasks["t" + at] = task({
    inputs: ["in/" + place(at)],
    outputs: ["out/" + place(at)],
    run: ["cp", "in/" + place(at), "out/" + place(at)],${kind === "chain" ? `\n    needs: at === 0 ? {} : { before: tasks["t" + (at - 1)] },` : ""}
  });`
  }
}
export default defineBuilder({ tasks: { ...tasks, all: task({ needs: { ...tasks } }) } });
`,
  }),

  make: ({ kind, count }) => ({
    Makefile: [
      `all: ${ids(count)
        .map((at) => (kind === "true" ? `t${at}` : outputOf(at)))
        .join(" ")}`,
      ...ids(count).map((at) =>
        kind === "true"
          ? `t${at}:\n\t@true`
          : `${outputOf(at)}: ${inputOf(at)}${kind === "chain" && at > 0 ? ` ${outputOf(at - 1)}` : ""}\n\t@cp ${inputOf(at)} $@`,
      ),
      ".PHONY: all",
      "",
    ].join("\n"),
  }),

  ninja: ({ kind, count }) => ({
    "build.ninja": [
      `rule copy\n  command = cp $source $out\nrule true\n  command = true`,
      ...ids(count).map((at) =>
        kind === "true"
          ? `build t${at}: true`
          : `build ${outputOf(at)}: copy ${inputOf(at)}${kind === "chain" && at > 0 ? ` ${outputOf(at - 1)}` : ""}\n  source = ${inputOf(at)}`,
      ),
      `build all: phony ${ids(count)
        .map((at) => (kind === "true" ? `t${at}` : outputOf(at)))
        .join(" ")}`,
      "default all",
      "",
    ].join("\n"),
  }),

  jake: ({ kind, count }) => ({
    "Jakefile.js": `const { exec } = require("node:child_process");
const names = [];
const place = (at) => \`\${Math.floor(at / ${perFolder})}/\${at}\`;
const sh = (command) => new Promise((resolve, reject) => exec(command, (error) => (error ? reject(error) : resolve())));
for (let at = 0; at < ${count}; at++) {
  const name = ${kind === "true" ? `"t" + at` : `"out/" + place(at)`};
  ${
    kind === "true"
      ? `task(name, () => sh("true"));`
      : `file(name, ["in/" + place(at)${kind === "chain" ? `, ...names.slice(-1)` : ""}], () => sh(\`cp in/\${place(at)} \${name}\`));`
  }
  names.push(name);
}
task("all", names, { concurrency: 2 });
`,
  }),

  wireit: ({ kind, count }) => ({
    "package.json": JSON.stringify({
      scripts: Object.fromEntries([...ids(count).map((at) => [`t${at}`, "wireit"]), ["all", "wireit"]]),
      wireit: {
        ...Object.fromEntries(
          ids(count).map((at) => [
            `t${at}`,
            kind === "true"
              ? { command: "true" }
              : {
                  command: `cp ${inputOf(at)} ${outputOf(at)}`,
                  files: [inputOf(at)],
                  output: [outputOf(at)],
                  clean: false,
                  packageLocks: [],
                  ...(kind === "chain" && at > 0 ? { dependencies: [`t${at - 1}`] } : {}),
                },
          ]),
        ),
        all: { dependencies: ids(count).map((at) => `t${at}`) },
      },
    }),
  }),

  // zx has no tasks and no memory: it runs commands. Two workers, as -j2.
  zx: ({ kind, count }) => ({
    "all.mjs": `const commands = Array.from({ length: ${count} }, (_, at) => ${kind === "true" ? `["true"]` : `["cp", \`in/0/\${at}\`, \`out/0/\${at}\`]`});
const work = async () => {
  for (let command = commands.shift(); command !== undefined; command = commands.shift()) await $\`\${command}\`;
};
await Promise.all([work(), work()]);
`,
  }),
};

/** A package for each task. */
function writePackages(folder, { kind, count }) {
  const cached = kind === "true" ? { cache: false } : { inputs: ["in"], outputs: ["out"], dependsOn: ["^build"] };
  fs.writeFileSync(path.join(folder, "turbo.json"), JSON.stringify({ tasks: { build: cached } }));
  fs.writeFileSync(
    path.join(folder, "package.json"),
    JSON.stringify({ name: "bench", private: true, packageManager: "npm@10.0.0", workspaces: ["packages/*"] }),
  );
  fs.writeFileSync(
    path.join(folder, "package-lock.json"),
    JSON.stringify({ name: "bench", lockfileVersion: 3, packages: {} }),
  );
  for (const at of ids(count)) {
    const own = path.join(folder, "packages", `t${at}`);
    fs.mkdirSync(own, { recursive: true });
    const needs = kind === "chain" && at > 0 ? { dependencies: { [`t${at - 1}`]: "1.0.0" } } : {};
    fs.writeFileSync(
      path.join(own, "package.json"),
      JSON.stringify({
        name: `t${at}`,
        version: "1.0.0",
        scripts: { build: kind === "true" ? "true" : "cp in out" },
        ...needs,
      }),
    );
    if (kind !== "true") fs.writeFileSync(path.join(own, "in"), `input ${at}\n`);
  }
}
