/** The packed package as somebody else's project gets it: installed from the tarball, run, and type-checked. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { expect, test } from "vitest";
import { project, type Project, type Result } from "./support/project.ts";

const repository = path.join(import.meta.dirname, "..");

const builderfile = `
import { defineBuilder, param, platforms, task, type Reporter } from "builderfile";
import { image } from "builderfile/plugins/images";

const mix = task({ inputs: ["flour"], outputs: ["dough"], run: "cp flour dough" });
const bake = task({
  needs: { mix },
  params: { heat: param.integer({ default: 200, description: "In degrees" }) },
  run: async ({ $, log, params }) => {
    await $\`test -e dough\`;
    log.info(\`baked at \${params.heat.toFixed()}\`);
    return { heat: params.heat };
  },
});
const serve = task({ needs: { bake }, run: ({ needs, log }) => log.info(\`served at \${needs.bake.heat}\`) });
const box = image({ platforms: platforms("amd64", "s390x") });

export const quiet: Reporter = { event: () => {} };
export default defineBuilder({ tasks: { mix, bake, serve, box } });
`;
const tsconfig = {
  compilerOptions: {
    target: "es2023",
    module: "nodenext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
  },
  include: ["builderfile.ts"],
};

/** Runs a program with our own environment: npm needs its settings. */
function run(cwd: string, file: string, ...args: readonly string[]): Promise<Result> {
  const child = spawn(file, args, { cwd, env: { ...process.env, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) =>
    child.once("close", (code, signal) =>
      resolve({ exitCode: code ?? undefined, signal: signal ?? undefined, stdout, stderr }),
    ),
  );
}

/** What a compiler says. */
function complaints({ stdout, stderr }: Result): string {
  return `${stdout}${stderr}`.replaceAll(/^npm warn.*\n/gm, "");
}

/** A project with nothing but the packed bt, two compilers' types and a builderfile. */
async function installed(): Promise<Project> {
  const p = await project({
    "package.json": `{ "private": true, "type": "module" }`,
    "builderfile.ts": builderfile,
    "tsconfig.json": JSON.stringify(tsconfig),
    flour: "rye\n",
    Dockerfile: "FROM scratch\n",
  });
  const packed = await run(repository, "npm", "pack", "--ignore-scripts", "--json", "--pack-destination", p.root);
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  const install = await run(
    p.root,
    "npm",
    "install",
    "--no-audit",
    "--no-fund",
    `./${filename}`,
    "typescript@~5.9.3",
    "@types/node@^20",
  );
  expect(install.exitCode, install.stderr).toBe(0);
  return p;
}

test(
  "the packed bt runs a builderfile, and both TypeScript 7 and 5.9 understand it",
  { timeout: 300_000 },
  async () => {
    const p = await installed();

    const [first, second, list] = [
      await run(p.root, "npx", "bt", "serve"),
      await run(p.root, "npx", "bt", "mix"),
      await run(p.root, "npx", "bt"),
    ];
    const ours = await run(
      p.root,
      process.execPath,
      path.join(repository, "node_modules/typescript/bin/tsc"),
      "-p",
      ".",
    );
    const older = await run(p.root, "npx", "tsc", "-p", ".");

    expect(first.exitCode).toBe(0);
    expect(first.stdout).toContain("baked at 200\n");
    expect(first.stdout).toContain("served at 200\n");
    expect(p.read("dough")).toBe("rye\n");
    expect(second).toMatchObject({ exitCode: 0, stdout: "bt: Nothing to do: 1 task is up to date\n" });
    expect(list.stdout).toContain("box");
    expect([complaints(ours), complaints(older)]).toEqual(["", ""]);
    expect((await run(p.root, "npx", "tsc", "--version")).stdout).toMatch(/^Version 5\.9\./);
  },
);

test(
  "publint and attw find nothing wrong with the packed package, for its main door and for every plugin",
  { timeout: 600_000 },
  async () => {
    const p = await project({});
    const packed = await run(repository, "npm", "pack", "--ignore-scripts", "--json", "--pack-destination", p.root);
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
    const file = path.join(p.root, filename);
    const bytes = fs.readFileSync(file);
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const plugins = fs.readdirSync(path.join(repository, "plugins")).map((name) => `plugins/${name}`);

    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    const attw = await run(repository, "npx", "attw", file, "--profile", "esm-only", "--entrypoints", ".", ...plugins);

    expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
    expect(attw.exitCode, attw.stdout).toBe(0);
    for (const name of plugins) expect(attw.stdout).toContain(`"builderfile/${name}"`);
  },
);

test("the package holds what it runs with, and nothing of how it is made", async () => {
  const packed = await run(repository, "npm", "pack", "--ignore-scripts", "--dry-run", "--json");
  const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string; mode: number }[] }];
  const names = files.map((file) => file.path);

  expect(
    names.filter(
      (name) =>
        !/^(dist\/.*\.(js|cjs|d\.ts)|dist\/NOTICES\.txt|docs\/events\.schema\.json|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(
          name,
        ),
    ),
  ).toEqual([]);
  expect(files.find((file) => file.path === "dist/bt.cjs")?.mode).toBe(0o755);
  for (const needed of [
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "dist/core/index.js",
    "dist/core/index.d.ts",
    "dist/plugins/images/index.js",
    "docs/events.schema.json",
  ])
    expect(names).toContain(needed);
});
