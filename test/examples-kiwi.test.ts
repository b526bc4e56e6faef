/** examples/kiwi-appliance in a copy of its folder, with a stand-in for KIWI: the real one builds such an image in test/plugins/kiwi-dice/real.test.ts. */
import { chmodSync, cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { serve, standIn, statusOf, testLocal, writeRepository } from "./plugins/kiwi-dice/rig.ts";
import { project, type Project, type Result } from "./support/project.ts";

interface Example extends Project {
  /** bt with the stand-in first in PATH. */
  readonly run: (...words: string[]) => Promise<Result>;
}

/** A copy whose repository is on loopback. */
async function copyOf(): Promise<Example> {
  const p = await project({ "bin/kiwi-ng": standIn.replaceAll("small", "appliance") });
  chmodSync(join(p.root, "bin/kiwi-ng"), 0o755);
  cpSync(join(import.meta.dirname, "../examples/kiwi-appliance"), p.root, { recursive: true });
  writeRepository(join(p.root, "mirror"), "bread");
  const { url } = await serve(join(p.root, "mirror"));
  const config = p.read("appliance/config.xml");
  p.write("appliance/config.xml", config.replace(/<source path="[^"]*"/, `<source path="${url}"`));
  p.write("appliance/config.sh", "#!/bin/sh\nexit 0\n");
  return { ...p, run: (...words) => p.btWith({ env: { PATH: `${p.root}/bin:${process.env["PATH"]}` } }, ...words) };
}

testLocal("the appliance is built once, its digests are printed, and its files are in dist", async () => {
  const p = await copyOf();

  const first = await p.run("sums");
  const second = await p.run("dice-build");

  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(first.stdout).toMatch(/^[0-9a-f]{64} {2}appliance\.x86_64-1\.0\.0-Example\.tar\.xz$/m);
  expect(readdirSync(join(p.root, "dist"))).toEqual([
    "appliance.x86_64-1.0.0-Example.tar.xz",
    "appliance.x86_64-1.0.0-Example.tar.xz.sha256",
  ]);
  expect(statusOf(second)).toEqual(["BuildStatus: UpToDate"]);
});

testLocal("a package in the appliance's repository makes its status BuildRequired", async () => {
  const p = await copyOf();
  await p.run("dice-build");

  writeRepository(join(p.root, "mirror"), "bread and butter");

  expect(statusOf(await p.run("dice-status"))).toEqual(["BuildStatus: BuildRequired", "--> repository debian changed"]);
});
