/** The layers of core in force: a file imports, types included, only from lower ones. Reads import lines, knows no syntax. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..");

/** From the bottom up. Files of one layer do not know each other. */
const layers: readonly string[] = [
  "cache-store cache/choice cache/digester cache/lanes commit errors evaluate event evidence exec files makefile/database makeflags matrix packages paint pending program readiness reason retries runs schema settings size slots warm wrapped makefile/compare cli/confirm cli/interrupt cli/print cli/usage report/block report/blocked report/duration report/width report/html/page/dom",
  "cache/wrong change remove cli/import-consent cli/option-table cli/save cli/shortcut proof errors/builderfile errors/disk errors/graph errors/past errors/request errors/run command-line makefile/accept makefile/expand makefile/grouped makefile/lint makefile/sources fingerprint guard jobserver owner worker report/failure report/json report/screen report/html/model report/html/page/log",
  "cache/land cache/place cli/boot cli/complete cli/completion compile failure journal lock makefile/condition makefile/exports makefile/probe makefile/report platform secrets shape state report/summary report/terminal report/html/follow report/html/images report/html/box report/html/chain report/html/template report/html/page/camera report/html/page/view report/html/page/words",
  "cache/blob cache/bundle cli/outline-file find makefile/draft option-marks output task tokens report/line report/progress report/trace report/html/layout report/html/page/tasks report/html/page/images report/html/page/graph report/html/page/timeline",
  "build-tool strays cache/local makefile/recurse makefile/render cli/complete-cached catalog params path-values plan report/github report/plain report/window report/html/page/compare report/html/page/detail",
  "assign cache/chain cache/sweep makefile/tree graph record share report/live report/html/page/summary",
  "demand environment hooks order orphans past paths pools secret-params serving shell cli/args cli/graph report/reporter report/html/page/show",
  "cache/caches cache/keep cli/asker cli/limits cli/under-make bench plugin requirement view schedule cli/list cli/outline make report/html/gather report/html/page/live report/html/page/main",
  "cache/far collect outputs strace",
  "attempt lasting cache/pack cache/unpack clean decide load report/html/report report/ui",
  "cache/forecast cache/nearest cache/take ledger cli/doctor cli/listcache cli/world cli/page",
  "spared",
  "prepare",
  "cache/cache call cli/about hits prove service touch watch cli/cache cli/check cli/complete-project cli/entry",
  "kept",
  "carry cli/again cli/audit cli/shim cli/show",
  "run cli/versus cli/watch",
  "build cli/why",
  "index cli/draw cli/import-plan",
  "cli/perform",
  "cli/import-compare",
  "cli/import-make",
  "cli/init",
  "cli/main",
];
const layerOf = new Map(layers.flatMap((names, layer) => names.split(" ").map((name) => [`core/${name}.ts`, layer])));

/** Packages, and the only files that may import them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  "@balena/dockerignore": ["plugins/images/ignore.ts"],
  "@dagrejs/dagre": ["core/report/html/layout.ts"],
  anser: ["core/report/html/page/log.ts"],
  chalk: ["core/paint.ts"],
  cosmiconfig: ["core/find.ts"],
  "dockerfile-ast": ["plugins/images/statement.ts"],
  esbuild: ["core/compile.ts"],
  execa: ["core/shell.ts"],
  fzstd: ["plugins/rpm-deps/decompress.ts"],
  listr2: ["core/report/terminal.ts"],
  picomatch: [
    "core/cache/unpack.ts",
    "core/catalog.ts",
    "core/files.ts",
    "core/paths.ts",
    "core/prove.ts",
    "core/view.ts",
    "plugins/images/family/tracked-files.ts",
  ],
  saxes: ["plugins/kiwi-dice/description.ts", "plugins/rpm-deps/xml.ts"],
  "smol-toml": ["plugins/multiarch-manifest/registries-conf.ts"],
  tapable: ["core/hooks.ts"],
  "tar-stream": ["plugins/images/tar.ts"],
  tinyglobby: ["core/files.ts"],
  "xz-decompress": ["plugins/rpm-deps/decompress.ts"],
  yaml: ["plugins/kernel-rootfs/json-place.ts", "plugins/rpm-deps/document.ts"],
  "zx/core": ["core/shell.ts", "core/program.ts"],
};

const sources = ["core", "plugins"]
  .flatMap((folder) =>
    fs.readdirSync(path.join(root, folder), { recursive: true }).map((name) => `${folder}/${String(name)}`),
  )
  .filter((name) => name.endsWith(".ts"))
  .sort();
const imports = sources.flatMap((from) =>
  importsOf(fs.readFileSync(path.join(root, from), "utf8")).map((to) => ({ from, to })),
);
const local = imports
  .filter(({ to }) => to.startsWith("."))
  .map(({ from, to }) => ({ from, to: path.join(path.dirname(from), to) }));

/** Values, types, re-exports, `import()` and `require()`; comments do not count. */
function importsOf(text: string): string[] {
  const code = text.replaceAll(/^\s*(\/\*\*|\*|\/\/).*$/gm, "");
  const patterns = [
    /^(?:import|export)\s[^;"]*?\bfrom\s+"([^"]+)"/gms,
    /^import\s+"([^"]+)"/gm,
    /\bimport\("([^"]+)"\)/g,
    /\brequire\("([^"]+)"\)/g,
    /createRequire\([^)]*\)\("([^"]+)"\)/g,
  ];
  return [...new Set(patterns.flatMap((pattern) => [...code.matchAll(pattern)].map(([, to]) => to!)))];
}

