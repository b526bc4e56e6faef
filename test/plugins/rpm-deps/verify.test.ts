/** `bt verify-rpm-deps` on a signed repository of real rpms. Needs the Debian packages rpm (rpmbuild, rpmsign, rpmkeys), createrepo-c and gnupg. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { parseVerdicts } from "../../../plugins/rpm-deps/signature.ts";
import { createSigner, type Signer } from "../../support/rpm-signer.ts";
import { buildBazeldnf } from "../../support/rpm-bazeldnf.ts";
import { failure, rpmProject } from "../../support/rpm-project.ts";
import { buildRpms, indexRpms, renderRepofile, serveFolder, type Mirror } from "../../support/rpm-repository.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";

const realTest = testWith("rpmbuild", "rpmsign", "rpmkeys", "createrepo_c", "gpg");

/** Builds, signs and indexes; `os/key.asc` is the key. */
async function signed(folder: string, names: readonly string[], signer: Signer): Promise<Mirror> {
  const files = await buildRpms(
    path.join(folder, "os/Packages"),
    names.map((name) => ({ name, evr: "1.0-1.el9" })),
  );
  await signer.sign(files);
  fs.writeFileSync(path.join(folder, "os/key.asc"), signer.key);
  await indexRpms(path.join(folder, "os"));
  return await serveFolder(folder);
}

function rule(name: string, sha256: string, urls: readonly string[]): string {
  return `rpm(\n    name = "${name}-0__1.0-1.el9.s390x",\n    sha256 = "${sha256}",\n    urls = ${JSON.stringify(urls)},\n)\n`;
}

const sha256 = (file: string): string => createHash("sha256").update(fs.readFileSync(file)).digest("hex");

realTest(
  "good, unsigned, another key, a changed byte, a wrong sum, nowhere: each has its own report, and all are looked at",
  { timeout: 600_000 },
  async () => {
    const folder = await temporaryFolder();
    const [signer, stranger] = [await createSigner("baker"), await createSigner("stranger")];
    const mirror = await signed(folder, ["bread", "cake"], signer);
    const packages = path.join(folder, "os/Packages");
    const [unsigned, foreign, changed] = await buildRpms(
      packages,
      ["unsigned", "foreign", "changed"].map((name) => ({ name, evr: "1.0-1.el9" })),
    );
    await stranger.sign([foreign!]);
    await signer.sign([changed!]);
    const bytes = fs.readFileSync(changed!);
    bytes[bytes.length - 20]! ^= 0xff;
    fs.writeFileSync(changed!, bytes);
    const url = (name: string): string => `${mirror.url}/os/Packages/${name}-1.0-1.el9.noarch.rpm`;
    const at = (name: string): string => path.join(packages, `${name}-1.0-1.el9.noarch.rpm`);
    const workspace = [
      rule("absent", "a".repeat(64), [url("absent")]),
      rule("bread", sha256(at("bread")), [url("nowhere"), url("bread")]),
      rule("cake", "b".repeat(64), [url("cake")]),
      ...[unsigned, foreign, changed].map((file) =>
        rule(path.basename(file!).split("-")[0]!, sha256(file!), [`${mirror.url}/os/Packages/${path.basename(file!)}`]),
      ),
    ].join("\n");
    const p = await rpmProject({
      repofile: renderRepofile(mirror.url, { os: { path: "os", more: `  gpgkey: ${mirror.url}/os/key.asc\n` } }),
      files: { WORKSPACE: workspace },
      options: { retries: 0 },
    });

    const first = await p.bt("verify-rpm-deps");
    const asked = mirror.requests.filter((name) => name.includes("bread")).length;
    await p.bt("verify-rpm-deps");

    expect(first.exitCode).toBe(6);
    const text = failure(first);
    expect(text).toContain("5 of 6 rpms could not be verified\n");
    expect(text).toMatch(/absent: absent-0__1\.0-1\.el9\.s390x: .*the server says 404/);
    expect(text).toMatch(
      /wrong-checksum: cake-0__1\.0-1\.el9\.s390x: .*its sha256 should be b{64} and is [0-9a-f]{64}/,
    );
    expect(text).toMatch(/damaged: changed-0__1\.0-1\.el9\.s390x: .*BAD/);
    expect(text).toMatch(
      /unknown-key: foreign-0__1\.0-1\.el9\.s390x: it is signed with the key [0-9a-f]+, which no gpgkey has/,
    );
    expect(text).toContain("unsigned: unsigned-0__1.0-1.el9.s390x: it has no signature\n");
    expect(text).not.toContain("bread-0");
    expect(mirror.requests.filter((name) => name.includes("bread"))).toHaveLength(asked);
  },
);

