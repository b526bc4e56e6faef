/** A docker daemon of its own for one test: own data, own socket, no network. Ends with the test. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { until } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary.ts";

/** Value of DOCKER_HOST. */
export async function startDockerd(): Promise<string> {
  const dir = await temporaryFolder();
  const host = `unix://${join(dir, "docker.sock")}`;
  const words = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--data-root", join(dir, "data")];
  const own = ["--exec-root", join(dir, "exec"), "--pidfile", join(dir, "pid"), "--host", host];
  // What it mounts is gone with it.
  const child = spawn("unshare", ["--mount", "--", "dockerd", ...words, ...own], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(log);
    return log.includes("API listen on");
  });
  return host;
}
