/** The documentation does what it says: its TypeScript compiles against the package, its commands print what it shows. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readBlocks, tell, type Block } from "./support/page.ts";
import { program, project } from "./support/project.ts";
import { removeFolder } from "./support/temporary.ts";

const repository = path.join(import.meta.dirname, "..");
const pages = ["README.md", "CONTRIBUTING.md", ...find("docs"), ...find("plugins")].filter((page) =>
  fs.existsSync(path.join(repository, page)),
);

function find(folder: string): string[] {
  const names = fs
    .readdirSync(path.join(repository, folder), { recursive: true })
    .map((name) => path.join(folder, String(name)));
  return names.filter((name) => name.endsWith(".md")).sort();
}

/** What a fragment without imports may use. */
const prelude = `import { after, defineBuilder, definePlugin, param, platforms, task, validation } from "builderfile";\n`;
const config = {
  compilerOptions: {
    strict: true,
    module: "nodenext",
    target: "es2023",
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: ["node"],
    exactOptionalPropertyTypes: true,
  },
};

test("every ts block of the documentation compiles against the built package", async () => {
  const p = await project({ "tsconfig.json": JSON.stringify(config), "package.json": `{ "type": "module" }` });
  const places = new Map<string, string>();
  for (const page of pages) {
    const named = new Map<string, string>();
    for (const block of readBlocks(path.join(repository, page)).filter(({ language }) => language === "ts")) {
      const folder = `${page.replaceAll(/\W/g, "-")}/${block.line}`;
      const name = block.words[0] ?? "fragment.ts";
      named.set(name, /^import /m.test(block.text) ? block.text : `${prelude}export {};\n${block.text}`);
      places.set(`${folder}/${name}`, `${page}:${block.line}`);
      for (const [file, text] of named) p.write(`${folder}/${file}`, text); // What the page showed before is still there.
      named.delete("fragment.ts");
    }
  }
  fs.mkdirSync(path.join(p.root, "node_modules"));
  fs.symlinkSync(repository, path.join(p.root, "node_modules/builderfile"));
  fs.symlinkSync(path.join(repository, "node_modules/@types"), path.join(p.root, "node_modules/@types"));

  const tsc = spawnSync(
    process.execPath,
    [path.join(repository, "node_modules/typescript/bin/tsc"), "-p", p.root, "--pretty", "false"],
    { cwd: p.root, encoding: "utf8" },
  );

  expect(places.size).toBeGreaterThan(10);
  expect(tsc.stdout.replaceAll(/^([^(\s]+)(?=\()/gm, (file) => places.get(file) ?? file)).toBe("");
});

describe("what the documentation shows is what happens", () => {
  for (const page of pages) {
    const blocks = readBlocks(path.join(repository, page));
    if (!blocks.some(({ language }) => language === "console")) continue;
    test(page, async () => {
      const p = await project({});
      const home = fs.mkdtempSync(path.join(path.dirname(p.root), "bt-home-"));
      onTestFinished(() => removeFolder(home));
      if (page === "README.md") linkCheckout(p.root);
      fs.mkdirSync(path.join(home, ".config/bt"), { recursive: true });
      fs.writeFileSync(path.join(home, ".config/bt/config.json"), `{ "jobs": 2 }`);
      fs.mkdirSync(path.join(home, "bin"));
      fs.writeFileSync(path.join(home, "bin/bt"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, {
        mode: 0o755,
      });
      const env = { PATH: `${home}/bin:${process.env["PATH"] ?? ""}`, HOME: home, NO_COLOR: "1", LANG: "C.UTF-8" };

      for (const block of blocks) {
        const told = await tell(block, { root: p.root, env });
        if (told === undefined || told.shown === told.said) continue;
        if (process.env["DOCS"] === "update") rewrite(page, block, told.raw);
        else expect(told.shown, `${page}:${block.line}; with DOCS=update the page says what happens`).toBe(told.said);
      }
    });
  }
});

/** Shell blocks that nobody types here, by page and first word after `$`: why not. */
const untyped: Readonly<Record<string, string>> = {
  "CONTRIBUTING.md ./bt check": "minutes of static checks and all tests: CI does the same",
  "README.md ./bt quickstart": "the next block types it; ./bt test would run this test again",
  "README.md npm install": "it asks the package registry; test/package.test.ts installs what npm packs",
  "docs/kernel-rootfs.md bt --json":
    "it compares with a branch of a remote; test/plugins/kernel-rootfs/ci.test.ts has one",
  "docs/kiwi-dice.md mmdebstrap --variant=apt":
    "it takes minutes; test/plugins/kiwi-dice/real.test.ts does it, with BT_SLOW_TESTS=1",
  "plugins/rpm-deps/README.md mkdir bazeldnf": "it builds a program from sources on the network",
};

test("every command that the documentation shows is typed by a test, or it is said why not", () => {
  const found = pages.flatMap((page) =>
    readBlocks(path.join(repository, page))
      .filter(({ language, words }) => ["sh", "bash", "shell"].includes(language) && words.length === 0)
      .map(({ text }) => `${page} ${text.split(/\s+/, 2).join(" ")}`),
  );

  expect(found.sort()).toEqual(Object.keys(untyped).sort());
});

test("the documentation names files and links to pages that are there", () => {
  const texts = [...pages, "ARCHITECTURE.md", "CHANGELOG.md"].map((page) => ({
    page,
    text: fs.readFileSync(path.join(repository, page), "utf8"),
  }));
  const anchorsOf = (file: string): string[] => {
    const plain = [...fs.readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    );
    const timesBefore = (at: number): number => plain.slice(0, at).filter((anchor) => anchor === plain[at]).length;
    return plain.map((anchor, at) => (timesBefore(at) === 0 ? anchor : `${anchor}-${timesBefore(at)}`));
  };

  const broken = texts.flatMap(({ page, text }) => {
    const named = [...text.matchAll(/`((?:core|plugins|test|docs|bench|examples)\/[\w./-]+\.(?:ts|md|mjs))`/g)].map(
      ([, file = ""]) => path.join(repository, file),
    );
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, file = "", anchor]) => ({
      file: file === "" ? path.join(repository, page) : path.join(repository, path.dirname(page), file),
      anchor,
    }));
    const missing = [...named, ...links.map(({ file }) => file)].filter((file) => !fs.existsSync(file));
    const lost = links
      .filter(({ file, anchor }) => anchor !== undefined && fs.existsSync(file) && !anchorsOf(file).includes(anchor))
      .map(({ file, anchor }) => `${file}#${anchor}`);
    return [...missing, ...lost].map((name) => `${page}: ${path.relative(repository, name)}`);
  });

  expect(broken).toEqual([]);
});

