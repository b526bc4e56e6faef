/**
 * Command lines for hosts that a test machine need not have, against recorded vectors: docker, podman, Vagrant and boxes. The programs
 * are stand-ins that write down their words; those of docker and podman run KIWI's stand-in instead of a container.
 */
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { statusOf, testLocal, world, type World } from "./rig.ts";
import { startSsh } from "./ssh-host.ts";

/** Writes its words, and does what a container engine would as far as files go: `-v` names folders that KIWI's words mean. */
const engine = `#!/bin/bash
{ printf '%q ' "$(basename "$0")" "$@"; echo; } >> "$LOG"
case "$1" in
version) exit 0;;
image) echo sha256:${"a".repeat(64)}; exit 0;;
pull|kill|rm) exit 0;;
esac
declare -A folders
words=()
while [ $# -gt 0 ]; do
  case $1 in -v) IFS=: read -r from to _ <<< "$2"; folders[$to]=$from; shift;; *kiwi-ng) kiwi=$1; shift; words=("$@"); break;; esac
  shift
done
[ -n "$kiwi" ] || exit 0
for to in "\${!folders[@]}"; do words=("\${words[@]/#$to/\${folders[$to]}}"); done
exec "$kiwi" "\${words[@]}"
`;

/** A world whose PATH starts with stand-ins. */
async function worldWith(programs: Readonly<Record<string, string>>, fields: string, log: string): Promise<World> {
  const files = Object.entries(programs).map(([name, text]) => [`bin/${name}`, text.replaceAll("$LOG", log)]);
  const p = await world({ fields, files: Object.fromEntries(files) as Record<string, string> });
  for (const name of Object.keys(programs)) chmodSync(join(p.root, "bin", name), 0o755);
  return p;
}

/** What was written down, without what differs from run to run. */
function vectors(p: World, log: string): readonly string[] {
  return readFileSync(log, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .trimEnd()
        .replaceAll(p.root, "ROOT")
        .replaceAll(/\d{14}-[0-9a-f]{8}/g, "ID"),
    );
}

testLocal.for(["docker", "podman"] as const)(
  "%s gets one container a step, with SYS_ADMIN and nothing more",
  async (name) => {
    const log = join((await world()).root, "log");
    const image = `registry.example.com/kiwi@sha256:${"b".repeat(64)}`;
    const host = `buildhost: { kind: "docker", engine: "${name}", image: "${image}", network: "host", args: ["--ulimit", "nofile=1024:1024"] }`;
    const p = await worldWith({ [name]: engine }, `${host}, bundle: { compress: false }`, log);

    const result = await p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, "dice-build");
    const elsewhere = await p.dice("dice-status", "DICE_BUILDHOST=local");

    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(statusOf(elsewhere)).toEqual([
      "BuildStatus: BuildRequired",
      "--> image of the build host sha256:aaaaaaaaaaaa → none",
    ]);
    const rights = "--cap-add SYS_ADMIN --security-opt apparmor=unconfined";
    const run = `${name} run --rm --init --name bt-dice-ID --network host ${rights} -v ROOT/.bt/kiwi-dice/ID/description:/description:ro -v ROOT/.bt/kiwi-dice/ID:/result -v ROOT/.bt/kiwi-dice/ID/kiwi.yml:/kiwi.yml:ro -e LANG=C.UTF-8 --ulimit nofile=1024:1024 ${image} ROOT/tools/kiwi-ng`;
    expect(vectors(p, log)).toEqual([
      `${name} version`,
      `${name} image inspect --format \\{\\{.Id\\}\\} ${image}`,
      `${name} image inspect --format \\{\\{.Id\\}\\} ${image}`,
      `${name} run --rm ${rights} --ulimit nofile=1024:1024 ${image} mount --bind /tmp /mnt`,
      `${name} run --rm --network host --ulimit nofile=1024:1024 ${image} ROOT/tools/kiwi-ng --version`,
      `${run} --config /kiwi.yml --debug system build --description /description --target-dir /result/build`,
      `${run} --config /kiwi.yml result bundle --target-dir /result/build --id DiceBuild --bundle-dir /result/bundle`,
    ]);
  },
);

testLocal("privileged containers get /dev, and pull: always pulls", async () => {
  const log = join((await world()).root, "log");
  const host = `buildhost: { kind: "docker", image: "kiwi:1", privileged: true, pull: "always" }`;
  const p = await worldWith({ docker: engine }, host, log);

  await p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, "dice-build");

  expect(vectors(p, log).slice(1, 4)).toEqual([
    "docker pull kiwi:1",
    "docker image inspect --format \\{\\{.Id\\}\\} kiwi:1",
    "docker run --rm --privileged -v /dev:/dev kiwi:1 mount --bind /tmp /mnt",
  ]);
});

