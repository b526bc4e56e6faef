/** The smaller tasks: steps of KIWI, log, history, dry run, and results of type oci. KIWI is a stand-in. */
import { execFileSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { keyDigest } from "../../../plugins/kiwi-dice/key.ts";
import { findLack } from "../../../plugins/kiwi-dice/needs.ts";
import { knowsHost } from "../../../plugins/kiwi-dice/known-hosts.ts";
import { findDamaged, sshConfig } from "../../../plugins/kiwi-dice/ssh.ts";
import { newestSchema } from "../../../plugins/kiwi-dice/version.ts";
import { testWith, run } from "../../support/tool.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { listFiles, listStamps, testLocal, until, world } from "./rig.ts";

const test = testWith();

testLocal("prepare, create and bundle are the steps of a build, each in its folder", async () => {
  const p = await world();

  const early = await p.dice("kiwi:create");
  for (const step of ["kiwi:prepare", "kiwi:create", "kiwi:bundle"])
    expect(await p.dice(step)).toMatchObject({ exitCode: 0 });

  expect(early.exitCode).toBe(1);
  expect(early.stdout).toContain('there is no "recipes/small/.dice/steps/root"\n');
  const steps = join(p.root, "recipes/small/.dice/steps");
  expect(readdirSync(steps).sort()).toEqual(["build", "bundle", "root"]);
  expect(readdirSync(join(steps, "bundle"))).toContain("small.x86_64-1.0.0-DiceBuild.tar.xz");
  expect(p.calls().map((line) => line.replaceAll(steps, "STEPS").trimEnd())).toEqual([
    "--debug --shared-cache-dir /var/cache/kiwi system prepare --description STEPS/description --root STEPS/root",
    "--debug --shared-cache-dir /var/cache/kiwi system create --root STEPS/root --target-dir STEPS/build",
    "result bundle --target-dir STEPS/build --id DiceBuild --bundle-dir STEPS/bundle.new",
  ]);
});

testLocal("build and info are single calls of KIWI", async () => {
  const p = await world();

  const [build, info] = [await p.dice("kiwi:build"), await p.dice("kiwi:info")];

  expect([build.exitCode, info.exitCode]).toEqual([0, 0]);
  expect(info.stdout).toContain("image: small\n");
  expect(p.calls().map((line) => /(system|image) \w+ /.exec(line)?.[0].trim())).toEqual(["system build", "image info"]);
});

testLocal("the log is printed, and followed while a build writes it; the history has every build", async () => {
  const p = await world();
  p.write(
    "recipes/small/config.sh",
    `#!/bin/sh\necho one\nwhile [ ! -e ${p.root}/go ]; do sleep 0.1; done\necho two\n`,
  );
  const build = p.start({}, "dice-build");
  await until(
    () => p.exists("recipes/small/.dice/build.log") && p.read("recipes/small/.dice/build.log").includes("one\n"),
  );

  const shown = await p.dice("dice-buildlog", "--show");
  const following = p.start({}, "dice-buildlog");
  p.write("go", "");
  const [followed, history] = [await following.ended, await build.ended.then(() => p.dice("dice-history"))];

  expect(shown.stdout).toContain("one\n");
  expect(shown.stdout).not.toContain("two\n");
  expect(followed.stdout).toContain("two\n");
  expect(history.stdout).toMatch(
    /^\S+Z {2}built {2}\d+ s {2}on this machine {2}sha256:[0-9a-f]{12}\n {2}never built by bt$/m,
  );
});

testLocal(
  "each build has a cache of its own, which takes packages from a shared one and gives back what it fetched",
  async () => {
    const p = await world({ recipes: ["one", "two"], fields: `kiwi: { sharedCache: "cache" }` });

    const first = await p.dice("dice-build:one");
    const second = await p.dice("dice-build:two");

    expect([first.exitCode, second.exitCode]).toEqual([0, 0]);
    expect(first.stdout).not.toContain("cached bread_1_all.deb");
    expect(second.stdout).toContain("cached bread_1_all.deb\n");
    expect(listFiles(p.root, "cache")).toEqual(["apt-get", "apt-get/archives", "apt-get/archives/bread_1_all.deb"]);
  },
);

testLocal("the unpacked image of a failed build can be kept, and bt says where", async () => {
  const p = await world({ fields: `keepRoot: "on-failure"` });
  p.write("recipes/small/config.sh", "#!/bin/sh\nexit 3\n");

  const failed = await p.dice("dice-build");
  p.write("recipes/small/config.sh", "#!/bin/sh\nexit 0\n");
  const kept = readdirSync(join(p.root, ".bt/kiwi-dice"));
  await p.dice("dice-build");

  expect(kept).toHaveLength(1);
  expect(failed.stdout).toContain(
    `The unpacked image is kept in ${p.root}/.bt/kiwi-dice/${kept[0]}/build/build/image-root (`,
  );
  expect(readdirSync(join(p.root, ".bt/kiwi-dice"))).toEqual(kept);
});

testLocal("a dry run starts nothing and writes nothing", async () => {
  const p = await world();
  const before = listStamps(p.root, "recipes");

  const result = await p.bt("-n", "dice-build", "dice-status");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect([p.calls(), listStamps(p.root, "recipes")]).toEqual([[], before]);
});

testWith(
  "skopeo",
  "unshare",
  "rsync",
  "debootstrap",
  "umoci",
)("an image of type oci is also there as a layout that others read", async () => {
  const p = await world({ fields: `kiwi: { type: "oci" }, bundle: false` });
  const pack = `mkdir -p "$target/layout/blobs/sha256" && cp -a ${p.root}/image/. "$target/layout/" && tar -C "$target/layout" -cf "$target/small.oci.tar" . && rm -r "$target/layout"`;
  await run("umoci", ["init", "--layout", join(p.root, "image")]);
  await run("umoci", ["new", "--image", `${join(p.root, "image")}:1.0`]);
  const stub = p.read("tools/kiwi-ng").replaceAll("small.x86_64-1.0.0.tar.xz", "small.oci.tar");
  p.write("tools/kiwi-ng", stub.replace(/^( {4}tar -C "\$description").*$/m, `    ${pack}`));
  p.write(
    "builderfile.ts",
    p.read("builderfile.ts").replace('type: "oci"', `type: "oci", bin: ${JSON.stringify(p.kiwi)}`),
  );

  const result = await p.dice("dice-build", "--output=json");

  const last = JSON.parse(result.stdout.trimEnd().split("\n").at(-1)!) as {
    values: { "dice-build": { small: object } };
  };
  expect(last.values["dice-build"].small).toMatchObject({
    type: "oci",
    arch: "x86_64",
    layout: "recipes/small/.dice/oci",
  });
  const raw = await run("skopeo", ["inspect", "--raw", `oci:${p.root}/recipes/small/.dice/oci:1.0`]);
  expect(JSON.parse(raw)).toMatchObject({ schemaVersion: 2 });
});

test("a file system that the kernel has not and no module brings is lacking", () => {
  const needs = { programs: [], fileSystems: ["fs-of-nobody"], partitions: false };

  expect(findLack(needs, "")).toEqual({ programs: [], features: ["file system fs-of-nobody"] });
});

test("known hosts are found by name, by port, by pattern and by hash; revoked and other ones are not", () => {
  const key = "ssh-ed25519 AAAA";
  const salt = Buffer.from("12345678901234567890");
  const hashed = `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update("forge").digest("base64")}`;

  expect(knowsHost(`forge,10.0.0.1 ${key}`, "10.0.0.1", 22)).toBe(true);
  expect(knowsHost(`forge ${key}`, "forge", 2222)).toBe(false);
  expect(knowsHost(`[forge]:2222 ${key}`, "forge", 2222)).toBe(true);
  expect(knowsHost(`*.example.com,!bad.example.com ${key}`, "a.example.com", 22)).toBe(true);
  expect(knowsHost(`*.example.com,!bad.example.com ${key}`, "bad.example.com", 22)).toBe(false);
  expect(knowsHost(`${hashed} ${key}`, "forge", 22)).toBe(true);
  expect(knowsHost(`@revoked forge ${key}\n# forge ${key}`, "forge", 22)).toBe(false);
  expect(knowsHost(`@cert-authority forge ${key}`, "forge", 22)).toBe(true);
});

test("a key is the same whatever its line breaks, and the file of ssh keeps blanks and percent signs", () => {
  const [one, other] = [
    "-----BEGIN KEY-----\nab\ncd\n-----END KEY-----\n",
    "-----BEGIN KEY-----\r\nabcd\r\n-----END KEY-----",
  ];
  const host = { kind: "ssh", host: "forge", user: "ann", key: "/k/my 100% key", knownHosts: "~/known" } as const;

  expect(keyDigest(one)).toBe(keyDigest(other));
  expect(sshConfig(host, "/project")).toContain(`  IdentityFile "/k/my 100%% key"\n  IdentitiesOnly yes\n`);
  expect(sshConfig(host, "/project")).toContain("  StrictHostKeyChecking yes\n  BatchMode yes\n");
});

test("files that differ, are missing or are too many after a transfer are named", async () => {
  const folder = await temporaryFolder();
  execFileSync("sh", ["-c", "echo a > a; echo changed > b; echo d > d"], { cwd: folder });
  const sum = (text: string): string => createHash("sha256").update(text).digest("hex");

  expect(await findDamaged(folder, `${sum("a\n")}  a\n${sum("b\n")}  b\n${sum("c\n")} *c\n`)).toEqual(["b", "c", "d"]);
});

test.for([
  ["9.24.28", "7.4"],
  ["9.24.56", "7.5"],
  ["9.25.22", "7.6"],
  ["10.1.18", "8.2"],
  ["10.3.9", "8.5"],
  ["11.0.0", undefined],
])("KIWI %s reads schemas up to %s", ([kiwi, schema]) => {
  expect(newestSchema(kiwi!)).toBe(schema);
});
