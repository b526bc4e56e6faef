/** Secrets never reach the screen or a file below .bt/, in whatever form a task prints them. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, withTasks, type Project, type Result } from "../support/project.ts";

const secret = "pa/ss+wörd 'n\"th&n";
const env = { TOKEN: secret };
const withToken = (run: string, more = ""): string =>
  `task({ params: { token: param.secret() }, ${more} run: ${run} })`;

/** The forms in which a secret could be read back. */
function formsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .slice(shift === 0 ? 0 : shift + 1, -4),
  );
  return [
    text,
    encodeURIComponent(text),
    encodeURIComponent(text).replaceAll("'", "%27"),
    encodeURIComponent(text).replaceAll("'", "%27").replaceAll("%2F", "/"),
    String(new URLSearchParams([["", text]])).slice(1),
    JSON.stringify(text).slice(1, -1).replaceAll("&", "\\u0026"),
    JSON.stringify(text).slice(1, -1).replaceAll("ö", "\\u00f6"),
    createHash("sha256").update(text).digest("hex"), // It could be guessed from that.
    JSON.stringify(text).slice(1, -1),
    JSON.stringify(JSON.stringify(text)).slice(3, -3),
    ...base64,
    ...base64.map((form) => form.replaceAll("+", "-").replaceAll("/", "_")),
    bytes.toString("hex"),
  ];
}

/** Also when a program has broken it into lines, or somebody has written them as JSON. */
function holds(content: string, text: string): boolean {
  const joined = content.replaceAll(/\\n|\s/g, "");
  return formsOf(text).some((form) => content.includes(form) || joined.includes(form));
}

function leaks(p: Project, result: Result, text = secret): string[] {
  const files = fs
    .readdirSync(path.join(p.root, ".bt"), { recursive: true })
    .map((name) => path.join(p.root, ".bt", String(name)));
  const places = [
    ["stdout", result.stdout],
    ["stderr", result.stderr],
    ...files
      .filter((file) => fs.lstatSync(file).isFile())
      .map((file) => [path.relative(p.root, file), fs.readFileSync(file, "utf8")] as const),
    ["file names", files.map((file) => decodeURIComponent(file)).join("\n")],
  ] as const;
  return places.filter(([, content]) => holds(content, text)).map(([place]) => place);
}

test("a secret that a command prints is hidden on the screen, in the log and in the events", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ push: withToken(`'echo "token: $TOKEN"; echo "again: $TOKEN" >&2'`) }),
  });

  const result = await p.btWith({ env }, "push");

  expect(result.stdout).toContain("token: ***\n");
  expect(result.stdout).toContain("again: ***\n");
  expect(leaks(p, result)).toEqual([]);
});

test.for([
  ["base64", `printf %s "$TOKEN" | base64 -w0`],
  ["base64 after one byte", `printf 'x%s' "$TOKEN" | base64 -w0`],
  ["base64 after two bytes", `printf 'xy%s' "$TOKEN" | base64 -w0`],
  ["base64 of 76 columns", `printf '%050d%s' 0 "$TOKEN" | base64`],
  ["base64 of 64 columns in a longer text", `printf '%041d%s, please' 0 "$TOKEN" | base64 -w64`],
  ["indented base64", `printf %s "$TOKEN" | base64 -w12 | sed 's/^/    /'`],
  [
    "base64 in lines, one byte a write",
    `printf %s "$TOKEN" | base64 -w8 | "$NODE" -e 'for (const byte of fs.readFileSync(0)) fs.writeSync(1, Buffer.from([byte]))'`,
  ],
  ["base64url", `printf %s "$TOKEN" | base64 -w0 | tr +/ -_`],
  ["JSON", `printf %s "$TOKEN" | "$NODE" -p 'JSON.stringify(fs.readFileSync(0,"utf8"))'`],
  [
    "JSON of Go",
    `printf %s "$TOKEN" | "$NODE" -p 'JSON.stringify(fs.readFileSync(0,"utf8")).replace("&","\\\\u0026")'`,
  ],
  [
    "JSON in ASCII",
    `printf %s "$TOKEN" | "$NODE" -p 'JSON.stringify(fs.readFileSync(0,"utf8")).replace("ö","\\\\u00f6")'`,
  ],
  ["form", `printf %s "$TOKEN" | "$NODE" -p 'String(new URLSearchParams([["a",fs.readFileSync(0,"utf8")]]))'`],
  [
    "URL, as curl writes it",
    `printf %s "$TOKEN" | "$NODE" -p 'encodeURIComponent(fs.readFileSync(0,"utf8")).replace(/\\x27/g,"%27")'`,
  ],
  [
    "URL, as Python writes it",
    `printf %s "$TOKEN" | "$NODE" -p 'encodeURIComponent(fs.readFileSync(0,"utf8")).replace(/\\x27/g,"%27").replace("%2F","/")'`,
  ],
  ["URL", `printf %s "$TOKEN" | "$NODE" -p 'encodeURIComponent(fs.readFileSync(0,"utf8"))'`],
  [
    "one byte a write",
    `"$NODE" -e 'for (const byte of Buffer.from(process.env.TOKEN)) fs.writeSync(1, Buffer.from([byte]))'`,
  ],
] as const)("a secret printed as %s is hidden", async ([, command]) => {
  const p = await project({
    "builderfile.ts": withTasks({ push: withToken(JSON.stringify(command), `env: ["NODE"],`) }),
  });

  const result = await p.btWith({ env: { ...env, NODE: process.execPath } }, "push");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain("***");
  expect(leaks(p, result)).toEqual([]);
});

