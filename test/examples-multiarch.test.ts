/** The example of multi-architecture images: built, published to a registry on loopback, judged by skopeo. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { project, type Project, type Result } from "./support/project.ts";
import { startRegistry } from "./support/registry.ts";
import { run, testWith } from "./support/tool.ts";

const test = testWith("docker-registry", "skopeo");

/** A copy without what earlier runs have left. */
async function copyOf(example: string): Promise<Project> {
  const p = await project({});
  const from = path.join(import.meta.dirname, "../examples", example);
  fs.cpSync(from, p.root, { recursive: true, filter: (name) => !/\/(\.bt|dist)$/.test(name) });
  return p;
}

async function platformsAt(reference: string): Promise<readonly string[]> {
  const raw = await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${reference}`]);
  const { manifests } = JSON.parse(raw) as { manifests: readonly { platform: { architecture: string } }[] };
  return manifests.map(({ platform }) => platform.architecture);
}

test("multiarch publishes both images together, and a later task is told what to pull", async () => {
  const { host } = await startRegistry();
  const p = await copyOf("multiarch");
  const bt = (...argv: string[]): Promise<Result> => p.btWith({ env: { REGISTRY: `${host}/bakery` } }, ...argv);

  const first = await bt("announce", "CHANNEL=stable");
  const second = await bt("manifest:push");
  const verified = await bt("manifest:verify", "DEEP=yes");

  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(first.stdout).toMatch(new RegExp(`stable: ${host}/bakery/server:1.4@sha256:\\w{64}\n`));
  expect(second.stdout.match(/was there already/g)).toHaveLength(2);
  expect(verified.exitCode).toBe(0);
  expect(await platformsAt(`${host}/bakery/server:latest`)).toEqual(["amd64", "arm64", "s390x"]);
  expect(await platformsAt(`${host}/bakery/client:1.4`)).toEqual(["amd64", "arm64"]);
});

test("multiarch moves no tag of either image when one cannot be built", async () => {
  const { host } = await startRegistry();
  const p = await copyOf("multiarch");
  p.write("client/Dockerfile", "FROM scratch\nCOPY nothing.txt /\n");

  const result = await p.btWith({ env: { REGISTRY: `${host}/bakery` } }, "-k", "manifest:push");

  expect(result.exitCode).toBe(1);
  await expect(platformsAt(`${host}/bakery/server:latest`)).rejects.toThrow("manifest unknown");
});
