/** What a check says when mirrors, lists and pins are not what they should be. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import type { Project } from "../../support/project.ts";
import { freePort } from "../../support/registry.ts";
import { failure, rpmProject } from "../../support/rpm-project.ts";
import { renderRepofile, serveFolder, writeIndex, writeMetadata, type Mirror } from "../../support/rpm-repository.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const names = ["acl", "coreutils", "tar", "bread", "bakery-release", "oven", "seeds"];
const specs = names.map((name) => ({ name, evr: "17:2.0-1.el9" }));

async function served(): Promise<{ p: Project; mirror: Mirror; folder: string }> {
  const folder = await temporaryFolder();
  writeMetadata(path.join(folder, "os"), specs);
  const mirror = await serveFolder(folder);
  const p = await rpmProject({
    repofile: renderRepofile(mirror.url, { os: { path: "os" } }),
    options: { retries: 0 },
  });
  return { p, mirror, folder };
}

test("RPM_DEPS_REPOSITORY_UNREACHABLE: nobody listens there", async () => {
  const { p, mirror } = await served();
  p.write("rpm/repo-cs9.yaml", p.read("rpm/repo-cs9.yaml").replace(mirror.url, `http://127.0.0.1:${await freePort()}`));

  const result = await p.bt("rpm-deps:check");

  expect(result).toMatchObject({ exitCode: 5 });
  expect(failure(result) + result.stderr).toContain(`Repository "os" cannot be fetched: `);
  expect(failure(result) + result.stderr).toContain("/os/repodata/repomd.xml\n");
});

test("all repositories that cannot be reached are named at once", async () => {
  const { p, mirror } = await served();
  const lists = { os: { path: "os" }, lost: { path: "lost" }, gone: { path: "gone" } };
  p.write("rpm/repo-cs9.yaml", renderRepofile(mirror.url, lists));

  const result = await p.bt("rpm-deps:check");

  expect(result).toMatchObject({ exitCode: 5 });
  const said = failure(result) + result.stderr;
  expect(said).toContain("2 repositories cannot be used");
  expect(said).toMatch(/Repository "lost" cannot be fetched: [^]*Repository "gone" cannot be fetched: /);
});

test("a file that is not there is not asked for twice, a busy server is", async () => {
  const { p, mirror } = await served();
  p.write("builderfile.ts", p.read("builderfile.ts").replace(`"retries":0`, `"retries":1`));

  mirror.faults.set("repomd.xml", "absent");
  const absent = await p.bt("rpm-deps:check");
  const asked = mirror.requests.length;
  mirror.faults.set("repomd.xml", "busy");
  const busy = await p.bt("rpm-deps:check");

  expect([absent.exitCode, busy.exitCode]).toEqual([5, 5]);
  expect(failure(absent)).toContain("the server says 404 Not Found");
  expect(failure(busy)).toContain("the server says 503 Service Unavailable, after 2 tries");
  expect([asked, mirror.requests.length]).toEqual([1, 3]);
});

test.each([
  ["stale", { text: "x".repeat(10) }, /it should have \d+ bytes and has 10/],
  ["cut", "cut", /cannot be fetched/],
] as const)("a primary file that is %s is refused, and nothing of it stays", async (_, fault, text) => {
  const { p, mirror } = await served();
  mirror.faults.set("primary.xml.gz", fault);

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(5);
  expect(failure(result) + result.stderr).toMatch(text);
  expect(failure(result) + result.stderr).toContain(`${mirror.url}/os/repodata/primary.xml.gz`);
  expect(
    fs.existsSync(path.join(p.root, ".bt/rpm-deps/primary"))
      ? fs.readdirSync(path.join(p.root, ".bt/rpm-deps/primary"))
      : [],
  ).toEqual([]);
});

test("a primary file of the right size and another checksum names both checksums", async () => {
  const { p, mirror, folder } = await served();
  const size = fs.statSync(path.join(folder, "os/repodata/primary.xml.gz")).size;
  mirror.faults.set("primary.xml.gz", { text: "x".repeat(size) });

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(5);
  expect(failure(result) + result.stderr).toMatch(/its sha256 should be [0-9a-f]{64} and is [0-9a-f]{64}/);
});

test.each([
  [
    "an unknown compression",
    Buffer.from("BZh91AY"),
    /is packed in a way that bt does not know; it knows gz, xz and zst/,
  ],
  ["broken gzip", Buffer.from("1f8b080000000000", "hex"), /cannot be read: /],
  ["broken XML", Buffer.from("<metadata><package></metadata>"), /cannot be read: 1:30: /],
])("RPM_DEPS_METADATA_DAMAGED: %s", async (_, bytes, text) => {
  const { p, folder } = await served();
  writeIndex(path.join(folder, "os"), bytes, { name: "primary.xml.gz" });

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(5);
  expect(failure(result) + result.stderr).toMatch(text);
});

test("RPM_DEPS_METADATA_DAMAGED: an index that is a page of a proxy", async () => {
  const { p, mirror } = await served();
  mirror.faults.set("repomd.xml", { text: "<html><body>Log in</body></html>" });

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(5);
  expect(failure(result) + result.stderr).toContain(
    `The metadata of repository "os" cannot be used: it has no element <repomd>`,
  );
});

test("RPM_DEPS_REPOSITORY_OFFLINE: offline uses what was fetched, and nothing else", async () => {
  const { p, mirror } = await served();
  const online = p.read("builderfile.ts");
  p.write("builderfile.ts", online.replace(`"retries":0`, `"offline":true`));
  const never = await p.bt("rpm-deps:check");
  p.write("builderfile.ts", online);
  await p.bt("rpm-deps:check");
  const asked = mirror.requests.length;
  p.write("builderfile.ts", online.replace(`"retries":0`, `"offline":true`));

  const result = await p.bt("rpm-deps:check");

  expect(never.exitCode).toBe(5);
  expect(failure(never)).toContain("has never been fetched");
  expect(result.exitCode).toBe(0);
  expect(mirror.requests).toHaveLength(asked);
});

test("a file: address is read, a disabled repository is not, an unknown key is a warning with its line", async () => {
  const folder = await temporaryFolder();
  writeMetadata(path.join(folder, "os"), specs);
  const p = await rpmProject({
    repofile: renderRepofile(`file://${folder}`, {
      gone: { path: "gone", more: "  disabled: true\n" },
      os: { path: "os", more: "  prioritee: 3\n" },
    }),
  });

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(0);
  expect(result.stdout + result.stderr).toContain(
    `rpm/repo-cs9.yaml:7: unknown key "prioritee" of repository "os" is ignored`,
  );
});

test.each([
  ["RPM_DEPS_REPOFILE_MALFORMED: no YAML", "rpm/repo-cs9.yaml", "repositories:\n- name: [\n", "rpm/repo-cs9.yaml:3:1"],
  [
    "RPM_DEPS_REPOFILE_MALFORMED: no name",
    "rpm/repo-cs9.yaml",
    "repositories:\n- baseurl: http://x/\n",
    "rpm/repo-cs9.yaml:2:3",
  ],
  [
    "RPM_DEPS_REPOFILE_MALFORMED: no address",
    "rpm/repo-cs9.yaml",
    "repositories:\n- name: os\n",
    "rpm/repo-cs9.yaml:2:3",
  ],
  [
    "RPM_DEPS_REPOFILE_MALFORMED: an address that bt cannot fetch from",
    "rpm/repo-cs9.yaml",
    "repositories:\n- name: os\n  baseurl: ftp://x/\n",
    "rpm/repo-cs9.yaml:3:12",
  ],
  ["RPM_DEPS_PINS_MALFORMED: no JSON", "rpm/pins.json", `{"cs9": {"OVEN": }`, "rpm/pins.json:1:"],
  [
    "RPM_DEPS_PIN_MALFORMED: shell words",
    "rpm/pins.json",
    `{"cs9":\n {"OVEN": "1-1; touch owned"}}`,
    "rpm/pins.json:2:11",
  ],
  ["RPM_DEPS_PIN_MALFORMED: no release", "rpm/pins.json", `{"cs9":\n {"OVEN": "17:1.0"}}`, "rpm/pins.json:2:11"],
  ["RPM_DEPS_PIN_MISSING", "rpm/pins.json", `{"cs9": {"OVEM": "1-1"}}`, "Write {OVEM} in the group"],
])("%s: exit 2, with the place", async (_, file, content, text) => {
  const { p, mirror } = await served();
  p.write(file, content);

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(2);
  expect(failure(result) + result.stderr).toContain(text);
  expect(p.exists("owned")).toBe(false);
  expect(mirror.requests).toEqual([]);
});

test.each([
  ["RPM_DEPS_REPOFILE_MISSING", ["CUSTOM_REPO=none.yaml"], `There is no repository list "none.yaml"`],
  ["RPM_DEPS_STREAM_UNKNOWN", ["KUBEVIRT_CENTOS_STREAM_VERSION=11"], `There is no stream "11"; there are cs9`],
  ["RPM_DEPS_NAME_UNKNOWN", ["ONLY=OVAN"], `Write "OVEN".`],
])("%s: exit 2", async (_, words, text) => {
  const { p } = await served();

  const result = await p.bt("rpm-deps:check", ...words);

  expect(result.exitCode).toBe(2);
  expect(failure(result) + result.stderr).toContain(text);
});

test.each([
  ["RPM_DEPS_PINS_MISSING", { pinsFile: "none.json" }, `There is no pins file "none.json"`],
  [
    "RPM_DEPS_SPEC_MALFORMED",
    { groups: { tools: { main: ["tar; rm"] } } },
    `Group "tools" wants "tar; rm", which is no package`,
  ],
  [
    "RPM_DEPS_OPTIONS",
    { groups: { tools: { main: ["tar"], forceIgnore: ["^(python"] } } },
    `Group "tools" ignores "^(python"`,
  ],
  [
    "RPM_DEPS_OPTIONS",
    { streams: { cs9: { repofiles: [], suffix: "" }, cs10: { repofiles: [], suffix: "" } } },
    'The streams "cs9" and "cs10" have the same suffix',
  ],
])("%s: exit 2", async (_, options, text) => {
  const p = await rpmProject({ repofile: "repositories: []\n", options });

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(2);
  expect(failure(result) + result.stderr).toContain(text);
});

test("a password in an address goes into a header, and into no message", async () => {
  const { p, mirror } = await served();
  p.write("rpm/repo-cs9.yaml", p.read("rpm/repo-cs9.yaml").replace("http://", "http://baker:s3same@"));
  const good = await p.bt("rpm-deps:check");
  mirror.faults.set("repomd.xml", "absent");

  const bad = await p.bt("rpm-deps:check");

  expect(good.exitCode, good.stdout).toBe(0);
  expect(new Set(mirror.credentials)).toEqual(new Set([`Basic ${Buffer.from("baker:s3same").toString("base64")}`]));
  expect(bad.stdout).toContain("http://***@127.0.0.1");
  expect(good.stdout + bad.stdout).not.toContain("s3same");
});

test("a repository with a metalink alone is not checked, and said so", async () => {
  const { p } = await served();
  p.write("rpm/repo-cs9.yaml", `${p.read("rpm/repo-cs9.yaml")}- name: far\n  metalink: http://127.0.0.1/m\n`);

  const result = await p.bt("rpm-deps:check");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain(`Repository "far" has only a metalink, so its packages are not checked`);
});
