/** examples/maistra-builder does what its README says, against a real registry. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, type Project } from "../../../support/project.ts";
import { startRegistry } from "../../../support/registry.ts";
import { run, testWith } from "../../../support/tool.ts";
import { ownBuildah } from "./rig.ts";

const example = path.join(import.meta.dirname, "../../../../examples/maistra-builder");

async function copy(): Promise<Project> {
  const p = await project({});
  fs.cpSync(example, p.root, { recursive: true, filter: (name) => !name.endsWith("/.bt") });
  return p;
}

testWith(
  "buildah",
  "docker-registry",
  "skopeo",
)("maistra-builder.push publishes every version, and nothing twice", async () => {
  const p = await copy();
  const { host } = await startRegistry();
  const env = { HUB: `${host}/maistra-dev`, CONTAINER_CLI: ownBuildah(p) };

  const first = await p.btWith({ env }, "maistra-builder.push");
  const second = await p.btWith({ env }, "maistra-builder.push");

  const raw = (tag: string): Promise<string> =>
    run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/maistra-dev/maistra-builder:${tag}`]);
  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(second.stdout.match(/ unchanged: /g)).toHaveLength(3);
  expect(JSON.parse(await raw("2.4"))).toHaveProperty("layers");
  expect((JSON.parse(await raw("2.5")) as { manifests: object[] }).manifests).toHaveLength(2);
  expect(await raw("next")).toBe(await raw("2.5"));
});

test("every command of its README is one that bt knows", async () => {
  const p = await copy();
  const readme = fs.readFileSync(path.join(example, "README.md"), "utf8");
  const commands = [...readme.matchAll(/`bt ([^`]+)`/g)].map(([, words = ""]) => words.split(" "));

  for (const words of commands) {
    const dry = words[0] === "maistra-builder_2.4:shell" ? ["--help", words[0]] : ["-n", ...words];
    expect(await p.bt(...dry), words.join(" ")).toMatchObject({ exitCode: 0, stderr: "" });
  }
  expect(commands.length).toBeGreaterThan(8);
});

test("its table, Dockerfiles and CI jobs agree", async () => {
  const p = await copy();

  expect(await p.bt("family:check")).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await p.bt("family:ci", "FORMAT=openshift", "CHECK=1")).toMatchObject({ exitCode: 0, stderr: "" });
});
