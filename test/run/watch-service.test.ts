/** Services of `bt --watch`: they stay from run to run, and go with the watch. */
import { expect, test } from "vitest";
import { taskProcesses, until } from "../support/processes.ts";
import { project, withTasks } from "../support/project.ts";
import { watch } from "../support/watch.ts";

/** Says when it starts and when it is stopped; ready from its first line on. */
const oven = `task({ service: true, readyWhen: { line: /^hot/ }, inputs: [], run: "trap 'echo off >> log; exit' TERM; echo on >> log; echo hot; while :; do sleep 0.05; done" })`;
const bakery = (ovenText: string): string =>
  withTasks({ oven: ovenText, rye: `task({ needs: ["oven"], inputs: ["flour"], run: "echo rye >> log" })` });

test("a service stays from run to run, starts anew when it is another, and is stopped when nobody has it or the watch ends", async () => {
  const p = await project({ "builderfile.ts": bakery(oven), flour: "1\n" });
  const w = watch(p, "rye");
  await w.runs("on\nrye\n");
  await w.said("Watching");

  p.write("flour", "2\n");
  await w.runs("on\nrye\nrye\n");
  await w.said("Watching", 2);
  p.write("builderfile.ts", bakery(oven.replace("echo hot", "echo hot 200")));
  await w.runs("on\nrye\nrye\noff\non\nrye\n");
  await w.said("Watching", 3);
  p.write("builderfile.ts", bakery(oven).replace(`needs: ["oven"], `, ""));
  await w.runs("on\nrye\nrye\noff\non\nrye\noff\nrye\n");
  await w.said("Watching", 4);
  p.write("builderfile.ts", bakery(oven));
  await w.runs("on\nrye\nrye\noff\non\nrye\noff\nrye\non\nrye\n");
  await w.said("Watching", 5);
  w.child.kill("SIGTERM");

  expect(await w.ended).toMatchObject({ signal: "SIGTERM", stderr: expect.stringContaining("bt: Stopping oven\n") });
  expect(p.read("log")).toMatch(/on\nrye\noff\n$/);
  expect(taskProcesses(p.root)).toEqual([]);
});

test("a service whose own service is another starts anew with it, in order", async () => {
  const gas = oven.replace(/(on|off) >>/g, "gas-$1 >>");
  const kitchen = (gasText: string): string =>
    bakery(oven.replace("inputs: []", `needs: ["gas"], inputs: []`)).replace("tasks: {", `tasks: { gas: ${gasText},`);
  const p = await project({ "builderfile.ts": kitchen(gas), flour: "1\n" });
  const w = watch(p, "rye");
  await w.runs("gas-on\non\nrye\n");
  await w.said("Watching");

  p.write("builderfile.ts", kitchen(gas.replace("echo hot", "echo hot 200")));
  await w.runs("gas-on\non\nrye\noff\ngas-off\ngas-on\non\nrye\n");
  await w.said("Watching", 2);
  w.child.kill("SIGINT");

  expect((await w.ended).signal).toBe("SIGINT");
  expect(p.read("log")).toMatch(/rye\noff\ngas-off\n$/);
});

test("a signal in the middle of a run ends the services of a watch, and lets them end", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ oven, rye: `task({ needs: ["oven"], run: "echo rye >> log; exec sleep 600" })` }),
  });
  const w = watch(p, "rye");
  await w.runs("on\nrye\n");

  w.child.kill("SIGINT");

  expect((await w.ended).signal).toBe("SIGINT");
  expect(p.read("log")).toBe("on\nrye\noff\n");
  expect(taskProcesses(p.root)).toEqual([]);
});

test.for([
  ["a watch", ["--watch", "rye"]],
  ["a run", ["rye", "wheat"]],
] as const)("the services of %s that was killed are ended by the next run", async ([, argv]) => {
  const p = await project({
    "builderfile.ts": withTasks({
      oven: `task({ service: true, inputs: [], run: "exec sleep 600" })`,
      rye: `task({ needs: ["oven"], inputs: [], run: "echo rye >> log" })`,
      wheat: `task({ needs: ["oven", "rye"], run: "echo wheat >> log; kill -KILL $PPID; exec sleep 600" })`,
      oat: `task({ run: "true" })`,
    }),
  });
  const { child, ended } = p.start({}, ...argv);
  await until(() => p.exists("log"));
  if (argv[0] === "--watch") child.kill("SIGKILL");
  await ended;
  await until(() => taskProcesses(p.root).includes("sleep 600"));

  expect((await p.bt("oat")).exitCode).toBe(0);

  await until(() => taskProcesses(p.root).length === 0);
});
