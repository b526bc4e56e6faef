/** Runs of bt with a remote cache: two checkouts share results, and whatever the server does, the build is right. */
import * as fs from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { startServer } from "../../support/fake-registry.ts";
import { project, type Project, type Result } from "../../support/project.ts";
import { freePort, startRegistry } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";
import { blobOf, startNginx } from "./rig.ts";

const test = testWith("nginx", "docker-registry");
const writer = { env: { BAKER: "baker:crumb" } };

/** A checkout of the bakery, whose cache is at this place. */
async function checkout(place: string, more = ""): Promise<Project> {
  return project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
import { remoteCache } from "builderfile/plugins/remote-cache";
const grind = task({ inputs: ["grain"], outputs: ["out/flour"], run: "cp grain out/flour; echo ground" });
const bake = task({
  needs: { grind }, inputs: ["out/flour"], outputs: ["out/bread", "out/shelf"],
  run: "cp out/flour out/bread; chmod 755 out/bread; mkdir -p out/shelf/empty; ln -s ../bread out/shelf/loaf; echo baked",
});
export default defineBuilder({ plugins: [remoteCache({ ${place}, write: { env: "BAKER" }${more} })], tasks: { grind, bake } });
`,
    grain: "grain\n",
  });
}

/** Task to outcome. */
function outcomes({ stdout }: Result): Readonly<Record<string, string>> {
  const events = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Event]));
  const done = events.filter(({ kind, state }) => kind === "task-state" && state === "done");
  return Object.fromEntries(done.map(({ task, outcome }) => [task, outcome]));
}
interface Event {
  readonly kind: string;
  readonly task: string;
  readonly state?: string;
  readonly outcome: string;
}

const build = (p: Project, env: Readonly<Record<string, string>> = {}): Promise<Result> =>
  p.btWith({ env }, "--output=json", "bake");
const ran = { grind: "ran", bake: "ran" };
/** What only it needs stays where it is. */
const restored = { bake: "restored" };

const byName = (a: string, b: string): number => (a.trim() < b.trim() ? -1 : 1);

async function expectBread(p: Project): Promise<void> {
  expect(p.read("out/bread")).toBe("grain\n");
  expect(fs.statSync(join(p.root, "out/bread")).mode & 0o777).toBe(0o755);
  expect(fs.readlinkSync(join(p.root, "out/shelf/loaf"))).toBe("../bread");
  expect(fs.readdirSync(join(p.root, "out/shelf/empty"))).toEqual([]);
}

test.each(["server", "registry"])("a second checkout restores from a plain %s", async (kind) => {
  const place =
    kind === "server" ? `url: "${(await startNginx()).url}"` : `registry: "${(await startRegistry()).host}/cache"`;
  const [one, other] = [await checkout(place), await checkout(place)];

  const first = await build(one, writer.env);
  const second = await build(other);

  expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
  expect([outcomes(first), outcomes(second)]).toEqual([ran, restored]);
  await expectBread(other);
  expect((await build(other)).stdout).not.toContain('"outcome":"ran"');
});

test("without a writer's login nothing is written", async () => {
  const { url, dir } = await startNginx();
  const p = await checkout(`url: "${url}"`);

  const result = await build(p);

  expect(result.exitCode).toBe(0);
  expect(fs.readdirSync(dir)).toEqual([]);
});

test("bytes that were spoiled or cut on the server are never restored", async () => {
  const { url, dir } = await startNginx();
  await build(await checkout(`url: "${url}"`), writer.env);
  const blob = join(dir, "protected/cas", blobOf("grain\n").digest);

  for (const bad of ["grane\n", "gra", ""]) {
    fs.writeFileSync(blob, bad);
    const p = await checkout(`url: "${url}"`);
    const result = await build(p);
    expect([result.exitCode, outcomes(result)]).toEqual([0, ran]);
    await expectBread(p);
  }
  fs.rmSync(blob);
  const p = await checkout(`url: "${url}"`);
  expect(outcomes(await build(p))).toEqual(ran);
});

test("many small files are fetched with one request, and proven", async () => {
  const { url, dir, seen } = await startNginx();
  const place = `url: "${url}"`;
  const task = `tray: task({ inputs: ["grain"], outputs: ["tray/"], run: "for n in $(seq 30); do echo $n > tray/$n; done" })`;
  const tray = async (): Promise<Project> => {
    const p = await checkout(place);
    p.write("builderfile.ts", p.read("builderfile.ts").replace("tasks: {", `tasks: { ${task},`));
    return p;
  };
  await (await tray()).btWith(writer, "tray");
  const numbers = Array.from({ length: 30 }, (_, n) => `${n + 1}\n`);
  const before = seen().length;
  const p = await tray();

  const first = await p.bt("tray");

  expect(first.stdout).toContain(`✔ tray restored from cache "remote" in`);
  expect(numbers.map((_, n) => p.read(`tray/${n + 1}`))).toEqual(numbers);
  expect(seen().slice(before)).toHaveLength(3); // Entry, record, files.
  const bundle = join(dir, "protected/cas", blobOf(numbers.toSorted(byName).join("")).digest);
  for (const bad of [numbers.join(""), "1\n", ""]) {
    fs.writeFileSync(bundle, bad);
    const other = await tray();
    const second = await other.bt("tray");
    expect(second.stdout).toContain("1 ran");
    expect(other.read("tray/30")).toBe("30\n");
  }
});

test("a server that fails, is away, or never answers changes nothing but the time", async () => {
  const failing = await startServer((_, answer) => answer.writeHead(500).end());
  const silent = await startServer(() => undefined);
  const hosts = [failing.host, silent.host, `127.0.0.1:${await freePort()}`];

  const results = await Promise.all(
    hosts.map(async (host) => {
      const p = await checkout(`url: "http://${host}"`, ", timeoutMs: 100");
      const result = await build(p, writer.env);
      await expectBread(p);
      return result;
    }),
  );

  for (const result of results) {
    expect([result.exitCode, outcomes(result)]).toEqual([0, ran]);
    expect(result.stdout).toContain('"kind":"warning"');
  }
});

test("a server that takes no writes does not delay the result", async () => {
  // Reading is a miss; whoever writes waits for ever.
  const server = createServer((request, answer) => {
    if (request.method === "GET") answer.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  const p = await checkout(
    `url: "http://127.0.0.1:${(server.address() as { port: number }).port}"`,
    ", timeoutMs: 60_000",
  );

  const { child, ended } = p.start({ env: writer.env }, "--output=json", "bake");
  const told = await new Promise<string>((resolve) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (/"task":"bake","state":"done"/.test(text)) resolve(text);
    });
  });

  expect(told).toContain('"outcome":"ran"');
  await expectBread(p); // While the writes still wait.
  child.kill("SIGKILL");
  await ended;
});

test("a run for a pull request restores what is protected, and what it makes stays its own", async () => {
  const { url, dir } = await startNginx();
  const pullRequest = { ...writer.env, GITHUB_EVENT_NAME: "pull_request", GITHUB_REF: "refs/pull/7/merge" };
  await build(await checkout(`url: "${url}"`), pullRequest);

  const [merged, request] = [await checkout(`url: "${url}"`), await checkout(`url: "${url}"`)];
  const first = await build(merged, writer.env);

  expect(fs.readdirSync(dir).sort()).toEqual(["pr", "protected"]);
  expect(outcomes(first)).toEqual(ran);
  expect(outcomes(await build(request, { ...pullRequest, GITHUB_REF: "refs/pull/8/merge" }))).toEqual(restored);
});

test("no secret and no value of a variable goes to the server", async () => {
  const { url, dir } = await startNginx();
  const p = await project({
    "builderfile.ts": `import { defineBuilder, param, task } from "builderfile";
import { remoteCache } from "builderfile/plugins/remote-cache";
const bake = task({
  inputs: [], outputs: ["bread"], env: ["RECIPE"],
  params: { oven: param.secret({ env: "OVEN_PASSWORD" }) },
  run: "echo $RECIPE > /dev/null; echo $OVEN_PASSWORD; echo bread > bread",
});
export default defineBuilder({ plugins: [remoteCache({ url: "${url}", write: { env: "BAKER" } })], tasks: { bake } });
`,
  });
  const planted = { RECIPE: "planted-variable", OVEN_PASSWORD: "planted-password", BAKER: "baker:planted-writer" };

  const result = await p.btWith({ env: planted }, "bake");

  expect(result.exitCode).toBe(0);
  const stored = fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = stored.map((entry) => fs.readFileSync(join(entry.parentPath, entry.name), "utf8"));
  expect(texts.length).toBeGreaterThan(3);
  expect(texts.map((text) => /.{0,80}planted.{0,80}/.exec(text)?.[0]).filter((found) => found !== undefined)).toEqual(
    [],
  );
});

test("no task sees the writer's login", async () => {
  const { url } = await startNginx();
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
import { remoteCache } from "builderfile/plugins/remote-cache";
export default defineBuilder({
  plugins: [remoteCache({ url: "${url}", write: { env: "BAKER" }, signature: { kind: "hmac", key: { env: "BT_KEY" } } })],
  tasks: {
    shell: task({ inputs: [], outputs: ["shell"], run: "env > shell" }),
    typed: task({ inputs: [], outputs: ["typed"], run: ({ $ }) => $\`env > typed\` }),
  },
});
`,
  });
  const env = { BAKER: "baker:planted-writer", BT_KEY: "planted-key-of-bytes" };

  const result = await p.btWith({ env }, "shell", "typed");

  expect(result.exitCode).toBe(0);
  for (const name of ["shell", "typed"]) {
    expect(p.read(name)).toContain("PATH=");
    expect(p.read(name)).not.toContain("planted");
  }
});
