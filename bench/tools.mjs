/** The tools that are compared: where they come from, which version, how they are started. Does not know the cases. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

/**
 * @typedef {object} Tool
 * @property {string} name
 * @property {string | undefined} version undefined: not installed
 * @property {(request: { jobs?: number, args?: readonly string[] }) => readonly string[]} build builds `all`, or what `args` say
 * @property {readonly string[]} list shows the tasks; empty: it cannot
 * @property {Record<string, string>} env
 * @property {string} [stub] folder that leads PATH while outputs are made and nothing is measured
 * @property {{ quick: number, whole: number }} [most] tasks that it takes without hours of patience
 */

/** All of them; npm's are installed into `folder`, which has a copy of bt's dist afterwards too. @returns {Tool[]} */
export function findTools(folder, root) {
  const bt = copyBt(folder, root);
  const modules = path.join(folder, "node_modules");
  const turbo = path.join(
    modules,
    `@turbo/${process.platform}-${process.arch === "x64" ? "64" : process.arch}/bin/turbo`,
  );
  const node = process.execPath;
  for (const name of ["wireit", "jake", "zx", "turbo"]) install(folder, name);
  return [
    {
      name: "node",
      version: process.version,
      build: () => [node, "-e", "0"],
      list: [node, "-e", "0"],
      env: {},
    },
    {
      name: "bt",
      version: ask([node, bt, "--version"]),
      build: ({ jobs, args = ["all"] }) => [node, bt, ...minusJ(jobs), ...args],
      list: [node, bt, "--list"],
      env: {},
    },
    // Without its built-in rules, which cost it seconds from 10,000 tasks on.
    {
      name: "make",
      version: ask(["make", "--version"]),
      build: ({ jobs }) => ["make", "-r", ...minusJ(jobs), "all"],
      list: [],
      env: {},
    },
    {
      name: "ninja",
      version: ask(["ninja", "--version"]),
      build: ({ jobs }) => ["ninja", ...minusJ(jobs), "all"],
      list: ["ninja", "-t", "targets", "all"],
      env: {},
    },
    {
      name: "jake",
      version: findVersion(modules, "jake"),
      build: () => [node, path.join(modules, "jake/bin/cli.js"), "-q", "all"],
      list: [node, path.join(modules, "jake/bin/cli.js"), "-T"],
      env: {},
      most: { quick: 100, whole: 10_000 },
    },
    // Started as npm starts it, without npm's own fifth of a second.
    {
      name: "wireit",
      version: findVersion(modules, "wireit"),
      build: () => [node, path.join(modules, "wireit/bin/wireit.js")],
      list: [],
      env: {
        npm_lifecycle_event: "all",
        npm_package_json: "package.json",
        npm_config_user_agent: "npm/10.0.0",
        WIREIT_PARALLEL: "2",
        WIREIT_CACHE: "none",
        WIREIT_LOGGER: "quiet",
      },
      most: { quick: 100, whole: 1000 },
    },
    {
      name: "zx",
      version: findVersion(modules, "zx"),
      build: () => [node, path.join(modules, "zx/build/cli.js"), "--quiet", "all.mjs"],
      list: [],
      env: {},
      most: { quick: 1000, whole: 1000 },
    },
    // The program itself, without the script that looks for it.
    {
      name: "turbo",
      version: fs.existsSync(turbo) ? findVersion(modules, "turbo") : undefined,
      build: ({ jobs }) => [
        turbo,
        "run",
        "build",
        "--output-logs=none",
        ...(jobs === undefined ? [] : [`--concurrency=${jobs}`]),
      ],
      list: [turbo, "ls"],
      env: { TURBO_TELEMETRY_DISABLED: "1", TURBO_NO_UPDATE_NOTIFIER: "1" },
      stub: stubNpm(folder),
      most: { quick: 100, whole: 1000 },
    },
  ];
}

const minusJ = (jobs) => (jobs === undefined ? [] : [`-j${jobs}`]);

/** A copy: whoever edits bt meanwhile does not change what is measured. */
function copyBt(folder, root) {
  fs.cpSync(path.join(root, "dist"), path.join(folder, "bt/dist"), { recursive: true });
  fs.copyFileSync(path.join(root, "package.json"), path.join(folder, "bt/package.json"));
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "bt/node_modules"));
  return path.join(folder, "bt/dist/bt.cjs");
}

/** turbo starts npm for each package: minutes for a thousand, before anything is measured. */
function stubNpm(folder) {
  const stub = path.join(folder, "stub");
  fs.mkdirSync(stub);
  fs.writeFileSync(path.join(stub, "npm"), "#!/bin/sh\n[ ! -e in ] || cp in out\n", { mode: 0o755 });
  return stub;
}

/** What cannot be installed is not there, and its rows say so. */
function install(folder, name) {
  if (!fs.existsSync(path.join(folder, "package.json")))
    fs.writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
  spawnSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", name], {
    cwd: folder,
    stdio: "ignore",
    timeout: 60_000,
  });
}

function findVersion(modules, name) {
  const file = path.join(modules, name, "package.json");
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")).version : undefined;
}

function ask([file, ...args]) {
  const { status, stdout } = spawnSync(file, args, { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0].replace(/^\D*/, "") : undefined;
}
