/** Measures hits in a remote cache beside curl, which fetches the same bytes from the same nginx on loopback. `--quick`, `--json FILE`, `--size MIB`. */
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { parseArgs } from "node:util";
import { canTellMemory, interleave, peakMemory } from "./measure.mjs";
import { freePort } from "./registry.mjs";
import { openStage } from "./stage.mjs";
import { toRow } from "./table.mjs";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    size: { type: "string", default: "256" },
  },
});
const bt = [process.execPath, path.join(import.meta.dirname, "../dist/bt.cjs")];
const patience = { rounds: options.quick ? 3 : 11, budgetMs: Infinity, limitMs: 120_000 };
/** Files of the second case, of 64 KiB each. */
const fewFiles = 400;

/** Fetches files by digest, eight at a time, proves and writes them: what Node takes at least. */
const bareFetch = `const fs = require("node:fs"), http = require("node:http"), { createHash } = require("node:crypto");
const [, url, list, folder] = process.argv, queue = JSON.parse(fs.readFileSync(list, "utf8")).values();
const agent = new http.Agent({ keepAlive: true });
async function fetchOne(file, digest) {
  const answer = await new Promise((resolve, reject) => http.get(url + digest, { agent }, resolve).on("error", reject));
  const hash = createHash("sha256"), to = fs.openSync(folder + "/" + file, "wx");
  for await (const chunk of answer) {
    hash.update(chunk);
    fs.writeSync(to, chunk);
  }
  fs.closeSync(to);
  if (hash.digest("hex") !== digest) throw new Error(file);
}
const work = async () => { for (const [file, digest] of queue) await fetchOne(file, digest); };
Promise.all(Array.from({ length: 8 }, work)).then(() => agent.destroy());`;

let away = 0;
const { folder, atEnd } = openStage();
const env = { PATH: process.env.PATH, HOME: folder, NO_COLOR: "1", LANG: "C.UTF-8" };
await main();

async function main() {
  for (const tool of ["nginx", "curl"]) execFileSync("which", [tool]);
  const url = await startNginx();
  writeProject(url);
  const writer = { ...env, BAKER: "baker:crumb" };
  for (const name of ["big", "many"]) execFileSync(bt[0], [bt[1], "-s", name], { cwd: folder, env: writer });
  const digests = { big: digestsOf("big"), many: digestsOf("many") };
  // In the cache small files are in one blob; curl gets each by itself.
  for (const [file, digest] of digests.many)
    fs.copyFileSync(path.join(folder, "sources/many", file), path.join(folder, "served/bt/protected/cas", digest));
  fs.rmSync(path.join(folder, "sources"), { recursive: true }); // A task that is not restored fails.
  const rows = [
    ...(await measureHit("one-file", "big", { url, digests: digests.big })),
    ...(await measureHit("many-files", "many", { url, digests: digests.many })),
  ];
  console.log(`1 file of ${options.size} MiB, ${fewFiles} of 64 KiB · ${os.cpus().length} CPUs · ${process.version}`);
  for (const row of rows) console.log(renderRow(row));
  if (!canTellMemory()) console.log("No MiB: GNU time is not installed.");
  const missed = rows.flatMap((row) => row.bars ?? []).filter(({ isMet }) => !isMet).length;
  if (missed > 0) console.log(`Bars missed: ${missed}.`);
  if (options.json !== undefined)
    fs.writeFileSync(options.json, `${JSON.stringify({ version: 1, rows }, undefined, 2)}\n`);
}

/**
 * The files of a task, which neither the project nor the local cache has. `bt` is a whole run, with its start and the copy for the local cache
 * at its end; `hit` the task alone, from asking to having it in place, beside the whole of curl; `bare` the least that Node can do.
 */
async function measureHit(name, task, { url, digests }) {
  const list = path.join(folder, `${task}.curl`);
  const lines = digests.map(([file, digest]) => {
    return `url = "${url}/protected/cas/${digest}"\noutput = "${folder}/fetched/${file}"\n`;
  });
  fs.writeFileSync(list, lines.join(""));
  const emptyCurl = () => {
    putAway("fetched");
    fs.mkdirSync(path.join(folder, "fetched"));
  };
  const emptyBt = () => ["out", ".bt/cache", ".bt/state.log", ".bt/runs"].forEach(putAway);
  const fetched = path.join(folder, "fetched");
  const emptyBare = () => {
    emptyCurl();
    fs.writeFileSync(path.join(folder, "digests"), JSON.stringify(digests));
  };
  const bare = ["-e", bareFetch, `${url}/protected/cas/`, path.join(folder, "digests"), fetched];
  const hit = { argv: [...bt, "-s", task], cwd: folder, env };
  const hits = [];
  const arms = [
    { name: "curl", command: { argv: ["curl", "-sf", "-K", list], cwd: folder, env }, before: emptyCurl },
    { name: "bare", command: { argv: [process.execPath, ...bare], cwd: folder, env }, before: emptyBare },
    { name: "bt", command: hit, before: emptyBt, after: () => hits.push({ wallMs: readHitMs() }) },
  ];
  const measured = await interleave(arms, patience);
  emptyBt();
  const peakMiB = await peakMemory(hit, patience.limitMs);
  const all = [...measured, { name: "hit", samples: hits, problem: measured.at(-1).problem }];
  const bar = { base: "curl", ratio: 1.3 };
  return all.map((own) =>
    toRow(
      name,
      own,
      all,
      own.name === "bt" ? peakMiB : undefined,
      own.name === "curl" ? undefined : own.name === "hit" ? bar : { base: "curl" },
    ),
  );
}

