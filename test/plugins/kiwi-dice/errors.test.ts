/** What bt says of an order that cannot be carried out: the whole message, exit code 2, and nothing was done. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { findLack, needsOf } from "../../../plugins/kiwi-dice/needs.ts";
import { configXml, testLocal, world } from "./rig.ts";

interface Mistake {
  readonly title: string;
  /** Of the recipe, in the builderfile; `ROOT` is the project. */
  readonly fields?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Default: `dice-build`. */
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** After `bt: `; `ROOT` is the project. */
  readonly says: string;
}

const ssh = (more: string): string =>
  `buildhost: { kind: "ssh", host: "forge", user: "ann", knownHosts: "known", ${more} }`;
const known = { known: "forge ssh-ed25519 AAAA\n" };
const mistakes: readonly Mistake[] = [
  {
    title: "a folder without a description gets the nearest one that has it",
    words: ["dice-build", "RECIPE=recipes"],
    says: `There is no image description in "recipes"
  at   recipes
       looked for config.xml, image/config.xml, *.kiwi
  fix  Use "recipes/small", which has one.
`,
  },
  {
    title: "a recipe that is not there",
    words: ["dice-status", "RECIPE=recipes/smal"],
    says: `There is no folder "recipes/smal"
  fix  Name a folder that holds an image description.
`,
  },
  {
    title: "XML that is not well-formed, with line and column",
    files: { "recipes/small/config.xml": `<image schemaversion="7.5">\n  <preferences>\n</image>\n` },
    says: `The description is not well-formed: unexpected close tag
  at   recipes/small/config.xml:3:9
  fix  Correct the XML at this place.
`,
  },
  {
    title: "a schema that this KIWI does not read",
    files: { "recipes/small/config.xml": configXml("packages", { schema: "8.0" }) },
    says: `The description has schema version 8.0; KIWI 9.24.56 on this machine reads up to 7.5
  at   recipes/small/config.xml
  fix  Use a newer KIWI or another build host, or write schemaversion="7.5".
`,
  },
  {
    title: "an unknown type and an unknown profile, both at once",
    words: ["dice-build", "DICE_KIWITYPE=tbx", "DICE_KIWIPROFILE=plan"],
    says: `2 things keep recipe "small" from being built
       The description has no image type "tbx" (recipes/small/config.xml)
         its types are tbz, oci
         Use "tbz".
       The description has no profile "plan" (recipes/small/config.xml)
         its profiles are plain
         Use "plain".
  fix  Do what stands below each of them.
`,
  },
  {
    title: "another architecture than the machine's with apt",
    fields: `kiwi: { targetArch: "s390x" }`,
    says: `KIWI's apt builds cannot make an image for s390x on this machine, which is x86_64
  fix  Use a build host that is s390x.
`,
  },
  {
    title: "no KIWI on this machine",
    fields: `kiwi: { bin: "kiwi-of-nobody" }`,
    says: `There is no program "kiwi-of-nobody" on this machine
  fix  Install it (\`apt-get install kiwi\`), or use another build host.
`,
  },
  {
    title: "a KIWI that tells no version",
    fields: `kiwi: { bin: "ROOT/tools/mute" }`,
    files: { "tools/mute": "#!/bin/sh\necho Segmentation fault\n" },
    says: `\`ROOT/tools/mute --version\` says no version: Segmentation fault
  fix  Put the installation of KIWI right, or name another program with \`kiwi: { bin }\`.
`,
  },
  {
    title: "no key for an ssh host",
    fields: ssh(`key: ""`),
    files: known,
    says: `No key is named for build host "forge"
  at   build host of the recipe
  fix  Set DICE_SSH_PRIVATE_KEY, or \`buildhost: { key }\`. The public key of Vagrant is never assumed.
`,
  },
  {
    title: "a key that is not there",
    fields: ssh(`key: "gone"`),
    files: known,
    says: `The key "gone" cannot be read
  at   build host of the recipe
  fix  Name a private key file that this user can read.
`,
  },
  {
    title: "a key that others can read",
    fields: ssh(`key: "open"`),
    files: { ...known, open: "key\n" },
    says: `The key "open" can be read by others: its mode is 0644
  fix  Run \`chmod 600 open\`.
`,
  },
  {
    title: "a folder in which debootstrap fails",
    fields: ssh(`key: "mine", workdir: "/srv/my images"`),
    files: known,
    says: `2 things keep recipe "small" from being built
       The key "mine" cannot be read (build host of the recipe)
         Name a private key file that this user can read.
       The folder "/srv/my images", in which the image is unpacked, has a blank in its path
         Use a folder whose path has letters, digits and ./_-+ only: debootstrap fails in any other.
  fix  Do what stands below each of them.
`,
  },
  {
    title: "a host from a Dicefile without a key",
    files: { "recipes/small/Dicefile": 'Dice.configure do |config|\n  config.buildhost = "forge"\nend\n', ...known },
    words: ["dice-build", "DICE_KNOWN_HOSTS=known"],
    says: `No key is named for build host "forge"
  at   build host of the recipe
  fix  Set DICE_SSH_PRIVATE_KEY, or \`buildhost: { key }\`. The public key of Vagrant is never assumed.
`,
  },
  {
    title: "no image for a container, from a Dicefile",
    files: {
      "recipes/small/Dicefile": "Dice.configure do |config|\n  config.buildhost = :DOCKER\nend\n",
      "bin/docker": "#!/bin/sh\n",
    },
    says: `No image is named for the build container
  at   build host of the recipe
  fix  Set DICE_IMAGE, or \`buildhost: { image }\`, best with its digest. Dice used opensuse/dice:latest, which is no longer kept.
`,
  },
  {
    title: "a container engine that does not answer",
    fields: `buildhost: { kind: "docker", image: "kiwi:1" }`,
    files: { "bin/docker": "#!/bin/sh\necho Cannot connect to the Docker daemon >&2; exit 1\n" },
    says: `\`docker version\` fails
       Cannot connect to the Docker daemon
  fix  Start docker, let this user use it, or use another build host.
`,
  },
  {
    title: "Vagrant without a Vagrantfile",
    words: ["dice-build", "DICE_BUILDHOST=vagrant"],
    files: { "bin/vagrant": "#!/bin/sh\n" },
    says: `Recipe "small" has no Vagrantfile
  fix  Write one, or name another build host.
`,
  },
  {
    title: "a single step on another host",
    words: ["kiwi:prepare", "DICE_BUILDHOST=box:universal"],
    says: `Task "kiwi:prepare" works on a local host, not on one of kind "box"
  fix  Set DICE_BUILDHOST=local, or use \`dice-build\`.
`,
  },
  {
    title: "a box in a container",
    fields: `buildhost: { kind: "box", box: "universal", container: true }`,
    says: `Box builds in a container ask for a terminal, which a build has not
  fix  Use \`kind: "docker"\` with the image of the box.
`,
  },
  {
    title: "an unknown variable of Dice in the environment",
    words: ["dice-status"],
    env: { DICE_KIWITYP: "oci" },
    says: `The environment has DICE_KIWITYP, which no task reads
  at   the environment
  fix  Set DICE_KIWITYPE instead, or unset it.
`,
  },
  {
    title: "the cell of undeclared recipes without a folder",
    words: ["dice-build:RECIPE"],
    says: `Task "dice-build" is not told which recipe
  fix  Add RECIPE=FOLDER, or run "dice-build:small".
`,
  },
];

