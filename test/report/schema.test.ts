/** The published JSON Schema of the events: what the types say, and what bt writes. */
import * as fs from "node:fs";
import * as path from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { createGenerator } from "ts-json-schema-generator";
import { expect, test } from "vitest";
import { project, withTasks, type Project } from "../support/project.ts";
import { freePort, startRegistry } from "../support/registry.ts";
import { testWith } from "../support/tool.ts";

const repository = path.join(import.meta.dirname, "../..");
const published = path.join(repository, "docs/events.schema.json");

interface Line {
  readonly kind: string;
  readonly outcome?: string;
  readonly task?: string;
  readonly stream?: string;
  readonly text?: string;
}

/** Loads the schema as a reader of events would. */
function loadSchema(): ValidateFunction {
  return new Ajv({ strict: true, allErrors: true }).compile(JSON.parse(fs.readFileSync(published, "utf8")) as object);
}

/** The events of a run; each of them is as the schema says. */
async function events(p: Project, ...argv: string[]): Promise<readonly Line[]> {
  const isEvent = loadSchema();
  const { stdout, stderr } = await p.bt("--output=json", ...argv);
  const lines = stdout
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as Line);
  for (const line of lines)
    expect(isEvent(line), `${JSON.stringify(line)}\n${JSON.stringify(isEvent.errors)}\n${stderr}`).toBe(true);
  expect(lines.at(-1)?.kind).toBe("run-finished");
  return lines;
}

const kinds = (lines: readonly Line[]): readonly string[] => [...new Set(lines.map(({ kind }) => kind))].sort();
const outcomes = (lines: readonly Line[]): readonly string[] => lines.flatMap(({ outcome }) => outcome ?? []).sort();

test("docs/events.schema.json says what the types of the events say; `vitest -u` writes it", async () => {
  const schema = createGenerator({
    path: path.join(repository, "core/event.ts"),
    tsconfig: path.join(repository, "tsconfig.json"),
    type: "Event",
    additionalProperties: true,
    skipTypeCheck: true, // The checks of the project do that.
  }).createSchema("Event");

  await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(published);
});

test("every event of runs that succeed, fail, restore, skip and are only planned is as the schema says", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mill: `task({ inputs: ["grain"], outputs: ["flour"], run: "echo milling; cp grain flour" })`,
      knead: `task({ needs: ["mill"], run: ({ log }) => { log.step("folding"); log.info("soft"); log.warn("sticky"); return { grams: 500 }; } })`,
      taste: `task({ when: () => false, run: "true" })`,
      burn: `task({ needs: ["mill"], run: "echo smoke; echo ash >&2; exit 3" })`,
      sell: `task({ needs: ["burn"], run: "true" })`,
      slow: `task({ timeoutMs: 1, allowFailure: true, run: "sleep 60" })`,
      shake: `task({ retries: 1, run: "test -e shaken || { touch shaken; exit 1; }" })`,
      loaf: `task({ matrix: { grain: ["rye", "wheat"] }, memory: "9999TiB", run: "true" })`,
      day: `task({ needs: ["knead", "taste"] })`,
    }),
    grain: "rye\n",
  });

  const good = await events(p, "-j2", "day");
  fs.rmSync(path.join(p.root, "flour"));
  const again = await events(p, "day", "loaf", "shake");
  const bad = await events(p, "-k", "sell", "slow");
  const planned = await events(p, "-n", "sell");

  expect(kinds([...good, ...again, ...bad])).toEqual([
    "graph-ready",
    "run-finished",
    "run-started",
    "task-output",
    "task-state",
    "task-step",
    "warning",
  ]);
  expect(outcomes(good)).toEqual(["group", "ran", "ran", "skipped"]);
  expect(outcomes(again)).toContain("restored");
  expect(outcomes(bad)).toEqual(["blocked", "failed", "fresh", "timed-out"]);
  expect(outcomes(planned)).toContain("ran");
});

test("every event of a run with a service is as the schema says", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      oven: `task({ service: true, readyWhen: { line: /^hot/ }, inputs: [], run: "echo hot; while :; do sleep 0.05; done" })`,
      rye: `task({ needs: ["oven"], run: "true" })`,
    }),
  });

  const lines = await events(p, "rye");

  expect(outcomes(lines)).toEqual(["ran", "ran"]);
});

testWith("docker-registry")(
  "every event of a run that publishes is as the schema says, also where it fails",
  async () => {
    const { host } = await startRegistry();
    const nobody = `localhost:${await freePort()}`;
    const p = await project({
      Dockerfile: "FROM scratch\nCOPY Dockerfile /Dockerfile\n",
      "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
const build = image({ platforms: platforms("amd64", "arm64") });
const to = (host: string) => ({ name: \`\${host}/bake/oven\`, tags: ["1"], entries: build });
export default defineBuilder({ plugins: [multiarchManifest({ images: { here: to("${host}"), away: to("${nobody}") } })], tasks: { build } });
`,
    });

    const lines = await events(p, "-k", "manifest:push");

    expect(outcomes(lines)).toContain("failed");
  },
);

test.for([
  ["a field that is not known yet", { note: "new" }, true],
  ["no task", { task: undefined }, false],
  ["an outcome that is none", { outcome: "burnt" }, false],
  ["a number as text", { durationMs: "12" }, false],
] as const)("the schema tells an event with %s", ([, change, isFine]) => {
  const event = { v: 1, seq: 1, atMs: 1, run: "r1", kind: "task-state", task: "bake", state: "done", outcome: "ran" };

  expect(loadSchema()({ ...event, durationMs: 12, ...change })).toBe(isFine);
});

test("every line is an event, whoever prints: actions as their task, the others to standard error", async () => {
  const bake = `async ({ params, hide }) => { console.log("hot", params.token); console.error("smoke"); process.stdout.write("half"); await new Promise((done) => setTimeout(done)); console.log(" done"); process.stdout.write("last"); }`;
  const p = await project({
    "builderfile.ts": withTasks(
      {
        bake: `task({ params: { token: param.secret() }, run: ${bake} })`,
        eat: `task({ needs: ["bake"], pool: "console", run: "echo inherited" })`,
        drink: `task({ needs: ["eat"], pool: "console", run: ({ $ }) => $\`echo poured\` })`,
      },
      `console.log("a builderfile that talks");`,
    ).replace(
      "tasks: {",
      `plugins: [definePlugin({ name: "chatty", tasks: {}, apply: (hooks) => hooks.event.tap(({ kind }) => console.log("heard", kind)) })], tasks: {`,
    ),
  });

  const said = (lines: readonly Line[]): readonly object[] =>
    lines.flatMap(({ kind, task, stream, text }) =>
      kind === "task-output" && stream !== "command" ? [{ task, stream, text }] : [],
    );
  const lines = await events(p, "drink", "TOKEN=rosemary");
  const { stderr } = await p.bt("--output=json", "drink", "TOKEN=rosemary");

  expect(said(lines)).toEqual([
    { task: "bake", stream: "stdout", text: "hot ***" },
    { task: "bake", stream: "stderr", text: "smoke" },
    { task: "bake", stream: "stdout", text: "half done" },
    { task: "bake", stream: "stdout", text: "last" },
  ]);
  for (const text of [
    "a builderfile that talks\n",
    "heard run-started\n",
    "heard task-output\n",
    "inherited\n",
    "poured\n",
  ])
    expect(stderr).toContain(text);
});
