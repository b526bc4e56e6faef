/** How bt checks, tests, measures and demonstrates itself. */
import { defineBuilder, task, type Builder } from "builderfile";

const sources = [
  "core/**/*.ts",
  "core/**/*.css",
  "plugins/**/*.ts",
  "test/**/*.ts",
  "bench/*.mjs",
  "builderfile.ts",
  "*.config.ts",
  "build.mjs",
];
const settings = ["package.json", "package-lock.json", "tsconfig.json", "core/report/html/page/tsconfig.json"];
const bin = (name: string): string => `node_modules/.bin/${name}`;

const types = task({
  description: "Checks the types",
  inputs: [...sources, ...settings],
  run: `${bin("tsc")} -p . && ${bin("tsc")} -p core/report/html/page`,
  private: true,
});

const lint = task({
  description: "Checks style and mistakes",
  inputs: [...sources, ...settings, ".oxlintrc.json"],
  run: [bin("oxlint"), "--type-aware", "--quiet"],
  private: true,
});

const format = task({
  description: "Checks the format",
  inputs: [...sources, ".oxfmtrc.json"],
  run: [bin("oxfmt"), "--check"],
  private: true,
});

const unused = task({
  description: "Looks for what nobody uses",
  inputs: [...sources, ...settings, "knip.json"],
  run: [bin("knip")],
  private: true,
});

const scripts = task({
  description: "Checks the shell scripts",
  inputs: ["bt", ".ci/run"],
  tools: ["shellcheck"],
  run: ({ $, inputs }) => $`shellcheck ${inputs}`,
  private: true,
});

const check = task({
  description: "Checks types, style, format, unused code and shell scripts",
  needs: { types, lint, format, unused, scripts },
});

const test = task({
  description: "Runs the tests; words after -- go to vitest",
  env: ["CI"],
  run: [bin("vitest"), "run"],
  rest: true,
  pool: "console",
});

const bench = task({
  description: "Measures bt beside make, ninja, wireit, jake, zx and turbo",
  run: ["node", "bench/run.mjs"],
  rest: true,
  pool: "console",
});

const quickstart = task({
  description: "Builds a builder image for two architectures and publishes it as one index",
  run: ["./bt", "-C", "examples/quickstart", "builder-publish", "announce"],
  pool: "console",
});

const clean = task({
  description: "Removes what was built",
  run: "rm -rf dist .bt examples/*/.bt examples/*/dist",
});

const builder: Builder = defineBuilder({
  tasks: { quickstart, test, check, bench, clean, types, lint, format, unused, scripts },
});

export default builder;
