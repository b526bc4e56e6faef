/** What a failed or interrupted build leaves: nothing. The engines are stubs. */
import { expect, test } from "vitest";
import { until } from "../../../support/processes.ts";
import { builderfile, familyProject } from "./rig.ts";

test("with -k the other versions are built, and the failed one is named", async () => {
  const table = `{ "1": { platforms: ["linux/amd64"] }, "2": { platforms: ["linux/amd64"] }, "4": { platforms: ["linux/amd64"] } }`;
  const p = await familyProject({
    "builderfile.ts": builderfile(table),
    "docker/oven_4.Dockerfile": "FROM scratch\n",
    ".stub/fail": "build .*oven:2 ",
  });

  const result = await p.stubbed("-k", "oven");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toMatch(/^bt: 2 ran, 1 failed, 1 blocked in /m);
  expect(result.stdout).toContain("✖ oven_2 failed");
  expect(p.calls()).toHaveLength(3);
});

test("docker's builder is removed after a failure, and one that was there before is used and kept", async () => {
  const p = await familyProject({ ".stub/fail": "buildx build" });

  const failed = await p.stubbed("oven_2_multi");
  const calls = p.calls();
  p.forget();
  p.write(".stub/builder", "");
  p.write(".stub/fail", "");
  const again = await p.stubbed("oven_2_multi");

  expect(failed.exitCode).toBe(1);
  expect(calls.map((call) => call.split(" ").slice(0, 3).join(" "))).toEqual([
    "docker buildx inspect",
    "docker buildx create",
    "docker buildx build",
    "docker buildx rm",
  ]);
  expect(again.exitCode).toBe(0);
  expect(p.calls().map((call) => call.split(" ")[2])).toEqual(["inspect", "build"]);
  expect(p.exists(".stub/builder")).toBe(true);
});

test("an interrupt ends the build, its processes and its builder", async () => {
  const p = await familyProject({ ".stub/stall": "" });
  const running = p.start({ env: p.env }, "oven_2_multi");
  await until(() => p.exists(".stub/started"));

  running.child.kill("SIGINT");
  const result = await running.ended;

  expect(result.signal).toBe("SIGINT"); // 130 for a shell.
  expect(p.calls().at(-1)).toBe("docker buildx rm project-v4-builder");
  expect(p.exists(".stub/builder")).toBe(false);
  expect(p.exists(".bt/families/oven_2.tar")).toBe(false);
});

test("a docker daemon that nobody runs is named, with what to do", async () => {
  const p = await familyProject({
    ".stub/fail": "build",
    ".stub/says": "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
  });

  const result = await p.stubbed("oven_1");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("bt: There is no docker daemon at unix:///var/run/docker.sock\n");
  expect(result.stdout).toContain("CONTAINER_CLI=buildah");
});

test("an engine that is not installed, and docker without buildx, are named with their packages", async () => {
  const p = await familyProject({
    ".stub/fail": "buildx inspect",
    ".stub/says": "docker: unknown command: docker buildx\n",
  });

  const absent = await p.bt("oven_1", "CONTAINER_CLI=/nowhere/podman");
  const plain = await p.stubbed("oven_2_multi");

  expect(absent.stdout).toContain('bt: There is no program "/nowhere/podman"\n');
  expect(absent.stdout).toContain("fix  Install it: `apt-get install podman`.\n");
  expect(plain.stdout).toContain("bt: docker has no buildx, which builds several platforms\n");
  expect([absent.exitCode, plain.exitCode]).toEqual([1, 1]);
});

test("what says where engines are reaches them", async () => {
  const p = await familyProject({ ".stub/bin/docker": `#!/bin/sh\necho "host $DOCKER_HOST"\n` });

  const result = await p.btWith({ env: { ...p.env, DOCKER_HOST: "tcp://127.0.0.1:1" } }, "oven_1");

  expect(result.stdout).toContain("host tcp://127.0.0.1:1\n");
});

test.each([
  ["denied: requested access to the resource is denied", 1, "Log in with"],
  ["received unexpected HTTP status: 503 Service Unavailable", 3, "Run it again"],
])("docker's push that says `%s` is tried %i times", async (says, tries, fix) => {
  const p = await familyProject({ ".stub/fail": "^push", ".stub/says": `${says}\n` });

  const result = await p.stubbed("oven_1.push");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(`was not pushed: ${says}\n`);
  expect(result.stdout).toContain(fix);
  expect(p.calls().filter((call) => call.startsWith("docker push"))).toHaveLength(tries);
});

test("a dry run of every push starts nothing and asks no registry", async () => {
  const p = await familyProject();

  const result = await p.stubbed("-n", "oven.push", "oven_1.push", "oven_1.push_multi", "oven_3.push_multi");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(p.exists(".stub/calls")).toBe(false);
  expect(result.stdout).not.toContain("cannot be looked up");
});

test("the last event tells machines what every version has come to", async () => {
  const p = await familyProject();
  const values = async (): Promise<object> => {
    const { stdout } = await p.stubbed("--json", "oven", "VERSIONS=1");
    return (JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as { values: object }).values;
  };
  const version = { version: "1", task: "oven_1", ref: "127.0.0.1:1/bakery/oven:1" };

  expect(await values()).toMatchObject({ oven: { versions: [{ ...version, status: "built" }] } });
  expect(await values()).toMatchObject({ oven: { versions: [{ ...version, status: "cached" }] } });
});

test("what is built is not built again, until its image, its files or its arguments change", async () => {
  const table = (flour: string): string => `{ "1": { platforms: ["linux/amd64"], args: { FLOUR: "${flour}" } } }`;
  const file = "FROM scratch\nARG FLOUR\n";
  const p = await familyProject({ "builderfile.ts": builderfile(table("550")), "docker/oven_1.Dockerfile": file });
  await p.stubbed("oven_1");
  p.forget();

  const same = await p.stubbed("oven_1");
  p.write("docker/oven_1.Dockerfile", `${file}#\n`);
  p.write("docker/oven_1.Dockerfile", file);
  p.write("builderfile.ts", `// Another comment.\n${builderfile(table("550"))}`);
  const reverted = await p.stubbed("oven_1");
  const calls = p.calls();
  p.write("builderfile.ts", builderfile(table("405")));
  const why = await p.stubbed("--why", "oven_1");

  expect(same.stdout).toContain("bt: Nothing to do: 1 task is up to date\n");
  expect(reverted.stdout).toContain("bt: Nothing to do: 1 task is up to date\n");
  expect(calls).toEqual([]);
  expect(why.stdout).toContain('FLOUR":"550"');
});
