/** Builds over ssh, with a real sshd, ssh and rsync on loopback and a stand-in for KIWI; the real one is in real.test.ts. */
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";
import { serve, statusOf, until, world, writeRepository } from "./rig.ts";
import { startSsh } from "./ssh-host.ts";

const testSsh = testWith("ssh", "sshd", "rsync", "flock", "unshare");

const listImage = async (root: string, recipe = "small"): Promise<string> =>
  await run("sh", [
    "-c",
    'tar -xOf "$1" ./small.x86_64-1.0.0-DiceBuild.tar.xz | tar -tvJ',
    "sh",
    join(root, "recipes", recipe, ".dice/build_results.tar"),
  ]);

testSsh("a build over ssh gives the same files as one on this machine, and leaves nothing there", async () => {
  const host = await startSsh();
  const recipe = "it's; small";
  const mirror = await temporaryFolder();
  writeRepository(mirror, "bread");
  const { url } = await serve(mirror, "ann:s3cret-bread");
  const repository = url.replace("//", "//ann:s3cret-bread@");
  const [here, there] = [await world(), await world({ recipes: [recipe], repository, fields: host.fields() })];

  const [local, remote] = [await here.dice("dice-build"), await there.dice("dice-build")];
  const status = await there.dice("dice-status");

  expect([local.exitCode, remote.exitCode, remote.stderr]).toEqual([0, 0, ""]);
  expect(await listImage(there.root, recipe)).toBe(await listImage(here.root));
  expect(await listImage(there.root, recipe)).toContain("./root/.profile");
  expect(statusOf(status)).toEqual(["BuildStatus: UpToDate"]);
  expect(readdirSync(host.workdir).sort()).toEqual(["lock", "owner"]);
  expect(remote.stdout).toContain('source path="http://ann:***@');
  expect(remote.stdout + there.read(`recipes/${recipe}/.dice/build.log`)).not.toContain("s3cret-bread");
});

testSsh("another host key than the known one is refused before anything is copied", async () => {
  const host = await startSsh();
  const [known, name] = [readFileSync(host.knownHosts, "utf8"), `[127.0.0.1]:${host.port}`];
  const other = readFileSync(`${host.key}.pub`, "utf8").split(" ");
  writeFileSync(host.knownHosts, `${name} ${other[0]} ${other[1]}\n`);
  const p = await world({ fields: host.fields() });

  const wrong = await p.dice("dice-build");
  writeFileSync(host.knownHosts, known.replace(name, "elsewhere"));
  const unknown = await p.dice("dice-build");

  expect(wrong.exitCode).toBe(1);
  expect(wrong.stdout).toContain('The key of host "127.0.0.1" is another one than known');
  expect(unknown).toMatchObject({ exitCode: 2 });
  expect(unknown.stderr).toContain(`ssh-keyscan -p ${host.port} 127.0.0.1 >> ${host.knownHosts}`);
  expect(existsSync(host.workdir)).toBe(false);
});

testSsh("a host with a foreign KIWI is busy, and that KIWI lives on", async () => {
  const host = await startSsh();
  const p = await world({ fields: host.fields(`foreignKiwi: "busy"`) });
  const foreign = join(p.root, "foreign/kiwi-ng");
  p.write("foreign/kiwi-ng", "#!/bin/bash\nwhile read -r -N 1 _; do :; done\n");
  chmodSync(foreign, 0o755);
  const child = spawn(foreign, { stdio: ["pipe", "ignore", "ignore"] });
  onTestFinished(() => void child.kill());
  await until(() => readFileSync(`/proc/${child.pid}/cmdline`, "utf8").includes("kiwi-ng"));

  const result = await p.dice("dice-build");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toMatch(/Build host "127.0.0.1" is busy: .*process \d+ /);
  expect(child.exitCode).toBeNull();
  expect(p.calls()).toEqual([]);
});

testSsh("a signal ends the remote build and nothing else, and kill -9 does as well", async () => {
  const host = await startSsh();
  const p = await world({ fields: host.fields() });
  const bystander = spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });
  onTestFinished(() => void bystander.kill());
  const isRunning = (): boolean =>
    readdirSync("/proc").some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`${host.workdir}/job-`);
      } catch {
        return false;
      }
    });
  const hasJob = (): boolean =>
    existsSync(host.workdir) && readdirSync(host.workdir).some((name) => name.startsWith("job-"));
  const started = (): boolean =>
    hasJob() && readdirSync(host.workdir).some((name) => existsSync(join(host.workdir, name, "build/started")));
  p.write("recipes/small/config.sh", "#!/bin/sh\necho building > started\nwhile :; do sleep 1; done\n");

  const first = p.start({}, "dice-build");
  await until(started);
  first.child.kill("SIGTERM");
  const ended = await first.ended;
  expect([ended.signal, hasJob()]).toEqual(["SIGTERM", false]);
  await until(() => !isRunning()); // The server's shells end when they hear that nobody listens any more.

  const second = p.start({}, "dice-build");
  await until(started);
  second.child.kill("SIGKILL");
  await second.ended;
  await until(() => !hasJob() && !isRunning());
  expect(bystander.exitCode).toBeNull();
  expect(readFileSync("/proc/mounts", "utf8")).not.toContain(host.workdir);
});

testSsh("a file that is damaged on its way is found, and the last result stays", async () => {
  const host = await startSsh();
  const p = await world({ fields: host.fields() });
  await p.dice("dice-build");
  const before = p.read("recipes/small/.dice/build_results.tar");
  // An rsync that changes what it has brought.
  p.write(
    "bin/rsync",
    `#!/bin/sh\n/usr/bin/rsync "$@" || exit\nfor last; do :; done\ncase $last in */bundle/) for file in "$last"*.xz; do echo x >> "$file"; done;; esac\n`,
  );
  chmodSync(join(p.root, "bin/rsync"), 0o755);
  p.write("recipes/small/root/etc/motd", "changed\n");

  const result = await p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, "dice-build");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(
    'Files from "127.0.0.1" differ from those there: small.x86_64-1.0.0-DiceBuild.tar.xz',
  );
  expect(p.read("recipes/small/.dice/build_results.tar")).toBe(before);
});

testSsh("an rsync that fails is told in its own words, and nothing of the job is left there", async () => {
  const host = await startSsh();
  const p = await world({ fields: host.fields() });
  p.write("bin/rsync", "#!/bin/sh\necho rsync: no room >&2\nexit 11\n");
  chmodSync(join(p.root, "bin/rsync"), 0o755);

  const result = await p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, "dice-build");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain('bt: Files cannot be copied to or from "127.0.0.1": rsync exited with 11\n');
  expect(result.stdout).toContain("rsync: no room\n");
  expect(readdirSync(host.workdir).sort()).toEqual(["lock", "owner"]);
});

testSsh("a host that does not answer makes the state unknown", async () => {
  const host = await startSsh();
  const p = await world({ fields: host.fields() });
  await p.dice("dice-build");
  p.write("builderfile.ts", p.read("builderfile.ts").replace(`port: ${host.port}`, "port: 1"));
  copyFileSync(host.knownHosts, join(p.root, "known"));
  p.write("known", readFileSync(host.knownHosts, "utf8").replace(`:${host.port}`, ":1"));

  const result = await p.dice("dice-status", "--exit-code", `DICE_KNOWN_HOSTS=${p.root}/known`);

  expect(result.exitCode).toBe(13);
  expect(statusOf(result)).toEqual([
    "BuildStatus: Unknown",
    expect.stringMatching(/^--> Build host "127.0.0.1" does not answer: .*Connection refused/),
  ]);
});