realTest(
  "only downloads failed: 5; a key that is not there: 5; all verified: 0, and nothing again",
  { timeout: 600_000 },
  async () => {
    const folder = await temporaryFolder();
    const mirror = await signed(folder, ["bread"], await createSigner("baker"));
    const file = path.join(folder, "os/Packages/bread-1.0-1.el9.noarch.rpm");
    const good = rule("bread", sha256(file), [`file://${file}`]);
    const p = await rpmProject({
      repofile: renderRepofile(mirror.url, { os: { path: "os", more: `  gpgkey: ${mirror.url}/os/key.asc\n` } }),
      files: { WORKSPACE: good },
      options: { retries: 0 },
    });

    const whole = await p.bt("verify-rpm-deps");
    const again = await p.bt("verify-rpm-deps");
    p.write("WORKSPACE", `${good}\n${rule("gone", "a".repeat(64), [`${mirror.url}/gone.rpm`])}`);
    const gone = await p.bt("verify-rpm-deps");
    mirror.faults.set("key.asc", "absent");
    const keyless = await p.bt("verify-rpm-deps");

    expect(whole.stdout).toContain("1 rpms are whole and signed\n");
    expect(again.stdout).toContain("1 rpms are whole and signed; 1 of them were verified before\n");
    expect([whole, again, gone, keyless].map(({ exitCode }) => exitCode)).toEqual([0, 0, 5, 5]);
    expect(failure(keyless)).toContain("key.asc cannot be fetched: the server says 404");
  },
);

testWith(
  "rpmbuild",
  "rpmsign",
  "rpmkeys",
  "createrepo_c",
  "gpg",
  "go",
)(
  "from a signed repository to verified Bazel files: check, solve, libraries, verify, diff",
  { timeout: 600_000 },
  async () => {
    const folder = await temporaryFolder();
    // A real shared library that needs no other one.
    const library = fs.realpathSync("/lib64/ld-linux-x86-64.so.2");
    const signer = await createSigner("baker");
    const header = path.join(folder, "oven.h");
    fs.writeFileSync(header, "int heat(void);\n");
    const packages = path.join(folder, "os/Packages");
    const files = await buildRpms(packages, [
      { name: "bakery-release", evr: "9.0-1.el9" },
      {
        name: "oven",
        evr: "17:2.0-1.el9",
        arch: "x86_64",
        requires: ["yeast >= 1.0"],
        files: { "/usr/lib64/liboven.so.1": library, "/usr/include/oven.h": header },
      },
      { name: "oven", evr: "17:1.9-1.el9", arch: "x86_64", requires: ["yeast"] },
      { name: "yeast", evr: "1.0^git1-1.el9" },
    ]);
    await signer.sign(files);
    fs.writeFileSync(path.join(folder, "key.asc"), signer.key);
    await indexRpms(path.join(folder, "os"));
    const mirror = await serveFolder(folder);
    const p = await rpmProject({
      repofile: renderRepofile(mirror.url, { os: { path: "os", more: `  gpgkey: ${mirror.url}/key.asc\n` } }),
      options: {
        arches: ["amd64"],
        base: { main: [] },
        backend: { bin: buildBazeldnf() },
        groups: {
          tools: {
            main: ["oven-{OVEN}"],
            ldd: [{ rule: "oven-libs_{arch}_{stream}", libs: ["/usr/lib64/liboven.so.1"] }],
          },
        },
      },
    });
    fs.mkdirSync(path.join(p.root, "old/rpm"), { recursive: true });
    for (const name of ["WORKSPACE", "rpm/BUILD.bazel"]) p.write(`old/${name}`, p.read(name));

    const solved = await p.bt("rpm-deps");
    const verified = await p.bt("verify-rpm-deps");
    const strict = await p.bt("rpm-deps:check", "--strict");
    const diff = await p.bt("rpm-deps:diff", "BASE=old");

    expect(solved.exitCode, solved.stdout).toBe(0);
    expect(verified.exitCode, verified.stdout).toBe(0);
    expect(strict.exitCode, strict.stdout).toBe(0);
    expect(p.read("rpm/BUILD.bazel")).toContain(`tar2files(
    name = "oven-libs_x86_64_cs9",
    files = {
        "/usr/include": ["oven.h"],
        "/usr/lib64": ["liboven.so.1"],
    },
    tar = ":tools_x86_64_cs9",
    visibility = ["//visibility:public"],
)
`);
    expect(p.read("WORKSPACE")).toContain(`name = "yeast-0__1.0__caret__git1-1.el9.x86_64"`);
    expect(diff.stdout).toContain("new tree tools_x86_64_cs9\n");
    p.write("rpm/pins.json", `{ "cs9": { "OVEN": "17:1.9-1.el9" } }`);
    const older = await p.bt("rpm-deps:check", "--strict");
    expect(older.exitCode).toBe(3);
    expect(failure(older)).toContain("tools_x86_64_cs9 has oven 17:2.0-1.el9, its pin says 17:1.9-1.el9\n");
  },
);

realTest("a file that rpmkeys says nothing about is damaged", () => {
  expect(parseVerdicts("", ["/a.rpm"])).toEqual(new Map([["/a.rpm", { kind: "damaged", lines: [] }]]));
});
