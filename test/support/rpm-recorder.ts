/** A stand-in for bazeldnf and for `bazel run`, for what the real ones cannot be made to do: it records its calls, waits, fails, and writes what it is told. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { RpmSpec } from "./rpm-repository.ts";
import { temporaryFolder } from "./temporary.ts";

/** One call. */
export interface RecordedCall {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** BUILD_WORKING_DIRECTORY. */
  readonly workingDirectory: string | null;
}

/** What one call does otherwise; the key is the tree of an `rpmtree` call, or the command. */
export interface Behaviour {
  /** Prints this and exits with 1. */
  readonly fail?: string;
  /** Goes on when this file is there; makes `FILE.waiting` before. */
  readonly wait?: string;
  /** Overwrites a file before it goes on. */
  readonly write?: readonly [file: string, text: string];
}

/** The stand-in. */
export interface Recorder {
  readonly bin: string;
  readonly calls: () => readonly RecordedCall[];
  readonly behave: (behaviours: Readonly<Record<string, Behaviour>>) => void;
}

const script = `#!${process.execPath}
const fs = require("node:fs"), path = require("node:path"), crypto = require("node:crypto");
const words = process.argv.slice(2);
fs.appendFileSync(__dirname + "/calls", JSON.stringify({ argv: words, cwd: process.cwd(), workingDirectory: process.env.BUILD_WORKING_DIRECTORY ?? null }) + "\\n");
const argv = words[0] === "run" ? words.slice(words.includes("--") ? words.indexOf("--") + 1 : words.length) : words;
const values = ["--name", "--arch", "--basesystem", "--force-ignore-with-dependencies", "--repofile"];
const flags = {}, packages = [];
for (let at = 1; at < argv.length; at++)
  if (values.includes(argv[at])) flags[argv[at]] = argv[++at];
  else if (!argv[at].startsWith("--")) packages.push(argv[at]);
const { specs, behaviours } = JSON.parse(fs.readFileSync(__dirname + "/told.json", "utf8"));
const { fail, wait, write } = behaviours[flags["--name"] ?? argv[0] ?? "target"] ?? {};
if (write) fs.writeFileSync(write[0], write[1]);
if (wait) {
  fs.writeFileSync(wait + ".waiting", "");
  // The test's folder is gone when the test has ended and its bt was killed.
  while (!fs.existsSync(wait) && fs.existsSync(wait + ".waiting")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}
if (fail) { process.stderr.write(fail + "\\n"); process.exit(1); }
if (argv[0] !== "rpmtree") process.exit(0);
const arch = flags["--arch"] ?? "x86_64";
const rpms = [...packages, flags["--basesystem"]].map((word) => {
  const spec = specs.find((one) => [one.name, one.name + "-" + one.evr].includes(word) && [arch, "noarch"].includes(one.arch ?? "noarch"));
  const own = spec.arch ?? "noarch";
  const evr = spec.evr.includes(":") ? spec.evr : "0:" + spec.evr;
  const name = (spec.name + "-" + evr + "." + arch).replaceAll(":", "__").replaceAll("+", "__plus__").replaceAll("^", "__caret__").replaceAll("~", "__tilde__");
  return { name, sha256: crypto.createHash("sha256").update(spec.name + " " + spec.evr + " " + own).digest("hex") };
}).sort((a, b) => (a.name < b.name ? -1 : 1));
const workspace = fs.readFileSync("WORKSPACE", "utf8");
const missing = rpms.filter(({ name }) => !workspace.includes('"' + name + '"'));
fs.writeFileSync("WORKSPACE", workspace + missing.map(({ name, sha256 }) => 'rpm(\\n    name = "' + name + '",\\n    sha256 = "' + sha256 + '",\\n    urls = ["http://mirror/' + name + '.rpm"],\\n)\\n').join(""));
const build = fs.readFileSync("rpm/BUILD.bazel", "utf8").replace(new RegExp('rpmtree\\\\(\\n    name = "' + flags["--name"] + '",[^]*?\\n\\\\)\\n'), "");
fs.writeFileSync("rpm/BUILD.bazel", build + 'rpmtree(\\n    name = "' + flags["--name"] + '",\\n    rpms = [\\n' + rpms.map(({ name }) => '        "@' + name + '//rpm",\\n').join("") + '    ],\\n    visibility = ["//visibility:public"],\\n)\\n');
`;

/** A stand-in that knows these packages. */
export async function createRecorder(specs: readonly RpmSpec[]): Promise<Recorder> {
  const folder = await temporaryFolder();
  const bin = path.join(folder, "bazeldnf");
  const behave: Recorder["behave"] = (behaviours) =>
    fs.writeFileSync(path.join(folder, "told.json"), JSON.stringify({ specs, behaviours }));
  fs.writeFileSync(bin, script, { mode: 0o755 });
  behave({});
  return {
    bin,
    behave,
    calls: () => {
      const file = path.join(folder, "calls");
      const lines = fs.existsSync(file) ? fs.readFileSync(file, "utf8").trimEnd().split("\n") : [];
      return lines.map((line): RecordedCall => JSON.parse(line));
    },
  };
}
