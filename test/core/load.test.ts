import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { findBuilderfile, loadSettings } from "../../core/find.ts";
import { project, withTasks } from "../support/project.ts";
import { codesOf } from "./rig.ts";

const bake = withTasks({ bake: `task({ run: "true" })` });

test.each(["builderfile.ts", "builderfile.mts", "builderfile.js", "builderfile.mjs", ".config/builderfile.ts"])(
  "%s is found from a folder below, and the root is the project",
  async (name) => {
    const { root } = await project({ [name]: "", "src/deep/x": "" });

    expect(await findBuilderfile(path.join(root, "src/deep"), undefined)).toEqual({
      file: path.join(root, name),
      root,
    });
  },
);

test("package.json may say where the builderfile is", async () => {
  const { root } = await project({
    "package.json": `{ "builderfile": "tools/oven.ts" }`,
    "tools/oven.ts": "",
    "src/x": "",
  });

  expect(await findBuilderfile(path.join(root, "src"), undefined)).toEqual({
    file: path.join(root, "tools/oven.ts"),
    root,
  });
});

test("the nearest builderfile wins, also an empty one, and a package.json without one is passed", async () => {
  const { root } = await project({
    "builderfile.ts": "export default 1;",
    "inner/builderfile.ts": "",
    "other/package.json": "{}",
  });

  expect((await findBuilderfile(path.join(root, "inner"), undefined)).root).toBe(path.join(root, "inner"));
  expect((await findBuilderfile(path.join(root, "other"), undefined)).root).toBe(root);
});

test("a file named with -f has its folder as the root", async () => {
  const { root } = await project({ "builderfile.ts": "", "tools/oven.ts": "" });

  expect(await findBuilderfile(root, "tools/oven.ts")).toEqual({
    file: path.join(root, "tools/oven.ts"),
    root: path.join(root, "tools"),
  });
  expect(await codesOf(() => findBuilderfile(root, "gone.ts"))).toEqual(["BUILDERFILE_MISSING"]);
});

test.each([
  ["config.json", `{ "jobs": 3 }`],
  ["config.yaml", "jobs: 3\n"],
  ["config.yml", "jobs: 3\n"],
])("settings are read from %s, in XDG_CONFIG_HOME or ~/.config", async (name, content) => {
  const { root } = await project({ [`.config/bt/${name}`]: content });

  expect(await loadSettings({ HOME: root })).toEqual({ jobs: 3 });
  expect(await loadSettings({ HOME: "/", XDG_CONFIG_HOME: path.join(root, ".config") })).toEqual({ jobs: 3 });
});

test.each([{ HOME: "/nowhere" }, { HOME: "/dev/null" }, { HOME: "/dev/null", XDG_CONFIG_HOME: "" }])(
  "without a folder for them there are no settings: %o",
  async (env) => {
    expect(await loadSettings(env)).toEqual({});
  },
);

test("a home that is no folder stops nobody", async () => {
  const p = await project({ "builderfile.ts": bake });

  const result = await p.btWith({ env: { HOME: "/dev/null" } }, "bake");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
});

test("a builderfile is compiled once, and again when it or a file that it imports has changed", async () => {
  const p = await project({
    "builderfile.ts": `import { word } from "./word.ts";\n${withTasks({ say: "task({ run: `echo ${word}` })" })}`,
    "word.ts": `export const word = "one";`,
  });
  const stamp = (): number => fs.statSync(path.join(p.root, ".bt/builder/compiled.json")).mtimeMs;
  const first = await p.bt("say");
  const before = stamp();

  const second = await p.bt("say");
  expect([first.stdout.includes("one"), second.stdout.includes("one"), stamp()]).toEqual([true, true, before]);
  p.write("word.ts", `export const word = "two";`);

  expect((await p.bt("say")).stdout).toContain("echo two");
});

test.each(["builder/compiled.json", "builder/code.v8", "config.json", "list.json"])(
  "a damaged %s costs nothing but time",
  async (name) => {
    const p = await project({ "builderfile.ts": bake });
    await p.bt("bake");
    await p.bt();
    p.write(`.bt/${name}`, "rubbish");

    const [list, run] = [await p.bt(), await p.bt("bake")];

    expect([list.exitCode, list.stderr, run.exitCode, run.stderr]).toEqual([0, "", 0, ""]);
    expect(list.stdout).toBe("Tasks\n  bake\n");
  },
);

test("code of V8 that has lost its end, as after a power cut, is made anew", async () => {
  const p = await project({ "builderfile.ts": bake });
  await p.bt("bake");
  const file = path.join(p.root, ".bt/builder/code.v8");
  const whole = fs.readFileSync(file);
  const spoiled = Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.alloc(whole.length / 2)]);
  fs.writeFileSync(file, spoiled);

  expect(await p.bt("bake", "--force")).toMatchObject({ exitCode: 0, stderr: "" });
  expect(fs.readFileSync(file).equals(spoiled)).toBe(false);
});

test("`.bt` keeps itself out of git", async () => {
  const p = await project({ "builderfile.ts": bake });

  await p.bt("bake");

  expect(p.read(".bt/.gitignore")).toBe("*\n");
});
