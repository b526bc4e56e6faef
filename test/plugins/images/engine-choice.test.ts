/** Which engine is chosen, by whom and why; and what real and made-up engines say of themselves. */
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isBtError } from "../../../core/index.ts";
import { chooseEngine, describeEngines, type Ask, type EngineWords } from "../../../plugins/images/engine-choice.ts";
import type { EngineName } from "../../../plugins/images/engine-name.ts";
import { probeEngine, type Probe } from "../../../plugins/images/engine-probe.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";
import { startDockerd } from "./dockerd.ts";
import { render } from "./rig.ts";

const usable = (version: string): Probe => ({ kind: "usable", version, capabilities: ["run"] });

/** A machine where all engines work, but for these. */
function machine(but: Partial<Record<EngineName, Probe>> = {}): Ask {
  return async (name) => but[name] ?? (name === "embedded" ? { kind: "usable", capabilities: [] } : usable("1.2.3"));
}

async function choose(words: EngineWords, but: Partial<Record<EngineName, Probe>> = {}): Promise<string> {
  try {
    const { name, program, reason, version } = await chooseEngine(words, {}, machine(but));
    return [name, program, version, reason].join(" | ");
  } catch (error) {
    if (!isBtError(error)) throw error;
    return [render(error), ...error.detail].join("\n");
  }
}

const missing: Probe = { kind: "missing" };
const noDaemon: Probe = { kind: "no-daemon", address: "unix:///run/x.sock" };

test("the option comes before KUBEVIRT_CRI, CONTAINER_CLI, DOCKER and the settings; an empty word is none", async () => {
  const all = {
    engine: "embedded",
    kubevirtCri: "docker",
    containerCli: "podman",
    docker: "buildah",
    settings: { engine: "docker" },
  };

  expect([
    await choose(all),
    await choose({ ...all, engine: undefined }),
    await choose({ ...all, engine: " ", kubevirtCri: "" }),
    await choose({ docker: "/opt/bin/docker", settings: { engine: "podman" } }),
    await choose({ docker: "", settings: { engine: "podman" } }),
  ]).toEqual([
    "embedded | embedded |  | The engine option chooses it",
    "docker | docker | 1.2.3 | KUBEVIRT_CRI chooses it",
    "podman | podman | 1.2.3 | CONTAINER_CLI chooses it",
    "docker | /opt/bin/docker | 1.2.3 | DOCKER chooses it",
    "podman | podman | 1.2.3 | The engine of your settings chooses it",
  ]);
});

test("without a word the embedded engine builds what runs nothing, and the first that works all else", async () => {
  expect([
    await choose({ runs: false }),
    await choose({ runs: true }),
    await choose({}, { buildah: missing }),
    await choose({}, { buildah: { kind: "unable", reason: "no" }, podman: missing }),
  ]).toEqual([
    "embedded | embedded |  | the Dockerfile has no RUN",
    "buildah | buildah | 1.2.3 | the first that works of buildah, podman, docker",
    "podman | podman | 1.2.3 | the first that works of buildah, podman, docker",
    "docker | docker | 1.2.3 | the first that works of buildah, podman, docker",
  ]);
});

test("IMAGES_ENGINE_UNKNOWN lists the known ones, the nearest first", async () => {
  expect(await choose({ containerCli: "/usr/bin/podmann" })).toBe(
    'IMAGES_ENGINE_UNKNOWN\nCONTAINER_CLI chooses "podmann"; known engines are podman, embedded, buildah, docker\n\nChoose "podman".',
  );
  expect(await choose({ engine: "kaniko" })).toBe(
    'IMAGES_ENGINE_UNKNOWN\nThe engine option chooses "kaniko"; known engines are embedded, buildah, podman, docker\n\nChoose one of embedded, buildah, podman, docker.',
  );
});

test("IMAGES_ENGINE_MISSING names the package", async () => {
  expect(await choose({ docker: "docker" }, { docker: missing })).toBe(
    'IMAGES_ENGINE_MISSING\nDOCKER chooses "docker", which is not installed\n\nInstall it, on Debian with `apt-get install docker.io`, or choose another engine.',
  );
});

