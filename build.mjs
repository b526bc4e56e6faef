/** Builds dist: one bundle with shared chunks for engine and plugins, the shortcut as one script, the declarations. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;
const started = new Date();
const out = path.join(root, "dist");
const staged = path.join(root, `dist.${process.pid}`);
const plugins = fs
  .readdirSync(path.join(root, "plugins"))
  .filter((name) => fs.existsSync(path.join(root, "plugins", name, "index.ts")));
const sources = ["core", "plugins"].flatMap((folder) =>
  fs.readdirSync(path.join(root, folder), { recursive: true }).map((name) => path.join(folder, String(name))),
);
const digest = createHash("sha256");
for (const file of [...sources.filter((name) => /\.(ts|css)$/.test(name)).sort(), "package-lock.json"])
  digest.update(fs.readFileSync(path.join(root, file)));
const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
const templates = readTemplates();
digest.update(JSON.stringify(templates));
const define = {
  BT_BUILD: JSON.stringify(digest.digest("hex").slice(0, 16)),
  BT_VERSION: JSON.stringify(version),
  BT_TEMPLATE_NAMES: JSON.stringify(Object.keys(templates).filter((name) => name !== "_shared")),
  BT_TEMPLATES: JSON.stringify(templates),
};

/** Importing a module of bt does nothing: what is not used of it can be left out, whichever door it came through. */
const withoutEffects = {
  name: "without-effects",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ kind, path: name, resolveDir }) =>
      kind === "entry-point" || resolveDir.includes("node_modules")
        ? undefined
        : { path: path.resolve(resolveDir, name), sideEffects: false },
    );
  },
};
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20.19",
  define,
  logLevel: "warning",
  minifySyntax: true,
  minifyWhitespace: true,
};
try {
  const pageInputs = await buildPage();
  const { metafile } = await build({
    ...shared,
    metafile: true,
    entryPoints: ["core/index.ts", "core/cli/main.ts", ...plugins.map((name) => `plugins/${name}/index.ts`)],
    outbase: ".",
    outdir: staged,
    format: "esm",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    // esbuild has a binary of its own; zx is loaded when an action first reads `$`.
    external: ["esbuild", "zx"],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  await build({
    ...shared,
    entryPoints: ["core/cli/entry.ts"],
    outfile: path.join(staged, "bt.cjs"),
    format: "cjs",
    banner: { js: "#!/usr/bin/env node" },
  });
  await build({
    ...shared,
    entryPoints: ["core/cli/complete-cached.ts"],
    outfile: path.join(staged, "complete.cjs"),
    format: "cjs",
  });
  await build({
    ...shared,
    // What the shortcut asks others for: scripts that hold only what they use.
    entryPoints: plugins
      .map((name) => `plugins/${name}/questions.ts`)
      .filter((file) => fs.existsSync(path.join(root, file))),
    outbase: ".",
    outdir: staged,
    outExtension: { ".js": ".cjs" },
    format: "cjs",
    external: ["esbuild", "zx"],
    plugins: [withoutEffects],
    logLevel: "error", // Warns of what is left out anyway.
  });
  fs.writeFileSync(path.join(staged, "NOTICES.txt"), notices([...Object.keys(metafile.inputs), ...pageInputs]));
  fs.chmodSync(path.join(staged, "bt.cjs"), 0o755);
  const tsc = spawnSync(
    process.execPath,
    [path.join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json", "--noCheck", "--outDir", staged],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  );
  if (tsc.status !== 0) process.exit(1);
  // As old as the build's start: what is edited meanwhile is newer.
  fs.writeFileSync(path.join(staged, ".stamp"), "");
  fs.utimesSync(path.join(staged, ".stamp"), started, started);
  swap();
} finally {
  fs.rmSync(staged, { recursive: true, force: true });
}

/** What `bt --init` writes: template to files to texts. Held by dist, so that no packer touches their names. */
function readTemplates() {
  const home = path.join(root, "templates");
  const filesOf = (name) =>
    fs
      .readdirSync(path.join(home, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(path.join(home, name), path.join(entry.parentPath, entry.name)))
      .sort();
  const read = (name) => filesOf(name).map((file) => [file, fs.readFileSync(path.join(home, name, file), "utf8")]);
  return Object.fromEntries(
    fs
      .readdirSync(home)
      .sort()
      .map((name) => [name, Object.fromEntries(read(name))]),
  );
}

/** Script and style of the report, as texts that its writer puts into each page. Returns what went into them. */
async function buildPage() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["main.ts", "live.ts", "page.css"].map((name) => `core/report/html/page/${name}`),
    bundle: true,
    minify: true,
    platform: "browser",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    format: "iife",
    charset: "utf8",
    write: false,
    outdir: staged,
    metafile: true,
    logLevel: "warning",
  });
  const textOf = (name) => outputFiles.find((file) => path.basename(file.path) === name).text;
  // Neither may end the element that it stands in.
  const script = (name) => textOf(name).replaceAll(/<(?=\/script|!--)/gi, "\\x3c");
  define.BT_REPORT_SCRIPT = JSON.stringify(script("main.js"));
  define.BT_REPORT_LIVE = JSON.stringify(script("live.js"));
  define.BT_REPORT_STYLE = JSON.stringify(textOf("page.css"));
  return Object.keys(metafile.inputs);
}

/** The licences of the packages that the bundle contains. */
function notices(inputs) {
  const packages = new Set(
    inputs.map((file) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean),
  );
  return [...packages]
    .sort()
    .map((name) => {
      const folder = path.join(root, "node_modules", name);
      const file = fs.readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const { version, license } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
      return `${name} ${version} (${license})\n\n${file === undefined ? "" : fs.readFileSync(path.join(folder, file), "utf8").trim()}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}

/** The old dist stays usable until the new one is whole; of two builds at once, the last one stays. */
function swap() {
  for (let attempt = 0; ; attempt++) {
    const old = `${staged}.old${attempt}`;
    try {
      if (fs.existsSync(out)) fs.renameSync(out, old);
      fs.renameSync(staged, out);
      return;
    } catch (error) {
      if (attempt > 20) throw error;
    } finally {
      fs.rmSync(old, { recursive: true, force: true });
    }
  }
}
