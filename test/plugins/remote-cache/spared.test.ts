/** What a server has of a target's needs is left there: only what it says of them is fetched. A real server of files, which counts. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/fake-registry.ts";
import { project, type Project } from "../../support/project.ts";
import { freePort } from "../../support/registry.ts";

/** A server of files in memory. */
interface Shop extends TestServer {
  readonly files: Map<string, Buffer>;
  /** Paths that were asked for since this was last called, sorted; bytes of outputs as `grind`, `knead` or `bake`. */
  readonly asked: () => readonly string[];
}

const size = 200_000;
/** Large enough to be a blob of its own. */
const bytes = { grind: "flour\n", knead: "dough\n", bake: "bread\n" };
const digestOf = (name: keyof typeof bytes): string =>
  createHash("sha256").update(bytes[name].repeat(size)).digest("hex");

async function openShop(): Promise<Shop> {
  const files = new Map<string, Buffer>();
  const server = await startServer((request, answer) => {
    const { url = "", method } = request;
    if (method === "PUT") {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => (files.set(url, Buffer.concat(parts)), answer.writeHead(201).end()));
    } else answer.writeHead(files.has(url) ? 200 : 404).end(files.get(url));
  });
  const names = new Map((["grind", "knead", "bake"] as const).map((name) => [digestOf(name), name]));
  const asked = (): readonly string[] => {
    const paths = server.seen.splice(0).map((line) => line.split("/").slice(-2));
    return paths.map(([folder = "", name = ""]) => names.get(name) ?? folder).sort();
  };
  return { ...server, files, asked };
}