test("IMAGES_ENGINE_DAEMON names the address", async () => {
  expect(await choose({ kubevirtCri: "docker" }, { docker: noDaemon })).toBe(
    'IMAGES_ENGINE_DAEMON\nKUBEVIRT_CRI chooses docker, and no daemon answers at "unix:///run/x.sock"\n\nStart the daemon, set DOCKER_HOST to the one that runs, or choose another engine.',
  );
});

test("IMAGES_ENGINE_UNABLE says what the program says", async () => {
  expect(await choose({ engine: "podman" }, { podman: { kind: "unable", reason: "no storage" } })).toBe(
    'IMAGES_ENGINE_UNABLE\nThe engine option chooses "podman", which cannot be used: no storage\n\nMend what it says, or choose another engine.',
  );
});

test("IMAGES_ENGINE_NONE says what was tried", async () => {
  expect(
    await choose({}, { buildah: missing, podman: { kind: "unable", reason: "no storage" }, docker: noDaemon }),
  ).toBe(
    'IMAGES_ENGINE_NONE\nNo container engine can be used, and the Dockerfile has a RUN\n\nInstall one, on Debian with `apt-get install buildah`.\nbuildah: not installed\npodman: no storage\ndocker: no daemon answers at "unix:///run/x.sock"',
  );
});

const packages = (name: string): object => ({ apt: name, dnf: name, zypper: name });

test("describeEngines() shows the choice with its reason, and what is missing with its package", async () => {
  const listed = await describeEngines({ containerCli: "podman" }, {}, machine({ docker: noDaemon, buildah: missing }));

  expect(listed).toEqual([
    { name: "buildah", plugin: "images", isRequired: false, install: packages("buildah") },
    {
      name: "podman",
      plugin: "images",
      isRequired: true,
      install: packages("podman"),
      found: "1.2.3; chosen: CONTAINER_CLI chooses it",
    },
    { name: "docker", plugin: "images", isRequired: false, install: 'no daemon answers at "unix:///run/x.sock"' },
  ]);
});

test("describeEngines() requires the engine that was asked for and is missing", async () => {
  const listed = await describeEngines({ docker: "docker" }, {}, machine({ docker: missing }));

  expect(listed.filter(({ isRequired }) => isRequired)).toEqual([
    {
      name: "docker",
      plugin: "images",
      isRequired: true,
      install: { apt: "docker.io", dnf: "moby-engine", zypper: "docker" },
    },
  ]);
});

testWith("buildah", "podman")("real engines say their version; one that is not there is missing", async () => {
  const env = { PATH: process.env["PATH"], HOME: process.env["HOME"] };

  expect([
    await probeEngine("buildah", "buildah", env),
    await probeEngine("podman", "/usr/bin/podman", env),
    await probeEngine("buildah", "buildah", { PATH: "/nowhere" }),
    await probeEngine("docker", "/nowhere/docker", env),
  ]).toEqual([
    { kind: "usable", version: expect.stringMatching(/^\d+\.\d+/) as string, capabilities: ["run"] },
    { kind: "usable", version: expect.stringMatching(/^\d+\.\d+/) as string, capabilities: ["run"] },
    { kind: "missing" },
    { kind: "missing" },
  ]);
});

testWith("dockerd", "docker")("docker is usable when its daemon answers, and else says where it looked", async () => {
  const env = { PATH: process.env["PATH"], HOME: await temporaryFolder() };
  const nobody = `unix://${await temporaryFolder()}/none.sock`;
  const host = await startDockerd();

  expect([
    await probeEngine("docker", "docker", { ...env, DOCKER_HOST: nobody }),
    await probeEngine("docker", "docker", { ...env, DOCKER_HOST: host }),
  ]).toEqual([
    { kind: "no-daemon", address: nobody },
    {
      kind: "usable",
      version: expect.stringMatching(/^\d+\.\d+/) as string,
      capabilities: expect.arrayContaining(["run"]) as unknown,
    },
  ]);
});

test("a program that fails is unable, with its last words", async () => {
  const dir = await temporaryFolder();
  await writeFile(join(dir, "podman"), "#!/bin/sh\necho first >&2\necho storage is broken >&2\nexit 125\n");
  await chmod(join(dir, "podman"), 0o755);

  expect(await probeEngine("podman", "podman", { PATH: `${dir}:/usr/bin:/bin` })).toEqual({
    kind: "unable",
    reason: "storage is broken",
  });
});