test("docs/troubleshooting.md has one line for every error code of core", () => {
  const files = [
    "core/errors.ts",
    ...fs.readdirSync(path.join(repository, "core/errors")).map((name) => `core/errors/${name}`),
  ];
  const thrown = files.flatMap((file) => {
    const calls = fs.readFileSync(path.join(repository, file), "utf8").split("new BtError(").slice(1);
    return calls.flatMap((call) => /^\s*"([A-Z0-9_]+)"/.exec(call)?.[1] ?? []);
  });
  const listed = [
    ...fs.readFileSync(path.join(repository, "docs/troubleshooting.md"), "utf8").matchAll(/^\| `([A-Z0-9_]+)` \|/gm),
  ].map(([, code = ""]) => code);

  expect(listed.toSorted()).toEqual([...new Set(thrown)].sort());
});

test("ARCHITECTURE.md has the layers right: no import goes to a row below", () => {
  const text = fs.readFileSync(path.join(repository, "ARCHITECTURE.md"), "utf8");
  const table = text.slice(text.indexOf("## Layers"), text.indexOf("## Invariants"));
  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
  const rowOf = (file: string): number =>
    rows.findIndex((names) => names.some((name) => file === name || (name.endsWith("/") && file.startsWith(name))));
  const files = fs
    .readdirSync(path.join(repository, "core"), { recursive: true })
    .map((name) => `core/${String(name)}`)
    .filter((file) => file.endsWith(".ts") && rowOf(file) !== -1);

  const wrong = files.flatMap((file) => {
    const source = fs.readFileSync(path.join(repository, file), "utf8");
    const imported = [...source.matchAll(/(?:from |import\()"(\.[^"]+)"/g)].map(([, name = ""]) =>
      path.posix.join(path.posix.dirname(file), name),
    );
    return imported.filter((target) => rowOf(target) > rowOf(file)).map((target) => `${file} imports ${target}`);
  });

  expect(files.length).toBeGreaterThan(30);
  expect(wrong).toEqual([]);
});

/** Puts what happened where the page says something else. */
function rewrite(page: string, block: Block, raw: string): void {
  const file = path.join(repository, page);
  fs.writeFileSync(
    file,
    fs.readFileSync(file, "utf8").replace(`\n${block.text}\`\`\`\n`, () => `\n${raw}\n\`\`\`\n`),
  );
}

/** As a fresh clone looks to `./bt`, without the cost of one. */
function linkCheckout(root: string): void {
  for (const name of ["core", "plugins", "templates", "node_modules", "dist", "build.mjs"])
    fs.symlinkSync(path.join(repository, name), path.join(root, name));
  for (const name of ["bt", "builderfile.ts", "package.json"])
    fs.copyFileSync(path.join(repository, name), path.join(root, name));
  // Older than what is installed: the links must never lead `npm ci` to the real packages.
  fs.copyFileSync(path.join(repository, "package-lock.json"), path.join(root, "package-lock.json"));
  fs.utimesSync(path.join(root, "package-lock.json"), 0, 0);
  const isMade = (name: string): boolean => /\/(\.bt|dist)$/.test(name);
  fs.cpSync(path.join(repository, "examples"), path.join(root, "examples"), {
    recursive: true,
    filter: (name) => !isMade(name),
  });
}