/** A checkout on a machine that has nothing. */
async function checkout(host: string): Promise<Project> {
  const from = (need: string, name: keyof typeof bytes): string =>
    `task({ inputs: ["${need}"], outputs: ["${name}.out"], run: "seq ${size} | sed s/.*/${bytes[name].trim()}/ > ${name}.out" })`;
  return project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
import { remoteCache } from "builderfile/plugins/remote-cache";
const grind = ${from("grain", "grind")};
const knead = ${from("grind.out", "knead")};
const bake = ${from("knead.out", "bake")};
const eat = task({ needs: [bake], inputs: [], run: "wc -c < bake.out; wc -c < grind.out" });
export default defineBuilder({ plugins: [remoteCache({ url: "http://${host}", write: { env: "BAKER" } })], tasks: { grind, knead, bake, eat } });
`,
    grain: "grain\n",
  });
}

interface Told {
  readonly exitCode: number | undefined;
  /** Task to outcome. */
  readonly did: Readonly<Record<string, string>>;
}

async function run(p: Project, ...argv: string[]): Promise<Told> {
  const { stdout, exitCode } = await p.bt("--output=json", ...argv);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const ends = events.filter((event) => event.state === "done");
  return { exitCode, did: Object.fromEntries(ends.map(({ task, outcome }) => [task, outcome])) };
}

/** A server that has everything, and a machine that has nothing. */
async function openBusiness(): Promise<{ readonly shop: Shop; readonly p: Project }> {
  const shop = await openShop();
  for (const [path, body] of await (stock ??= bakeStock())) shop.files.set(path, body);
  return { shop, p: await checkout(shop.host) };
}

/** What a machine uploads that may write. The same for all tests: no key holds the place of the server. */
let stock: Promise<ReadonlyMap<string, Buffer>> | undefined;

async function bakeStock(): Promise<ReadonlyMap<string, Buffer>> {
  const { host, files } = await openShop();
  await (await checkout(host)).btWith({ env: { BAKER: "baker:crumb" } }, "bake");
  return files;
}

const lose = ({ files }: Shop, name: keyof typeof bytes): unknown => files.delete(`/protected/cas/${digestOf(name)}`);

test("on a machine that has nothing only the target's bytes are fetched, and nothing is asked for twice", async () => {
  const { shop, p } = await openBusiness();

  expect(await run(p, "bake")).toEqual({ exitCode: 0, did: { bake: "restored" } });

  expect(new Set(shop.seen).size).toBe(shop.seen.length);
  const asked = shop.asked();
  expect(asked.filter((name) => name === "ac")).toHaveLength(3);
  expect(asked).toContain("bake");
  expect(asked).not.toContain("grind");
  expect(asked).not.toContain("knead");
  expect([p.read("bake.out"), p.exists("grind.out"), p.exists("knead.out")]).toEqual([
    bytes.bake.repeat(size),
    false,
    false,
  ]);
});

test("what was said of needs that were left out is remembered: nobody is asked again", async () => {
  const { shop, p } = await openBusiness();
  await run(p, "bake");
  shop.asked();

  const [dry, question, again] = [await run(p, "-n", "bake"), await p.bt("-q", "bake"), await run(p, "bake")];

  expect([dry.did, question.exitCode, again.did]).toEqual([{ bake: "fresh" }, 0, { bake: "fresh" }]);
  expect((await p.bt("bake")).stdout).toBe("bt: Nothing to do: 1 task is up to date\n");
  expect((await run(p, "-n", "knead")).did).toEqual({ grind: "ran", knead: "ran" });
  expect(shop.asked()).toEqual([]);
  // It is no result, and nobody takes it for one: who wants it gets it from where it is.
  expect((await run(p, "eat")).did).toEqual({ grind: "restored", knead: "restored", bake: "fresh", eat: "ran" });
  expect(p.read("grind.out")).toBe(bytes.grind.repeat(size));
});

test("what cannot be remembered costs a question, nothing else", async () => {
  const { p } = await openBusiness();
  p.write(".bt/cache/far", "no folder");

  expect(await run(p, "bake")).toEqual({ exitCode: 0, did: { bake: "restored" } });

  expect((await run(p, "bake")).did["bake"]).toBe("fresh");
});

test.for([
  ["the target's", ["bake"], { grind: "restored", knead: "restored", bake: "ran" }],
  ["the target's and a need's", ["bake", "knead"], { grind: "restored", knead: "ran", bake: "ran" }],
  ["a need's", ["knead"], { bake: "restored" }],
] as const)("the server has lost %s bytes: what is made is right", async ([, lost, did]) => {
  const { shop, p } = await openBusiness();
  for (const name of lost) lose(shop, name);

  expect(await run(p, "bake")).toEqual({ exitCode: 0, did });

  expect(p.read("bake.out")).toBe(bytes.bake.repeat(size));
  expect((await run(p, "bake")).did["bake"]).toBe("fresh");
});

test("a change is made of what is changed, and the needs that are as before are there for it", async () => {
  const { p } = await openBusiness();
  await run(p, "bake");
  p.write("builderfile.ts", p.read("builderfile.ts").replace("/bread/ >", "/bread/  >"));

  expect((await run(p, "bake")).did).toEqual({ grind: "restored", knead: "restored", bake: "ran" });
});

test("a server that is away or fails spares nobody, and nothing fails", async () => {
  const failing = await startServer((_, answer) => answer.writeHead(500).end());

  for (const host of [failing.host, `127.0.0.1:${await freePort()}`]) {
    const p = await checkout(host);
    const told = await run(p, "bake");
    expect(told).toEqual({ exitCode: 0, did: { grind: "ran", knead: "ran", bake: "ran" } });
    expect(p.read("bake.out")).toBe(bytes.bake.repeat(size));
  }
  expect(failing.seen).toHaveLength(3); // Planning counts: after three errors it is left alone.
});

test("questions open no connection; with --remote they say what the run does", async () => {
  const { shop, p } = await openBusiness();

  const dry = await run(p, "-n", "bake");
  await p.bt("-q", "bake");
  await p.bt("--why", "bake");
  await p.bt("--check");

  expect([dry.did, shop.asked()]).toEqual([{ grind: "ran", knead: "ran", bake: "ran" }, []]);
  const far = await p.bt("--dry-run=remote", "bake");
  const asked = shop.asked();
  const why = await p.bt("--why", "--remote", "bake");
  expect(far.stdout).toBe(`bake (it is in cache "remote")\nbt: 1 would be restored\n`);
  expect(why.stdout).toContain(`bake would be restored from cache "remote", because\n`);
  expect(asked.filter((name) => name === "ac")).toHaveLength(3);
  expect(p.exists(".bt/cache")).toBe(false);
});

test("a cache that is not read is not asked", async () => {
  const { shop, p } = await openBusiness();
  const ran = { grind: "ran", knead: "ran", bake: "ran" };

  for (const use of ["--cache=off", "--cache=local:r", "--cache=write"]) {
    expect((await run(p, "bake", use)).did).toEqual(ran);
    await p.bt("--clean");
  }

  expect(shop.asked()).toEqual([]);
  expect((await run(p, "bake", "--cache=remote:r")).did).toEqual({ bake: "restored" });
});