/**
 * Large files are removed, for the room; many small ones are not: ext4 takes up to ten times as long for a file where others have just been
 * removed.
 */
function putAway(name) {
  const file = path.join(folder, name);
  if (!fs.existsSync(file)) return;
  const to = path.join(folder, "away", String((away += 1)));
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.renameSync(file, to);
  for (const entry of fs.readdirSync(path.dirname(to), { recursive: true, withFileTypes: true }))
    if (entry.isFile() && fs.statSync(path.join(entry.parentPath, entry.name)).size > 1 << 20)
      fs.rmSync(path.join(entry.parentPath, entry.name));
}

/** How long the task alone took in the last run: asking, fetching, proving, putting in place. */
function readHitMs() {
  const [run] = fs.readdirSync(path.join(folder, ".bt/runs"));
  const events = fs.readFileSync(path.join(folder, ".bt/runs", run, "events.ndjson"), "utf8");
  const done = events
    .trim()
    .split("\n")
    .map(JSON.parse)
    .find(({ outcome }) => outcome === "restored");
  if (done?.from !== "remote") throw new Error("Nothing was restored");
  return done.durationMs;
}

/** File name to digest. */
function digestsOf(task) {
  const from = path.join(folder, "sources", task);
  return fs.readdirSync(from).map((file) => {
    return [
      file,
      createHash("sha256")
        .update(fs.readFileSync(path.join(from, file)))
        .digest("hex"),
    ];
  });
}

/** Two tasks that copy what is in `sources`. */
function writeProject(url) {
  const sources = path.join(folder, "sources");
  fs.mkdirSync(path.join(sources, "big"), { recursive: true });
  fs.mkdirSync(path.join(sources, "many"));
  const big = fs.openSync(path.join(sources, "big/file"), "w");
  for (let mib = 0; mib < Number(options.size); mib++) fs.writeSync(big, randomBytes(1 << 20));
  fs.closeSync(big);
  for (let n = 0; n < fewFiles; n++) fs.writeFileSync(path.join(sources, `many/${n}`), randomBytes(1 << 16));
  fs.writeFileSync(
    path.join(folder, "builderfile.ts"),
    `import { defineBuilder, task } from "builderfile";
import { remoteCache } from "builderfile/plugins/remote-cache";
const copy = (name: string) => task({ inputs: [], outputs: ["out/" + name + "/"], run: "mkdir -p out && cp -r sources/" + name + " out/" });
export default defineBuilder({ plugins: [remoteCache({ url: "${url}", write: { env: "BAKER" } })], tasks: { big: copy("big"), many: copy("many") } });
`,
  );
}

async function startNginx() {
  const port = await freePort();
  const conf = path.join(folder, "nginx.conf");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/tmp-${name};`,
  );
  fs.mkdirSync(path.join(folder, "served/bt"), { recursive: true });
  fs.writeFileSync(
    conf,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log; ${process.getuid?.() === 0 ? "user root;" : ""}
events {}
http { access_log off; sendfile on; ${temporary.join(" ")}
  server { listen 127.0.0.1:${port}; root ${folder}/served; client_max_body_size 0;
    location /bt/ { dav_methods PUT; create_full_put_path on; } } }
`,
  );
  const server = spawn("nginx", ["-p", folder, "-c", conf, "-e", path.join(folder, "error.log")], {
    stdio: "ignore",
  });
  server.unref();
  atEnd(() => server.kill("SIGTERM")); // Not KILL: its worker would stay.
  while (!(await isOpen(port))) {
    if (server.exitCode !== null) throw new Error(fs.readFileSync(path.join(folder, "error.log"), "utf8"));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return `http://127.0.0.1:${port}/bt`;
}

async function isOpen(port) {
  const socket = net.connect(port, "127.0.0.1");
  return await new Promise((resolve) => {
    socket.once("connect", () => (socket.destroy(), resolve(true))).once("error", () => resolve(false));
  });
}

function renderRow(row) {
  const head = `${row.case.padEnd(11)} ${row.tool.padEnd(5)}`;
  if (row.problem !== undefined) return `${head} ${row.problem}`;
  const ratio = Object.entries(row.ratios).map(([base, { wall }]) => `${wall.toFixed(2)} × ${base}`);
  const bars = (row.bars ?? []).map(({ bar, isMet }) => `${bar}${isMet ? "" : ", missed"}`);
  const peak = row.peakMiB === undefined ? [] : [`${Math.round(row.peakMiB)} MiB`];
  return `${head} ${row.wallMs.toFixed(0).padStart(6)} ms  ${[...ratio, ...bars, ...peak].join(" · ")}`;
}
