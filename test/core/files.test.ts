import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import {
  describeFile,
  expandPaths,
  findStat,
  findText,
  findTool,
  followLinks,
  hashText,
  isFolder,
  replaceFile,
  signatureOf,
  type FileFact,
} from "../../core/files.ts";
import { isGlob } from "../../core/paths.ts";
import { project } from "../support/project.ts";

const none: ReadonlyMap<string, FileFact> = new Map();
const expand = (root: string, ...patterns: readonly string[]): readonly string[] => expandPaths(root, patterns, isGlob);

const tree = {
  "src/a.c": "a",
  "src/b.h": "b",
  "src/deep/c.c": "c",
  "src/.hidden.c": "h",
  "top.c": "t",
  "odd [1].c": "o",
  "node_modules/x/y.c": "n",
  ".git/z.c": "g",
  ".bt/w.c": "w",
};

test("expandPaths() takes globs, folders and files, sorted and each once", async () => {
  const { root } = await project(tree);

  expect(expand(root, "src/*.c", "top.c", "./top.c")).toEqual(["src/.hidden.c", "src/a.c", "top.c"]);
  expect(expand(root, "src")).toEqual(["src/.hidden.c", "src/a.c", "src/b.h", "src/deep/c.c"]);
  expect(expand(root, "src/")).toEqual(expand(root, "src"));
  expect(expand(root, "src/**/")).toEqual(expand(root, "src"));
  expect(expand(root, "**/*.c")).toEqual(["odd [1].c", "src/.hidden.c", "src/a.c", "src/deep/c.c", "top.c"]);
  expect(expand(root, "{src,nowhere}/*.h")).toEqual(["src/b.h"]);
});

test("expandPaths() leaves out what is excluded, whatever it was found by", async () => {
  const { root } = await project(tree);

  expect(expand(root, "src/**", "!**/*.h", "!src/deep/**")).toEqual(["src/.hidden.c", "src/a.c"]);
  expect(expand(root, "src/a.c", "top.c", "!src/**")).toEqual(["top.c"]);
  expect(expand(root, "src/a.c", "src/*.h", "!src/a.c")).toEqual(["src/b.h"]);
  expect(expand(root, "nowhere.c", "!nowhere.c")).toEqual([]);
  expect(expand(root, "src/deep/c.c", "src", "!src/deep")).toEqual(["src/.hidden.c", "src/a.c", "src/b.h"]);
  expect(expand(root, "src/deep/c.c", "src/a.c", "!src/deep/")).toEqual(["src/a.c"]);
});

test("expandPaths() keeps a path that is not there, and a glob that matches nothing is empty", async () => {
  const { root } = await project(tree);

  expect(expand(root, "gone.c")).toEqual(["gone.c"]);
  expect(expand(root, "gone/*.c")).toEqual([]);
});

test("expandPaths() takes a folder whose name looks like a glob", async () => {
  const { root } = await project({ "odd(1)/a.c": "", "odd(1)/b.c": "" });

  expect(expand(root, "odd(1)")).toEqual(["odd(1)/a.c", "odd(1)/b.c"]);
});

test("expandPaths() names links, and does not follow those to folders", async () => {
  const { root } = await project(tree);
  fs.symlinkSync("deep", path.join(root, "src/link"));
  fs.symlinkSync("a.c", path.join(root, "src/linked.c"));
  fs.symlinkSync("nowhere", path.join(root, "src/dangling.c"));

  expect(expand(root, "src/*.c")).toEqual(["src/.hidden.c", "src/a.c", "src/dangling.c", "src/linked.c"]);
  expect(expand(root, "src/**", "!**/*.c", "!**/*.h")).toEqual(["src/link"]);
});

test("expandPaths() reads a folder that is named whole as a glob that matches it", async () => {
  const files = ["pan/a", "pan/.b", "pan/deep/c d", "pan/.git/x", "pan/deep/node_modules/y", "pan/.bt/z", "pot/e"];
  const p = await project(Object.fromEntries(files.map((file) => [file, ""])));
  fs.mkdirSync(path.join(p.root, "pan/empty"));
  fs.symlinkSync("deep", path.join(p.root, "pan/link"));
  fs.symlinkSync("../pot", path.join(p.root, "pan/node_modules"));

  const found = ["pan/**", "pan/", "pan"].map((named) => expand(p.root, named));
  const missing = expand(p.root, "lid/deep/**", "lid/");

  expect(found[0]).toEqual(["pan/.b", "pan/a", "pan/deep/c d", "pan/link"]);
  expect(found).toEqual(Array.from(found, () => expand(p.root, "pa[n]/**")));
  expect(missing).toEqual(["lid/"]);
});

test("describeFile() tells the kinds of files apart", async () => {
  const { root } = await project({ plain: "1", tool: "1", "folder/x": "" });
  fs.chmodSync(path.join(root, "tool"), 0o755);
  fs.symlinkSync("plain", path.join(root, "link"));
  fs.symlinkSync("nowhere", path.join(root, "dangling"));
  const facts = ["plain", "tool", "folder", "link", "dangling", "missing", "plain/below"].map((name) =>
    describeFile(root, name, none),
  );

  expect(facts.map(({ kind, digest }) => [kind, digest])).toEqual([
    ["file", hashText("1")],
    ["exec", hashText("1")],
    ["folder", ""],
    ["link", hashText("plain")],
    ["link", hashText("nowhere")],
    ["missing", ""],
    ["missing", ""],
  ]);
});