testLocal("SIGTERM kills the container by its own name", async () => {
  const log = join((await world()).root, "log");
  const p = await worldWith({ docker: engine }, `buildhost: { kind: "docker", image: "kiwi:1" }`, log);
  p.write("recipes/small/config.sh", `#!/bin/sh\ntouch ${p.root}/started\nwhile :; do sleep 1; done\n`);
  const running = p.start({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, "dice-build");
  while (!p.exists("started")) await new Promise((resolve) => setTimeout(resolve, 20));

  running.child.kill("SIGTERM");
  const result = await running.ended;

  expect(result.signal).toBe("SIGTERM");
  expect(vectors(p, log).at(-1)).toBe("docker kill bt-dice-ID");
});

testWith(
  "ssh",
  "sshd",
  "rsync",
  "flock",
)("Vagrant is brought up, provisioned, used as a host of ssh, and halted", async () => {
  const host = await startSsh();
  const log = join((await world()).root, "log");
  const config = `Host default\\n  HostName 127.0.0.1\\n  User root\\n  Port ${host.port}\\n  UserKnownHostsFile ${host.knownHosts}\\n  IdentityFile "${host.key}"\\n  BatchMode yes\\n`;
  const vagrant = `#!/bin/bash\n{ echo "$PWD: vagrant $*"; } >> "$LOG"\n[ "$1" != ssh-config ] || printf '${config}'\n`;
  const p = await worldWith({ vagrant }, `buildhost: { kind: "vagrant", provider: "libvirt", sudo: false }`, log);
  p.write("recipes/small/Vagrantfile", "Vagrant.configure('2')\n");

  const result = await p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, "dice-build");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(vectors(p, log)).toEqual([
    "ROOT/recipes/small: vagrant up --provider libvirt",
    "ROOT/recipes/small: vagrant ssh-config",
    "ROOT/recipes/small: vagrant provision",
    "ROOT/recipes/small: vagrant halt -f",
  ]);
});

testLocal("a box gets KIWI's boxbuild, and counts as built only if the list of results is there", async () => {
  const p = await world({
    fields: `buildhost: { kind: "box", box: "universal", memory: "4G", cpus: 2 }, kiwi: { bin: "KIWI", type: "tbz", profiles: ["plain"] }`,
  });
  p.write("builderfile.ts", p.read("builderfile.ts").replace("KIWI", p.kiwi));

  const built = await p.dice("dice-build");
  p.write("tools/kiwi-ng", p.read("tools/kiwi-ng").replace(/^ {2}echo '\{"root_archive.*$/m, "  ;;"));
  const lost = await p.dice("dice-build", "DICE_FORCE=yes");

  expect(built).toMatchObject({ exitCode: 0, stderr: "" });
  expect(
    p
      .calls()[0]
      ?.replaceAll(p.root, "ROOT")
      .replaceAll(/\d{14}-[0-9a-f]{8}/g, "ID")
      .trimEnd(),
  ).toBe(
    "--profile plain --type tbz system boxbuild --box universal --box-memory 4G --box-smp-cpus 2 --no-update-check --x86_64 -- --description ROOT/.bt/kiwi-dice/ID/description --target-dir ROOT/.bt/kiwi-dice/ID/build",
  );
  expect(lost.exitCode).toBe(1);
  expect(lost.stdout).toContain('KIWI ended without an error, but "kiwi.result.json" of recipe "small" is not there');
});

testLocal("every option of a recipe reaches KIWI, in KIWI's order", async () => {
  const p = await world({
    fields: `kiwi: { bin: "KIWI", type: "tbz", profiles: ["plain"], kiwiFile: "config.xml", targetArch: "x86_64", sharedCache: "packages",
      setRepo: { source: "dir:///srv/one", type: "apt-deb", alias: "one", priority: 5 },
      addRepos: [{ source: "dir:///srv/two", type: "apt-deb", alias: "two", imageinclude: true, gpgcheck: false, keys: ["/k/a", "/k/b"], components: "main", distribution: "bookworm", repoGpgcheck: false }],
      signingKeys: ["keys/ours.asc"] }`,
    files: { "keys/ours.asc": "key\n" },
  });
  p.write("builderfile.ts", p.read("builderfile.ts").replace("KIWI", p.kiwi));

  await p.dice("dice-build", "DICE_OFFLINE=yes");

  expect(
    p
      .calls()[0]
      ?.replaceAll(p.root, "ROOT")
      .replaceAll(/\d{14}-[0-9a-f]{8}/g, "ID")
      .trimEnd(),
  ).toBe(
    "--debug --profile plain --type tbz --target-arch x86_64 --kiwi-file config.xml --shared-cache-dir /var/cache/kiwi system build --description ROOT/.bt/kiwi-dice/ID/description --target-dir ROOT/.bt/kiwi-dice/ID/build --set-repo dir:///srv/one\\,apt-deb\\,one\\,5 --add-repo dir:///srv/two\\,apt-deb\\,two\\,\\,true\\,false\\,\\{/k/a\\;/k/b\\}\\,main\\,bookworm\\,false --signing-key ROOT/keys/ours.asc",
  );
});
