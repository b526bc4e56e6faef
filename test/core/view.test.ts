/** Files that a cache would put in place look like those that it has put there. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { packOutputs } from "../../core/cache/pack.ts";
import { createLayer } from "../../core/cache/unpack.ts";
import { collectInputs } from "../../core/collect.ts";
import type { FileFact } from "../../core/files.ts";
import { describeEachOutput, describeOutputs } from "../../core/outputs.ts";
import { viewDisk, withLayers, type View } from "../../core/view.ts";
import { createDice } from "../support/dice.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { nodeOf } from "./rig.ts";

const outputs = ["out/", "gen/*.c", "loaf", "deep/a/b"];
const names = ["a", "b.c", ".hidden", "with space", "a+b", "(x)", "node_modules"];

/** Files, programs, links and empty folders, as the dice fall; a source beside them. */
function bake(root: string, dice: (sides: number) => number): void {
  const make = (folder: string, depth: number): void => {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
    for (const name of names.filter(() => dice(2) === 0)) {
      const file = path.join(root, folder, name);
      if (dice(4) === 0) fs.symlinkSync(dice(2) === 0 ? "a" : "../nowhere", file);
      else if (dice(3) === 0 && depth > 0) make(`${folder}/${name}`, depth - 1);
      else fs.writeFileSync(file, `${dice(9)}`, { mode: dice(2) === 0 ? 0o755 : 0o640 });
    }
  };
  make("out", 2);
  for (const name of ["a.c", "b.c", "c.h"]) {
    fs.mkdirSync(path.join(root, "gen"), { recursive: true });
    if (name === "c.h" || dice(2) === 0) fs.writeFileSync(path.join(root, "gen", name), `${dice(9)}`);
  }
  fs.writeFileSync(path.join(root, "loaf"), "rye", { mode: dice(2) === 0 ? 0o755 : 0o644 });
  fs.mkdirSync(path.join(root, "deep/a"), { recursive: true });
  fs.writeFileSync(path.join(root, "deep/a/b"), "b");
}

const inputLists: readonly (readonly string[])[] = [
  ["loaf", "deep/a/b", "src"],
  ["loaf", "out/a", "gen/a.c", "./out/b.c"],
  ["out"],
  ["out/", "deep/", "gen/"],
  ["./out/", "!out/a"],
  ["out/**", "!out/node_modules/**"],
  ["out/*", "gen/*"],
  ["gen/*.c", "gen/c.h"],
  ["**/*.c", "**/a", "src/**"],
  ["**"],
  ["out/{a,b.c}", "o?t/[a-c]*", "deep/**/b"],
  ["!out/b.c", "out/**/b.c", "out/a/**/*", "loaf/"],
];

const plain = (facts: readonly FileFact[]): readonly string[] =>
  facts.map(({ path: file, kind, digest }) => `${file} ${kind} ${digest}`);

test.for([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
  "keys do not tell files that a cache has from those that are in place: dice %s",
  async (seed) => {
    const [there, away] = [await temporaryFolder(), await temporaryFolder()];
    for (const root of [there, away]) {
      fs.mkdirSync(path.join(root, "src/sub"), { recursive: true });
      for (const file of ["src/a", "src/sub/b.c"]) fs.writeFileSync(path.join(root, file), file);
      fs.mkdirSync(path.join(root, "gen"));
      fs.writeFileSync(path.join(root, "gen/c.h"), "by hand");
    }
    bake(there, createDice(seed));
    fs.writeFileSync(path.join(there, "gen/c.h"), "by hand");
    const maker = nodeOf("bake", { outputs });
    const made = describeOutputs(there, maker, new Map());
    const packed = packOutputs(there, maker, made, { sizeBytes: 1e9, files: 1e6 });
    if ("unfit" in packed) throw new Error(packed.unfit);

    const seen: View = withLayers(viewDisk(away, new Map()), [createLayer(packed.outputs)]);

    expect(plain(describeEachOutput(maker, seen))).toEqual(plain(made));
    const disk = viewDisk(there, new Map());
    for (const inputs of inputLists) {
      const node = nodeOf("sell", { inputs });
      expect([inputs, plain(collectInputs(node, seen))]).toEqual([inputs, plain(collectInputs(node, disk))]);
    }
  },
);