test("commands, `$`, log lines, warnings and failures hide a secret", async () => {
  const run =
    "async ({ $, exec, params, log }) => { log.info(params.token); log.warn(params.token); await $`echo ${params.token}`; await exec('echo', [params.token]); await exec('bash', ['-c', 'echo \"$1\"; exit 3', 'x', params.token]); }";
  const p = await project({ "builderfile.ts": withTasks({ push: withToken(run) }) });

  const result = await p.btWith({ env }, "push");

  expect(result.exitCode).toBe(1);
  expect(leaks(p, result)).toEqual([]);
});

test("what an action prints past bt hides a secret", async () => {
  const run =
    "async ({ params: { token } }) => { console.log(token); console.error(token); for (const part of [token.slice(0, 3), token.slice(3)]) process.stdout.write(part); setTimeout(() => { throw new Error(token); }); await new Promise(() => {}); }";
  const p = await project({ "builderfile.ts": withTasks({ push: withToken(run) }) });

  const result = await p.btWith({ env }, "push");

  expect(result).toMatchObject({ exitCode: 1, stderr: "***\n" });
  expect(result.stdout).toContain("***\n***bt: ");
  expect(leaks(p, result)).toEqual([]);
});

test.each(["grouped", "json"])("what an action prints past bt is told to it when that is out: %s", async (output) => {
  const run = `async () => { await new Promise((done) => process.stdout.write("rye\\n", done)); await new Promise((done) => process.stdout.write("b2F0Cg==", "base64", done)); }`;
  const p = await project({ "builderfile.ts": withTasks({ push: `task({ timeoutMs: 60_000, run: ${run} })` }) });

  const result = await p.bt("push", `--output=${output}`);

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toMatch(/rye[^]*oat/);
});

test.for([
  "$`sh -c 'echo ${params.token}; exit 3'`",
  "(async () => { throw new Error(params.token); })()",
  "(async () => { throw new TypeError('a\\n' + params.token); })()",
])("a failure that quotes a secret hides it: %s", async (act) => {
  const p = await project({
    "builderfile.ts": withTasks({ push: withToken(`async ({ $, params }) => { await ${act}; }`) }),
  });

  const result = await p.btWith({ env }, "push");

  expect(result.exitCode).toBe(1);
  expect(leaks(p, result)).toEqual([]);
});

test("a secret given on the command line is not remembered, also not by the proof that nothing is to do", async () => {
  const p = await project({ "builderfile.ts": withTasks({ push: withToken("'true'", "inputs: [],") }) });

  await p.bt("push", `TOKEN=${secret}`);
  await p.bt("push", "--token", secret);
  const result = await p.bt("push", `TOKEN=${secret}`);

  expect(result.stdout).toContain("up to date");
  expect(leaks(p, result)).toEqual([]);
});

