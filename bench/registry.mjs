/** A docker-registry on a free port of this machine, for one measurement. Does not know what is pushed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";

/**
 * It is empty, and ends with the stage unless it is stopped before.
 * @param {{ folder: string, atEnd: (end: () => void) => void }} stage
 * @returns {Promise<{ host: string, stop: () => void }>}
 */
export async function startRegistry({ folder, atEnd }, name = "registry") {
  const host = `127.0.0.1:${await freePort()}`;
  const file = path.join(folder, `${name}.json`);
  const storage = { filesystem: { rootdirectory: path.join(folder, name) } };
  fs.writeFileSync(file, JSON.stringify({ version: "0.1", storage, http: { addr: host } }));
  // A file and no pipe: nobody reads while a program is being measured.
  const log = path.join(folder, `${name}.log`);
  const out = fs.openSync(log, "w");
  // It takes every REGISTRY_ variable as configuration.
  const env = { PATH: process.env.PATH };
  const registry = spawn("docker-registry", ["serve", file], { env, stdio: ["ignore", out, out] });
  registry.unref();
  const stop = () => registry.kill("SIGKILL");
  atEnd(stop);
  while (!fs.readFileSync(log, "utf8").includes("listening on")) {
    if (registry.exitCode !== null) throw new Error(`docker-registry has ended: ${fs.readFileSync(log, "utf8")}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { host, stop };
}

export async function freePort() {
  const listener = net.createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}
