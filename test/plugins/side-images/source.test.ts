/** Where sources and releases come from when that changes, and how a password gets to git. `oc` is a stub: OpenShift's client cannot run here. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { startServer } from "../../support/fake-registry.ts";
import { startRegistry } from "../../support/registry.ts";
import { run, testWith } from "../../support/tool.ts";
import { pushSingle } from "./release.ts";
import { components, counting, git, oc, references, upstream, world } from "./world.ts";

const test = testWith("git");
const one = { COMPONENTS: "coredns", ARCHITECTURES: "arm64" };
const binary = ".bt/side-images/work/coredns/arm64/components/coredns/bin/coredns-arm64";

test("a repository with a password: git is told by its environment; no command line, log or file has it", async () => {
  const w = await world();
  const served = path.join(w.root, "served/up.git");
  await run("git", ["clone", "--quiet", "--bare", path.join(w.root, "upstream"), served]);
  await git(served, "update-server-info");
  const login = `Basic ${Buffer.from("baker:cr%mb-secret").toString("base64")}`;
  const { host } = await startServer((asked, answer) => {
    const file = path.join(w.root, "served", (asked.url ?? "/").replace(/\?.*/, ""));
    if (asked.headers.authorization !== login)
      answer.writeHead(401, { "www-authenticate": 'Basic realm="sources"' }).end();
    else if (fs.existsSync(file) && fs.statSync(file).isFile()) answer.writeHead(200).end(fs.readFileSync(file));
    else answer.writeHead(404).end();
  });
  w.component("coredns/repo", `http://baker:cr%25mb-secret@${host}/up.git\n`);
  w.component("coredns/commit", "v1.0\n");
  w.stub("git", counting("git"));

  const result = await w.side(one, "side-images");
  const again = await w.side(one, "side-images:src:coredns");

  expect(result, result.stdout).toMatchObject({ exitCode: 0, stderr: "" });
  expect(w.index("coredns").cells["arm64"]?.source).toMatchObject({
    repo: `http://***@${host}/up.git`,
    version: "v1.0",
  });
  expect(w.calls("git").join("\n")).toContain(`fetch --quiet --tags --force http://${host}/up.git v1.0`);
  expect(again.stdout).toContain("Nothing to do");
  const seen = [
    result.stdout,
    w.calls("git").join("\n"),
    w.read(".bt/side-images/coredns.json"),
    w.read(".bt/state.log"),
  ];
  expect(seen.join("\n")).not.toMatch(/mb-secret/);
});

test("another repository in the file is used, also when the component has been built from the first one", async () => {
  const w = await world();
  await w.side(one, "side-images:binaries");
  const first = w.read(binary);
  const { repo, commit } = await upstream(w.root, "other");
  w.component("coredns/repo", repo);
  w.component("coredns/commit", commit);

  await w.side(one, "side-images:binaries");

  expect([first, w.read(binary)]).toEqual(["upstream\narm64\n", "other\narm64\n"]);
});

testWith(
  "docker-registry",
  "skopeo",
  "git",
)("a release whose tag has moved is asked again, by its digest", async () => {
  const { host } = await startRegistry();
  const release = `${host}/ocp/release`;
  await pushSingle(`${release}:4.10.18`, "amd64", { files: { release: "1" } });
  const w = await world({ options: `imageReferences: { release: "${release}" }` });
  w.stub("oc", oc);
  const commit = w.read(`${components}/coredns/commit`).trim();
  w.write("calls/oc.json", references({ coredns: { repo: path.join(w.root, "upstream"), commit } }));

  await w.side(one, "side-images:src:coredns");
  await w.side(one, "side-images:src:coredns");
  const before = w.calls("oc").length;
  await pushSingle(`${release}:4.10.18`, "amd64", { files: { release: "2" } });
  const result = await w.side(one, "side-images:src:coredns");

  expect(result.exitCode).toBe(0);
  expect([before, w.calls("oc").length]).toEqual([1, 2]);
});