test("describeFile() does not trust a young file: it is read again", async () => {
  const p = await project({ flour: "1" });
  const young = describeFile(p.root, "flour", none);
  expect(young.signature).toBeUndefined();

  p.write("flour", "2");

  expect(describeFile(p.root, "flour", new Map([["flour", young]])).digest).toBe(hashText("2"));
});

test("describeFile() reads a file again that was changed and given its size and time back", async () => {
  const p = await project({ flour: "1" });
  const file = path.join(p.root, "flour");
  const dated = (): fs.Stats => (fs.utimesSync(file, 1, 1), fs.statSync(file));
  const before = dated();
  const known: FileFact = { path: "flour", kind: "file", digest: hashText("1"), signature: signatureOf(before) };

  p.write("flour", "2");
  while (dated().ctimeMs === before.ctimeMs); // The clock of files is coarse.

  expect(describeFile(p.root, "flour", new Map([["flour", known]])).digest).toBe(hashText("2"));
});

test("describeFile() takes the digest of an old file from the memo as long as its stat is the same", async () => {
  const p = await project({ flour: "1" });
  const stat = fs.lstatSync(path.join(p.root, "flour"));
  const signature = `${stat.size} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.ino} ${stat.dev}`;
  const memo = new Map<string, FileFact>([["flour", { path: "flour", kind: "file", digest: "remembered", signature }]]);
  expect(describeFile(p.root, "flour", memo).digest).toBe("remembered");

  fs.chmodSync(path.join(p.root, "flour"), 0o755);

  expect(describeFile(p.root, "flour", memo)).toMatchObject({ kind: "exec", digest: hashText("1") });
});

test("replaceFile() makes the folder, replaces the file as a whole and leaves nothing beside it", async () => {
  const { root } = await project({ "a/old": "x" });

  replaceFile(path.join(root, "a/b/new"), "1");
  replaceFile(path.join(root, "a/old"), Buffer.from("2"));

  expect([
    fs.readdirSync(path.join(root, "a")),
    fs.readdirSync(path.join(root, "a/b")),
    findText(path.join(root, "a/old")),
  ]).toEqual([["b", "old"], ["new"], "2"]);
});

test("replaceFile() keeps the mode of the old file, whatever the umask", async () => {
  const { root } = await project({ open: "1", program: "1" });
  fs.chmodSync(path.join(root, "open"), 0o666);
  fs.chmodSync(path.join(root, "program"), 0o755);

  for (const name of ["open", "program"]) replaceFile(path.join(root, name), "2");

  const modes = ["open", "program"].map((name) => fs.statSync(path.join(root, name)).mode & 0o777);
  expect(modes).toEqual([0o666, 0o755]);
});

test("replaceFile() stages under a name that says what it is, and that no other writer has", async () => {
  const { root } = await project({});
  const longest = "a".repeat(255); // Nothing can be staged beside it: the message has the name.

  const write = (): string => {
    try {
      replaceFile(path.join(root, longest), "1");
    } catch (error) {
      return String(error);
    }
    return "written";
  };
  const [first, second] = [write(), write()];

  expect(first).toMatch(new RegExp(`a\\.${process.pid}\\.\\w+\\.bt-new'`));
  expect(second).not.toBe(first);
});

test("replaceFile() that fails keeps the old file and leaves nothing beside it", async () => {
  const { root } = await project({ "full/x": "1" });

  expect(() => replaceFile(path.join(root, "full"), "2")).toThrow();

  expect(fs.readdirSync(root)).toEqual(["full"]);
});

test("what is not there, or lies below a file, is undefined", async () => {
  const { root } = await project({ file: "1" });

  for (const name of ["gone", "file/below"]) {
    expect([findStat(path.join(root, name)), findText(path.join(root, name)), isFolder(path.join(root, name))]).toEqual(
      [undefined, undefined, false],
    );
  }
  expect(followLinks(path.join(root, "gone"))).toBe(path.join(root, "gone"));
});

test("findTool() takes the first program on the search path that may be executed", async () => {
  const { root } = await project({ "a/oven": "", "b/oven": "", "c/oven": "" });
  fs.chmodSync(path.join(root, "b/oven"), 0o755);
  fs.chmodSync(path.join(root, "c/oven"), 0o755);
  const search = ["a", "b", "c", "gone"].map((name) => path.join(root, name)).join(":");

  expect(findTool("oven", search)).toBe(path.join(root, "b/oven"));
  expect(findTool("stove", search)).toBeUndefined();
  expect(findTool(path.join(root, "c/oven"), search)).toBe(path.join(root, "c/oven"));
});

test("findTool() passes over a folder of the search path that cannot be looked at", async () => {
  const { root } = await project({ "b/oven": "" });
  fs.chmodSync(path.join(root, "b/oven"), 0o755);
  fs.symlinkSync("a", path.join(root, "a"));

  expect(findTool("oven", `${root}/a:${root}/b`)).toBe(path.join(root, "b/oven"));
});