test("a secret fixed on a need is in no name", async () => {
  const tasks = `const push = ${withToken("'true'", "inputs: [],")}; const one = task({ needs: [push.with({ token: ${JSON.stringify(secret)} })], run: "true" }); const two = task({ needs: [push.with({ token: "another one" })], run: "true" });`;
  const p = await project({
    "builderfile.ts": `import { defineBuilder, param, task } from "builderfile"; ${tasks} export default defineBuilder({ tasks: { push, one, two } });`,
  });

  const result = await p.bt("one", "two");

  expect(result.exitCode).toBe(0);
  const builder = leaks(p, result).filter((file) => !file.startsWith(".bt/builder/")); // Where the builderfile's own text is.
  expect(builder).toEqual([]);
  expect(result.stdout).toContain("4 ran");
});

test("a secret is no part of the key: another one runs nothing", async () => {
  const p = await project({ "builderfile.ts": withTasks({ push: withToken("'true'", "inputs: [],") }) });
  await p.btWith({ env }, "push");

  expect((await p.btWith({ env: { TOKEN: "something else" } }, "-q", "push")).exitCode).toBe(0);
});

test("a secret that is a declared variable as well is hidden in the state and in --why", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ push: withToken("'true'", `inputs: [], env: ["TOKEN"],`) }),
  });
  await p.btWith({ env }, "push");

  const result = await p.btWith({ env }, "--why", "--json", "push");

  expect(leaks(p, result)).toEqual([]);
});

test("a result that holds a secret fails the task and is not written down", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      push: withToken("({ params }) => ({ url: 'https://' + params.token })", `inputs: [],`),
    }),
  });

  const result = await p.btWith({ env }, "push");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(`The result of task "push" contains a secret`);
  expect(leaks(p, result)).toEqual([]);
  expect((await p.btWith({ env }, "--why", "push")).stdout).toContain("it failed last time");
});

test("what a task names with hide() is hidden from then on", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      login: "task({ run: async ({ $, hide }) => { hide('session-4711'); await $`echo session-4711`; } })",
    }),
  });

  const result = await p.bt("login");

  expect(result.stdout).toContain("***");
  expect(leaks(p, result, "session-4711").filter((file) => !file.startsWith(".bt/builder/"))).toEqual([]);
});

test("a secret is not shown by --help, by a dry run or by a question", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ push: withToken("['echo']", `confirm: "Push with {token}?",`) }),
  });
  await p.bt("--list");

  for (const argv of [["push", "--help"], ["-n", "push"], ["push"], ["--list", "--json"]]) {
    expect(leaks(p, await p.btWith({ env }, ...argv))).toEqual([]);
  }
});

test("nothing that bt writes or starts holds a secret: GitHub's summary, the trace, records, the comparison of runs, command lines", async () => {
  const push = `async ({ $, params, log }) => {
    log.info(params.token);
    log.warn(Buffer.from("x" + params.token).toString("base64").replaceAll(/.{10}/g, "$&\\n"));
    await $({ input: params.token })\`base64 -w9\`;
    await $({ input: params.token })\`cat > given; { cat /proc/[0-9]*/cmdline 2> /dev/null || true; } | tr '\\\\0' '\\\\n' > commands; cat given\`;
    process.emitWarning(params.token);
  }`;
  const p = await project({
    "builderfile.ts": withTasks({
      push: withToken(push, `inputs: ["heat"], outputs: ["commands"],`),
      fail: withToken(`({ params }) => { throw new Error("no " + params.token) }`, `needs: ["push"],`),
    }),
    heat: "1\n",
  });
  const github = { ...env, GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: path.join(p.root, "summary.md") };

  const results = [
    await p.btWith({ env: github }, "fail", "--trace", "trace.json"),
    await p.btWith({ env }, "fail", "--json"),
    await p.btWith({ env }, "fail", "--verbose", "--output=prefixed"),
    await p.btWith({ env }, "--why", "fail", "--run", fs.readdirSync(path.join(p.root, ".bt/runs")).at(-1) ?? ""),
    await p.btWith({ env }, "--runs", "--json"),
    await p.btWith({ env }, "--logs", "push"),
    await p.btWith({ env }, "--resume"),
  ];

  for (const result of results) expect(leaks(p, result)).toEqual([]);
  const written = ["commands", "trace.json", "summary.md"].filter((file) => p.exists(file));
  expect(written).toEqual(["commands", "trace.json", "summary.md"]);
  for (const file of written) expect([file, holds(p.read(file), secret)]).toEqual([file, false]);
});
