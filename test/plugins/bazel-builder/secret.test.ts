/** The login of a push: it works, and stands in no command line, log or record. */
import { execFileSync } from "node:child_process";
import { expect } from "vitest";
import { startRegistry, writeHtpasswd } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";
import { bakery } from "./rig.ts";

const withRegistry = testWith("docker-registry", "htpasswd", "git");

withRegistry("QUAY_USERNAME and QUAY_PASSWORD log in; the password is nowhere afterwards", async () => {
  const { host } = await startRegistry({ htpasswd: await writeHtpasswd() });
  const p = await bakery();
  const values = [`DOCKER_PREFIX=${host}/kv`, "VERSION=1", "ARCHITECTURES=amd64"];

  const without = await p.bt("builder-publish", ...values);
  const env = { QUAY_USERNAME: "baker", QUAY_PASSWORD: "crumb" };
  const result = await p.btWith({ env }, "builder-publish", ...values, "--output=json");

  expect([without.exitCode, result.exitCode]).toEqual([7, 0]);
  expect(result.stdout + result.stderr).not.toContain("crumb");
  const search = ["-rlE", `crumb|${Buffer.from("baker:crumb").toString("base64")}`, p.root];
  expect(() => execFileSync("grep", search)).toThrow();
});
