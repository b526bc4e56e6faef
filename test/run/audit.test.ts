/** `bt --audit`: what a task uses without declaring it, seen by the real strace. */
import { createSocket } from "node:dgram";
import * as fs from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary.ts";
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
      tasks: [{ task: "bake", reads: ["recipe"], writes: [], removes: [], hosts: [], tools: [] }],
    });
  },
);

testTraced(
  "--audit names hosts that a task talks to, over TCP and UDP, but not those whose version is declared",
  async () => {
    const server = createServer((_, response) => void response.end("warm")).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    onTestFinished(() => void socket.close());
    await new Promise((resolve) => socket.once("listening", resolve));
    const udp = socket.address().port;
    const ask = `await (await fetch("http://127.0.0.1:${port}/")).text(); await new Promise((done) => { const socket = createSocket("udp4"); socket.send("warm", ${udp}, "127.0.0.1", () => socket.close(done)); });`;
    const p = await project({
      "builderfile.ts": withTasks(
        {
          ask: `task({ inputs: [], run: async () => { ${ask} } })`,
          known: `task({ inputs: [], versions: () => ({ "127.0.0.1:${port}": "1" }), run: async () => { ${ask} } })`,
        },
        `import { createSocket } from "node:dgram";`,
      ),
    });

    const audit = await p.bt("--audit", "ask", "known", "--json");
    const told = await p.bt("--audit", "known", "-s");

    expect(JSON.parse(audit.stdout)).toMatchObject({
      tasks: [{ hosts: [`127.0.0.1:${port}`, `127.0.0.1:${udp}`].sort() }, { hosts: [`127.0.0.1:${udp}`] }],
    });
    expect(told.stdout).toContain(`  add  versions: () => ({ "127.0.0.1:${udp}": … })`);
  },
);

testTraced("--audit tells tasks apart that could run at once", async () => {
  const names = ["rye", "oat", "malt", "bran"];
  const p = await project({
    "builderfile.ts": withTasks(
      Object.fromEntries(names.map((name) => [name, `task({ inputs: [], run: "cat ${name}.txt" })`])),
    ),
    ...Object.fromEntries(names.map((name) => [`${name}.txt`, ""])),
  });

  const audit = await p.bt("--audit", ...names, "-j4", "--json");

  expect(JSON.parse(audit.stdout)).toMatchObject({
    tasks: names.map((name) => ({ task: name, reads: [`${name}.txt`] })),
  });
});

testTraced("--audit names files and programs outside of the project that are not the machine's own", async () => {
  const home = fs.realpathSync(await temporaryFolder());
  fs.mkdirSync(`${home}/oven/bin`, { recursive: true });
  fs.writeFileSync(`${home}/oven/bin/bt-test-oven`, `#!/bin/sh\nread heat < "${home}/oven/heat"\n`, { mode: 0o755 });
  fs.writeFileSync(`${home}/oven/heat`, "220\n");
  fs.writeFileSync(`${home}/taste`, "salty\n");
  const bake = (facts: string): string =>
    `task({ inputs: [], ${facts} run: "bt-test-oven; cat ${home}/taste 'a[1].txt'" })`;
  const p = await project({
    "builderfile.ts": withTasks({ bake: bake(""), declared: bake(`tools: ["bt-test-oven"],`) }),
    "a[1].txt": "",
  });
  const env = { HOME: home, PATH: `${home}/oven/bin:${process.env["PATH"]}` };

  const audit = await p.btWith({ env }, "--audit", "bake", "declared", "-s");

  expect(audit.stdout).toBe(
    `bake reads what it does not declare
  ${home}/oven/bin/bt-test-oven
  ${home}/oven/heat
  ${home}/taste
  a[1].txt
  add  inputs: ["${home}/oven/heat", "${home}/taste", "a\\\\[1\\\\].txt"]
  add  tools: ["bt-test-oven"]
declared reads what it does not declare
  ${home}/taste
  a[1].txt
  add  inputs: ["${home}/taste", "a\\\\[1\\\\].txt"]
`,
  );
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

testTraced("--audit of a task that fails names what it used until then, says so, and ends as the task", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      {
        bake: `task({ inputs: ["flour"], outputs: ["out/bread"], run: async ({ $ }) => { await $\`cat flour salt > out/bread\`; throw new BtError("BURNT", "Too hot", { fix: "Wait.", exitCode: 7 }) } })`,
        burn: `task({ inputs: [], run: "false" })`,
      },
      `import { BtError } from "builderfile";`,
    ),
    flour: "1\n",
    salt: "1\n",
  });

  const audit = await p.bt("--audit", "bake", "-s");
  const both = await p.bt("--audit", "bake", "burn", "-k", "--json");
  const burnt = await p.bt("--audit", "burn", "-s");

  expect(audit.exitCode).toBe(7);
  expect(audit.stdout).toContain(
    `bake reads what it does not declare
  salt
  add  inputs: ["salt"]
bake failed: what it would have used after that is not listed
`,
  );
  expect(both.exitCode).toBe(7);
  expect(JSON.parse(both.stdout)).toEqual({
    version: 1,
    tasks: [
      { task: "bake", hasFailed: true, reads: ["salt"], writes: [], removes: [], hosts: [], tools: [] },
      { task: "burn", hasFailed: true, reads: [], writes: [], removes: [], hosts: [], tools: [] },
    ],
  });
  expect(burnt).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining("burn failed; it declares all that it used until then\n"),
  });
});

testTraced("--audit names what a task removes that it has not made, and folders that it leaves empty", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ inputs: ["flour"], outputs: ["bread", "tins/*.tin"], clean: "keep", run: "rm salt tins/old.tin; mv yeast dough; rm -r pantry; mkdir -p shelf/left trays used; rm -d used; echo > crumb; mv crumb crumbs; rm crumbs; mv flour mill; mv mill flour; touch trays/rye bread tins/new.tin" })`,
    }),
    flour: "1\n",
    salt: "1\n",
    yeast: "1\n",
    "pantry/jam": "1\n",
    "tins/old.tin": "1\n",
  });

  const audit = await p.bt("--audit", "bake", "-s");

  expect(audit).toMatchObject({
    exitCode: 1,
    stdout: `bake writes what it does not declare
  dough
  flour
  shelf/left/
  trays/rye
  add  outputs: ["dough", "flour", "shelf/left/", "trays/rye"]
bake removes what it has not made
  pantry
  salt
  yeast
`,
  });
});

testTraced("--audit takes an output with a star for no more than what it matches", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: [], outputs: ["*.bread"], run: "touch rye.bread crumbs" })` }),
  });

  const audit = await p.bt("--audit", "bake", "-s");

  expect(audit.stdout).toContain('  crumbs\n  add  outputs: ["crumbs"]\n');
});
