/** `bt --audit`: what a task uses without declaring it, seen by the real strace. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

const testTraced = testWith("strace");

testTraced(
  "--audit names files that a command reads and writes without declaring them, and the lines to add",
  async () => {
    const p = await project({
      "builderfile.ts": withTasks({
        bake: `task({ inputs: ["flour"], outputs: ["bread"], run: "cat flour salt > bread; echo warm > half; mv half 'log of oven'" })`,
      }),
      flour: "1\n",
      salt: "1\n",
    });

    const audit = await p.bt("--audit", "bake", "-s");

    expect(audit.exitCode).toBe(1);
    expect(audit.stdout).toBe(
      `bake reads what it does not declare
  salt
  add  inputs: ["salt"]
bake writes what it does not declare
  log of oven
  add  outputs: ["log of oven"]
`,
    );
  },
);

testTraced(
  "--audit sees what a function reads by itself, and leaves out outputs of needs and what is declared",
  async () => {
    const p = await project({
      "builderfile.ts": withTasks(
        {
          mill: `task({ inputs: [], outputs: ["flour"], run: "echo 1 > flour" })`,
          bake: `task({ needs: ["mill"], inputs: ["src/**"], outputs: ["out/"], run: () => { readFileSync("flour"); readFileSync("src/a"); readFileSync("recipe"); writeFileSync("out/bread", "") } })`,
        },
        `import { readFileSync, writeFileSync } from "node:fs";`,
      ),
      recipe: "1\n",
      "src/a": "1\n",
    });

    const audit = await p.bt("--audit", "bake", "--json");

    expect(JSON.parse(audit.stdout)).toEqual({
      version: 1,
      tasks: [{ task: "bake", reads: ["recipe"], writes: [], hosts: [] }],
    });
  },
);

testTraced("--audit names hosts that a task talks to", async () => {
  const server = createServer((_, response) => void response.end("warm")).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const p = await project({
    "builderfile.ts": withTasks({
      ask: `task({ inputs: [], run: async () => { await (await fetch("http://127.0.0.1:${port}/")).text() } })`,
    }),
  });

  const audit = await p.bt("--audit", "ask", "--json");

  expect(JSON.parse(audit.stdout)).toMatchObject({ tasks: [{ hosts: [`127.0.0.1:${port}`] }] });
});

testTraced("--audit of a task that declares everything says so, and ends with 0", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ matrix: { kind: ["rye", "wheat"] }, inputs: ["flour"], outputs: ({ cell }) => [cell.kind], run: ({ cell, $ }) => $\`cp flour \${cell.kind}\` })`,
    }),
    flour: "1\n",
  });

  p.write("tmp/keep", ""); // bt itself may be installed below the usual folder for temporary files.

  const audit = await p.btWith({ env: { TMPDIR: `${p.root}/tmp` } }, "--audit", "bake", "-s");

  expect(audit).toMatchObject({
    exitCode: 0,
    stdout: "bake:rye declares all that it uses\nbake:wheat declares all that it uses\n",
  });
});

testTraced("--audit of a task that fails ends as the task", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ inputs: [], run: "false" })` }) });

  expect((await p.bt("--audit", "bake")).exitCode).toBe(1);
});
