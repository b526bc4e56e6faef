import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { replaceFile } from "../../core/files.ts";
import { checkProof, seeEvidence, writeProof, type FreshProof, type Proven } from "../../core/proof.ts";
import { findManifest, manifestFile, quickHash, stampEnv, stampFile, type Manifest } from "../../core/warm.ts";
import { project, type Project } from "../support/project.ts";

/** Everything that a test makes is older than this, and so its times are trusted. */
const later = (): number => Date.now() + 10_000;
const env = { OVEN: "hot", HOME: "/home" };

interface Kitchen extends Project {
  readonly manifest: Manifest;
  readonly check: (changes?: {
    env?: Record<string, string>;
    request?: string;
    manifest?: Partial<Manifest>;
  }) => Proven | undefined;
}

/** A project in which two tasks are proven up to date. */
async function proven(): Promise<Kitchen> {
  const p = await project({ "builderfile.ts": "1", flour: "1", "src/a.c": "1", cake: "1", ".bt/state.log": "1" });
  const { root } = p;
  const manifest: Manifest = {
    build: "b1",
    root,
    builderfile: path.join(root, "builderfile.ts"),
    writtenMs: later(),
    stamps: [stampFile(path.join(root, "builderfile.ts")), stampFile(path.join(root, "package-lock.json"))],
    env: [stampEnv("HOME", env, root)],
    isTracked: true,
  };
  replaceFile(path.join(root, ".bt", manifestFile), JSON.stringify(manifest));
  const proof = {
    request: '["bake"]',
    manifestMs: manifest.writtenMs,
    startedMs: later(),
    state: stampFile(path.join(root, ".bt/state.log")),
    env: [stampEnv("OVEN", env, root)],
    tasks: 2,
    sights: [],
    questions: [],
    sayings: [],
  };
  writeProof(root, { ...proof, files: ["cake", "flour", "src", "src/a.c", path.join(root, "flour")] }, replaceFile);
  const check: Kitchen["check"] = (changes = {}) =>
    checkProof({ ...manifest, ...changes.manifest }, changes.request ?? '["bake"]', { ...env, ...changes.env });
  return { ...p, manifest, check };
}

test("a proof holds while nothing changes", async () => {
  const { check } = await proven();

  expect(check()).toEqual({ tasks: 2, questions: [], sayings: [] });
});

const changes: Readonly<Record<string, (p: Kitchen) => unknown>> = {
  "an input's content": (p) => p.write("flour", "2"),
  "an input's content of the same length and time": (p) => {
    const { atime, mtime } = fs.statSync(path.join(p.root, "flour"));
    p.write("flour", "9");
    fs.utimesSync(path.join(p.root, "flour"), atime, mtime);
  },
  "an input's mode": (p) => fs.chmodSync(path.join(p.root, "flour"), 0o755),
  "an input's inode": (p) => {
    fs.copyFileSync(path.join(p.root, "flour"), path.join(p.root, "copy"));
    fs.renameSync(path.join(p.root, "copy"), path.join(p.root, "flour"));
  },
  "an input is gone": (p) => fs.rmSync(path.join(p.root, "flour")),
  "an input's folder is a file now": (p) => {
    fs.rmSync(path.join(p.root, "src"), { recursive: true });
    p.write("src", "");
  },
  "a new file in a folder that a glob looks into": (p) => p.write("src/b.c", ""),
  "an output is edited": (p) => p.write("cake", "x"),
  "an output is gone": (p) => fs.rmSync(path.join(p.root, "cake")),
  "something was remembered since": (p) => fs.appendFileSync(path.join(p.root, ".bt/state.log"), "2"),
  "the state is gone": (p) => fs.rmSync(path.join(p.root, ".bt/state.log")),
  "the proof is gone": (p) => fs.rmSync(path.join(p.root, ".bt/fresh"), { recursive: true }),
};

test.each(Object.keys(changes))("a proof is refuted when %s has changed", async (name) => {
  const p = await proven();

  changes[name]!(p);

  expect(p.check()).toBeUndefined();
});

test("a proof is refuted by another request, variable or builderfile", async () => {
  const { check } = await proven();

  expect(check({ request: '["fry"]' })).toBeUndefined();
  expect(check({ env: { OVEN: "cold" } })).toBeUndefined();
  expect(check({ env: { OTHER: "1" } })).toMatchObject({ tasks: 2 });
  expect(check({ manifest: { writtenMs: 1 } })).toBeUndefined();
});

/** That one task was up to date just now, whatever the files. */
function emptyProof(root: string, manifest: Manifest): FreshProof {
  return {
    request: "[]",
    manifestMs: manifest.writtenMs,
    startedMs: Date.now(),
    state: stampFile(path.join(root, ".bt/state.log")),
    env: [],
    tasks: 1,
    files: [],
    sights: [],
    questions: [],
    sayings: [],
  };
}