test("every file of core stands in the table, and every name of the table is a file", () => {
  expect([...layerOf.keys()].sort()).toEqual(sources.filter((name) => name.startsWith("core/")));
});

test("a file of core imports only from lower layers", () => {
  const upwards = local.filter(({ from, to }) => from.startsWith("core/") && layerOf.get(to)! >= layerOf.get(from)!);

  expect(upwards.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test("core knows no plugin", () => {
  expect(local.filter(({ from, to }) => from.startsWith("core/") && !to.startsWith("core/"))).toEqual([]);
});

test("nothing but cli imports cli, and nothing but cli imports report", () => {
  const wrong = local.filter(
    ({ from, to }) =>
      /^core\/(cli|report)\//.test(to) &&
      !from.startsWith("core/cli/") &&
      !(from.startsWith("core/report/") && to.startsWith("core/report/")),
  );

  expect(wrong).toEqual([]);
});

test("a plugin knows core by core/index.ts, and other plugins by their index.ts, or by a library.ts that describes no tasks", () => {
  const outward = local.filter(
    ({ from, to }) => from.startsWith("plugins/") && !to.startsWith(from.split("/", 2).join("/") + "/"),
  );

  expect(outward.filter(({ to }) => !/^(core\/index|plugins\/[\w-]+\/(index|library))\.ts$/.test(to))).toEqual([]);
});

test("there are no circles of imports, types included", () => {
  const open = new Map(
    sources.map((name) => [name, new Set(local.filter(({ from }) => from === name).map(({ to }) => to))]),
  );
  const isDone = (name: string): boolean => [...open.get(name)!].every((to) => !open.has(to));
  for (let done = [...open.keys()].filter(isDone); done.length > 0; done = [...open.keys()].filter(isDone))
    for (const name of done) open.delete(name);

  expect([...open.keys()]).toEqual([]);
});

test("a package is imported only by its own file", () => {
  const external = imports.filter(({ to }) => !to.startsWith(".") && !to.startsWith("node:"));

  expect(
    external
      .filter(({ from, to }) => packages[to]?.includes(from) !== true)
      .map(({ from, to }) => `${from} imports ${to}`),
  ).toEqual([]);
  expect(Object.keys(packages).filter((name) => !external.some(({ to }) => to === name))).toEqual([]);
});

test("every package that is imported is declared; what dist holds itself is for development only", () => {
  const { dependencies, devDependencies } = JSON.parse(
    fs.readFileSync(path.join(root, "package.json"), "utf8"),
  ) as Record<string, object>;
  const used = Object.keys(packages).map((name) => (name.startsWith("@") ? name : name.split("/")[0]!));

  expect(used.filter((name) => !(name in { ...dependencies, ...devDependencies }))).toEqual([]);
  expect(Object.keys(dependencies!).filter((name) => !used.includes(name) && name !== "@types/fs-extra")).toEqual([]);
});

test("what the shortcut loads is small: nothing but the files it names", () => {
  const reached = new Set(["core/cli/boot.ts"]);
  for (const name of reached) for (const { from, to } of local) if (from === name) reached.add(to);

  expect([...reached].sort()).toEqual([
    "core/cli/boot.ts",
    "core/cli/print.ts",
    "core/cli/shortcut.ts",
    "core/evidence.ts",
    "core/makeflags.ts",
    "core/proof.ts",
    "core/warm.ts",
  ]);
});
