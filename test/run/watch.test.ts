/** `bt --watch`: tasks that run again when something changes. */
import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { watch } from "../support/watch.ts";

const bakery = {
  "builderfile.ts": withTasks({
    mix: `task({ inputs: ["src/*"], outputs: ["dough"], run: "cat src/*.txt > dough" })`,
    bake: `task({ inputs: ["dough"], outputs: ["src/bread.out"], run: "cat dough >> log; cp dough src/bread.out" })`,
  }).replace(`inputs: ["src/*"]`, `inputs: ["src/*", "!src/*.out"]`),
  "src/flour.txt": "1\n",
};

test("--watch runs again when an input changes or comes, and not for what the tasks write themselves", async () => {
  const p = await project(bakery);
  const w = watch(p, "bake");
  await w.runs("1\n");
  await w.said("Watching");

  p.write("src/flour.txt", "2\n");
  await w.runs("1\n2\n");
  await w.said("Watching", 2);
  p.write("src/salt.txt", "3\n");
  await w.runs("1\n2\n2\n3\n");
  await w.said("Watching", 3);
  w.child.kill("SIGINT");

  const { signal, stderr } = await w.ended;
  expect(signal).toBe("SIGINT");
  expect(stderr).not.toContain("dough");
  expect(p.read("log")).toBe("1\n2\n2\n3\n");
});

test("--watch takes a changed builderfile, and keeps to the old one while it is broken", async () => {
  const p = await project(bakery);
  const w = watch(p, "bake");
  await w.runs("1\n");
  await w.said("Watching");
  const text = p.read("builderfile.ts");

  p.write("builderfile.ts", text.replace("defineBuilder({", "defineBuilder({{"));
  await w.said("The tasks are still those of before");
  await w.said("Watching", 2);
  p.write("builderfile.ts", text.replace("cat dough >> log", "echo new >> log"));

  await w.runs("1\nnew\n");
  w.child.kill("SIGTERM");
  await w.ended;
});

test("--watch goes on after a failure", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], run: "cat flour >> log; test $(cat flour) = 2" })`,
    }),
    flour: "1\n",
  });
  const w = watch(p, "bake");
  await w.said("Watching");

  p.write("flour", "2\n");

  await w.runs("1\n2\n");
  w.child.kill("SIGTERM");
  await w.ended;
});

test("--watch ends with what is wrong before the first run", async () => {
  const p = await project(bakery);

  expect(await p.bt("--watch", "bkae")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`Use "bake"`) });
});
