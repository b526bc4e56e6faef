/** The example of side images: built for four architectures, published to a registry on loopback, judged by skopeo. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { platformsAt, pushList } from "./plugins/side-images/release.ts";
import { program, project, type Project } from "./support/project.ts";
import { startRegistry } from "./support/registry.ts";
import { run, testWith } from "./support/tool.ts";

const assemblers = ["as", "aarch64-linux-gnu-as", "powerpc64le-linux-gnu-as", "riscv64-linux-gnu-as"];
const test = testWith("docker-registry", "skopeo", ...assemblers);
const arches = ["amd64", "arm64", "ppc64le", "riscv64"];

/** A copy whose `registry.k8s.io` is a registry on loopback, by the user's settings. */
async function copyWith(host: string): Promise<Project> {
  const p = await project({ ".config/bt/config.json": JSON.stringify({ mirrors: { "registry.k8s.io": host } }) });
  const from = path.join(import.meta.dirname, "../examples/microshift-side-images");
  fs.cpSync(from, p.root, { recursive: true, filter: (name) => !/\/(\.bt|bin)$/.test(name) });
  return p;
}

test("microshift-side-images is published for four architectures; a child has its parent's layers; a change runs its cells only", async () => {
  const { host } = await startRegistry();
  await pushList(`${host}/pause:3.9`, arches);
  const p = await copyWith(host);
  const env = { DEST_REGISTRY: `${host}/ms` };

  const result = await p.btWith({ env: { ...env, PUSH: "yes" } }, "side-images");
  const again = await p.btWith({ env }, "side-images:manifest");
  p.write("images/components/tool/notes-ppc64le.txt", "Other pages.\n");
  const changed = await p.btWith({ env }, "side-images:manifest");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  for (const name of ["base-image", "pause", "server", "tool"])
    expect(await platformsAt(`${host}/ms/${name}:4.10.18`)).toEqual(arches);
  expect(again.stdout).toContain("bt: Nothing to do");
  expect([...changed.stdout.matchAll(/^[✔▸] side-images:(\S+)/gm)].map(([, id]) => id)).toEqual([
    "image:tool:ppc64le",
    "manifest:tool",
  ]);
  const layersOf = async (name: string): Promise<readonly string[]> => {
    const platform = ["--override-os", "linux", "--override-arch", "ppc64le"];
    const image = `docker://${host}/ms/${name}:4.10.18`;
    const text = await run("skopeo", [...platform, "inspect", "--tls-verify=false", image]);
    return (JSON.parse(text) as { Layers: string[] }).Layers;
  };
  const [base, server, tool] = [await layersOf("base-image"), await layersOf("server"), await layersOf("tool")];
  expect(server.slice(0, base.length)).toEqual(base);
  expect(tool.slice(0, server.length)).toEqual(server);
});

testWith("make")("its Makefile passes its variables on to bt", async () => {
  const p = await copyWith("127.0.0.1:1");
  p.write("tools/bt", `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  fs.chmodSync(path.join(p.root, "tools/bt"), 0o755);
  const env = { PATH: `${p.root}/tools:${process.env["PATH"] ?? ""}`, HOME: p.root };

  await run("make", ["-C", p.root, "images", "COMPONENTS=base-image", "ARCHITECTURES=riscv64 arm64"], env);

  expect(Object.keys((JSON.parse(p.read(".bt/side-images/base-image.json")) as { cells: object }).cells)).toEqual([
    "riscv64",
    "arm64",
  ]);
});