testLocal.for(mistakes)("$title", async ({ fields = "", files = {}, words = ["dice-build"], env = {}, says }) => {
  const p = await world({ fields, files });
  p.write("builderfile.ts", p.read("builderfile.ts").replaceAll("ROOT", p.root));
  for (const name of Object.keys(files).filter((file) => /^(bin|tools)\//.test(file)))
    chmodSync(join(p.root, name), 0o755);

  const result = await p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}`, ...env } }, ...words);

  expect(result.stderr.replaceAll(p.root, "ROOT")).toBe(`bt: ${says}`);
  expect(result.exitCode).toBe(2);
  expect(p.exists("recipes/small/.dice")).toBe(false);
});

testLocal("an image with partitions names all that this machine lacks, in seconds", async () => {
  const p = await world();
  p.write("recipes/small/config.xml", configXml("packages", { type: "oem" }));
  mkdirSync(join(p.root, "few")); // A PATH without rsync, which stands in no folder for administrators.
  for (const name of ["unshare", "setpriv", "debootstrap", "mount"])
    execFileSync("sh", ["-c", 'ln -s "$(command -v "$1")" "$2"', "sh", name, join(p.root, "few", name)]);

  const result = await p.btWith({ env: { PATH: join(p.root, "few") } }, "dice-build");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain('bt: Images of type "oem" cannot be built on this machine\n');
  expect(result.stderr).toContain("missing program: rsync (package rsync)\n");
  for (const feature of findLack(needsOf("oem", "apt"), "").features)
    expect(result.stderr).toContain(`missing in the kernel: ${feature}\n`);
  expect(p.exists("recipes/small/.dice")).toBe(false);
});

testLocal(
  "too little room is told before KIWI fills it, and what is mounted below a job is never removed",
  async () => {
    const p = await world();
    mkdirSync(join(p.root, ".bt"));
    execFileSync("/bin/mount", ["-t", "tmpfs", "-o", "size=32m", "none", join(p.root, ".bt")]);
    const job = join(p.root, ".bt/kiwi-dice/job");
    onTestFinished(() => {
      for (const folder of [join(job, "build"), join(p.root, ".bt")]) execFileSync("/bin/umount", ["-l", folder]);
    });
    mkdirSync(join(job, "build"), { recursive: true });
    execFileSync("/bin/mount", ["--bind", join(p.root, "tools"), join(job, "build")]);
    p.write("recipes/small/.dice/running.json", JSON.stringify({ job }));

    const [build, cleanup] = [await p.dice("dice-build"), await p.dice("dice-cleanup", "--job-folders")];

    expect(build.exitCode).toBe(2);
    expect(build.stderr).toMatch(/^bt: There are \d+ MiB free for "\.bt"; a build needs at least 1024\n/);
    expect(cleanup.exitCode).toBe(1);
    expect(cleanup.stdout).toContain(`bt: "${job}" is not removed: something is mounted below it\n`);
    expect(p.exists("tools/kiwi-ng")).toBe(true);
  },
);

testLocal("who is not root hears what needs it, and what else there is", async () => {
  const p = await world();
  execFileSync("chmod", ["-R", "a+rwX", p.root]);
  const node = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath];
  const program = join(import.meta.dirname, "../../../dist/bt.cjs");

  const result = await p.btWith(
    { program: [...node, program], env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } },
    "dice-build",
  );

  expect(result.stderr).toBe(
    `bt: KIWI runs as root only, and this user is not: \`${p.kiwi} system build\`\n  fix  Use \`sudo\`, or a build host of kind ssh or docker.\n`,
  );
  expect(result.exitCode).toBe(2);
});