test("a proof whose files were young when it was written proves nothing", async () => {
  const { root, manifest } = await proven();

  writeProof(root, { ...emptyProof(root, manifest), files: ["flour"] }, replaceFile);

  expect(checkProof(manifest, "[]", env)).toBeUndefined();
});

test("a proof tells young files by what is in them, and what is not there by its name", async () => {
  const { root, manifest } = await proven();
  const proof = {
    ...emptyProof(root, manifest),
    sights: [
      seeEvidence({ kind: "text", path: "flour", text: "1" }),
      seeEvidence({ kind: "size", path: "cake", sizeBytes: 1 }),
      seeEvidence({ kind: "absent", path: "mould" }),
    ],
    questions: [{ script: "ask.cjs", about: 1 }],
  };
  writeProof(root, proof, replaceFile);
  const check = (): boolean => checkProof(manifest, "[]", env) !== undefined;
  const write = (name: string, text: string): void => fs.writeFileSync(path.join(root, name), text);
  const seen = [checkProof(manifest, "[]", env)?.questions];

  write("flour", "2");
  const [changed, other] = [check(), (write("flour", "1"), write("cake", "2"), check())];
  const [cut, whole] = [(write("cake", ""), check()), (write("cake", "3"), check())];
  const found = (write("mould", "green"), check());
  fs.rmSync(path.join(root, "mould"));
  const linked = (fs.symlinkSync("nowhere", path.join(root, "mould")), check());

  expect({ seen, changed, other, cut, whole, found, linked }).toEqual({
    seen: [[{ script: "ask.cjs", about: 1 }]],
    changed: false,
    other: true,
    cut: false,
    whole: true,
    found: false,
    linked: false,
  });
});

test("a proof of no files at all holds", async () => {
  const { root, manifest } = await proven();

  writeProof(root, { ...emptyProof(root, manifest), startedMs: later() }, replaceFile);

  expect(checkProof(manifest, "[]", env)).toMatchObject({ tasks: 1 });
});

test("a proof that was cut off anywhere proves nothing", async () => {
  const { root, check } = await proven();
  const file = path.join(root, ".bt/fresh", quickHash('["bake"]').toString(36));
  const whole = fs.readFileSync(file);

  for (let size = 0; size < whole.length; size++) {
    fs.writeFileSync(file, whole.subarray(0, size));
    expect(check()).toBeUndefined();
  }
});

test("findManifest() finds the project from a folder in it, and not from one with a project of its own", async () => {
  const { root, manifest, write } = await proven();
  write("src/deep/x", "");
  write("other/package.json", "{}");

  expect(findManifest(path.join(root, "src/deep"), "b1", env)).toEqual(manifest);
  expect(findManifest(path.join(root, "other"), "b1", env)).toBeUndefined();
});

const staleBy: Readonly<Record<string, (p: Kitchen) => Parameters<typeof findManifest>>> = {
  "another bt": (p) => [p.root, "b2", env],
  "another variable": (p) => [p.root, "b1", { HOME: "/root" }],
  "a changed builderfile": (p) => (p.write("builderfile.ts", "2"), [p.root, "b1", env]),
  "a lock file that was not there": (p) => (p.write("package-lock.json", "{}"), [p.root, "b1", env]),
  "a move of the project": (p) => {
    p.write("moved/.bt/config.json", p.read(".bt/config.json"));
    return [path.join(p.root, "moved"), "b1", env];
  },
  damage: (p) => (p.write(".bt/config.json", '{"build":"b1"'), [p.root, "b1", env]),
  "damage that is JSON": (p) => (p.write(".bt/config.json", "null"), [p.root, "b1", env]),
  "reads that cannot be tracked": (p) => (
    p.write(".bt/config.json", JSON.stringify({ ...p.manifest, isTracked: false })),
    [p.root, "b1", env]
  ),
};

test.each(Object.keys(staleBy))("a manifest is stale after %s", async (name) => {
  const p = await proven();
  expect(findManifest(p.root, "b1", env)).toEqual(p.manifest);

  expect(findManifest(...staleBy[name]!(p))).toBeUndefined();
});

test("stampEnv() tells unset from empty, keeps no value, and differs from project to project", () => {
  const [unset, empty, one, elsewhere] = [
    stampEnv("A", {}, "/p"),
    stampEnv("A", { A: "" }, "/p"),
    stampEnv("A", { A: "secret" }, "/p"),
    stampEnv("A", { A: "secret" }, "/q"),
  ];

  expect(new Set([unset, empty, one, elsewhere].map(([, digest]) => digest)).size).toBe(4);
  expect(JSON.stringify(one)).not.toContain("secret");
});

test("quickHash() differs for texts that differ little", () => {
  const texts = Array.from({ length: 2000 }, (_, at) => `text ${at}`);

  expect(new Set(texts.map(quickHash)).size).toBe(2000);
});
