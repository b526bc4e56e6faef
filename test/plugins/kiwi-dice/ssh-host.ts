/** A private sshd on loopback with a pinned key, for builds on another host. Knows nothing of bt. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { until } from "../../support/processes.ts";
import { freePort } from "../../support/registry.ts";
import { removeFolder } from "../../support/temporary.ts";
import { run } from "../../support/tool.ts";

export interface SshHost {
  readonly port: number;
  /** Of a key with a blank in its path. */
  readonly key: string;
  readonly knownHosts: string;
  /** Folder for jobs on the host. */
  readonly workdir: string;
  /** Home of the user there; empty, so that nobody's start-up files are run. */
  readonly home: string;
  /** TypeScript for `buildhost`. */
  readonly fields: (more?: string) => string;
}

/** Starts sshd as this user; it ends with the test. */
export async function startSsh(): Promise<SshHost> {
  const root = mkdtempSync(join(tmpdir(), "bt-ssh-"));
  const [home, workdir] = [join(root, "home"), join(root, "work")];
  const [hostKey, key, knownHosts] = [join(root, "host"), join(root, "my key"), join(root, "known_hosts")];
  mkdirSync(home);
  mkdirSync("/run/sshd", { recursive: true });
  for (const file of [hostKey, key]) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  chmodSync(key, 0o600);
  writeFileSync(join(root, "authorized_keys"), readFileSync(`${key}.pub`));
  const port = await freePort();
  const [kind, data] = readFileSync(`${hostKey}.pub`, "utf8").split(" ");
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${kind} ${data}\n`);
  const config = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${join(root, "authorized_keys")}`,
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "UsePAM no",
    "StrictModes no",
    `PidFile ${join(root, "pid")}`,
    `SetEnv HOME=${home}`,
  ];
  writeFileSync(join(root, "sshd_config"), `${config.join("\n")}\n`);
  const daemon = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(root, "sshd_config")], { stdio: "ignore" });
  onTestFinished(async () => {
    daemon.kill();
    removeFolder(root); // Its sessions may still be ending.
  });
  await until(() => existsSync(join(root, "pid")));
  const fields = (more = ""): string =>
    `buildhost: { kind: "ssh", host: "127.0.0.1", port: ${port}, user: "root", key: ${JSON.stringify(key)}, knownHosts: ${JSON.stringify(knownHosts)}, workdir: ${JSON.stringify(workdir)}, foreignKiwi: "allow", ${more} }`;
  return { port, key, knownHosts, workdir, home, fields };
}
