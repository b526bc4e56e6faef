/** Services: tasks that run beside those that need them. */
import { expect, test } from "vitest";
import { taskProcesses, until } from "../support/processes.ts";
import { project, withTasks } from "../support/project.ts";
import { freePort } from "../support/registry.ts";

/** Says when it starts and when it is stopped; ready from its second line on. */
const oven = `task({ service: true, readyWhen: { line: /^hot/ }, inputs: [], run: "trap 'echo off >> log; exit' TERM; echo on >> log; echo hot; while :; do sleep 0.05; done" })`;

test("a service starts before the first task that needs it, waits until it is ready, and is stopped after the last", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      oven,
      rye: `task({ needs: ["oven"], run: "echo rye >> log" })`,
      wheat: `task({ needs: ["oven", "rye"], run: "echo wheat >> log" })`,
    }),
  });

  const result = await p.bt("-j1", "wheat");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("log")).toBe("on\nrye\nwheat\noff\n");
  expect(result.stdout).toContain("bt: 3 ran");
});

test("a service does not start for a task that is up to date", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      oven,
      rye: `task({ needs: ["oven"], inputs: ["flour"], run: "echo rye >> log" })`,
      mill: `task({ inputs: ["grain"], outputs: ["flour"], run: "echo fine > flour" })`,
    }),
    grain: "1\n",
  });
  await p.bt("rye");
  p.write("log", "");
  p.write("grain", "2\n");

  const result = await p.bt("rye");

  expect(result.exitCode).toBe(0);
  expect(p.read("log")).toBe("");
  expect(result.stdout).toContain("1 ran, 1 up to date");
});

test("a task runs again when its service is started otherwise", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ oven, rye: `task({ needs: ["oven"], inputs: [], run: "echo rye >> log" })` }),
  });
  await p.bt("rye");
  p.write("builderfile.ts", p.read("builderfile.ts").replace("echo hot", "echo hot 200"));
  p.write("log", "");

  await p.bt("rye");

  expect(p.read("log")).toBe("on\nrye\noff\n");
});

test("SIGINT ends a run that waits for a service, and the service", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      oven: `task({ service: true, readyWhen: { line: "hot" }, run: "echo cold > state; exec sleep 600" })`,
      rye: `task({ needs: ["oven"], run: "echo rye >> log" })`,
    }),
  });
  const { child, ended } = p.start({}, "rye");
  await until(() => p.exists("state"));
  child.kill("SIGINT");

  expect((await ended).signal).toBe("SIGINT");
  expect(taskProcesses(p.root)).toEqual([]);
});

test("services of services start before them and stop after them", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      gas: oven.replace(/(on|off) >>/g, "gas-$1 >>"),
      oven: oven.replace("inputs: []", `needs: ["gas"], inputs: []`),
      rye: `task({ needs: ["oven"], run: "echo rye >> log" })`,
    }),
  });

  const result = await p.bt("rye");

  expect(result.exitCode).toBe(0);
  expect(p.read("log")).toBe("gas-on\non\nrye\noff\ngas-off\n");
});

test("a service is ready when its port is open, its address answers and its command succeeds", async () => {
  const server = `import { createServer } from "node:http";
const server = createServer((_, response) => response.end("warm")).listen(0, "127.0.0.1", () => console.log(server.address().port));
process.on("SIGTERM", () => process.exit());`;
  const p = await project({
    "server.mjs": server,
    "builderfile.ts": withTasks(
      {
        port: `task({ inputs: [], outputs: ["port"], run: () => { writeFileSync("port", "${await freePort()}") } })`,
        oven: `task({ service: true, needs: ["port"], readyWhen: { get port() { return port() }, get http() { return "http://127.0.0.1:" + port() + "/" }, command: "test -e port" }, run: "node server.mjs" })`,
        rye: `task({ needs: ["oven"], run: async () => { writeFileSync("log", await (await fetch("http://127.0.0.1:" + port())).text()) } })`,
      },
      `import { readFileSync, writeFileSync } from "node:fs";
const port = (): number => Number(readFileSync("port", "utf8"));`,
    ),
  });
  p.write(
    "server.mjs",
    server
      .replace("listen(0,", `listen(Number(readFileSync("port", "utf8")),`)
      .replace("import {", `import { readFileSync } from "node:fs";\nimport {`),
  );

  const result = await p.bt("rye");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.read("log")).toBe("warm");
});

test("a service that was asked for by name runs like other tasks", async () => {
  const p = await project({ "builderfile.ts": withTasks({ oven: `task({ service: true, run: "echo hot" })` }) });

  expect(await p.bt("oven")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("hot") });
});

test("a dry run names a service among what would run", async () => {
  const p = await project({ "builderfile.ts": withTasks({ oven, rye: `task({ needs: ["oven"], run: "echo rye" })` }) });

  expect((await p.bt("-n", "rye")).stdout).toMatch(/oven .*\n[^]*rye /);
});