testLocal("a socket in a recipe is refused, because no image can get it", async () => {
  const p = await world();
  execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", join(p.root, "recipes/small/root/etc/pipe")]);

  const result = await p.dice("dice-status");

  expect(result.exitCode).toBe(2);
  expect(result.stdout).toContain(
    'recipes/small/root/etc/pipe" is no file, folder or link, and cannot be part of a recipe',
  );
});

testLocal("tasks for one recipe want to know which, and a shell wants a terminal", async () => {
  const p = await world({ recipes: ["one", "two"] });

  const [many, shell, cleanup] = await Promise.all([
    p.dice("dice-buildlog"),
    p.dice("dice-shell:one"),
    p.dice("dice-cleanup:one"),
  ]);

  expect(many.stderr).toBe(
    `bt: Task "dice-buildlog" takes one recipe, and there are 2\n  fix  Add RECIPE=FOLDER, or run "dice-buildlog:one", "dice-buildlog:two".\n`,
  );
  expect(shell.stdout).toContain('bt: Task "dice-shell:one" needs a terminal\n');
  expect(cleanup.stdout).toContain("bt: `dice-cleanup` is not told what to remove\n");
});

testLocal("a container that may not mount is told apart from a broken build", async () => {
  const p = await world({ fields: `buildhost: { kind: "docker", image: "kiwi:1" }` });
  p.write(
    "bin/docker",
    `#!/bin/sh\ncase "$*" in *"mount --bind"*) echo mount: permission denied >&2; exit 1;; image*) echo sha256:1;; esac\n`,
  );
  chmodSync(join(p.root, "bin/docker"), 0o755);

  const result = await p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, "dice-build");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("bt: A container of docker may not mount, which KIWI needs\n");
  expect(p.calls()).toEqual([]);
});

testLocal("kiwi:doctor says all of it without failing, and bt --doctor what is needed", async () => {
  const p = await world();
  writeFileSync(join(p.root, "recipes/small/config.xml"), configXml("packages", { schema: "9.9" }));

  const [doctor, general] = [await p.dice("kiwi:doctor"), await p.bt("--doctor")];

  expect(doctor).toMatchObject({ exitCode: 0 });
  expect(doctor.stdout).toContain(
    "The description has schema version 9.9; KIWI 9.24.56 on this machine reads up to 7.5",
  );
  expect(general.stdout).toMatch(/^kiwi-dice$[^]*^ {2}✔ debootstrap +\d\S+ {2}\/\S*debootstrap$/m);
});
